"""QPLayer, and tensors as users have them."""

import concurrent.futures
import copy

import numpy as np
import pytest
import torch
from problems import qp

import bpqp
from bpqp.torch import QPLayer, solve_qp

data = [torch.tensor(a) for a in qp(1, batch=(6,))]


def test_a_layer_is_the_function():
    layer = QPLayer(4, 5, eps_abs=1e-9)
    assert torch.equal(layer(*data).x, solve_qp(*data, eps_abs=1e-9).x)
    assert repr(layer) == "QPLayer(n=4, m=5, eps_abs=1e-09)"


def test_the_answer_has_names_and_positions():
    solution = solve_qp(*data)
    x, y, status, report = solution
    assert x is solution.x and y is solution.y and status is solution.status and report is solution.report
    assert status.dtype == torch.int32 and status.shape == (6,)
    assert report.iterations.shape == (6,) and report.differentiable.dtype == torch.bool


def test_one_problem_has_no_batch_dimension():
    solution = solve_qp(*(t[0] for t in data))
    assert solution.x.shape == (4,) and solution.status.shape == () and solution.report.gap.shape == ()


def test_more_batch_dimensions_are_kept():
    shaped = [t.reshape(3, 2, *t.shape[1:]) for t in data]
    assert torch.equal(solve_qp(*shaped).x.reshape(6, 4), solve_qp(*data).x)


@pytest.mark.parametrize("batch", [1, 5, 6, 2])
def test_any_batch_size_gives_the_same_bits(batch):
    whole = solve_qp(*data).x
    assert torch.equal(solve_qp(*(t[:batch] for t in data)).x, whole[:batch])


def test_gradients_do_not_change_the_answers_bits():
    leaves = [t.clone().requires_grad_() for t in data]
    assert torch.equal(solve_qp(*leaves).x, solve_qp(*data).x)


def test_views_and_other_orders_of_memory_are_read_right():
    expected = solve_qp(*data).x
    P, q, A, l, u = data
    views = (
        P.mT.contiguous().mT,
        torch.stack([q, q], -1)[..., 0],
        A.permute(2, 0, 1).contiguous().permute(1, 2, 0),
        torch.cat([l, l], 0)[:6],
        torch.complex(u, u).conj().imag.neg(),
    )
    assert torch.equal(solve_qp(*views).x, expected)
    negative = torch.complex(q, -q).conj().imag  # carries a bit that says "negate when read"
    assert negative.is_neg() and torch.equal(solve_qp(P, negative, A, l, u).x, expected)
    grown = [t.clone().requires_grad_() for t in views]
    leaves = [t.clone().requires_grad_() for t in data]
    for g, h in zip(
        torch.autograd.grad(solve_qp(*grown).x.sum(), grown), torch.autograd.grad(solve_qp(*leaves).x.sum(), leaves)
    ):
        torch.testing.assert_close(g, h, rtol=1e-12, atol=1e-12)


def test_a_broadcast_argument_is_read_once_and_its_gradient_is_per_problem():
    P = data[0][0].expand(6, 4, 4).requires_grad_()
    x = solve_qp(P, *data[1:]).x
    (g,) = torch.autograd.grad(x.sum(), P)
    assert g.shape == (6, 4, 4)
    copied = data[0][0].repeat(6, 1, 1).requires_grad_()
    (h,) = torch.autograd.grad(solve_qp(copied, *data[1:]).x.sum(), copied)
    torch.testing.assert_close(g, h, rtol=1e-10, atol=1e-10)


def test_a_warm_start_saves_exchanges_and_keeps_the_answer():
    layer = QPLayer(4, 5, warm_start=True)
    cold = layer(*data)
    warm = layer(*data)
    assert cold.report.exchanges.max() > 0 and warm.report.exchanges.max() == 0
    torch.testing.assert_close(warm.x, cold.x, rtol=0, atol=1e-10)
    # A batch of another size starts cold.
    assert layer(*(t[:3] for t in data)).status.tolist() == [0, 0, 0]


def test_a_layer_can_be_copied_and_saved():
    layer = QPLayer(4, 5, warm_start=True)
    layer(*data)
    assert torch.equal(copy.deepcopy(layer)(*data).x, layer(*data).x)
    assert layer.state_dict() == {}


def test_missing_sides_and_matrices():
    P, q, A, l, u = data
    infinite = torch.full((5,), torch.inf).double()
    leaf = q.clone().requires_grad_()
    assert torch.equal(solve_qp(P, leaf, A, None, u + 1).x, solve_qp(P, q, A, -infinite, u + 1).x)
    free = solve_qp(P, leaf).x
    torch.testing.assert_close(free, -torch.linalg.solve(P, q), rtol=1e-10, atol=1e-10)
    free.sum().backward()
    torch.testing.assert_close(leaf.grad, -torch.linalg.solve(P, torch.ones_like(q)), rtol=1e-10, atol=1e-10)


def test_an_empty_batch_passes_through():
    empty = [t[:0].clone().requires_grad_() for t in data]
    x = solve_qp(*empty).x
    assert x.shape == (0, 4)
    assert [g.shape[0] for g in torch.autograd.grad(x.sum(), empty)] == [0] * 5


def test_training_reduces_the_loss():
    torch.manual_seed(2)
    model = torch.nn.Linear(3, 4).double()
    features, target = torch.randn(6, 3).double(), torch.zeros(6, 4).double()
    optimiser = torch.optim.Adam(model.parameters(), 0.1)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = (QPLayer(4, 5)(data[0], model(features), *data[2:]).x - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_inference_mode_before_training_leaves_nothing_behind():
    eye, ones = torch.eye(3, dtype=torch.double), torch.ones(3, dtype=torch.double)
    with torch.inference_mode():
        solve_qp(eye, ones, 2 * eye, None, ones)
    leaf = ones.clone().requires_grad_()
    solve_qp(eye, leaf, 2 * eye, None, ones).x.sum().backward()
    torch.testing.assert_close(leaf.grad, -ones)


def test_kappa_is_about_derivatives_alone():
    q, eye, one = torch.tensor([1.0, -2.0]).double(), torch.eye(2).double(), torch.ones(2).double()
    layer = QPLayer(2, 2, kappa=0.1)
    with torch.no_grad():
        x = layer(None, q, eye, -one, one).x
    assert torch.equal(x, layer(None, q.requires_grad_(), eye, -one, one).x)


def test_a_layer_that_was_mapped_starts_others_cold():
    layer = QPLayer(2, 0, warm_start=True)
    torch.func.vmap(lambda q: layer(torch.eye(2), q).x)(torch.ones(3, 2))
    assert torch.equal(layer(torch.eye(2), torch.ones(2)).x, -torch.ones(2))


def test_the_gradient_of_what_an_empty_batch_shares_is_zero():
    P = torch.eye(7).requires_grad_()
    for _ in range(20):
        torch.randn(7, 7)
        (g,) = torch.autograd.grad(solve_qp(P, torch.zeros(0, 7)).x.sum(), P)
        assert (g == 0).all()


def test_threads_may_differentiate_one_solution():
    torch.manual_seed(3)
    P, q = torch.eye(12).double() + 0.1, torch.randn(64, 12).double().requires_grad_()
    eye = torch.eye(12).double()
    x = solve_qp(P, q, eye, torch.full((12,), -0.3).double(), torch.full((12,), 0.3).double()).x
    (one,) = torch.autograd.grad(x.sum(), q, retain_graph=True)

    def differentiate(k):
        for _ in range(50):
            (g,) = torch.autograd.grad(x, q, torch.full_like(x, k), retain_graph=True)
            torch.testing.assert_close(g, k * one)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(differentiate, (1.0, 2.0, 3.0, 4.0)))


def test_numpy_numbers_are_settings():
    assert torch.equal(solve_qp(*data, max_iter=np.int64(50), eps_abs=np.float64(1e-6)).x, solve_qp(*data).x)


def test_the_backward_residual_is_there_after_a_backward_pass():
    data = [torch.tensor(a, requires_grad=True) for a in qp(1, batch=(3,))]
    x, _, status, report = solve_qp(*data, backward_method="admm")
    assert (report.backward_residual == 0).all()
    x.sum().backward()
    assert (report.backward_residual > 0).all() and (report.backward_residual < 1e-6).all()
    assert bpqp.Status(status[0]) is bpqp.Status.SOLVED
