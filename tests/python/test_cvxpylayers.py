"""bpqp.cvxpy against cvxpylayers (pip install cvxpylayers: diffcp), on the examples it is known for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

cp = pytest.importorskip("cvxpy", reason="CVXPY is not installed")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from bpqp.cvxpy import CvxpyLayer  # noqa: E402

DOUBLE = {"dtype": torch.float64}

#: As far as Clarabel goes behind diffcp. A quadratic objective is a cone there, |Fx|^2 <= t, and a gap of
#: 1e-13 leaves sqrt(1e-13) = 3e-7 in x, times a condition number of 10 or so.
TIGHT = {
    "solve_method": "Clarabel",
    **{f"tol_{name}": 1e-13 for name in ("gap_abs", "gap_rel", "feas", "ktratio")},
}
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


class Example(NamedTuple):
    problem: Any
    parameters: Sequence[Any]
    variables: Sequence[Any]
    data: Callable[[Callable[..., Tensor]], list[Tensor]]  #: from a maker of normal random numbers


def nonnegative_least_squares() -> Example:
    x, A, b = cp.Variable(3), cp.Parameter((5, 3)), cp.Parameter(5)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(A @ x - b)), [x >= 0])
    return Example(problem, [A, b], [x], lambda normal: [normal(4, 5, 3), normal(5)])


def least_absolute_deviations() -> Example:
    x, A, b = cp.Variable(2), cp.Parameter((3, 2)), cp.Parameter(3)
    problem = cp.Problem(cp.Minimize(0.5 * cp.pnorm(A @ x - b, p=1)), [x >= 0])
    return Example(problem, [A, b], [x], lambda normal: [normal(3, 2), normal(4, 3)])


def lasso() -> Example:
    x, A, b, weight = cp.Variable(4), cp.Parameter((6, 4)), cp.Parameter(6), cp.Parameter(nonneg=True)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(A @ x - b) + weight * cp.norm1(x)))
    return Example(
        problem, [A, b, weight], [x], lambda normal: [normal(6, 4), normal(3, 6), 1 + normal(3).abs()]
    )


def relu() -> Example:
    x, y = cp.Parameter(4), cp.Variable(4)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(y - x)), [y >= 0])
    return Example(problem, [x], [y], lambda normal: [normal(5, 4)])


def hard_sigmoid() -> Example:
    x, y = cp.Parameter(4), cp.Variable(4)
    problem = cp.Problem(cp.Maximize(x @ y - 2 * cp.sum_squares(y - 0.5)), [y >= 0, y <= 1])
    return Example(problem, [x], [y], lambda normal: [2 * normal(5, 4)])


def sparsemax() -> Example:
    x, y = cp.Parameter(5), cp.Variable(5)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(y - x)), [cp.sum(y) == 1, y >= 0, y <= 0.6])
    return Example(problem, [x], [y], lambda normal: [normal(4, 5)])


def optnet() -> Example:
    n = 4
    z = cp.Variable(n)
    F, p, A, b, G, h = (cp.Parameter(s) for s in ((n, n), n, (1, n), 1, (3, n), 3))
    problem = cp.Problem(
        cp.Minimize(0.5 * cp.sum_squares(F @ z) + p @ z), [A @ z == b, G @ z <= h]
    )
    return Example(
        problem,
        [F, p, A, b, G, h],
        [z],
        lambda normal: [
            2 * torch.eye(n, **DOUBLE) + normal(3, n, n) / 4,
            normal(n),
            normal(1, n),
            normal(3, 1),
            normal(3, 3, n),
            normal(3).abs() + 1,
        ],
    )


def linear_over_an_ellipsoid() -> Example:
    x, S, c = cp.Variable(4), cp.Parameter((4, 4)), cp.Parameter(4)
    problem = cp.Problem(cp.Minimize(c @ x), [cp.norm(S @ x) <= 1])
    return Example(
        problem, [S, c], [x], lambda normal: [torch.eye(4, **DOUBLE) + normal(4, 4) / 4, normal(6, 4)]
    )


def robust_linear_program() -> Example:
    x = cp.Variable(3)
    a, b, F = cp.Parameter((5, 3)), cp.Parameter(5), cp.Parameter((3, 3))
    rows = [a[i] @ x + 0.3 * cp.norm(F @ x) <= b[i] for i in range(5)]
    problem = cp.Problem(cp.Minimize(cp.sum(x)), [*rows, cp.norm_inf(x) <= 2])
    return Example(
        problem, [a, b, F], [x], lambda normal: [normal(3, 5, 3), normal(5).abs() + 0.5, normal(3, 3)]
    )


def markowitz() -> Example:
    n = 5
    w, mu, F, risk = cp.Variable(n), cp.Parameter(n), cp.Parameter((n, n)), cp.Parameter(nonneg=True)
    objective = cp.Maximize(mu @ w - cp.sum_squares(F @ w) - risk * cp.norm1(w - 1 / n))
    problem = cp.Problem(objective, [cp.sum(w) == 1, w >= 0])
    return Example(
        problem,
        [mu, F, risk],
        [w],
        lambda normal: [normal(4, n), normal(n, n), normal(4).abs() / 10],
    )


def several_of_everything() -> Example:
    X, t = cp.Variable((2, 3)), cp.Variable()
    C, weight = cp.Parameter((2, 3)), cp.Parameter(nonneg=True)
    y, d = cp.Variable(2, nonneg=True), cp.Parameter(2)
    problem = cp.Problem(
        cp.Minimize(cp.sum_squares(X - C) + weight * t + cp.sum_squares(y - d)),
        [cp.norm(X, "fro") <= t, cp.sum(X) == cp.sum(y), X[0, 1] <= 0.1],
    )
    return Example(
        problem,
        [d, weight, C],
        [t, X, y],
        lambda normal: [normal(2), 0.5 + normal(3).abs(), normal(3, 2, 3)],
    )


EXAMPLES = [
    nonnegative_least_squares,
    least_absolute_deviations,
    lasso,
    relu,
    hard_sigmoid,
    sparsemax,
    optnet,
    linear_over_an_ellipsoid,
    robust_linear_program,
    markowitz,
    several_of_everything,
]


def random_data(example: Example, seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return example.data(lambda *shape: torch.randn(shape, generator=generator, **DOUBLE))


def values_and_gradients(layer: Any, data: list[Tensor], **solver_args: Any) -> list[Tensor]:
    """The variables, and the gradients of a fixed linear loss."""
    inputs = [t.clone().requires_grad_() for t in data]
    values = layer(*inputs, solver_args=solver_args)
    generator = torch.Generator().manual_seed(0)
    loss = sum((v * torch.randn(v.shape, generator=generator, **DOUBLE)).sum() for v in values)
    return [v.detach() for v in values] + list(torch.autograd.grad(loss, inputs))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("make", EXAMPLES, ids=lambda make: make.__name__)
def test_values_and_gradients_are_those_of_cvxpylayers(make: Callable[[], Example], seed: int) -> None:
    theirs = pytest.importorskip("cvxpylayers.torch", reason="cvxpylayers is not installed")
    example = make()
    data = random_data(example, seed)
    ours = values_and_gradients(CvxpyLayer(*example[:3]), data)
    other = values_and_gradients(theirs.CvxpyLayer(*example[:3]), data, **TIGHT)
    assert len(ours) == len(other)
    for mine, reference in zip(ours, other):
        torch.testing.assert_close(mine, reference, **TOLERANCE)


@pytest.mark.parametrize("make", EXAMPLES, ids=lambda make: make.__name__)
def test_the_gradients_pass_gradcheck(make: Callable[[], Example]) -> None:
    example = make()
    layer = CvxpyLayer(*example[:3])
    data = [t.requires_grad_() for t in random_data(example, 7)]
    # At the answers' accuracy of 1e-12 to 1e-10, differences over gradcheck's step of 1e-6 have 1e-4.
    assert torch.autograd.gradcheck(layer, data, atol=1e-4)


@pytest.mark.parametrize("make", EXAMPLES, ids=lambda make: make.__name__)
def test_a_batch_is_its_problems_one_by_one(make: Callable[[], Example]) -> None:
    example = make()
    layer = CvxpyLayer(*example[:3])
    data = random_data(example, 3)
    together = layer(*data)
    batch = together[0].shape[0]
    for b in range(batch):
        one = [t[b] if t.dim() > len(p.shape) else t for t, p in zip(data, example.parameters)]
        for whole, part, variable in zip(together, layer(*one), example.variables):
            assert whole.shape == (batch, *variable.shape) and part.shape == variable.shape
            # Verified answers to the same active rows; the order of sums may differ.
            torch.testing.assert_close(whole[b], part, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("make", EXAMPLES, ids=lambda make: make.__name__)
def test_answers_satisfy_the_constraints_and_are_as_good_as_clarabels(make: Callable[[], Example]) -> None:
    example = make()
    data = random_data(example, 5)
    values = CvxpyLayer(*example[:3])(*data)
    for parameter, tensor in zip(example.parameters, data):
        parameter.value = (tensor[0] if tensor.dim() > len(parameter.shape) else tensor).numpy()
    best = example.problem.solve(solver=cp.CLARABEL)
    for variable, value in zip(example.variables, values):
        variable.save_value(value[0].numpy())
    for constraint in example.problem.constraints:
        # The tolerance that the solver was asked for, 1e-6.
        assert constraint.violation().max() <= 1e-6
    assert example.problem.objective.value == pytest.approx(best, rel=1e-6, abs=1e-6)
