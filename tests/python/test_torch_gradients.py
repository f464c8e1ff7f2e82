"""Derivatives of solve_qp, of every order and direction, against differences."""

import pytest
import torch
from problems import qp, socp
from torch.autograd import gradcheck, gradgradcheck

from bpqp.torch import solve_qp

TIGHT = {"eps_abs": 1e-11, "eps_rel": 1e-11}


def tensors(data):
    return [torch.tensor(a) for a in data]


def free_arguments(data, eq):
    """P, q, A, b, l, u of which each may be perturbed alone: an equality is one number."""
    P, q, A, l, u = tensors(data)
    leaves = [P, q, A, u[..., :eq], l[..., eq:], u[..., eq:]]
    return [t.clone().requires_grad_() for t in leaves]


def solve_free(P, q, A, b, l, u, cones=()):
    if cones:
        l = torch.full_like(u, -torch.inf)
    solution = solve_qp(P, q, A, torch.cat([b, l], -1), torch.cat([b, u], -1), cones, **TIGHT)
    return solution.x, solution.y


def qp_case():
    return free_arguments(qp(1, batch=(3,)), 1), ()


def socp_case():
    # Cones inside, on the boundary and at the apex (a test below sees to it), and one of a single row.
    P, q, A, b, _, u = free_arguments(socp(4, batch=(3,), cones=(3, 2, 1)), 1)
    return [P, q, A, b, u], (3, 2, 1)


def function(cones):
    if not cones:
        return solve_free
    return lambda P, q, A, b, u: solve_free(P, q, A, b, None, u, cones)


@pytest.mark.parametrize("case", [qp_case, socp_case], ids=["qp", "socp"])
def test_gradients_and_tangents_of_x_and_y_in_all_data(case):
    arguments, cones = case()
    assert gradcheck(
        function(cones), arguments, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True
    )


@pytest.mark.parametrize("case", [qp_case, socp_case], ids=["qp", "socp"])
def test_second_derivatives_in_all_data(case):
    arguments, cones = case()
    assert gradgradcheck(function(cones), arguments, check_fwd_over_rev=True, check_rev_over_rev=True)


def test_cones_of_the_case_are_in_every_position():
    arguments, cones = socp_case()
    x, y = function(cones)(*arguments)
    s = arguments[4] - (arguments[2][:, 1:] @ x.unsqueeze(-1)).squeeze(-1)
    seen = set()
    for b in range(3):
        for first, d in ((0, 3), (3, 2)):
            inside = s[b, first] - s[b, first + 1 : first + d].norm() > 1e-8
            apex = s[b, first] < 1e-8
            seen.add("inside" if inside else "apex" if apex else "boundary")
    assert seen == {"inside", "boundary", "apex"}
    assert (y[:, 1:].abs() > 1e-8).any()


def test_gradients_of_shared_arguments_are_sums():
    P, q, A, l, u = tensors(qp(4, batch=(5,)))
    # One P, A, l, u for five q: those of the first problem, for which all five are feasible.
    shared = [t.clone().requires_grad_() for t in (P[0], A[0], l[0], u[0])]
    copies = [t.detach().expand(5, *t.shape).clone().requires_grad_() for t in shared]
    for arguments in (shared, copies):
        x = solve_qp(arguments[0], q, *arguments[1:]).x
        (x**2).sum().backward()
    for one, many in zip(shared, copies):
        torch.testing.assert_close(one.grad, many.grad.sum(0))


def test_second_derivatives_of_shared_arguments():
    P, q, A, l, u = tensors(qp(5, eq=0))
    qs = torch.stack([q, q + 1, q - 1]).requires_grad_()
    leaves = [t.requires_grad_() for t in (P, A, l, u)]
    assert gradcheck(lambda P, A, l, u, q: solve_qp(P, q, A, l, u, **TIGHT)[:2], [*leaves, qs])
    assert gradgradcheck(lambda P, A, l, u, q: solve_qp(P, q, A, l, u, **TIGHT)[:2], [*leaves, qs])


def test_only_what_requires_a_gradient_gets_one():
    data = tensors(qp(6, batch=(2,)))
    data[1].requires_grad_()
    x = solve_qp(*data).x
    x.sum().backward()
    assert data[1].grad is not None and all(t.grad is None for t in (data[0], *data[2:]))


def test_the_first_backward_pass_and_the_differentiable_one_agree():
    leaves = [t.requires_grad_() for t in tensors(qp(7, batch=(4,)))]
    solution = solve_qp(*leaves)
    loss = (solution.x**3).sum() + solution.y.sin().sum()
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    again = torch.autograd.grad(loss, leaves, create_graph=True)
    for a, b in zip(first, again):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_a_batch_can_be_differentiated_after_others_were_solved():
    leaves = [t.requires_grad_() for t in tensors(qp(8, batch=(4,)))]
    x = solve_qp(*leaves).x
    expected = torch.autograd.grad(x.sum(), leaves, retain_graph=True)
    for seed in range(9, 12):
        solve_qp(*[t.requires_grad_() for t in tensors(qp(seed, batch=(4,)))]).x.sum().backward()
    for a, b in zip(torch.autograd.grad(x.sum(), leaves), expected):
        assert torch.equal(a, b)


def test_kappa_gives_linear_programs_a_gradient_and_refuses_second_ones():
    q = torch.tensor([1.0, -2.0], dtype=torch.double, requires_grad=True)
    A, l, u = torch.eye(2, dtype=torch.double), -torch.ones(2).double(), torch.ones(2).double()
    x = solve_qp(None, q, A, l, u, kappa=0.1).x
    (g,) = torch.autograd.grad(x[0], q, retain_graph=True)
    assert g[0] < 0
    with pytest.raises(NotImplementedError, match="kappa"):
        torch.autograd.grad(x[0], q, create_graph=True)


def test_float32_gradients_are_close_to_those_of_float64():
    data = qp(12, batch=(4,))
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaves = [torch.tensor(a, dtype=dtype, requires_grad=True) for a in data]
        gradients.append(torch.autograd.grad(solve_qp(*leaves).x.sum(), leaves))
    for single, double in zip(*gradients):
        assert single.dtype == torch.float32
        # Data rounded to 6e-8, times the condition of these problems, below 1e3.
        torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-4)
