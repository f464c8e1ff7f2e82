"""bpqp.Problem: other forms of a problem."""

import numpy as np
from problems import qp

import bpqp


def test_from_qpth_is_the_same_problem():
    P, q, A, l, u = qp(1, batch=(3,), eq=2, ineq=3)
    l[:, 2:] = -np.inf
    ours = bpqp.solve(P, q, A, l, u)
    theirs = bpqp.Problem.from_qpth(P, q, A[:, 2:], u[:, 2:], A[:, :2], u[:, :2]).solve()
    np.testing.assert_allclose(theirs.x, ours.x, atol=1e-10)


def test_from_qpth_takes_one_side_alone_and_shared_arrays():
    P, q, A, _, u = qp(2, eq=0, ineq=3)
    qs = q + np.arange(4.0)[:, None]
    problem = bpqp.Problem.from_qpth(P, qs, A, u, np.empty((0, 4)), np.empty(0))
    assert np.shape(problem.A) == (3, 4)
    np.testing.assert_allclose(problem.solve().x, bpqp.solve(P, qs, A, None, u).x, atol=1e-10)
    assert bpqp.Problem.from_qpth(P, qs).A is None


def test_bounds_become_rows():
    P, q, A, l, u = qp(3, batch=(5,))
    bounded = bpqp.Problem(P, q, A, l, u).with_bounds(lower=-0.1, upper=[0.1, 0.2, 0.3, np.inf])
    box = np.array([-0.1, 0.1, 0.2])
    assert np.shape(bounded.A) == (5, 9, 4) and box[0] == np.asarray(bounded.l)[0, 0]
    free = bpqp.solve(P, q, A, np.minimum(l, -50), np.maximum(u, 50), eps_abs=1e-9)
    wide = bpqp.Problem(P, q, A, np.minimum(l, -50), np.maximum(u, 50)).with_bounds(-100, 100).solve()
    np.testing.assert_allclose(wide.x, free.x, atol=1e-9)
    tight = bpqp.Problem(P, q).with_bounds(-0.1, 0.1).solve()
    assert np.abs(tight.x).max() <= 0.1 + 1e-12 and (np.abs(tight.x) > 0.1 - 1e-9).any()
