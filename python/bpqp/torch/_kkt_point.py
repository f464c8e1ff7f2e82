"""Derivatives at a KKT point that any solver found (bpqp::KktPoint)."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from bpqp._pool import Key, Lease
from bpqp.torch._functions import in_forward_mode
from bpqp.torch._native import REPORT_WORDS, _address, _contiguous, _current
from bpqp.torch._plan import TYPES


def factor_point(
    hessian: Tensor, jacobian: Tensor, z: Tensor, multipliers: Tensor, active: Tensor, gradient: Tensor, violation: Tensor
) -> tuple[Lease, Tensor]:
    """Factors the KKT matrices of the active rows. Hessian of the Lagrangian [B, n, n], Jacobian
    [B, m, n], active int8 [B, m], gradient of f [B, n], distance of the rows from their active side
    [B, m]. The lease, and the reports [B, REPORT_WORDS]: `solved` where the matrix is regular."""
    batch, n = z.shape
    m = multipliers.shape[1]
    stream = torch.cuda.current_stream(z.device).cuda_stream if z.device.type == "cuda" else 0
    report = torch.zeros((batch, REPORT_WORDS), dtype=torch.int32, device=z.device)
    arrays = [_contiguous(t) for t in (hessian, jacobian, z, multipliers, active, gradient, violation)]
    P, A, x, y, rows, slope, distance = map(_address, arrays)
    with _current(z.device):
        lease = Lease(Key(TYPES[z.dtype], n, m, (), (), str(z.device), stream), batch)
        lease.arrays = tuple(arrays)
        if batch:
            lease.solver.differentiate(
                batch, P, n * n, A, m * n, x, n, y, m, rows, slope, n, distance, m, report.data_ptr()
            )
    return lease, report


Pair = tuple[Tensor, Tensor]


class Kkt(NamedTuple):
    """The KKT matrices K of a batch at its solution, as constants."""

    lease: Lease
    solved: Tensor  #: bool [B, 1]: where there are derivatives; elsewhere they are zero
    orders: int  #: of derivatives that are right


class AttachSolution(torch.autograd.Function):
    """(z, lambda, s, c, kkt) -> (z, lambda) - K^-1 (s, c): one step of Newton's method for s = 0 and c = 0
    on the active rows, s the gradient of the Lagrangian. The point is where both are zero already, so that
    it stays, and only its derivatives change: a step makes those right that are of one order more than
    those of the z and lambda that s and c were computed with (its error is K^-1 (K - K(y)) times theirs)."""

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, multipliers: Tensor, s: Tensor, c: Tensor, kkt: Kkt
    ) -> tuple[Tensor, Tensor]:
        ctx.kkt = kkt
        ctx.save_for_backward(s, c)
        ctx.save_for_forward(s, c)
        return z.clone(), multipliers.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor) -> Any:
        w, d = _counted(_Solve.apply(g, h, ctx.kkt), ctx.saved_tensors, ctx.kkt)
        return g, h, -w, -d, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        s, c = ctx.saved_tensors
        tz, t_multipliers, ts, tc = (
            torch.zeros_like(of) if t is None else t for t, of in zip(tangents, (s, c, s, c))
        )
        w, d = _counted(_Solve.apply(ts, tc, ctx.kkt), (s, c), ctx.kkt)
        return tz - w, t_multipliers - d


class _Solve(torch.autograd.Function):
    """(g, h, kkt) -> (w, d) of K [w; d] = [g; h], d zero on rows that are not active."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, h: Tensor, kkt: Kkt) -> tuple[Tensor, Tensor]:
        if torch._C._functorch.is_legacy_batchedtensor(g) or torch._C._functorch.is_legacy_batchedtensor(h):
            raise NotImplementedError("ConvexLayer: is_grads_batched (vectorize) is not there for it; ask row by row")
        ctx.kkt = kkt
        g, h = g.contiguous(), h.contiguous()
        w, d = torch.empty_like(g), torch.empty_like(h)
        if g.shape[0]:
            with _current(g.device), kkt.lease.lock:
                kkt.lease.solver.adjoint(1, g.data_ptr(), _address(_contiguous(h)), w.data_ptr(), _address(_contiguous(d)))
        zero = w.new_zeros(())
        return torch.where(kkt.solved, w, zero), torch.where(kkt.solved, d, zero)

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor) -> Any:
        return (*_Solve.apply(g, h, ctx.kkt), None)

    @staticmethod
    def jvp(ctx: Any, tg: Tensor, th: Tensor, _: Any) -> Any:
        return _Solve.apply(tg, th, ctx.kkt)


def _counted(derivative: Pair, of: Pair, kkt: Kkt) -> Pair:
    """(w, d), a derivative of the first order in (s, c), where another may follow."""
    if not (torch.is_grad_enabled() or in_forward_mode()):
        return derivative
    return _Order.apply(*derivative, *of, 1, kkt.orders)  # type: ignore[no-any-return]


class _Order(torch.autograd.Function):
    """Counts derivatives, where those beyond `orders` would be wrong numbers: (w, d, s, c, order, orders) ->
    (w, d), which depend on s and c, by nothing. Whoever differentiates them meets the next order."""

    @staticmethod
    def forward(
        ctx: Any, w: Tensor, d: Tensor, s: Tensor, c: Tensor, order: int, orders: int
    ) -> tuple[Tensor, Tensor]:
        ctx.order, ctx.orders = order, orders
        ctx.save_for_backward(s, c)
        ctx.save_for_forward(s, c)
        return w.clone(), d.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor) -> Any:
        _Order._refuse_more(ctx)
        s, c = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return g, h, None, None, None, None
        counted = _Order.apply(torch.zeros_like(s), torch.zeros_like(c), s, c, ctx.order + 1, ctx.orders)
        return g, h, *counted, None, None

    @staticmethod
    def jvp(ctx: Any, tw: Tensor, td: Tensor, *_: Any) -> Any:
        _Order._refuse_more(ctx)
        return _Order.apply(tw, td, *ctx.saved_tensors, ctx.order + 1, ctx.orders)

    @staticmethod
    def _refuse_more(ctx: Any) -> None:
        if ctx.order >= ctx.orders:
            raise NotImplementedError(
                f"ConvexLayer: its derivatives are right up to order {ctx.orders}, and one more was asked for (a "
                f"derivative of a derivative, in whatever it is taken); make it with orders={ctx.order + 1}"
            )


class NoDerivatives(torch.autograd.Function):
    """(z, *leaves) -> z, whose derivatives are zero."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, *leaves: Tensor) -> Tensor:
        ctx.save_for_backward(*leaves)
        return z.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return None, *(torch.zeros_like(t) for t in ctx.saved_tensors)

    @staticmethod
    def jvp(ctx: Any, tz: Tensor | None, *_: Any) -> Any:
        return None
