"""bpqp.jax: values, batches, and what compiled programs do with them. Derivatives: test_jax_gradients.py."""

import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
from problems import qp, socp

import bpqp

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402

import bpqp.jax  # noqa: E402
from bpqp.jax import limit_cache, solve_qp  # noqa: E402
from bpqp.jax._register import interface_of, register  # noqa: E402

# The same data, solved by the same code: at most the rounding of one more product.
SAME = 1e-12


def arrays(data):
    return [jnp.asarray(a) for a in data]


def x_of(*data):
    return solve_qp(*data).x


def test_importing_bpqp_does_not_import_jax():
    code = "import sys, bpqp; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_interface_older_than_the_one_it_was_built_for_is_refused(monkeypatch, tmp_path):
    assert interface_of(jax.ffi.include_dir()) >= bpqp._core.XLA_INTERFACE
    assert interface_of(str(tmp_path)) is None
    monkeypatch.setattr(bpqp._core, "XLA_INTERFACE", (99, 0))
    with pytest.raises(ImportError, match=r"built for version \(99, 0\)"):
        register({})
    monkeypatch.delattr(bpqp._core, "xla_handlers")
    with pytest.raises(ImportError, match="built without it"):
        register({})


@pytest.mark.parametrize("cones", [(), (3, 2)], ids=["qp", "socp"])
def test_it_answers_as_numpy_does(cones):
    data = socp(1, batch=(3, 2), cones=cones) if cones else qp(1, batch=(3, 2))
    found, expected = solve_qp(*data, cones), bpqp.solve(*data, cones=cones)
    np.testing.assert_array_equal(found.x, expected.x)
    np.testing.assert_array_equal(found.y, expected.y)
    np.testing.assert_array_equal(found.status, expected.status)
    for name in ("iterations", "objective", "differentiable", "gap_relative"):
        np.testing.assert_array_equal(getattr(found.report, name), getattr(expected.report, name))


def test_the_report_is_there_inside_of_jit():
    data = arrays(qp(2, batch=(3,)))
    found = jax.jit(solve_qp)(*data)
    inside = jax.jit(lambda *d: solve_qp(*d).report.objective.sum())(*data)
    np.testing.assert_allclose(inside, found.report.objective.sum(), rtol=SAME)
    assert found.report.differentiable.dtype == bool and found.report.differentiable.all()
    with pytest.raises(AttributeError, match="no field 'iteration'"):
        _ = found.report.iteration


def test_an_argument_without_batch_dimensions_is_that_of_every_problem():
    P, q, A, l, u = qp(3)
    qs = q + np.arange(3.0)[:, None, None] * np.ones(4)
    us = u + 0.1 * np.arange(2.0)[:, None]
    found = solve_qp(P, qs, A, l, us)
    np.testing.assert_array_equal(found.x, bpqp.solve(P, qs, A, l, us).x)
    assert found.x.shape == (3, 2, 4) and found.status.shape == (3, 2)


def test_what_is_left_out():
    P, q, A, l, u = qp(4, batch=(3,), eq=0)
    np.testing.assert_array_equal(x_of(P, q), bpqp.solve(P, q).x)
    np.testing.assert_array_equal(x_of(P, q, A, None, u), bpqp.solve(P, q, A, None, u).x)
    assert solve_qp(P, q).y.shape == (3, 0)
    assert jax.grad(lambda q: x_of(P, q).sum())(jnp.asarray(q)).shape == (3, 4)
    box = solve_qp(None, [1.0, -2.0], np.eye(2), [-1, -1], [3, 3])
    np.testing.assert_allclose(box.x, [-1, 3], atol=1e-9)
    assert x_of(*(a[:0] for a in (P, q, A, l, u))).shape == (0, 4)


def test_vmap_is_the_batch():
    data = arrays(qp(5, batch=(3,)))
    np.testing.assert_array_equal(jax.vmap(x_of)(*data), x_of(*data))


def test_what_vmap_does_not_map_is_shared():
    P, q, A, l, u = arrays(qp(6))
    qs = q + jnp.arange(4.0)[:, None]
    mapped = jax.vmap(x_of, (None, 0, None, None, None))(P, qs, A, l, u)
    # Bits of shared matrices differ from those of copies; these are those of one shared batch.
    np.testing.assert_array_equal(mapped, x_of(P, qs, A, l, u))


def test_nested_vmaps_with_arguments_mapped_by_either_or_neither():
    P, q, A, l, u = arrays(qp(7))
    qs, us = q + jnp.arange(3.0)[:, None], u + 0.1 * jnp.arange(2.0)[:, None]
    inner = jax.vmap(x_of, (None, None, None, None, 0))
    both = jax.vmap(inner, (None, 0, None, None, None))(P, qs, A, l, us)
    expected = x_of(P, qs[:, None], A, l, us)
    np.testing.assert_allclose(both, expected, atol=SAME)
    Ps = P + jnp.arange(3.0)[:, None, None] * jnp.eye(4)
    mixed = jax.vmap(lambda P, q: x_of(P, q, A, l, us))(Ps, qs)  # a batch inside
    for i in range(3):
        for k in range(2):
            np.testing.assert_allclose(mixed[i, k], x_of(Ps[i], qs[i], A, l, us[k]), atol=SAME)


def test_float32():
    data = qp(8, batch=(4,))
    single = solve_qp(*(a.astype(np.float32) for a in data))
    assert single.x.dtype == single.y.dtype == single.report.objective.dtype == np.float32
    # Data rounded to 6e-8, times the condition of these problems, below 1e3.
    np.testing.assert_allclose(single.x, x_of(*data), rtol=1e-3, atol=1e-4)


def test_without_64_bits_everything_is_float32():
    code = """
import jax, numpy as np
from problems import qp
from bpqp.jax import solve_qp
data = qp(1, batch=(3,))
loss = lambda q: (solve_qp(data[0], q, *data[2:]).x ** 2).sum()
found = solve_qp(*data)
assert found.x.dtype == np.float32 and (found.status == 0).all() and found.report.gap.dtype == np.float32
assert jax.jit(jax.grad(loss))(data[1].astype(np.float32)).dtype == np.float32
assert jax.hessian(loss)(jax.numpy.asarray(data[1])).shape == (3, 4, 3, 4)
"""
    path = [p for p in sys.path if p]
    code = f"import sys; sys.path[:0] = {path}\n{code}"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def with_bad_ones():
    """Four problems: solvable, infeasible, with a NaN in q, with a NaN in P and A."""
    P, q, A, l, u = qp(1, batch=(4,))
    l[1, 1], u[1, 1] = 2.0, 1.0
    q[2, 0] = P[3, 0, 0] = A[3, 0, 0] = np.nan
    return arrays((P, q, A, l, u))


STATUSES = [0, bpqp.Status.PRIMAL_INFEASIBLE, bpqp.Status.INVALID_INPUT, bpqp.Status.INVALID_INPUT]


def test_problems_without_an_answer_warn_outside_of_jit():
    data = with_bad_ones()
    message = "3 of 4 .*1 solved, 1 primal_infeasible, 2 invalid_input"
    with pytest.warns(bpqp.UnsolvedWarning, match=message) as seen:
        found = solve_qp(*data)
    assert seen[0].filename == __file__
    assert found.status.tolist() == STATUSES and jnp.isnan(found.x[1:]).all()
    with pytest.raises(bpqp.SolveError, match="number 1, 2, 3") as error:
        solve_qp(*data, strict=True)
    assert error.value.status.tolist() == STATUSES
    with pytest.warns(bpqp.UnsolvedWarning):
        jax.grad(lambda q: x_of(data[0], q, *data[2:]).sum())(data[1])


def test_problems_without_an_answer_say_nothing_in_jit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jax.jit(lambda *d: solve_qp(*d, strict=True).status)(*with_bad_ones()).tolist() == STATUSES


def test_derivatives_of_every_order_of_problems_without_an_answer_are_zero():
    data = with_bad_ones()
    every = tuple(range(5))

    def loss(*data):
        found = solve_qp(*data)
        return (jnp.nan_to_num(found.x) ** 2).sum() + jnp.nan_to_num(found.y).sum()

    first = jax.jit(jax.grad(loss, argnums=every))
    second = jax.jit(jax.grad(lambda *d: sum((g**2).sum() for g in first(*d)), argnums=every))
    for gradients in (first(*data), second(*data)):
        for g in gradients:
            assert jnp.isfinite(g).all() and (g[1:] == 0).all()
        assert (gradients[1][0] != 0).any()
    tangent = jax.jit(lambda d: jax.jvp(x_of, tuple(d), tuple(map(jnp.ones_like, d)))[1])(data)
    assert jnp.isfinite(tangent).all() and (tangent[1:] == 0).all()


P, q, A, l, u = qp(1, batch=(3,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P": P[:, :3]}, r"P: expected \[\.\.\., n = 4, n = 4\].*got shape \[3, 3, 4\]"),
        ({"u": u[:2]}, r"u: its batch dimensions \[2\] do not broadcast with \[3\]"),
        ({"cones": (4, 3)}, r"cones: \[4, 3\] need 7 rows, A has 5"),
        ({"eps_abs": -1.0}, "eps_abs"),
        ({"method": "simplex"}, "setting 'method': expected one of auto, admm, inter.*, got 'simplex'"),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_wrong_values_and_shapes_name_the_argument(change, message, compiled):
    arguments = {"P": P, "q": q, "A": A, "l": l, "u": u} | change
    fixed = {k: arguments.pop(k) for k in ("cones", "eps_abs", "method") if k in arguments}

    def call(arguments):
        return solve_qp(**arguments, **fixed).x

    with pytest.raises(ValueError, match=message):
        (jax.jit(call) if compiled else call)(arguments)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"q": None}, TypeError, "q: expected an array"),
        ({"q": q.astype(complex)}, TypeError, "q: expected float32 or float64, got complex128"),
        ({"A": "all"}, TypeError, "A: expected float32 or float64, got <U3"),
        ({"l": jnp.asarray(l, jnp.float32)}, TypeError, r"l: expected float64 as q, got float32 of shape"),
        ({"u": jnp.zeros((3, 5), int)}, TypeError, "u: expected float32 or float64, got int64"),
        ({"tolerance": 1e-3}, TypeError, "there is no setting 'tolerance'; there are: adaptive_rho, alpha"),
        ({"max_iter": "many"}, TypeError, "setting 'max_iter': 'many' has the wrong type"),
        ({"eps_abs": [1.0]}, TypeError, "setting 'eps_abs': expected a number or a word, got list"),
        ({"device": "cuda"}, TypeError, "setting 'device': follows from the call"),
        ({"kappa": 0.1}, NotImplementedError, "kappa"),
    ],
)
def test_wrong_types_name_the_argument(change, error, message):
    with pytest.raises(error, match=message):
        solve_qp(**({"P": P, "q": q, "A": A, "l": l, "u": u} | change))


@pytest.mark.parametrize(
    ("platform", "cuda_built", "message"),
    [
        ("tpu", True, "q: expected an array on the CPU or a CUDA device, got one on"),
        ("gpu", False, "q: this bpqp was built for the CPU alone, got an array on"),
    ],
)
def test_arrays_on_devices_that_cannot_solve_are_refused(monkeypatch, platform, cuda_built, message):
    device = types.SimpleNamespace(platform=platform)
    monkeypatch.setattr(bpqp.jax._solve_qp, "_devices", lambda array: [device])
    monkeypatch.setattr(bpqp._core, "capabilities", lambda: {"cuda_built": cuda_built})
    with pytest.raises(ValueError, match=message):
        solve_qp(P, jnp.asarray(q), A, l, u)


def test_a_gradient_is_compiled_for_cuda_to_the_same_calls():
    gradient = jax.jit(jax.grad(lambda q: solve_qp(P, q, A, l, u).x.sum()))
    traced = gradient.trace(jnp.asarray(q))
    texts = [traced.lower(lowering_platforms=(platform,)).as_text() for platform in ("cpu", "cuda")]
    for text in texts:
        assert text.count("stablehlo.custom_call @bpqp_solve") == 1
        assert text.count("stablehlo.custom_call @bpqp_adjoint") == 1


def test_a_start_at_the_solution_needs_no_exchanges():
    cold = solve_qp(P, q, A, l, u)
    assert (cold.report.exchanges > 0).any()
    warm = jax.jit(lambda x, y: solve_qp(P, q, A, l, u, warm_start=(x, y)))(cold.x, cold.y)
    assert (warm.report.exchanges == 0).all()
    np.testing.assert_allclose(warm.x, cold.x, atol=1e-9)


def test_a_start_changes_no_derivative_and_has_none():
    cold = solve_qp(P, q, A, l, u)

    def loss(q, x, y):
        return (solve_qp(P, q, A, l, u, warm_start=(x, y)).x ** 3).sum()

    dq, dx, dy = jax.grad(loss, argnums=(0, 1, 2))(jnp.asarray(q), cold.x, cold.y)
    np.testing.assert_allclose(dq, jax.grad(lambda q: (solve_qp(P, q, A, l, u).x ** 3).sum())(jnp.asarray(q)), atol=1e-9)
    assert not dx.any() and not dy.any()


def test_starts_are_mapped_and_shared():
    cold = solve_qp(P, q, A, l, u)
    mapped = jax.vmap(lambda q, x: solve_qp(P[0], q, A[0], l[0], u[0], warm_start=(x, None)).x)
    expected = jax.vmap(lambda q: solve_qp(P[0], q, A[0], l[0], u[0]).x)(jnp.asarray(q))
    np.testing.assert_allclose(mapped(jnp.asarray(q), cold.x), expected, atol=1e-9)
    shared = solve_qp(P, q, A, l, u, warm_start=(cold.x[0], cold.y[0]))
    np.testing.assert_allclose(shared.x, cold.x, atol=1e-9)


@pytest.mark.parametrize(
    ("start", "error", "message"),
    [
        (np.zeros(4), TypeError, r"warm_start: expected a pair \(x, y\), got ndarray"),
        ((np.zeros(3), None), ValueError, r"warm_start: expected x of shape \[3, 4\] or \[4\], got \[3\]"),
        ((None, np.zeros((2, 5))), ValueError, r"warm_start: expected y of shape \[3, 5\] or \[5\], got \[2, 5\]"),
        (("x", None), TypeError, "warm_start's x: expected float32 or float64"),
    ],
)
def test_wrong_starts_are_refused(start, error, message):
    with pytest.raises(error, match=message):
        solve_qp(P, q, A, l, u, warm_start=start)


def test_settings_reach_the_solver():
    default = bpqp.solve(P, q, A, l, u).report.iterations
    settings = {"method": "admm", "eps_abs": 1e-3, "eps_rel": 0, "threads": 1, "adaptive_rho": False}
    expected = bpqp.solve(P, q, A, l, u, **settings).report.iterations
    assert (expected != default).any()
    np.testing.assert_array_equal(solve_qp(P, q, A, l, u, **settings).report.iterations, expected)


def test_the_limits_of_the_cache_can_be_set():
    limit_cache(solves=1)
    assert bpqp._core.xla_cache()["solves"] <= 1
    limit_cache()
    for wrong in (-1, 1.5, "a"):
        with pytest.raises(ValueError, match="limit_cache: solves: expected a whole number >= 0, got"):
            limit_cache(wrong)


def test_a_report_says_how_many_are_solved_and_has_no_backward_residual():
    report = solve_qp(P, q, A, l, u).report
    assert repr(report) == "ArrayReport of 3 problems: 3 solved"
    with pytest.raises(AttributeError, match="no field 'backward_residual'"):
        report.backward_residual  # noqa: B018
    jax.jit(lambda q: repr(solve_qp(P, q, A, l, u).report) and q)(jnp.asarray(q))


def test_cones_that_are_traced_are_refused():
    with pytest.raises(TypeError, match="cones: expected .* make it static, or close over it"):
        jax.jit(solve_qp)(P, q, A, l, u, cones=(3,))
