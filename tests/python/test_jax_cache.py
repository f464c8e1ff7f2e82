"""Where derivatives in bpqp.jax find the factors, whatever happened since the solve."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from problems import qp

import bpqp

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402

from bpqp.jax import limit_cache, solve_qp  # noqa: E402

TIGHT = {"eps_abs": 1e-11, "eps_rel": 1e-11}


def arrays(data):
    return [jnp.asarray(a) for a in data]


def x_of(*data):
    return solve_qp(*data, **TIGHT).x


def loss_of(*data):
    found = solve_qp(*data, **TIGHT)
    return (found.x**3).sum() + jnp.sin(found.y).sum()


def counts():
    return dict(bpqp._core.xla_cache())


def test_a_jacobian_takes_one_factor_and_no_second_solve():
    one = [a[0] for a in arrays(qp(1, batch=(3,)))]
    before = counts()
    jax.jit(jax.jacrev(x_of, argnums=1))(*one)
    jax.hessian(loss_of, argnums=1)(*one)
    after = counts()
    assert after["repeated"] == before["repeated"] and after["made"] <= before["made"] + 1


def many(count):
    """A loss over `count` different problems, all solved before the first is differentiated."""
    P, q, A, l, u = arrays(qp(9))

    def loss(q):
        total = 0.0
        for i in range(count):
            x = x_of(P + i * jnp.eye(4), q * (1 + 0.1 * i), A, l, u + 0.1 * i)
            total = total + (x**2).sum() * jnp.cos(total)
        return total

    return loss, q


def by_differences(loss, q, step=1e-6):
    return np.array([(loss(q + step * e) - loss(q - step * e)) / (2 * step) for e in np.eye(4)])


def test_many_solves_are_in_flight_in_one_program():
    loss, q = many(12)
    loss = jax.jit(loss)
    found = jax.jit(jax.grad(loss))(q)
    # Differences with a step of 1e-6 of a loss right to 1e-13.
    np.testing.assert_allclose(found, by_differences(loss, q), rtol=1e-6, atol=1e-6)


def test_factors_that_are_gone_are_computed_again_to_the_same_bits():
    loss, q = many(12)
    gradient = jax.jit(jax.grad(loss))
    expected = gradient(q)
    before = counts()["repeated"]
    limit_cache(solves=3)
    try:
        np.testing.assert_array_equal(gradient(q), expected)
        assert counts()["repeated"] >= before + 9 and counts()["solves"] <= 3
        limit_cache(solves=0, bytes=0)
        np.testing.assert_array_equal(gradient(q), expected)
    finally:
        limit_cache()


def test_a_scan_is_differentiated():
    P, q, A, l, u = arrays(qp(9))

    def loss(q):
        def step(x, _):
            x = x_of(P, q + 0.3 * x, A, l, u)
            return x, x.sum()

        return jax.lax.scan(step, q, None, length=20)[1].sum()

    loss = jax.jit(loss)
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(q), by_differences(loss, q), rtol=1e-6, atol=1e-6)
    remembered = jax.jit(jax.grad(jax.checkpoint(loss)))(q)
    np.testing.assert_allclose(remembered, jax.jit(jax.grad(loss))(q), rtol=1e-12)


def test_arguments_whose_memory_is_used_again():
    P, q, A, l, u = arrays(qp(10, batch=(64,)))

    def step(P, q):
        value, gradient = jax.value_and_grad(loss_of, argnums=(0, 1))(P, q, A, l, u)
        return P - 1e-3 * gradient[0], q - 1e-3 * gradient[1]

    given, kept = jax.jit(step, donate_argnums=(0, 1)), jax.jit(step)
    P1, q1, P2, q2 = P.copy(), q.copy(), P, q
    for _ in range(5):
        P1, q1 = given(P1, q1)
        P2, q2 = kept(P2, q2)
    np.testing.assert_array_equal(P1, P2)
    np.testing.assert_array_equal(q1, q2)


def test_a_pullback_is_called_after_its_arguments_are_gone():
    data = arrays(qp(11, batch=(32,)))
    expected = jax.grad(loss_of, argnums=1)(*data)
    one, pull = jax.vjp(lambda q: loss_of(data[0], q, *data[2:]), data[1])
    for seed in range(12, 16):
        jax.grad(loss_of, argnums=1)(*arrays(qp(seed, batch=(32,))))
    for _ in range(2):
        np.testing.assert_array_equal(pull(jnp.ones_like(one))[0], expected)


def test_threads_of_the_caller_share_the_cache():
    batches = [arrays(qp(seed, batch=(16,))) for seed in range(8)]
    gradient = jax.jit(jax.grad(loss_of, argnums=1))
    expected = [gradient(*data) for data in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: gradient(*batches[i % 8]), range(64)))
    for i, g in enumerate(found):
        np.testing.assert_array_equal(g, expected[i % 8])
