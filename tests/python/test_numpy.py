"""bpqp.solve."""

import copy
import pickle

import numpy as np
import pytest
from problems import kkt_error, qp, socp

import bpqp

# Answers are verified to about 1e-14 of the data's size; 1e-9 leaves room for cond(KKT) up to 1e5.
EXACT = 1e-9


def test_solves_one_problem():
    data = qp(1)
    result = bpqp.solve(*data)
    assert result.x.shape == (4,) and result.y.shape == (5,) and result.status.shape == ()
    assert result.status == bpqp.Status.SOLVED
    assert kkt_error(*data, result.x, result.y) < EXACT


def test_solves_a_batch_of_any_dimensions():
    data = qp(2, batch=(3, 2))
    result = bpqp.solve(*data)
    assert result.x.shape == (3, 2, 4) and result.status.shape == (3, 2)
    assert kkt_error(*data, result.x, result.y) < EXACT


def test_takes_lists_and_integers():
    result = bpqp.solve([[4, 1], [1, 2]], [1, 1], [[1, 1], [1, 0], [0, 1]], [1, 0, 0], [1, 0.7, 0.7])
    np.testing.assert_allclose(result.x, [0.3, 0.7], atol=EXACT)


def test_an_argument_without_batch_dimensions_is_that_of_every_problem():
    P, _, A, l, u = qp(3)
    q = np.random.default_rng(3).standard_normal((6, 4))
    shared = bpqp.solve(P, q, A, l, u)
    for b in range(6):
        alone = bpqp.solve(P, q[b], A, l, u)
        # Shared against copied matrices may differ in bits (docs/math.md), not in the answer.
        np.testing.assert_allclose(shared.x[b], alone.x, atol=EXACT)


def test_batch_dimensions_broadcast():
    P, q, A, l, u = qp(4)
    qs = q + np.arange(3.0)[:, None, None] * np.ones(4)
    us = u + np.arange(2.0)[:, None]
    result = bpqp.solve(P, qs, A, l, us)
    assert result.x.shape == (3, 2, 4)
    np.testing.assert_allclose(result.x[2, 1], bpqp.solve(P, qs[2, 0], A, l, us[1]).x, atol=EXACT)


def test_the_gradient_of_a_broadcast_argument_is_the_sum():
    P, q, A, l, u = qp(5)
    qs = q + np.arange(3.0)[:, None, None] * np.ones(4)
    us = u + 0.1 * np.arange(2.0)[:, None]
    result = bpqp.solve(P, qs, A, l, us)
    gradient = result.backward(np.ones(4))
    full = bpqp.solve(
        *(np.broadcast_to(a, (3, 2, *a.shape)).copy() for a in (P,)),
        np.broadcast_to(qs, (3, 2, 4)).copy(),
        np.broadcast_to(A, (3, 2, *A.shape)).copy(),
        np.broadcast_to(l, (3, 2, 5)).copy(),
        np.broadcast_to(us, (3, 2, 5)).copy(),
    ).backward(np.ones(4))
    np.testing.assert_allclose(gradient.P, full.P.sum((0, 1)), atol=EXACT)
    np.testing.assert_allclose(gradient.q, full.q.sum(1, keepdims=True), atol=EXACT)
    np.testing.assert_allclose(gradient.u, full.u.sum(0), atol=EXACT)


@pytest.mark.parametrize("cones", [(), (3, 2)])
def test_the_gradient_is_that_of_differences(cones):
    data = socp(6, cones=cones) if cones else qp(6)
    rng = np.random.default_rng(6)
    gx, gy = rng.standard_normal(4), rng.standard_normal(data[3].size)

    def loss(*arrays):
        result = bpqp.solve(*arrays, cones=cones, eps_abs=1e-12, eps_rel=1e-12)
        return float(gx @ result.x + gy @ result.y)

    gradient = bpqp.solve(*data, cones=cones, eps_abs=1e-12, eps_rel=1e-12).backward(gx, gy)
    for _ in range(5):
        direction = [rng.standard_normal(a.shape) for a in data]
        direction[3][0] = direction[4][0]  # the equality stays one
        step = 1e-6
        ahead = loss(*(a + step * d for a, d in zip(data, direction)))
        behind = loss(*(a - step * d for a, d in zip(data, direction)))
        slope = sum((g * d).sum() for g, d in zip(vars(gradient).values(), direction))
        # Central differences of answers right to 1e-14: 1e-14/1e-6 and step squared.
        assert abs(slope - (ahead - behind) / (2 * step)) < 1e-6 * max(1, abs(slope))


def test_arrays_in_any_order_of_memory_give_the_same_answer():
    P, q, A, l, u = qp(7, batch=(5,))
    result = bpqp.solve(P, q, A, l, u)
    other = bpqp.solve(
        np.asfortranarray(P), q[::-1][::-1], np.ascontiguousarray(A.swapaxes(1, 2)).swapaxes(1, 2),
        np.repeat(l, 2, axis=1)[:, ::2], u,
    )  # fmt: skip
    np.testing.assert_array_equal(result.x, other.x)


def test_float_data_give_float_answers():
    data = [a.astype(np.float32) for a in qp(8, batch=(3,))]
    result = bpqp.solve(*data)
    assert result.x.dtype == np.float32 and result.backward(np.ones(4)).P.dtype == np.float32
    # Half a unit in the last place of the answer, and the rounding of the data in the residual.
    assert kkt_error(*data, result.x, result.y) < 1e-4


def test_without_rows_it_solves_the_linear_system():
    P, q, *_ = qp(9, batch=(3,))
    result = bpqp.solve(P, q)
    assert result.y.shape == (3, 0)
    np.testing.assert_allclose(result.x, -np.linalg.solve(P, q[..., None])[..., 0], atol=EXACT)
    assert result.backward(np.ones(4)).A is None


def test_a_side_that_is_not_given_is_infinite():
    P, q, A, l, u = qp(10, eq=0)
    np.testing.assert_array_equal(bpqp.solve(P, q, A, None, u).x, bpqp.solve(P, q, A, l * 0 - np.inf, u).x)
    assert bpqp.solve(P, q, A, l).backward(np.ones(4)).u is None


def test_linear_programs_have_no_P():
    box = bpqp.Problem(None, [1.0, -2.0]).with_bounds(-1, 3)
    np.testing.assert_allclose(box.solve().x, [-1, 3], atol=EXACT)


def test_an_empty_batch_has_an_empty_answer():
    result = bpqp.solve(*(a[:0] for a in qp(11, batch=(2,))))
    assert result.x.shape == (0, 4) and result.status.shape == (0,)
    assert result.backward(np.ones(4)).P.shape == (0, 4, 4)


def test_results_of_two_calls_can_both_be_differentiated():
    one, two = bpqp.solve(*qp(12, batch=(3,))), bpqp.solve(*qp(13, batch=(3,)))
    first = one.backward(np.ones(4)).P
    two.backward(np.ones(4))
    np.testing.assert_array_equal(one.backward(np.ones(4)).P, first)


def test_without_gradients_there_is_no_backward():
    result = bpqp.solve(*qp(14), gradients=False)
    with pytest.raises(RuntimeError, match="gradients=False"):
        result.backward(np.ones(4))


def test_a_warm_start_at_the_solution_needs_no_exchange():
    data = qp(15, batch=(4,))
    cold = bpqp.solve(*data)
    warm = bpqp.solve(*data, warm_start=(cold.x, cold.y))
    assert cold.report.exchanges.max() > 0 and warm.report.exchanges.max() == 0
    np.testing.assert_allclose(warm.x, cold.x, atol=EXACT)


def test_result_and_report_are_readable():
    assert repr(bpqp.solve(*qp(16))).startswith("<bpqp.Result: n 4, m 5: 1 solved, objective")
    batch = bpqp.solve(*qp(16, batch=(3,)))
    assert repr(batch) == "<bpqp.Result: batch [3], n 4, m 5: 3 solved>"
    assert "3 solved" in repr(batch.report) and "differentiable 3" in repr(batch.report)
    with pytest.raises(AttributeError, match="no field 'iteration'"):
        _ = batch.report.iteration


def test_P_may_change_after_the_solve():
    P, q, A, l, u = qp(17)
    result = bpqp.solve(P, q, A, l, u)
    expected = result.backward(np.ones(4), np.ones(5))
    for a in (P, q, A, l, u):
        a *= 3
    again = result.backward(np.ones(4), np.ones(5))
    for one, two in zip(vars(expected).values(), vars(again).values()):
        np.testing.assert_array_equal(one, two)


def test_the_gradient_of_what_an_empty_batch_shares_is_zero():
    assert (bpqp.solve(np.eye(7), np.zeros((0, 7))).backward().P == 0).all()


def test_arrays_of_the_other_byte_order_are_converted():
    P, q, A, l, u = qp(1)
    swapped = [a.astype(">f8") for a in (P, q, A, l, u)]
    np.testing.assert_array_equal(bpqp.solve(*swapped).x, bpqp.solve(P, q, A, l, u).x)


def test_a_result_can_be_copied_and_pickled_without_its_factors():
    result = bpqp.solve(*qp(1, batch=(3,)))
    for other in (copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        np.testing.assert_array_equal(other.x, result.x)
        assert repr(other) == repr(result) and (other.report.status == result.report.status).all()
        with pytest.raises(RuntimeError, match="is a copy, which does not have the factors"):
            other.backward(np.ones(4))
    result.backward(np.ones(4))


def test_the_backward_residual_is_there_after_a_backward_pass():
    result = bpqp.solve(*qp(1, batch=(3,)), backward_method="admm")
    assert (result.report.backward_residual == 0).all()
    result.backward(np.ones(4))
    residual = result.report.backward_residual
    assert (residual > 0).all() and (residual < 1e-6).all()


def test_statuses_are_those_of_numbers_of_any_library():
    assert bpqp.Status(np.int32(4)) is bpqp.Status.PRIMAL_INFEASIBLE
    assert bpqp.Status(np.array(0)) is bpqp.Status.SOLVED
    with pytest.raises(ValueError, match="9 is not a valid Status"):
        bpqp.Status(9)
    with pytest.raises(ValueError, match="'solved' is not a valid Status"):
        bpqp.Status("solved")
