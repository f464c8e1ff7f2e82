"""The operators torch.ops.bpqp.*: what torch.compile sees.

Eager code takes the same path through the autograd functions alone, which is shorter.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bpqp.torch import _native
from bpqp.torch._functions import OPERATORS, Adjoint, Solve, adjoint_backward, native_adjoint, solve_backward
from bpqp.torch._native import REPORT_WORDS, batch_of, rows_of
from bpqp.torch._vmap import vmap_adjoint, vmap_solve

_DATA = "Tensor? P, Tensor q, Tensor? A, Tensor? l, Tensor? u, Tensor? x0, Tensor? y0"
_LIBRARY = torch.library.Library("bpqp", "DEF")
_LIBRARY.define(
    f"solve({_DATA}, int[] cones, str config, bool keep) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_LIBRARY.define(
    f"gradient(Tensor? gx, Tensor? gy, {_DATA}, Tensor state, int[] cones, str config, bool[] needs)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_LIBRARY.define(
    f"adjoint(Tensor? gx, Tensor? gy, {_DATA}, Tensor x, Tensor y, Tensor active, Tensor state,"
    " int[] cones, str config) -> (Tensor, Tensor)"
)


def _gradient(*arguments: Any) -> tuple[Tensor, ...]:
    """Operators have no optional results: empty tensors for those not needed."""
    q = arguments[3]
    return tuple(q.new_empty(0) if g is None else g for g in _native.gradient(*arguments))


for _device in ("CPU", "CUDA"):
    _LIBRARY.impl("solve", _native.solve, _device)
    _LIBRARY.impl("gradient", _gradient, _device)
    _LIBRARY.impl("adjoint", native_adjoint, _device)


@torch.library.register_fake("bpqp::solve", lib=_LIBRARY)
def _fake_solve(*arguments: Any) -> tuple[Tensor, ...]:
    data = arguments[:5]
    q, m, batch = data[1], rows_of(data), batch_of(data)
    return (
        q.new_empty(batch, q.shape[-1]),
        q.new_empty(batch, m),
        q.new_empty((batch, m), dtype=torch.int8),
        q.new_empty((batch, REPORT_WORDS), dtype=torch.int32),
        torch.empty(1, dtype=torch.int64, device="cpu"),
    )


@torch.library.register_fake("bpqp::gradient", lib=_LIBRARY)
def _fake_gradient(*arguments: Any) -> tuple[Tensor, ...]:
    data, needs = arguments[2:7], arguments[-1]
    q = data[1]
    return tuple(
        torch.empty(t.shape, dtype=q.dtype, device=q.device) if needed and t is not None else q.new_empty(0)
        for t, needed in zip(data, needs)
    )


@torch.library.register_fake("bpqp::adjoint", lib=_LIBRARY)
def _fake_adjoint(gx: Any, gy: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
    data = arguments[:5]
    given = gx if gx is not None else gy
    batch, k = given.shape[:2]
    return data[1].new_empty(batch, k, data[1].shape[-1]), data[1].new_empty(batch, k, rows_of(data))


def _solve_context(ctx: Any, inputs: Any, output: Any) -> None:
    Solve.setup_context(ctx, inputs, output)


def _adjoint_context(ctx: Any, inputs: Any, output: Any) -> None:
    Adjoint.setup_context(ctx, inputs, output)


def _solve_backward(ctx: Any, gx: Any, gy: Any, *_: Any) -> Any:
    out = solve_backward(OPERATORS, ctx.saved_tensors, ctx.cones, ctx.config, ctx.needs_input_grad, gx, gy)
    return (*out, *(None,) * 5)


def _adjoint_backward(ctx: Any, gw: Tensor, gd: Tensor) -> Any:
    return adjoint_backward(OPERATORS, ctx, gw, gd)


for _name, _backward, _context in (
    ("bpqp::solve", _solve_backward, _solve_context),
    ("bpqp::adjoint", _adjoint_backward, _adjoint_context),
):
    torch.library.register_autograd(_name, _backward, setup_context=_context, lib=_LIBRARY)


@torch.library.register_vmap("bpqp::solve", lib=_LIBRARY)
def _vmap_solve(info: Any, in_dims: Any, *arguments: Any) -> Any:
    return vmap_solve(torch.ops.bpqp.solve, info, in_dims, *arguments)


@torch.library.register_vmap("bpqp::adjoint", lib=_LIBRARY)
def _vmap_adjoint(info: Any, in_dims: Any, *arguments: Any) -> Any:
    return vmap_adjoint(torch.ops.bpqp.adjoint, info, in_dims, *arguments)


for _type in ("cpu", "cuda"):
    torch.library.register_autocast("bpqp::solve", _type, torch.float32, lib=_LIBRARY)
