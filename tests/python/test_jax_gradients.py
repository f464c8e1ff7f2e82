"""Derivatives of bpqp.jax.solve_qp, of every order and direction (where factors are: test_jax_cache.py)."""

import numpy as np
import pytest
from problems import qp, socp

import bpqp

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from bpqp.jax import solve_qp  # noqa: E402

TIGHT = {"eps_abs": 1e-11, "eps_rel": 1e-11}
EVERY = (0, 1, 2, 3, 4)
CONES = (3, 2, 1)  # seed 4 has them inside, on the boundary and at the apex (test_torch_gradients.py)


def arrays(data):
    return [jnp.asarray(a) for a in data]


def x_of(*data):
    return solve_qp(*data, **TIGHT).x


def loss_of(*data, cones=()):
    found = solve_qp(*data, cones, **TIGHT)
    return (found.x**3).sum() + jnp.sin(found.y).sum()


def close(a, b):
    # Solutions right to 1e-14, divided by what the KKT matrices here have for smallest singular values.
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


def case(cones):
    return socp(4, batch=(3,), cones=cones) if cones else qp(1, batch=(3,))


def free(cones):
    """A function of data of which each may be perturbed alone (an equality is one number), and the data."""
    P, q, A, l, u = case(cones)
    if cones:

        def solve(P, q, A, b, u):
            l = jnp.full_like(u, -jnp.inf)
            sides = jnp.concatenate([b, l], -1), jnp.concatenate([b, u], -1)
            return solve_qp(P, q, A, *sides, cones, **TIGHT)[:2]

        return solve, (P, q, A, u[:, :1], u[:, 1:])

    def solve(P, q, A, b, l, u):
        return solve_qp(P, q, A, jnp.concatenate([b, l], -1), jnp.concatenate([b, u], -1), **TIGHT)[:2]

    return solve, (P, q, A, u[:, :1], l[:, 1:], u[:, 1:])


@pytest.mark.parametrize("mode", ["fwd", "rev"])
@pytest.mark.parametrize("cones", [(), CONES], ids=["qp", "socp"])
def test_derivatives_of_two_orders_are_those_of_differences(cones, mode):
    solve, data = free(cones)
    # Central differences with a step of 1e-5 of answers right to 1e-14: 1e-9, and the step squared.
    check_grads(jax.jit(solve), data, order=2, modes=(mode,), eps=1e-5, atol=1e-6, rtol=1e-6)


def test_second_derivatives_of_cones_of_equal_sizes_and_no_other_rows():
    P, q, A, _, u = socp(6, batch=(2,), eq=0, cones=(2, 3, 3))

    def solve(q, A, u):
        return solve_qp(P, q, A, None, u, (2, 3, 3), **TIGHT)[:2]

    assert (np.abs(solve(q, A, u)[1]) > 1e-8).any()
    check_grads(jax.jit(solve), (q, A, u), order=2, modes=("rev",), eps=1e-5, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("cones", [(), CONES], ids=["qp", "socp"])
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_those_of_numpy(cones, compiled):
    data = case(cones)
    gradient = jax.grad(lambda *d: loss_of(*d, cones=cones), argnums=EVERY)
    found = (jax.jit(gradient) if compiled else gradient)(*arrays(data))
    answer = bpqp.solve(*data, cones=cones, **TIGHT)
    for g, expected in zip(found, vars(answer.backward(3 * answer.x**2, np.cos(answer.y))).values()):
        close(g, expected)


def test_gradients_and_second_derivatives_are_those_of_torch():
    torch = pytest.importorskip("torch")
    from bpqp.torch import solve_qp as solve_torch

    data = case(CONES)
    leaves = [torch.tensor(a, requires_grad=True) for a in data]
    found = solve_torch(*leaves, CONES, **TIGHT)
    first = torch.autograd.grad((found.x**3).sum() + found.y.sin().sum(), leaves, create_graph=True)
    second = torch.autograd.grad(sum(g.square().sum() for g in first), leaves)

    def square(*data):
        gradients = jax.grad(lambda *d: loss_of(*d, cones=CONES), argnums=EVERY)(*data)
        return sum((g**2).sum() for g in gradients)

    for g, expected in zip(jax.jit(jax.grad(square, argnums=EVERY))(*arrays(data)), second):
        # Two solves, and cones' curvature of 1/s_t.
        np.testing.assert_allclose(g, expected.numpy(), rtol=1e-7, atol=1e-7)


def test_the_gradient_of_a_shared_argument_is_the_sum():
    P, q, A, l, u = arrays(qp(5))
    qs, us = q + jnp.arange(3.0)[:, None, None] * jnp.ones(4), u + 0.1 * jnp.arange(2.0)[:, None]
    shared = jax.grad(loss_of, argnums=EVERY)(P, qs, A, l, us)
    given = zip((P, qs, A, l, us), (2, 1, 2, 1, 1))
    full = [jnp.broadcast_to(a, (3, 2, *a.shape[-own:])) for a, own in given]
    copies = jax.grad(loss_of, argnums=EVERY)(*full)
    close(shared[0], copies[0].sum((0, 1)))
    close(shared[1], copies[1].sum(1, keepdims=True))
    close(shared[2], copies[2].sum((0, 1)))
    close(shared[4], copies[4].sum(0))


@pytest.mark.parametrize("argument", range(5))
def test_jacobians_forwards_and_backwards_agree(argument):
    one = [a[0] for a in arrays(qp(1, batch=(3,)))]
    close(jax.jacrev(x_of, argnums=argument)(*one), jax.jacfwd(x_of, argnums=argument)(*one))


def test_jacobians_of_every_problem_of_a_batch():
    data = arrays(qp(1, batch=(3,)))
    each = jax.vmap(jax.jacrev(x_of, argnums=1))(*data)
    forwards = jax.vmap(jax.jacfwd(x_of, argnums=1))(*data)
    whole = jax.jacrev(x_of, argnums=1)(*data)
    for b in range(3):
        close(each[b], whole[b, :, b])
        close(forwards[b], whole[b, :, b])
        np.testing.assert_array_equal(whole[b, :, b - 1], 0)


def test_gradients_of_every_problem_with_shared_matrices():
    P, q, A, l, u = arrays(qp(1, batch=(3,)))
    gradient = jax.grad(loss_of, argnums=(0, 1))
    each = jax.vmap(gradient, (None, 0, None, None, None))(P[0], q, A[0], l[0], u[0])
    for b in range(3):
        for g, expected in zip(each, gradient(P[0], q[b], A[0], l[0], u[0])):
            close(g[b], expected)


@pytest.mark.parametrize("cones", [(), (3, 2)], ids=["qp", "socp"])
def test_hessians_by_every_mixture_agree(cones):
    data = arrays(socp(5, cones=cones) if cones else qp(5))

    def loss(q, u):
        return loss_of(data[0], q, data[2], data[3], u, cones=cones)

    mixtures = ((jax.jacfwd, jax.jacrev), (jax.jacrev, jax.jacrev), (jax.jacrev, jax.jacfwd))
    hessians = [
        jax.jit(outer(inner(loss, argnums=(0, 1)), argnums=(0, 1)))(data[1], data[4])
        for outer, inner in mixtures
    ]
    for other in hessians[1:]:
        for a, b in zip(jax.tree.leaves(other), jax.tree.leaves(hessians[0])):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(hessians[0][0][1], hessians[0][1][0].T, rtol=1e-8, atol=1e-8)


def test_third_derivatives_are_those_of_differences():
    P, q, A, l, u = arrays(socp(5))
    direction = jnp.asarray(np.random.default_rng(5).standard_normal(4))

    def along(t):
        return loss_of(P, q + t * direction, A, l, u, cones=(3, 2))

    second, third = (jax.jit(jax.grad(jax.grad(along))), jax.jit(jax.grad(jax.jacfwd(jax.grad(along)))))
    step = 1e-4
    difference = (second(step) - second(-step)) / (2 * step)
    # The step squared, times a fifth derivative.
    np.testing.assert_allclose(third(0.0), difference, rtol=1e-4, atol=1e-5)


def test_float32_gradients_are_close_to_those_of_float64():
    for cones in ((), CONES):
        data = case(cones)
        gradient = jax.jit(jax.grad(lambda *d, c=cones: (solve_qp(*d, c).x ** 2).sum(), argnums=(0, 1, 2)))
        for single, double in zip(gradient(*(a.astype(np.float32) for a in data)), gradient(*data)):
            assert single.dtype == np.float32
            # Data rounded to 6e-8, times the condition of these problems, below 1e3.
            np.testing.assert_allclose(single, double, rtol=1e-3, atol=3e-4)


def test_float32_second_derivatives_are_close_to_those_of_float64():
    data = case(CONES)

    def slope(*data):
        gradients = jax.grad(lambda *d: (solve_qp(*d, CONES).x ** 2).sum(), argnums=(1, 4))(*data)
        return sum((g**2).sum() for g in gradients)

    gradient = jax.jit(jax.grad(slope, argnums=1))
    single, double = gradient(*(a.astype(np.float32) for a in data)), gradient(*data)
    np.testing.assert_allclose(single, double, rtol=1e-2, atol=1e-2 * float(abs(double).max()))
