"""Problems that have no answer, beside ones that have."""

import pickle

import numpy as np
import pytest
import torch
from problems import qp

import bpqp
from bpqp.torch import QPLayer, solve_qp


def with_bad_ones():
    """Four problems: solvable, infeasible, with a NaN, solvable."""
    P, q, A, l, u = qp(1, batch=(4,))
    l[1, 1], u[1, 1] = 2.0, 1.0
    q[2, 0] = np.nan
    return P, q, A, l, u


STATUSES = [0, bpqp.Status.PRIMAL_INFEASIBLE, bpqp.Status.INVALID_INPUT, 0]


def test_numpy_warns_with_counts_and_solves_the_others():
    data = with_bad_ones()
    with pytest.warns(bpqp.UnsolvedWarning, match="2 of 4 .*2 solved, 1 primal_infeasible, 1 invalid_input"):
        result = bpqp.solve(*data)
    assert result.status.tolist() == STATUSES
    alone = bpqp.solve(*(a[3] for a in data))
    np.testing.assert_allclose(result.x[3], alone.x, atol=1e-12)
    assert np.isnan(result.x[1:3]).all()
    gradient = result.backward(np.ones(4))
    assert all((g[1:3] == 0).all() for g in vars(gradient).values())
    assert np.isfinite(gradient.P).all() and (gradient.q[0] != 0).any()


def test_strict_raises_with_the_statuses():
    with pytest.raises(bpqp.SolveError, match="number 1, 2") as error:
        bpqp.solve(*with_bad_ones(), strict=True)
    assert error.value.status.tolist() == STATUSES


def leaves():
    return [torch.tensor(a, requires_grad=True) for a in with_bad_ones()]


def test_torch_warns_and_gives_zero_gradients():
    data = leaves()
    with pytest.warns(bpqp.UnsolvedWarning, match="2 of 4"):
        x, _, status, _ = solve_qp(*data)
    assert status.tolist() == STATUSES
    gradients = torch.autograd.grad(x.sum(), data)
    for g in gradients:
        assert (g[1:3] == 0).all() and torch.isfinite(g).all()
    assert all((gradients[1][b] != 0).any() for b in (0, 3))


def test_second_derivatives_and_tangents_of_unsolved_problems_are_zero():
    data = leaves()
    with pytest.warns(bpqp.UnsolvedWarning):
        x = solve_qp(*data).x
    first = torch.autograd.grad(x.nan_to_num().square().sum(), data, create_graph=True)
    for g in torch.autograd.grad(sum(g.square().sum() for g in first), data):
        assert torch.isfinite(g).all() and (g[1:3] == 0).all()
    with pytest.warns(bpqp.UnsolvedWarning):
        _, tangent = torch.func.jvp(
            lambda q: solve_qp(data[0], q, *data[2:]).x, (data[1],), (torch.ones(4, 4, dtype=torch.double),)
        )
    assert (tangent[1:3] == 0).all() and torch.isfinite(tangent).all()


def test_a_bad_problem_adds_nothing_to_a_shared_gradient():
    P, q, A, l, u = (torch.tensor(a) for a in with_bad_ones())
    good = [0, 3]
    gradients = []
    for rows in (slice(None), good):
        shared = P[0].clone().requires_grad_()
        if rows is good:
            x = solve_qp(shared, q[rows], A[rows], l[rows], u[rows]).x
        else:
            with pytest.warns(bpqp.UnsolvedWarning):
                x = solve_qp(shared, q, A, l, u).x
        gradients.append(torch.autograd.grad(x.nan_to_num().sum(), shared)[0])
    torch.testing.assert_close(*gradients)


def test_torch_strict_raises():
    with pytest.raises(bpqp.SolveError):
        solve_qp(*leaves(), strict=True)


def test_the_exception_can_be_pickled():
    error = pickle.loads(pickle.dumps(bpqp.SolveError("1 of 2", np.array([0, 4], np.int32))))
    assert str(error) == "1 of 2" and error.status.tolist() == [0, 4]


def test_a_warning_is_at_the_line_of_the_call():
    data = with_bad_ones()
    tensors = [torch.tensor(a) for a in data]
    calls = [
        lambda: bpqp.solve(*data),
        lambda: bpqp.Problem(*data).solve(),
        lambda: solve_qp(*tensors),
        lambda: solve_qp(*leaves()),
        lambda: QPLayer(4, 5)(*tensors),
        lambda: torch.func.vmap(lambda *d: solve_qp(*d).x)(*tensors),
    ]
    for call in calls:
        with pytest.warns(bpqp.UnsolvedWarning) as caught:
            call()
        assert [w.filename for w in caught] == [__file__]
