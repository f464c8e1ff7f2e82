"""Derivatives at a KKT point that any solver found (bpqp::KktPoint)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bpqp._pool import Key, Lease
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


class AttachSolution(torch.autograd.Function):
    """(z, s, c, solved, lease) -> z, with the derivative of the solution of s(z, lambda, y) = 0,
    c(z, y) = 0 on the active rows: if K [w; d] = [g; 0], the loss's gradient is -w in s and -d in c."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, s: Tensor, c: Tensor, solved: Tensor, lease: Lease) -> Tensor:
        ctx.lease = lease
        ctx.rows = c.shape[1]
        ctx.solved = solved.unsqueeze(1)
        ctx.save_for_backward(s, c)
        return z.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        batch, n = g.shape
        again = torch.is_grad_enabled()
        g = g.detach()
        w, d = g.new_empty((batch, n)), g.new_empty((batch, ctx.rows))
        g = g.contiguous()
        if batch:
            with _current(g.device):
                ctx.lease.solver.adjoint(1, g.data_ptr(), 0, w.data_ptr(), _address(d) if ctx.rows else 0)
        zero = w.new_zeros(())
        w, d = torch.where(ctx.solved, -w, zero), torch.where(ctx.solved, -d, zero)
        if again:
            w, d = _NoSecondDerivative.apply(w, d, *ctx.saved_tensors)
        return None, w, d, None, None


class _NoSecondDerivative(torch.autograd.Function):
    """w and d depend on everything through K, whose derivative is not there: to leave that out would be
    a wrong number."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, d: Tensor, s: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return w.clone(), d.clone()

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Any:
        raise NotImplementedError("ConvexLayer: there is no second derivative (solve_qp has it for QPs and cones)")
