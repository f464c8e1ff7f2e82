"""bpqp.qpth against qpth (pip install --no-deps qpth==0.0.18; it asks for NumPy < 2 and runs with 2), and
against what its documentation says."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

import bpqp
from bpqp.qpth import QPFunction, QPSolvers, SpQPFunction

EMPTY = torch.Tensor()
DOUBLE = {"dtype": torch.float64}
NAMES = "QpGhAb"

#: qpth stops its interior point method at a complementarity gap of about 1e-8 to 1e-9, and clamps slacks
#: and multipliers at 1e-8 for the gradient; times a condition number of about 10 to 100 here.
QPTH_TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def random_family(seed: int, batch: int = 6, n: int = 8, rows: int = 5, equalities: int = 2) -> list[Tensor]:
    """(Q, p, G, h, A, b), all with a batch. With rows + equalities < n all are feasible, also when some
    arguments are shared."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, **DOUBLE)

    L = normal(batch, n, n)
    Q = L @ L.mT / n + torch.eye(n, **DOUBLE)
    return [
        Q, 3 * normal(batch, n), normal(batch, rows, n), normal(batch, rows),
        normal(batch, equalities, n), normal(batch, equalities),
    ]  # fmt: skip


def shared(data: list[Tensor], names: str) -> list[Tensor]:
    return [t[0] if name in names else t for name, t in zip(NAMES, data)]


def values_and_gradients(function, data: list[Tensor]) -> list[Tensor]:  # type: ignore[no-untyped-def]
    """zhat, and the gradients of a fixed linear loss in all arguments that are not empty."""
    inputs = [t.clone().requires_grad_(t.numel() > 0) for t in data]
    z = function(*inputs)
    weights = torch.linspace(-1.0, 2.0, z.numel(), dtype=z.dtype).reshape(z.shape).cos()
    (z * weights).sum().backward()
    return [z.detach()] + [t.grad for t in inputs if t.grad is not None]


def reference(*arguments, **settings):  # type: ignore[no-untyped-def]
    """qpth's own QPFunction."""
    qpth = pytest.importorskip("qpth.qp", reason="qpth is not installed")

    def call(*data: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # deprecations inside of qpth
            return qpth.QPFunction(*arguments, verbose=-1, **settings)(*data)

    return call


def assert_same(ours: list[Tensor], theirs: list[Tensor]) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs):
        torch.testing.assert_close(mine, other, **QPTH_TOLERANCE)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("names", ["", "Q", "p", "G", "h", "A", "b", "Gh", "QGhAb", "QpGhAb"])
def test_values_and_gradients_are_those_of_qpth_whatever_the_batch_shares(names: str, seed: int) -> None:
    data = shared(random_family(seed), names)
    assert_same(values_and_gradients(QPFunction(), data), values_and_gradients(reference(), data))


@pytest.mark.parametrize("seed", range(3))
def test_without_equalities_the_answers_are_those_of_qpth(seed: int) -> None:
    data = [*random_family(seed, rows=12)[:4], EMPTY, EMPTY]
    data[3] = data[3].abs() + 0.1  # z = 0 is feasible
    assert_same(values_and_gradients(QPFunction(), data), values_and_gradients(reference(), data))


def test_unbatched_arguments_give_one_row_as_in_qpth() -> None:
    data = shared(random_family(0), NAMES)
    ours, theirs = QPFunction()(*data), reference()(*data)
    assert ours.shape == theirs.shape == (1, 8)


def test_the_mean_over_the_batch_is_qpths_gradient_and_sum_the_true_one() -> None:
    data = shared(random_family(3), "QGhAb")
    mean = values_and_gradients(QPFunction(), data)
    total = values_and_gradients(QPFunction(shared_gradient="sum"), data)
    torch.testing.assert_close(mean[0], total[0])
    for name, a, b in zip(NAMES, mean[1:], total[1:]):
        # The same numbers up to rounding.
        torch.testing.assert_close(a * (1 if name == "p" else 6), b, rtol=1e-12, atol=1e-12)


def test_the_gradient_by_sum_passes_gradcheck() -> None:
    data = shared(random_family(1, batch=2, n=4, rows=2, equalities=1), "QGh")
    data[0] = (data[0] + data[0].mT) / 2

    def solve(Q: Tensor, *rest: Tensor) -> Tensor:
        return QPFunction(shared_gradient="sum")((Q + Q.mT) / 2, *rest)

    assert torch.autograd.gradcheck(solve, [t.requires_grad_() for t in data])


def test_neither_rows_are_needed() -> None:
    Q, p, *_ = random_family(0)
    z = QPFunction()(Q, p, EMPTY, EMPTY, EMPTY, EMPTY)
    torch.testing.assert_close(z, -torch.linalg.solve(Q, p), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(QPFunction()(Q, p, None, None, None, None), z)


def test_only_equalities_solve_the_kkt_system() -> None:
    Q, p, _, _, A, b = random_family(0)
    z = QPFunction()(Q, p, EMPTY, EMPTY, A, b)
    zero = torch.zeros(6, 2, 2, **DOUBLE)
    K = torch.cat([torch.cat([Q, A.mT], 2), torch.cat([A, zero], 2)], 1)
    expected = torch.linalg.solve(K, torch.cat([-p, b], 1))[:, :8]
    torch.testing.assert_close(z, expected, rtol=1e-9, atol=1e-9)


def test_q_may_be_singular() -> None:
    # minimise (z_0 - 1)^2/2 + z_1 with z >= 0.
    Q = torch.diag(torch.tensor([1.0, 0.0], **DOUBLE))
    p = torch.tensor([-1.0, 1.0], **DOUBLE)
    G, h = -torch.eye(2, **DOUBLE), torch.zeros(2, **DOUBLE)
    z = QPFunction(check_Q_spd=True)(Q, p, G, h, EMPTY, EMPTY)
    torch.testing.assert_close(z, torch.tensor([[1.0, 0.0]], **DOUBLE))


def test_a_problem_without_an_answer_warns_and_leaves_the_others_alone() -> None:
    data = random_family(2, batch=3)
    data[2][1, :2] = torch.tensor([1.0] + [0.0] * 7, **DOUBLE)
    data[2][1, 1] *= -1
    data[3][1, :2] = -1.0  # z_0 <= -1 and z_0 >= 1
    inputs = [t.requires_grad_() for t in data]
    with pytest.warns(bpqp.UnsolvedWarning, match="1 of 3"):
        z = QPFunction()(*inputs)
    assert z[1].isnan().all() and z[[0, 2]].isfinite().all()
    z.nan_to_num().sum().backward()
    for t in inputs:
        assert t.grad is not None and (t.grad[1] == 0).all() and t.grad.isfinite().all()
    with pytest.raises(bpqp.SolveError):
        QPFunction(strict=True)(*inputs)


def test_qpths_settings_are_accepted() -> None:
    data = random_family(0)
    expected = QPFunction()(*data)
    given = QPFunction(1e-8, 1, 5, 30, QPSolvers.CVXPY, False)(*data)
    assert torch.equal(expected, given)


def test_single_precision_is_kept_whatever_the_empty_tensors_are() -> None:
    Q, p, G, h, _, _ = (t.float() for t in random_family(0))
    z = QPFunction()(Q, p, G, h, EMPTY.double(), EMPTY.double())
    assert z.dtype == torch.float32


def test_one_of_g_and_h_alone_is_an_error_that_names_them() -> None:
    Q, p, G, _, A, b = random_family(0)
    with pytest.raises(ValueError, match="G and h"):
        QPFunction()(Q, p, G, EMPTY, A, b)


def test_sparse_arguments_give_the_dense_answer_and_the_entries_gradients() -> None:
    data = random_family(5)
    Q, p, G, h, A, b = data
    G = G * (G > 0)
    keep = [torch.ones(8, 8).nonzero().T, (G > 0).any(0).nonzero().T, torch.ones(2, 8).nonzero().T]
    values = [t[:, i[0], i[1]].requires_grad_() for t, i in zip((Q, G, A), keep)]
    function = SpQPFunction(keep[0], Q.shape[1:], keep[1], G.shape[1:], keep[2], A.shape[1:])
    z = function(values[0], p, values[1], h, values[2], b)
    dense = [t.clone().requires_grad_() for t in (Q, G, A)]
    expected = QPFunction()(dense[0], p, dense[1], h, dense[2], b)
    torch.testing.assert_close(z, expected)
    z.sin().sum().backward()
    expected.sin().sum().backward()
    for value, matrix, index in zip(values, dense, keep):
        torch.testing.assert_close(value.grad, matrix.grad[:, index[0], index[1]])


class OptNet(torch.nn.Module):
    """Two linear maps with a QP between them, whose Q, G and h are learned and shared by the batch."""

    def __init__(self, qp) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.qp = qp
        n, rows = 5, 7
        self.before = torch.nn.Linear(4, n, **DOUBLE)
        self.after = torch.nn.Linear(n, 3, **DOUBLE)
        self.L = torch.nn.Parameter(torch.tril(torch.rand(n, n, **DOUBLE)))
        self.G = torch.nn.Parameter(torch.empty(rows, n, **DOUBLE).uniform_(-1, 1))
        self.z0 = torch.nn.Parameter(torch.zeros(n, **DOUBLE))
        self.s0 = torch.nn.Parameter(torch.ones(rows, **DOUBLE))

    def forward(self, x: Tensor) -> Tensor:
        L = self.L.tril()
        Q = L @ L.T + 0.1 * torch.eye(5, **DOUBLE)
        h = self.G @ self.z0 + self.s0
        z = self.qp(Q, self.before(x), self.G, h, EMPTY, EMPTY)
        return torch.nn.functional.log_softmax(self.after(z), 1)


def losses_of_training(qp, steps: int = 25) -> Tensor:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    x = 3 * torch.randn(16, 4, **DOUBLE)
    labels = torch.randint(3, (16,))
    net = OptNet(qp)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.nll_loss(net(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def test_a_network_trains_to_the_same_losses_as_with_qpth() -> None:
    ours, theirs = losses_of_training(QPFunction()), losses_of_training(reference())
    assert ours[-1] < 0.7 * ours[0]
    # Differences of 1e-6 in a gradient, for 25 steps.
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
