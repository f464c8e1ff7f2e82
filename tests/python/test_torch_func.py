"""torch.func: vmap, jvp, jacrev, jacfwd, hessian and what they are made of."""

import pytest
import torch
from problems import qp, socp
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

from bpqp._pool import POOL
from bpqp.torch import solve_qp

P, q, A, l, u = (torch.tensor(a) for a in qp(1, batch=(3,)))


def x_of(*data):
    return solve_qp(*data).x


def test_vmap_is_the_batch():
    assert torch.equal(vmap(x_of)(P, q, A, l, u), x_of(P, q, A, l, u))


def test_vmap_over_one_argument_shares_the_others():
    in_dims = (None, 0, None, None, None)
    mapped = vmap(x_of, in_dims=in_dims)(P[0], q, A[0], l[0], u[0])
    assert torch.equal(mapped, x_of(P[0], q, A[0], l[0], u[0]))


def test_vmap_over_another_dimension_and_with_a_batch_inside():
    qs = torch.stack([q, q + 0.1], 1)  # [3, 2, 4], mapped along 1
    mapped = vmap(x_of, in_dims=(None, 1, None, None, None))(P, qs, A, l, u)
    for i in range(2):
        torch.testing.assert_close(mapped[i], x_of(P, qs[:, i], A, l, u), rtol=0, atol=1e-12)


def test_vmap_in_vmap():
    qs = torch.stack([q, q + 0.1, q - 0.1, 2 * q])  # [4, 3, 4]
    inner = vmap(x_of, in_dims=(0, 0, 0, 0, 0))
    mapped = vmap(inner, in_dims=(None, 0, None, None, None))(P, qs, A, l, u)
    for i in range(4):
        torch.testing.assert_close(mapped[i], x_of(P, qs[i], A, l, u), rtol=0, atol=1e-12)


@pytest.mark.parametrize("argument", range(5))
def test_jacobians_forwards_and_backwards_agree(argument):
    one = [t[0] for t in (P, q, A, l, u)]
    backwards = jacrev(x_of, argnums=argument)(*one)
    forwards = jacfwd(x_of, argnums=argument)(*one)
    torch.testing.assert_close(backwards, forwards, rtol=1e-9, atol=1e-10)


def test_a_jacobian_takes_one_factor():
    one = [t[0] for t in (P, q, A, l, u)]
    solves = 0
    take = POOL.take

    def counted(key, batch):
        nonlocal solves
        solves += 1
        return take(key, batch)

    POOL.take = counted
    try:
        jacrev(x_of, argnums=1)(*one)
    finally:
        POOL.take = take
    assert solves == 1


def test_jacobians_of_every_problem_of_a_batch():
    each = vmap(jacrev(x_of, argnums=1))(P, q, A, l, u)
    whole = jacrev(x_of, argnums=1)(P, q, A, l, u)
    for b in range(3):
        torch.testing.assert_close(each[b], whole[b, :, b], rtol=1e-9, atol=1e-10)


def test_gradients_of_every_problem_of_a_batch():
    each = vmap(grad(lambda *data: x_of(*data).square().sum()))(P, q, A, l, u)
    leaf = P.clone().requires_grad_()
    x_of(leaf, q, A, l, u).square().sum().backward()
    torch.testing.assert_close(each, leaf.grad, rtol=1e-9, atol=1e-10)


def test_gradients_of_every_problem_with_shared_matrices():
    def loss(P, q):
        return x_of(P, q, A[0], l[0], u[0]).square().sum()

    each = vmap(grad(loss), in_dims=(None, 0))(P[0], q)
    for b in range(3):
        torch.testing.assert_close(each[b], grad(loss)(P[0], q[b]), rtol=1e-9, atol=1e-10)


def test_a_tangent_is_that_of_differences():
    direction = torch.randn(3, 4, dtype=torch.double, generator=torch.Generator().manual_seed(2))
    value, tangent = jvp(lambda q: x_of(P, q, A, l, u), (q,), (direction,))
    step = 1e-6
    difference = (x_of(P, q + step * direction, A, l, u) - x_of(P, q - step * direction, A, l, u)) / (2 * step)
    assert torch.equal(value, x_of(P, q, A, l, u))
    torch.testing.assert_close(tangent, difference, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("cones", [(), (3, 2)], ids=["qp", "socp"])
def test_hessians_by_every_mixture_agree(cones):
    data = [torch.tensor(a) for a in (socp(5, cones=cones) if cones else qp(5))]

    def loss(q, u):
        x, y, *_ = solve_qp(data[0], q, data[2], data[3], u, cones)
        return x.pow(3).sum() + y.square().sum()

    arguments = (data[1], data[4])
    expected = hessian(loss, argnums=(0, 1))(*arguments)
    others = (
        jacrev(jacrev(loss, argnums=(0, 1)), argnums=(0, 1))(*arguments),
        jacrev(jacfwd(loss, argnums=(0, 1)), argnums=(0, 1))(*arguments),
    )
    for other in others:
        torch.testing.assert_close(other, expected, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(expected[0][1], expected[1][0].mT, rtol=1e-8, atol=1e-8)


def test_forward_mode_inside_forward_mode_is_refused_not_wrong():
    with pytest.raises(NotImplementedError, match="jacfwd of jacfwd"):
        jacfwd(jacfwd(lambda P: x_of(P, q[0], A[0], l[0], u[0])))(P[0])


def test_linearize_and_make_fx_see_the_operators():
    def f(q):
        return x_of(P, q, A, l, u)

    direction = torch.ones_like(q)
    _, tangent = jvp(f, (q,), (direction,))
    torch.testing.assert_close(torch.func.linearize(f, q)[1](direction), tangent)
    graph = torch.fx.experimental.proxy_tensor.make_fx(f)(q)
    torch.testing.assert_close(graph(2 * q), f(2 * q))


def test_forward_over_reverse_by_dual_numbers_needs_no_graph():
    leaf = q.clone()
    direction = torch.ones_like(q)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(leaf.requires_grad_(), direction)
        (g,) = torch.autograd.grad(x_of(P, dual, A, l, u).pow(3).sum(), dual)
        tangent = torch.autograd.forward_ad.unpack_dual(g).tangent
    expected = jvp(grad(lambda q: x_of(P, q, A, l, u).pow(3).sum()), (q,), (direction,))[1]
    torch.testing.assert_close(tangent, expected)
