"""What bpqp.cvxpy.CvxpyLayer takes, refuses and returns."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest

cp = pytest.importorskip("cvxpy", reason="CVXPY is not installed")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

import bpqp  # noqa: E402
from bpqp.cvxpy import CvxpyLayer  # noqa: E402

DOUBLE = {"dtype": torch.float64}


def projection(n: int = 3, **attributes: Any) -> tuple[Any, Any, Any]:
    """(problem, x, c): the point of a simplex next to c."""
    x, c = cp.Variable(n, **attributes), cp.Parameter(n)
    return cp.Problem(cp.Minimize(cp.sum_squares(x - c)), [cp.sum(x) == 1, x >= 0]), x, c


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **DOUBLE)


def solved_by_clarabel(problem: Any, parameters: dict[Any, Tensor], *wanted: Any) -> list[Tensor]:
    for parameter, value in parameters.items():
        parameter.value = value.detach().numpy()
    problem.solve(solver=cp.CLARABEL)
    return [torch.as_tensor(np.asarray(v.value)) for v in wanted]


def assert_clarabel_agrees(ours: Any, theirs: Any) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        # Clarabel's default tolerance is 1e-8 in the gap, of which x may have the root.
        torch.testing.assert_close(mine.detach(), other.reshape(mine.shape), rtol=1e-4, atol=1e-4)


# Shapes and batches


def test_matrices_are_read_and_returned_as_they_lie() -> None:
    X, C, w = cp.Variable((2, 3)), cp.Parameter((2, 3)), cp.Parameter(3)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(X - C)), [X @ w == 0])
    c, v = normal(2, 3), normal(3, seed=1)
    (x,) = CvxpyLayer(problem, [C, w], [X])(c, v)
    expected = c - torch.outer(c @ v, v) / v.dot(v)
    torch.testing.assert_close(x, expected, rtol=1e-9, atol=1e-9)


def test_scalars_have_no_dimension_but_the_batchs() -> None:
    t, a = cp.Variable(), cp.Parameter()
    layer = CvxpyLayer(cp.Problem(cp.Minimize(t), [t >= a]), [a], [t])
    assert layer(torch.tensor(2.0))[0].shape == ()
    (batch,) = layer(torch.tensor([2.0, -1.0]))
    torch.testing.assert_close(batch, torch.tensor([2.0, -1.0]))


def test_a_parameter_without_the_batch_is_shared_and_what_depends_on_it_alone_is_not_repeated() -> None:
    x, A, b = cp.Variable(2), cp.Parameter((4, 2)), cp.Parameter(4)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x)), [A @ x <= b])
    layer = CvxpyLayer(problem, [A, b], [x])
    a, side = normal(4, 2), normal(5, 4, seed=1).abs()
    P, q, matrix, l, u = layer._program.evaluate([a, side], [False, True], side)
    assert P.dim() == matrix.dim() == 2 and q.dim() == 1
    assert l.shape == (4,) and u.shape == (5, 4)
    assert layer(a, side)[0].shape == (5, 2)


def test_a_batch_that_nothing_depends_on_is_returned_all_the_same() -> None:
    x, c, zero = cp.Variable(2), cp.Parameter(2), cp.Parameter(2)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x - c)), [x >= -9, 0 * zero @ x <= 1])
    (value,) = CvxpyLayer(problem, [c, zero], [x])(normal(2), normal(3, 2))
    assert value.shape == (3, 2)


def test_an_empty_batch_gives_an_empty_answer() -> None:
    problem, x, c = projection()
    assert CvxpyLayer(problem, [c], [x])(torch.zeros(0, 3))[0].shape == (0, 3)


def test_a_problem_without_parameters_or_rows_is_solved() -> None:
    x = cp.Variable(2)
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(x - [1, 2]))), [], [x])
    torch.testing.assert_close(layer()[0], torch.tensor([1.0, 2.0]))


def test_single_precision_is_kept() -> None:
    problem, x, c = projection()
    layer = CvxpyLayer(problem, [c], [x])
    single, double = layer(normal(4, 3).float())[0], layer(normal(4, 3))[0]
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-5)


def test_the_order_is_that_asked_for_and_not_all_variables_need_be() -> None:
    x, y, a, b = cp.Variable(2), cp.Variable(3), cp.Parameter(3), cp.Parameter(2)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x - b) + cp.sum_squares(y - a)))
    u, v = normal(3), normal(2, seed=1)
    torch.testing.assert_close(CvxpyLayer(problem, [a, b], [y, x])(u, v), (u, v))
    torch.testing.assert_close(CvxpyLayer(problem, [b, a], [x])(v, u), (v,))


# Attributes


def test_a_symmetric_variable_is_symmetric_and_its_gradient_right() -> None:
    X, C = cp.Variable((3, 3), symmetric=True), cp.Parameter((3, 3))
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(X - C)), [cp.trace(X) == 1]), [C], [X])
    c = normal(2, 3, 3).requires_grad_()
    (x,) = layer(c)
    half = (c + c.mT) / 2
    shift = (half.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 3
    torch.testing.assert_close(
        x, half - shift[:, None, None] * torch.eye(3, **DOUBLE), rtol=1e-9, atol=1e-9
    )
    assert torch.autograd.gradcheck(layer, c)


def test_symmetric_parameters_are_read_from_the_upper_triangle() -> None:
    x, S = cp.Variable(3), cp.Parameter((3, 3), symmetric=True)
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(x)), [S @ x == 1]), [S], [x])
    s = normal(2, 3, 3)
    s = s + s.mT
    (value,) = layer(s)
    torch.testing.assert_close(value, torch.linalg.solve(s, torch.ones(2, 3, **DOUBLE)))


def test_a_parameter_may_be_the_matrix_of_a_quadratic_form() -> None:
    x, Q, c = cp.Variable(3), cp.Parameter((3, 3), PSD=True), cp.Parameter(3)
    problem = cp.Problem(cp.Minimize(cp.quad_form(x, Q) + c @ x), [cp.sum(x) == 1])
    try:
        layer = CvxpyLayer(problem, [Q, c], [x])
    except ValueError:
        pytest.skip("this version of CVXPY does not take it")
    L, p = normal(4, 3, 3), normal(3, seed=1)
    q = L @ L.mT + torch.eye(3, **DOUBLE)
    (value,) = layer(q, p)
    for b in range(4):
        assert_clarabel_agrees([value[b]], solved_by_clarabel(problem, {Q: q[b], c: p}, x))
    assert torch.autograd.gradcheck(
        lambda L, p: layer(L @ L.mT + torch.eye(3, **DOUBLE), p), (L.requires_grad_(), p.requires_grad_())
    )


def test_diagonal_variables_are_zero_elsewhere() -> None:
    X, C = cp.Variable((3, 3), diag=True), cp.Parameter((3, 3))
    (x,) = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(X - C))), [C], [X])(normal(2, 3, 3))
    torch.testing.assert_close(x, torch.diag_embed(normal(2, 3, 3).diagonal(dim1=-2, dim2=-1)))


@pytest.mark.parametrize("attributes", [{"nonneg": True}, {"nonpos": True}, {"bounds": [-0.5, 0.25]}])
def test_bounds_of_a_variable_are_kept(attributes: dict[str, Any]) -> None:
    low, high = attributes.get("bounds", [0, np.inf] if "nonneg" in attributes else [-np.inf, 0])
    x, c = cp.Variable(4, **attributes), cp.Parameter(4)
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(x - c))), [c], [x])
    torch.testing.assert_close(layer(normal(5, 4))[0], normal(5, 4).clamp(low, high))


# Multipliers


def test_dual_variables_are_those_of_cvxpy() -> None:
    X, t, C = cp.Variable((2, 3)), cp.Variable(), cp.Parameter((2, 3))
    rows = [cp.SOC(cp.hstack([t, t + 1]), X[:, :2]), cp.sum(X) == 0.5, X >= -0.2, X[0] <= 2]
    problem = cp.Problem(cp.Minimize(t + cp.sum_squares(X - C)), rows)
    wanted = [X, *(v for row in rows for v in row.dual_variables)]
    before = [v.value for v in wanted]
    layer = CvxpyLayer(problem, [C], wanted)
    assert [v.value for v in wanted] == before  # the problem is left as it was
    c = normal(2, 3)
    assert_clarabel_agrees(layer(c), solved_by_clarabel(problem, {C: c}, *wanted))


def test_dual_variables_of_a_maximum_are_those_of_cvxpy_and_differentiable() -> None:
    x, c, r = cp.Variable(3), cp.Parameter(3), cp.Parameter()
    rows = [cp.sum(x) == r, x >= 0]
    problem = cp.Problem(cp.Maximize(c @ x - cp.sum_squares(x)), rows)
    wanted = [x, rows[0].dual_variables[0], rows[1].dual_variables[0]]
    layer = CvxpyLayer(problem, [c, r], wanted)
    data = 3 * normal(3), torch.tensor(2.0, **DOUBLE)
    assert_clarabel_agrees(layer(*data), solved_by_clarabel(problem, {c: data[0], r: data[1]}, *wanted))
    assert torch.autograd.gradcheck(layer, [t.requires_grad_() for t in data])


# Problems with epigraphs that are not unique, of which the variables' gradients are right all the same


def epigraphs() -> dict[str, Any]:
    x, c, g = cp.Variable(3), cp.Parameter(3), cp.Parameter(nonneg=True)
    near = cp.sum_squares(x - c)
    return {
        "box by abs": (near, [cp.abs(x) <= g], x, c, g),
        "ball of norm1": (near, [cp.norm1(x) <= g], x, c, g),
        "ball of norm_inf": (near, [cp.norm_inf(x) <= g], x, c, g),
        "ball of norm2": (near, [cp.norm(x) <= g], x, c, g),
        "total variation": (near + g * cp.tv(x), [], x, c, g),
        "huber": (cp.sum(cp.huber(x - c, 0.5)) + g * cp.sum_squares(x), [], x, c, g),
        "maximum": (near + g * cp.max(x), [x <= 2], x, c, g),
        "two norms": (near + g * cp.norm(x[:2]) + g * cp.abs(x[2]), [], x, c, g),
        "cone twice": (near, [cp.norm(x) <= g, cp.norm(x) <= 2 * g], x, c, g),
        "row twice": (near, [cp.sum(x) <= g, cp.sum(x) <= g, x >= -g], x, c, g),
    }


@pytest.mark.parametrize("name", epigraphs())
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_right_whether_or_not_epigraphs_are_unique(name: str, seed: int) -> None:
    objective, rows, x, c, g = epigraphs()[name]
    layer = CvxpyLayer(cp.Problem(cp.Minimize(objective), rows), [c, g], [x])
    data = normal(4, 3, seed=seed), 0.3 + normal(4, seed=seed + 10).abs()
    # Answers are exact to 1e-10 or better, of which a difference over 1e-6 has 1e-4.
    assert torch.autograd.gradcheck(layer, [t.requires_grad_() for t in data], atol=1e-4)


# Derivatives of other kinds


def test_second_derivatives_pass_gradgradcheck() -> None:
    x, F, c = cp.Variable(3), cp.Parameter((3, 3)), cp.Parameter(3)
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(F @ x - c)), [cp.norm(x) <= 0.5]), [F, c], [x])
    data = [torch.eye(3, **DOUBLE) + normal(3, 3) / 5, normal(2, 3, seed=1)]
    assert torch.autograd.gradgradcheck(layer, [t.requires_grad_() for t in data], atol=1e-4)


def test_vmap_is_the_batch() -> None:
    problem, x, c = projection()
    layer = CvxpyLayer(problem, [c], [x])
    data = normal(4, 3)
    torch.testing.assert_close(torch.func.vmap(lambda c: layer(c)[0])(data), layer(data)[0])


def test_a_compiled_layer_gives_the_same() -> None:
    problem, x, c = projection()
    layer = CvxpyLayer(problem, [c], [x])
    compiled = torch.compile(lambda c: layer(c)[0], fullgraph=True, backend="aot_eager")
    data = normal(4, 3).requires_grad_()
    value = compiled(data)
    torch.testing.assert_close(value, layer(data)[0])
    (gradient,) = torch.autograd.grad((value * normal(4, 3, seed=1)).sum(), data)
    (expected,) = torch.autograd.grad((layer(data)[0] * normal(4, 3, seed=1)).sum(), data)
    torch.testing.assert_close(gradient, expected)


# No answer


def infeasible_for_negative() -> tuple[CvxpyLayer, Any]:
    x, r = cp.Variable(2), cp.Parameter()
    return CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(x)), [cp.norm(x) <= r]), [r], [x]), x


def test_infeasible_problems_warn_and_have_nan_and_zero_gradients() -> None:
    layer, _ = infeasible_for_negative()
    r = torch.tensor([1.0, -1.0], requires_grad=True)
    with pytest.warns(bpqp.UnsolvedWarning, match="1 of 2"):
        (x,) = layer(r)
    assert x[0].isfinite().all() and x[1].isnan().all()
    assert layer.last is not None
    assert layer.last.status.tolist() == [bpqp.Status.SOLVED, bpqp.Status.PRIMAL_INFEASIBLE]
    x.nan_to_num().sum().backward()
    assert r.grad is not None and r.grad[1] == 0


def test_strict_raises_for_them() -> None:
    layer, _ = infeasible_for_negative()
    with pytest.raises(bpqp.SolveError):
        layer(torch.tensor(-1.0), solver_args={"strict": True})


# Settings


def test_settings_of_this_library_are_used_and_those_of_cvxpylayers_solvers_accepted() -> None:
    problem, x, c = projection()
    layer = CvxpyLayer(problem, [c], [x], solver="SCS", solver_args={"eps": 1e-8, "max_iter": 1})
    data = normal(3)
    (value,) = layer(
        data, solver_args={"solve_method": "ECOS", "n_jobs_forward": 2, "eps_abs": 1e-9, "max_iter": 100}
    )
    torch.testing.assert_close(value, CvxpyLayer(problem, [c], [x])(data)[0])


def test_a_setting_that_nobody_has_is_an_error_that_names_it() -> None:
    problem, x, c = projection()
    with pytest.raises((TypeError, ValueError), match="epsilon"):
        CvxpyLayer(problem, [c], [x])(normal(3), solver_args={"epsilon": 1e-9})


def test_a_warm_start_gives_the_same_answer() -> None:
    problem, x, c = projection()
    layer = CvxpyLayer(problem, [c], [x])
    first = layer(normal(4, 3))
    for data in (normal(4, 3), normal(4, 3) + 0.01, normal(2, 3)):
        torch.testing.assert_close(layer(data, warm_start=True), layer(data), rtol=1e-9, atol=1e-9)
    assert first[0].shape == (4, 3)


def test_a_layer_can_be_copied_and_has_no_parameters() -> None:
    problem, x, c = projection()
    layer = CvxpyLayer(problem, [c], [x])
    torch.testing.assert_close(copy.deepcopy(layer)(normal(3)), layer(normal(3)))
    assert not list(layer.parameters()) and not layer.state_dict()


# Refused


def refused() -> dict[str, tuple[Any, str]]:
    x, p, X = cp.Variable(2), cp.Parameter(2), cp.Variable((2, 2), PSD=True)
    nonneg = cp.Parameter(2, nonneg=True)
    whole = cp.Variable(2, integer=True)
    return {
        "entropy": (cp.Problem(cp.Maximize(cp.sum(cp.entr(x)) - p @ x)), "exponential cone"),
        "psd": (cp.Problem(cp.Minimize(cp.trace(X) + cp.sum(p)), [X[0, 1] == p[0]]), "semidefinite"),
        "power": (
            cp.Problem(cp.Minimize(p @ x), [cp.PowCone3D(x[0], 1, x[1], 0.3)]), "power cone"
        ),
        "not dpp": (cp.Problem(cp.Minimize(cp.sum_squares(x)), [nonneg[0] * nonneg[1] * x[0] == 1]), "DPP"),
        "not dcp": (cp.Problem(cp.Maximize(cp.sum_squares(x) + p @ x)), "not DCP"),
        "integer": (cp.Problem(cp.Minimize(cp.sum_squares(whole - p))), "integer"),
    }  # fmt: skip


@pytest.mark.parametrize("name", refused())
def test_problems_of_other_kinds_are_refused_by_name(name: str) -> None:
    problem, message = refused()[name]
    with pytest.raises(ValueError, match=message):
        CvxpyLayer(problem, problem.parameters(), problem.variables())


def test_geometric_programs_are_refused() -> None:
    problem, x, c = projection()
    with pytest.raises(ValueError, match="gp"):
        CvxpyLayer(problem, [c], [x], gp=True)


def test_parameters_and_variables_must_be_the_problems() -> None:
    problem, x, c = projection()
    other, y = cp.Parameter(2, name="other"), cp.Variable(2, name="y")
    with pytest.raises(ValueError, match="also has param"):
        CvxpyLayer(problem, [], [x])
    with pytest.raises(ValueError, match="other is not in the problem"):
        CvxpyLayer(problem, [c, other], [x])
    with pytest.raises(ValueError, match="given twice"):
        CvxpyLayer(problem, [c, c], [x])
    with pytest.raises(ValueError, match="y is neither"):
        CvxpyLayer(problem, [c], [y])


def test_wrong_shapes_and_batches_are_errors_that_name_the_parameter() -> None:
    x, a, b = cp.Variable(2), cp.Parameter(2, name="a"), cp.Parameter(2, name="b")
    layer = CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(x - a - b))), [a, b], [x])
    with pytest.raises(ValueError, match="expected 2 tensors"):
        layer(normal(2))
    with pytest.raises(ValueError, match=r"b: expected shape \[2\]"):
        layer(normal(2), normal(3))
    with pytest.raises(ValueError, match=r"a: expected shape \[2\]"):
        layer(normal(1, 1, 2), normal(2))
    with pytest.raises(ValueError, match="b: has a batch of 4"):
        layer(normal(3, 2), normal(4, 2))


def test_bpqp_alone_imports_neither_torch_nor_cvxpy() -> None:
    code = "import bpqp, sys; assert not {'torch', 'cvxpy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
