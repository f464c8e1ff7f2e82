"""What bpqp.cvxpy takes out of CVXPY's cone program before it is solved."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

cp = pytest.importorskip("cvxpy", reason="CVXPY is not installed")

import numpy as np  # noqa: E402
import scipy.sparse as sp  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from bpqp.cvxpy import CvxpyLayer  # noqa: E402
from bpqp.cvxpy._affine import Columns  # noqa: E402
from bpqp.cvxpy._canonical import Canonical  # noqa: E402
from bpqp.cvxpy._program import cone_program  # noqa: E402
from bpqp.torch import solve_qp  # noqa: E402

DOUBLE = {"dtype": torch.float64}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **DOUBLE)


def size(layer: CvxpyLayer) -> tuple[int, int]:
    """(variables, rows) that are solved for."""
    return len(layer._program.columns), len(layer._program.rows)


def solved_by_clarabel(problem: Any, parameters: dict[Any, Tensor], x: Any) -> Tensor:
    for parameter, value in parameters.items():
        parameter.value = value.numpy()
    problem.solve(solver=cp.CLARABEL)
    return torch.as_tensor(x.value)


def test_least_squares_are_solved_in_their_own_variables() -> None:
    x, F, g = cp.Variable(3), cp.Parameter((20, 3)), cp.Parameter(20)
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(F @ x - g))), [F, g], [x])
    assert size(layer) == (3, 0)
    f, b = normal(4, 20, 3), normal(20, seed=1)
    expected = torch.linalg.lstsq(f, b.expand(4, 20).unsqueeze(-1)).solution.squeeze(-1)
    torch.testing.assert_close(layer(f, b)[0], expected, rtol=1e-9, atol=1e-9)


def test_the_problems_own_variables_and_rows_stay() -> None:
    x, y, c = cp.Variable(3), cp.Variable(3), cp.Parameter(3)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x)), [x == y + 1, y == c])
    layer = CvxpyLayer(problem, [c], [x, y])
    assert size(layer) == (6, 6)
    torch.testing.assert_close(layer(normal(3)), (normal(3) + 1, normal(3)))


@pytest.mark.parametrize("kind", ["dense form", "huber", "two squares", "squares and rows"])
def test_blocks_of_every_kind_give_clarabels_answer_and_right_gradients(kind: str) -> None:
    x, F, g = cp.Variable(3), cp.Parameter((5, 3)), cp.Parameter(5)
    M, N = normal(5, 5, seed=3), normal(5, 3, seed=4).numpy()
    objective = {
        "dense form": lambda: cp.quad_form(N @ x - 1, (M @ M.T).numpy()) + (F.T @ np.ones(5) + g[:3]) @ x,
        "huber": lambda: cp.sum(cp.huber(F @ x - g, 0.7)) + 0.1 * cp.sum_squares(x),
        "two squares": lambda: cp.sum_squares(F @ x - g) + cp.sum_squares(x + g[:3]),
        "squares and rows": lambda: cp.sum_squares(F @ x - g) + cp.max(F @ x) + cp.tv(x),
    }[kind]()
    problem = cp.Problem(cp.Minimize(objective), [x <= 2])
    layer = CvxpyLayer(problem, [F, g], [x])
    f, b = normal(5, 3), 2 * normal(3, 5, seed=1)
    (values,) = layer(f, b)
    for k in range(3):
        # Clarabel's default tolerance is 1e-8 in the gap, of which x may have the root.
        expected = solved_by_clarabel(problem, {F: f, g: b[k]}, x)
        torch.testing.assert_close(values[k], expected, rtol=1e-4, atol=1e-4)
    assert torch.autograd.gradcheck(layer, [t.requires_grad_() for t in (f, b)], atol=1e-5)


def test_two_bounds_are_one_row_and_both_have_gradients() -> None:
    x, low, high, c = cp.Variable(4), cp.Parameter(4), cp.Parameter(4), cp.Parameter(4)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x - c)), [x >= low, x <= high, cp.sum(x) <= 9])
    layer = CvxpyLayer(problem, [low, high, c], [x])
    assert size(layer) == (4, 5)
    data = -normal(4).abs(), normal(3, 4, seed=1).abs(), 2 * normal(3, 4, seed=2)
    torch.testing.assert_close(layer(*data)[0], data[2].clamp(data[0], data[1]))
    assert torch.autograd.gradcheck(layer, [t.requires_grad_() for t in data])


def test_two_bounds_stay_two_rows_if_their_multipliers_are_asked_for() -> None:
    x, c = cp.Variable(2), cp.Parameter(2)
    rows = [x >= -1, x <= 1]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x - c)), rows)
    layer = CvxpyLayer(problem, [c], [row.dual_variables[0] for row in rows])
    assert size(layer) == (2, 4)
    below, above = layer(torch.tensor([-3.0, 2.0], **DOUBLE))
    torch.testing.assert_close(below, torch.tensor([4.0, 0.0], **DOUBLE))
    torch.testing.assert_close(above, torch.tensor([0.0, 2.0], **DOUBLE))


def test_rows_that_follow_from_another_are_left_out_and_the_answer_is_differentiable() -> None:
    X, C = cp.Variable((2, 2), symmetric=True), cp.Parameter((2, 2))
    rows = [X >= 0, X >= -1, X <= 3, cp.sum(X) <= 5, cp.sum(X) <= 4]
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(X - C)), rows), [C], [X])
    assert size(layer) == (3, 4)  # three entries with two sides, and their sum
    (value,) = layer(torch.tensor([[5.0, -1.0], [-1.0, 5.0]], **DOUBLE))
    torch.testing.assert_close(value, torch.tensor([[2.0, 0.0], [0.0, 2.0]], **DOUBLE))
    assert layer.last is not None and layer.last.report.differentiable.all()


def test_rows_whose_sides_are_parameters_all_count() -> None:
    x, a = cp.Variable(), cp.Parameter(3)
    problem = cp.Problem(cp.Maximize(x), [x <= a[0], x <= a[1], x <= a[2], x >= -1, x <= 5])
    layer = CvxpyLayer(problem, [a], [x])
    data = torch.tensor([[3.0, 1.0, 2.0], [9.0, 8.0, 7.0], [0.0, 1.0, 2.0]])
    torch.testing.assert_close(layer(data)[0], torch.tensor([1.0, 5.0, 0.0]))


@pytest.mark.parametrize("seed", range(3))
def test_a_program_with_entries_in_every_block_keeps_its_solution(seed: int) -> None:
    n, gone, rows = 7, 3, 4
    rng = np.random.default_rng(seed)
    R = rng.standard_normal((n, n))
    P, q = R @ R.T + np.eye(n), rng.standard_normal(n)
    A = rng.standard_normal((gone + rows, n))
    A[:gone, :gone] = np.diag([1.0, -1.0, 1.0])
    b = A @ rng.standard_normal(n) + np.r_[np.zeros(gone), np.ones(rows)]

    def column(matrix: Any) -> Any:
        """As CVXPY has it: all entries below one another, of the constant 1 alone."""
        return sp.coo_array(matrix.reshape(-1, 1, order="F"))

    dims = SimpleNamespace(zero=gone, nonneg=rows, soc=[])
    data = SimpleNamespace(
        A=column(np.c_[-A, b]), P=column(P), q=column(np.r_[q, 0.0]), cone_dims=dims,
        x=SimpleNamespace(size=n), constr_size=gone + rows,
    )  # fmt: skip
    constant = Columns(np.array([-1]), np.array([-1]), ())
    # Of others than the first three variables nothing is 1, so that these are replaced.
    program = cone_program(Canonical(data, None, ()), constant, set(), set())
    assert program.columns.tolist() == [3, 4, 5, 6] and program.rows.tolist() == [3, 4, 5, 6]
    less = solve_qp(*program.evaluate([], [], torch.empty(0, **DOUBLE)))
    l = np.r_[b[:gone], np.full(rows, -np.inf)]
    whole = solve_qp(*(torch.as_tensor(a) for a in (P, q, A, l, b)))
    torch.testing.assert_close(less.x, whole.x[3:], rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(less.y, whole.y[3:], rtol=1e-8, atol=1e-8)
