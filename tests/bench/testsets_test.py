"""The judge of testsets_problem.py: right answers pass, each kind of wrong one is named."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

from testsets_problem import Problem, judge


def entries(rows):
    found = [(i, j, v) for i, row in enumerate(rows) for j, v in enumerate(row) if v != 0]
    i, j, v = map(list, zip(*found)) if found else ([], [], [])
    return {"rows": len(rows), "cols": len(rows[0]), "i": i, "j": j, "v": v}


def problem(P, q, A, l, u, **more):
    data = {"n": len(q), "m": len(l), "P": entries(P), "q": q, "A": entries(A), "l": l, "u": u}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.json"
        path.write_text(json.dumps({**data, **more}))
        return Problem(path)


def answer(status, **vectors):
    return {"status": status, **{k: np.array(v, float) for k, v in vectors.items()}}


# minimise 1/2 x^2 - 2 x subject to x <= 1: x = 1, y = 1.
BOX = dict(P=[[1]], q=[-2], A=[[1]], l=[-1e30], u=[1])
SOLVED = {"status": "solved", "objective": -1.5, "tolerance": 1e-6}


class Judge(unittest.TestCase):
    def why(self, p, given, **options):
        return judge(p, given, 1e-6, **options)["why"]

    def test_point(self):
        p = problem(**BOX, expect=SOLVED)
        self.assertEqual(self.why(p, answer("solved", x=[1], y=[1])), "")
        self.assertIn("primal", self.why(p, answer("solved", x=[1.01], y=[0.99])))
        self.assertIn("dual", self.why(p, answer("solved", x=[1], y=[0.9])))
        self.assertIn("gap", self.why(p, answer("solved", x=[0.5], y=[1.5])))
        self.assertIn("not finite", self.why(p, answer("solved", x=[np.nan], y=[1])))
        self.assertIn("expected solved", self.why(p, answer("dual_infeasible", x=[1])))
        self.assertEqual(self.why(p, answer("iteration_limit")), "iteration_limit")

    def test_multiplier_of_an_absent_side(self):
        p = problem(P=[[1]], q=[1], A=[[1]], l=[-1e30], u=[1])
        self.assertIn("dual", self.why(p, answer("solved", x=[0], y=[-1])))

    def test_objective_and_slack(self):
        p = problem(**BOX, expect={**SOLVED, "objective": -1.500005})
        self.assertIn("objective", self.why(p, answer("solved", x=[1], y=[1])))
        self.assertEqual(self.why(p, answer("solved", x=[1], y=[1]), slack=10), "")

    def test_cone(self):
        # minimise 3 x0 + 4 x1 subject to |x| <= 1: x = -(3, 4)/5, y = (5, 3, 4).
        A, sides = [[0, 0], [-1, 0], [0, -1]], [1, 0, 0]
        p = problem([[0, 0], [0, 0]], [3, 4], A, sides, sides, cones=[3])
        self.assertEqual(self.why(p, answer("solved", x=[-0.6, -0.8], y=[5, 3, 4])), "")
        self.assertIn("primal", self.why(p, answer("solved", x=[-0.6, -0.9], y=[5, 3, 4])))
        self.assertIn("dual", self.why(p, answer("solved", x=[-0.6, -0.8], y=[4, 3, 4])))

    def test_primal_certificate(self):
        # x <= 0 and x >= 1: h(y) = -1 at y = (1, -1).
        p = problem(
            [[0]], [0], [[1], [1]], [-1e30, 1], [0, 1e30], expect={"status": "primal_infeasible"}
        )
        given = "primal_infeasible"
        self.assertEqual(self.why(p, answer(given, certificate=[1, -1])), "")
        self.assertIn("|A'y|", self.why(p, answer(given, certificate=[1.1, -1])))
        self.assertIn("h(y)", self.why(p, answer(given, certificate=[2, -2])))
        self.assertIn("absent", self.why(p, answer(given, certificate=[-1, -1])))
        self.assertIn("no certificate", self.why(p, answer(given)))
        self.assertEqual(self.why(p, answer(given), slack=10), "")

    def test_dual_certificate(self):
        p = problem([[0]], [1], [[1]], [-1e30], [5], expect={"status": "dual_infeasible"})
        self.assertEqual(self.why(p, answer("dual_infeasible", certificate=[-1])), "")
        blocked = problem([[0]], [1], [[1]], [-5], [5])
        self.assertIn("violation", self.why(blocked, answer("dual_infeasible", certificate=[-1])))

    def test_rows_that_cross_need_no_certificate(self):
        p = problem([[1]], [0], [[1]], [2], [1], expect={"status": "primal_infeasible"})
        self.assertEqual(self.why(p, answer("primal_infeasible")), "")


if __name__ == "__main__":
    unittest.main()
