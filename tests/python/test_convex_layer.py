"""ConvexLayer: general problems, the built-in solver, and solvers of the caller's."""

import numpy as np
import pytest
import torch
from problems import qp
from torch.autograd import forward_ad, gradcheck, gradgradcheck

import bpqp
from bpqp.torch import ConvexLayer, solve_qp


def normal(*shape, seed=1):
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def onto_ball(**options):
    return ConvexLayer(lambda z, y: ((z - y) ** 2).sum(), 3, g=lambda z, y: z @ z - 1, **options)


def softmax(**options):
    return ConvexLayer(lambda z, y: (z * z.log()).sum() + z @ y, 4, h=lambda z, y: z.sum() - 1, **options)


CENTRE = torch.full((4,), 0.25)


def test_projections_on_a_ball_are_those_of_the_closed_form():
    y = 2 * normal(20, 3)
    z, report = onto_ball()(y)
    expected = y / y.norm(dim=1, keepdim=True).clamp(min=1)
    # The KKT norm is below 1e-8, the multiplier at least 0.1 where the row is active.
    torch.testing.assert_close(z, expected, rtol=0, atol=1e-7)
    assert (report.status == 0).all() and report.kkt_norm.max() <= 1e-8


def test_an_entropy_gives_softmax_and_its_gradient():
    y = normal(5, 4).requires_grad_()
    z, _ = softmax()(y, z0=CENTRE)
    expected = torch.softmax(-y, 1)
    torch.testing.assert_close(z, expected, rtol=0, atol=1e-8)
    g = normal(5, 4, seed=2)
    ours, theirs = (torch.autograd.grad((s * g).sum(), y)[0] for s in (z, expected))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-7)


def mixed_layer(**options):
    """Curved equality, curved and straight inequalities, a quartic objective."""
    return ConvexLayer(
        lambda z, y: (z[0] - y["a"][0]) ** 2 + (z[1] - y["a"][1]) ** 4 + y["b"] * z[2] ** 2,
        3,
        h=lambda z, y: z[0] ** 2 + z[1] ** 2 + z[2] - 2,
        g=lambda z, y: torch.stack([z[0] * z[1] - y["b"], -z[2]]),
        eps=1e-10,
        **options,
    )


def test_gradients_of_problems_that_are_not_convex():
    a, b = normal(6, 2).requires_grad_(), (1 + normal(6).square()).requires_grad_()
    layer = mixed_layer()
    assert (layer({"a": a, "b": b})[1].status == 0).all()
    assert gradcheck(lambda a, b: layer({"a": a, "b": b})[0], (a, b))


def test_the_built_in_solver_finishes_a_hundred_random_starts():
    z, report = mixed_layer()({"a": 2 * normal(100, 2), "b": 1 + normal(100).square()}, z0=normal(100, 3, seed=3))
    assert (report.status == 0).all() and report.kkt_norm.max() <= 1e-10
    assert report.lam.min() >= -1e-9


@pytest.mark.parametrize("size", [1e-9, 1e-4, 1e6])
def test_what_the_objective_is_multiplied_by_does_not_matter(size):
    y = (2 * normal(20, 3)).requires_grad_()
    scaled = ConvexLayer(lambda z, y: size * ((z - y) ** 2).sum(), 3, g=lambda z, y: z @ z - 1)
    z, report = scaled(y)
    expected = y / y.norm(dim=1, keepdim=True).clamp(min=1)
    assert (report.status == 0).all()
    torch.testing.assert_close(z, expected, rtol=0, atol=1e-7)
    ours, theirs = (torch.autograd.grad(s[:, 0].sum(), y)[0] for s in (z, expected))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_a_quadratic_program_takes_one_iteration_and_agrees_with_solve_qp():
    P, q, A, _, u = (torch.tensor(a) for a in qp(1, batch=(5,), eq=0))
    layer = ConvexLayer(
        lambda z, y: 0.5 * z @ (y[0] @ z) + y[1] @ z, 4, g=lambda z, y: y[2] @ z - y[3]
    )
    leaves = [t.clone().requires_grad_() for t in (P, q, A, u)]
    z, report = layer(tuple(leaves))
    assert report.iterations.max() == 1
    x = solve_qp(leaves[0], leaves[1], leaves[2], None, leaves[3]).x
    torch.testing.assert_close(z, x, rtol=0, atol=1e-8)
    g = normal(5, 4)
    for ours, theirs in zip(torch.autograd.grad((z * g).sum(), leaves), torch.autograd.grad((x * g).sum(), leaves)):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_tensors_that_the_functions_close_over_get_gradients():
    weight = torch.tensor([1.0, 2.0, 0.5], dtype=torch.double, requires_grad=True)
    y = 2 * normal(4, 3)

    def solution(weight):
        layer = ConvexLayer(lambda z, y: (weight * (z - y) ** 2).sum(), 3, g=lambda z, y: z @ z - 1, eps=1e-10)
        return layer(y)[0]

    assert gradcheck(solution, (weight,))


@pytest.mark.parametrize("multipliers", [False, True])
def test_any_solver_may_go_forward(multipliers):
    scipy_optimize = pytest.importorskip("scipy.optimize")

    def by_scipy(y):
        found = [
            scipy_optimize.minimize(
                lambda z, t=t: ((z - t) ** 2).sum(), np.zeros(3), method="SLSQP", tol=1e-12,
                constraints={"type": "ineq", "fun": lambda z: 1 - z @ z, "jac": lambda z: -2 * z},
            ).x
            for t in y.numpy()
        ]  # fmt: skip
        z = torch.tensor(np.array(found))
        if not multipliers:
            return z
        return z, None, (y.norm(dim=1, keepdim=True) - 1).clamp(min=0)

    y = (2 * normal(6, 3)).requires_grad_()
    functions = (lambda z, y: ((z - y) ** 2).sum(), 3)
    z, report = ConvexLayer(*functions, g=lambda z, y: z @ z - 1, solver=by_scipy)(y)
    expected = y / y.norm(dim=1, keepdim=True).clamp(min=1)
    assert (report.status == 0).all() and report.kkt_norm.max() < 1e-5
    g = normal(6, 3, seed=4)
    ours, theirs = (torch.autograd.grad((s * g).sum(), y)[0] for s in (z, expected))
    # SLSQP ends at about 1e-8 in z, and the error of the gradient shrinks with that.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_the_gradients_error_shrinks_with_the_kkt_norm():
    y = (3 * normal(4, 3)).requires_grad_()
    expected = y / y.norm(dim=1, keepdim=True).clamp(min=1)
    g = normal(4, 3, seed=5)
    (right,) = torch.autograd.grad((expected * g).sum(), y)
    errors, norms = [], []
    for noise in (1e-3, 1e-5, 1e-7):
        shift = noise * normal(4, 3, seed=6)
        layer = ConvexLayer(
            lambda z, y: ((z - y) ** 2).sum(), 3, g=lambda z, y: z @ z - 1, solver=lambda y: expected.detach() + shift
        )
        z, report = layer(y)
        errors.append(float((torch.autograd.grad((z * g).sum(), y)[0] - right).abs().max()))
        norms.append(float(report.kkt_norm.max()))
    assert norms[0] > 10 * norms[1] > 100 * norms[2]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_one_problem_without_a_solution_harms_no_other():
    layer = ConvexLayer(
        lambda z, y: ((z - y[0]) ** 2).sum(), 2, g=lambda z, y: torch.stack([z @ z - y[1], 1 - z[0]])
    )
    centre = normal(3, 2).requires_grad_()
    radius = torch.tensor([4.0, 0.25, 4.0], dtype=torch.double)  # the second: z0 >= 1 and |z| <= 1/2
    with pytest.warns(bpqp.UnsolvedWarning, match="1 of 3"):
        z, report = layer((centre, radius))
    assert report.status.tolist()[0::2] == [0, 0] and report.status[1] > 1
    (g,) = torch.autograd.grad(z.sum(), centre)
    assert (g[1] == 0).all() and torch.isfinite(g).all()
    alone, _ = layer((centre[2:], radius[2:]))
    torch.testing.assert_close(z[2:], alone, rtol=0, atol=1e-12)


def test_a_functions_nan_is_its_problems_alone():
    y = torch.tensor([[1.0, 0, 0, 0], [float("nan"), 0, 0, 0]], dtype=torch.double)
    with pytest.warns(bpqp.UnsolvedWarning, match="1 of 2"):
        z, report = softmax()(y, z0=CENTRE)
    assert report.status[0] == 0 and report.status[1] > 1
    torch.testing.assert_close(z[0], torch.softmax(-y[0], 0), rtol=0, atol=1e-8)


def test_float32_and_empty_batches():
    z, report = onto_ball()(2 * normal(5, 3).float())
    assert z.dtype == torch.float32 and (report.status == 0).all()
    y = normal(0, 3).requires_grad_()
    z, report = onto_ball()(y)
    assert z.shape == (0, 3) and report.status.shape == (0,)
    z.sum().backward()
    assert y.grad.shape == (0, 3)


def test_bad_calls_are_named():
    layer = onto_ball()
    with pytest.raises(TypeError, match=r"y: expected a tensor \[B, \.\.\.\]"):
        layer(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"y: expected tensors \[B, \.\.\.\] with one B, got shapes \[\[2, 3\], \[3, 3\]\]"):
        layer((normal(2, 3), normal(3, 3)))
    with pytest.raises(TypeError, match="y: expected float32 or float64"):
        layer(torch.zeros(2, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"z0: expected shape \[2, 3\], got \[4\]"):
        layer(normal(2, 3), z0=normal(4))
    for f, h, error, message in (
        (lambda z, y: z - y, None, ValueError, r"f: expected a scalar for one problem, got shape \[3\]"),
        (lambda z, y: z @ y[0], None, RuntimeError, r"f: called for one problem, with z of shape \[3\] and y of \[3\]:"),
        (lambda z, y: z @ y, lambda z, y: [z[0]], TypeError, "h: expected it to return a tensor, got list"),
    ):
        with pytest.raises(error, match=message):
            ConvexLayer(f, 3, h=h)(normal(2, 3))
    with pytest.raises(ValueError, match="n: expected >= 1, got 0"):
        ConvexLayer(lambda z, y: z.sum(), 0)
    wrong = ConvexLayer(lambda z, y: ((z - y) ** 2).sum(), 3, solver=lambda y: y[:, :2])
    with pytest.raises(ValueError, match=r"solver: expected z of shape \[2, 3\], got \[2, 2\]"):
        wrong(normal(2, 3))
    wrong.solver = lambda y: "none"
    with pytest.raises(TypeError, match="solver: expected z as a tensor, got str"):
        wrong(normal(2, 3))
    wrong.solver = lambda y: (y, y)
    with pytest.raises(ValueError, match=r"solver: expected z, or \(z, nu, lam\), got 2 values"):
        wrong(normal(2, 3))
    for options, error, message in (
        ({"orders": 0}, ValueError, "orders: expected >= 1, got 0"),
        ({"orders": 1.5}, TypeError, "orders: expected a whole number, got 1.5"),
        ({"max_iter": "9"}, TypeError, "max_iter: expected a whole number, got '9'"),
        ({"eps": "a"}, ValueError, "eps: expected a number > 0, got 'a'"),
    ):
        with pytest.raises(error, match=message):
            onto_ball(**options)
    with pytest.raises(TypeError, match="y: expected one floating type in all its tensors, got float32, float64"):
        layer((normal(2, 3), normal(2, 3).float()))


@pytest.mark.parametrize("orders", [1, 2])
def test_a_derivative_of_an_order_too_many_is_refused_not_wrong(orders):
    y = (2 * normal(2, 3)).requires_grad_()
    z = onto_ball(orders=orders)(y)[0]
    for _ in range(orders):
        (z,) = torch.autograd.grad(z.sum(), y, create_graph=True)
    with pytest.raises(NotImplementedError, match=f"right up to order {orders}, .* orders={orders + 1}"):
        torch.autograd.grad(z.sum(), y)


def test_second_derivatives_of_curved_problems():
    a, b = normal(3, 2).requires_grad_(), (1 + normal(3).square()).requires_grad_()
    layer = mixed_layer(orders=2)
    assert (layer({"a": a, "b": b})[1].status == 0).all()
    assert gradgradcheck(lambda a, b: layer({"a": a, "b": b})[0], (a, b))


def test_derivatives_of_the_third_order_are_those_of_the_closed_form():
    y = normal(2, 4).requires_grad_()
    solutions = softmax(orders=3)(y, z0=CENTRE)[0], torch.softmax(-y, 1)
    g = normal(3, 2, 4, seed=2)
    for order in range(3):
        solutions = [torch.autograd.grad((s * g[order]).sum(), y, create_graph=True)[0] for s in solutions]
        # The point is right to 1e-8, and each order divides by z, which is 0.03 or more.
        torch.testing.assert_close(*solutions, rtol=0, atol=1e-6)


def test_a_solver_may_change_its_argument_and_its_answer():
    buffer = torch.zeros(1, 2, dtype=torch.double)

    def in_place(y):
        buffer.copy_(y.clamp_(0, 1))
        return buffer

    layer = ConvexLayer(lambda z, y: ((z - y) ** 2).sum(), 2, g=lambda z, y: torch.cat([z - 1, -z]), solver=in_place)
    y = torch.tensor([[0.5, 2.0]], dtype=torch.double, requires_grad=True)
    z, _ = layer(y)
    buffer.zero_()
    assert y.tolist() == [[0.5, 2.0]] and z.tolist() == [[0.5, 1.0]]
    z.sum().backward()
    torch.testing.assert_close(y.grad, torch.tensor([[1.0, 0.0]], dtype=torch.double))


def test_forward_mode_and_its_mixtures_with_reverse_mode():
    y, v = normal(2, 4), normal(2, 4, seed=2)

    def z(y):
        return softmax(orders=2)(y, z0=CENTRE)[0]

    def softmax_of(y):  # torch.softmax refuses some of the mixtures
        return torch.exp(-y) / torch.exp(-y).sum(1, keepdim=True)

    def reverse_over_forward(f):
        leaf = y.clone().requires_grad_()
        with forward_ad.dual_level():
            tangent = forward_ad.unpack_dual(f(forward_ad.make_dual(leaf, v))).tangent
            return torch.autograd.grad((tangent**2).sum(), leaf)[0]

    def forward_over_reverse(f):
        with forward_ad.dual_level():
            leaf = forward_ad.make_dual(y.clone().requires_grad_(), v)
            (gradient,) = torch.autograd.grad((f(leaf) ** 2).sum(), leaf, create_graph=True)
            return forward_ad.unpack_dual(gradient).tangent

    def forward(f):
        with forward_ad.dual_level():
            return forward_ad.unpack_dual(f(forward_ad.make_dual(y, v))).tangent

    for derivative in (forward, reverse_over_forward, forward_over_reverse):
        torch.testing.assert_close(derivative(z), derivative(softmax_of), rtol=0, atol=1e-7)


def test_forward_mode_over_reverse_of_an_order_too_many_is_refused_not_wrong():
    y = (2 * normal(2, 3)).requires_grad_()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(y, normal(2, 3))
        with pytest.raises(NotImplementedError, match="right up to order 1"):
            torch.autograd.grad(onto_ball()(dual)[0].sum(), dual, create_graph=True)


def test_a_start_where_nothing_is_finite_is_named():
    with pytest.warns(bpqp.UnsolvedWarning, match="2 of 2 .*; for 2 f, h, g or a derivative is not finite .* starts at z0"):
        report = softmax()(normal(2, 4))[1]
    assert not report.differentiable.any()


def test_reverse_over_forward_over_reverse_counts_every_order():
    y, v = (2 * normal(2, 3)).requires_grad_(), normal(2, 3, seed=2)

    def third(f):
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(y, v)
            (gradient,) = torch.autograd.grad((f(dual) ** 3).sum(), dual, create_graph=True)
            tangent = forward_ad.unpack_dual(gradient).tangent
        return torch.autograd.grad((tangent**2).sum(), y)[0]

    with pytest.raises(NotImplementedError, match="right up to order 2"):
        third(lambda y: onto_ball(orders=2)(y)[0])
    expected = third(lambda y: y * (y * y).sum(1, keepdim=True).clamp(min=1) ** -0.5)
    torch.testing.assert_close(third(lambda y: onto_ball(orders=3)(y)[0]), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("orders", [1, 2])
def test_a_problem_without_an_answer_has_no_part_in_gradients_that_are_shared(orders):
    w = torch.tensor(2.0, dtype=torch.double, requires_grad=True)
    y = torch.ones(3, 2, dtype=torch.double, requires_grad=True)
    z0 = torch.tensor([[0.5, 0.5], [0.0, 0.0], [0.5, 0.5]], dtype=torch.double)  # log 0 in the second
    layer = ConvexLayer(lambda z, y: -(w * y * z.log()).sum(), 2, h=lambda z, y: z.sum() - 1, orders=orders)
    with pytest.warns(bpqp.UnsolvedWarning, match="1 of 3"):
        z, report = layer(y, z0=z0)
    dy, dw = torch.autograd.grad(z[:, 0].sum(), (y, w))
    # z = y/sum(y): dz_0 = (y_1, -y_0)/sum(y)^2, and w has no part in it.
    torch.testing.assert_close(dy, torch.tensor([[0.25, -0.25], [0, 0], [0.25, -0.25]], dtype=torch.double))
    assert abs(dw) < 1e-7
    with pytest.warns(bpqp.UnsolvedWarning, match="1 of 1"):
        z, _ = layer(y[1:2], z0=z0[1:2])
    assert (torch.autograd.grad(z.sum(), y)[0] == 0).all()


def test_where_a_row_may_be_active_or_not_the_solution_is_not_differentiable():
    for size in (1e-6, 1.0, 1e6):
        layer = ConvexLayer(lambda z, y: size * ((z - y) ** 2).sum(), 2, g=lambda z, y: z - 1)
        y = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.5, 0.0], [1 + 1e-9, 0.0]], dtype=torch.double)
        assert layer(y)[1].differentiable.tolist() == [False, True, True, False]


def test_transforms_are_refused_and_say_what_is_there():
    y = normal(2, 3)
    for transform in (torch.func.grad, torch.func.jacfwd, torch.func.hessian):
        with pytest.raises(NotImplementedError, match="torch.func's transforms are not there"):
            transform(lambda y: onto_ball()(y)[0].sum())(y)
    y.requires_grad_()
    with pytest.raises(NotImplementedError, match="is_grads_batched"):
        torch.autograd.grad(onto_ball()(y)[0], y, torch.ones(4, 2, 3).double(), is_grads_batched=True)
