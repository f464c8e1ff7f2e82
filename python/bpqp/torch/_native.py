"""The library's calls on tensors, without derivatives.

Tensors are as a Plan has them. The Solver that holds a batch's factors is a Lease; operators, which
hand on tensors alone, have it as ``state``, an int64 tensor [1] whose memory keeps the lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.utils.dlpack
from torch import Tensor

from bpqp._pool import Lease, find
from bpqp._report import REPORT, SolveError, Status, unsolved_message, warn_unsolved
from bpqp._shapes import OWN_DIMENSIONS, Layout
from bpqp.torch._plan import Data, Plan, make_plan, settings_of

#: A report is a row of an int32 table, whose first column is the status.
REPORT_WORDS = REPORT.itemsize // 4
Start = tuple[Tensor | None, Tensor | None]
#: x [B, n], y [B, m], active int8 [B, m], report int32 [B, REPORT_WORDS]
Answer = tuple[Tensor, Tensor, Tensor, Tensor]

_NO_CONTEXT = nullcontext()


def batch_of(data: Sequence[Tensor | None]) -> int:
    for tensor, own in zip(data, OWN_DIMENSIONS.values()):
        if tensor is not None and tensor.dim() > own:
            return tensor.shape[0]
    return 1


def rows_of(data: Sequence[Tensor | None]) -> int:
    return 0 if data[2] is None else data[2].shape[-2]


def _current(device: torch.device) -> AbstractContextManager[Any]:
    """Makes a CUDA device the current one."""
    return torch.cuda.device(device) if device.type == "cuda" else _NO_CONTEXT


def _contiguous(tensor: Tensor | None) -> Tensor | None:
    if tensor is None or tensor.numel() == 0:
        return None
    return (tensor.resolve_neg() if tensor.is_neg() else tensor).contiguous()


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def plan_of(data: Data, cones: Sequence[int], config: str) -> tuple[Plan, Data]:
    """A plan for tensors whose batch is their first dimension, and the tensors, contiguous."""
    read: Any = tuple(
        None if t is None else (t[0] if t.dim() > own and t.shape[0] and t.stride(0) == 0 else t)
        for t, own in zip(data, OWN_DIMENSIONS.values())
    )
    read = tuple(_contiguous(t) for t in read)
    batch = batch_of(data)
    size = Layout(data[1].shape[-1], rows_of(data), (batch,), batch)
    filled = (read[0], data[1] if read[1] is None else read[1], *read[2:])
    return make_plan(filled, size, tuple(cones), config), filled


def run(plan: Plan, data: Data, start: Start, keep: bool) -> tuple[Lease, Answer]:
    """Solves. Without `keep` nothing can be differentiated."""
    q = data[1]
    batch = plan.batch
    answer = (
        q.new_empty((batch, plan.n)),
        q.new_empty((batch, plan.m)),
        q.new_empty((batch, plan.m), dtype=torch.int8),
        q.new_empty((batch, REPORT_WORDS), dtype=torch.int32),
    )
    with _current(q.device) if plan.on_cuda else _NO_CONTEXT:
        lease = Lease(plan.key(keep), batch)
        if batch == 0:
            return lease, answer
        lease.arrays = data
        if start[0] is not None or start[1] is not None:
            lease.solver.warm_start(batch, _address(start[0]), plan.n, _address(start[1]), plan.m)
        sP, sq, sA, sl, su = plan.strides
        P, _, A, l, u = data
        x, y, active, report = answer
        unanswered = lease.solver.solve(
            batch, _address(P), sP, q.data_ptr(), sq, _address(A), sA, _address(l), sl, _address(u), su,
            x.data_ptr(), y.data_ptr(), active.data_ptr(), report.data_ptr(),
        )  # fmt: skip
    if unanswered:
        _tell(unanswered, settings_of(plan.config)[0], report)
    return lease, answer


def _tell(unanswered: int, strict: bool, report: Tensor) -> None:
    """Warns of problems without an answer. On a device (-1), whose answers nobody waits for, only
    `strict` looks, and waits."""
    if unanswered < 0 and not strict:
        return
    status = report[:, 0].cpu().numpy()
    if (status <= Status.SOLVED_INACCURATE).all():
        return
    message = unsolved_message(status)
    if strict:
        raise SolveError(message, status)
    warn_unsolved(f"{message}; their gradients are zero")


def run_gradient(
    lease: Lease, gx: Tensor | None, gy: Tensor | None, data: Data, needs: Sequence[bool]
) -> list[Tensor | None]:
    """The loss's gradient in those of P, q, A, l, u that are needed, from that in x and y."""
    outputs: list[Tensor | None] = []
    addresses: list[int] = []
    for tensor, own, needed in zip(data, (2, 1, 2, 1, 1), needs):
        if not needed or tensor is None:
            outputs.append(None)
            addresses += (0, 0)
            continue
        shape = tensor.shape
        # Of an empty batch a shared argument's gradient is zero, and nobody writes it.
        out = tensor.new_empty(shape) if lease.batch else tensor.new_zeros(shape)
        outputs.append(out)
        addresses += (out.data_ptr(), 0 if len(shape) == own or not lease.batch else out.stride(0))
    if lease.batch:
        gx, gy = _contiguous(gx), _contiguous(gy)
        n, m = lease.key.n, lease.key.m
        with _current(data[1].device), lease.lock:
            lease.solver.backward(_address(gx), n, _address(gy), m, *addresses)
    return outputs


# The same with the lease as a state: what the operators and torch.func call.


def solve(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(P, q, A, l, u, x0, y0, cones, config, keep) -> (x, y, active, report, state)."""
    data, start, (cones, config, keep) = arguments[:5], arguments[5:7], arguments[7:10]
    plan, read = plan_of(data, cones, config)
    lease, answer = run(plan, read, start, keep)
    return (*answer, state_of(lease) if keep else torch.zeros(1, dtype=torch.int64))


def state_of(lease: Lease) -> Tensor:
    state: Tensor = torch.utils.dlpack.from_dlpack(lease.token())
    return state


def _lease(state: Tensor, arguments: Sequence[Any], cones: Sequence[int], config: str) -> Lease:
    """The Solver that solved the batch; where the state is a copy that outlived its original, another
    one that solves it again, to the same bits. Arguments: P, q, A, l, u, x0, y0."""
    found = find(int(state.item()))
    if found is not None:
        return found
    plan, read = plan_of(tuple(arguments[:5]), cones, config)
    return run(plan, read, (arguments[5], arguments[6]), True)[0]


def gradient(gx: Tensor | None, gy: Tensor | None, *arguments: Any) -> list[Tensor | None]:
    """(gx, gy, P, q, A, l, u, x0, y0, state, cones, config, needs) -> gradients."""
    state, cones, config, needs = arguments[7:11]
    lease = _lease(state, arguments, cones, config)
    return run_gradient(lease, gx, gy, arguments[:5], needs)


def adjoint(gx: Tensor | None, gy: Tensor | None, *arguments: Any) -> tuple[Tensor, Tensor]:
    """(gx, gy, P, q, A, l, u, x0, y0, state, cones, config) -> (w [B, k, n], d [B, k, m]) of
    K [w; d] = [gx; gy], gx [B, k, n] and gy [B, k, m]."""
    state, cones, config = arguments[7:10]
    data, q = arguments[:5], arguments[1]
    given = gx if gx is not None else gy
    if given is None:
        raise ValueError("adjoint: gx or gy is needed")
    batch, k = given.shape[:2]
    w = q.new_empty((batch, k, q.shape[-1]))
    d = q.new_empty((batch, k, rows_of(data)))
    with _current(q.device):
        lease = _lease(state, arguments, cones, config)
        if batch and k:
            gx, gy = _contiguous(gx), _contiguous(gy)
            with lease.lock:
                lease.solver.adjoint(k, _address(gx), _address(gy), w.data_ptr(), d.data_ptr())
    return w, d
