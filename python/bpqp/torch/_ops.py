"""The operators torch.ops.bpqp.*: what torch.compile sees.

Eager code takes the same path through the autograd functions alone, which is shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd.forward_ad import _set_fwd_grad_enabled
from torch.autograd.function import _SingleLevelFunction

from bpqp.torch import _native
from bpqp.torch._functions import (
    OPERATORS,
    Adjoint,
    Solve,
    adjoint_backward,
    adjoint_jvp,
    native_adjoint,
    solve_backward,
    solve_jvp,
)
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


@contextmanager
def _next_level() -> Iterator[None]:
    """Where an operator is called on: below this level's autograd. A function's forward has derivatives
    switched off, which the levels that come need."""
    with torch._C._AutoDispatchBelowAutograd(), torch.enable_grad(), _set_fwd_grad_enabled(True):
        yield


def _forward(operator: Any, function: Any) -> Any:
    def forward(ctx: Any, *arguments: Any) -> Any:
        with _next_level():
            output = operator(*arguments)
        function.setup_context(ctx, arguments, output)
        return output

    return staticmethod(forward)


class _SolveLevel(_SingleLevelFunction):
    """Solve as the dispatcher hands it on: one level of autograd or torch.func, then the next."""

    forward = _forward(torch.ops.bpqp.solve, Solve)

    @staticmethod
    def backward(ctx: Any, gx: Any, gy: Any, *_: Any) -> Any:
        needs = ctx.needs_input_grad
        out = solve_backward(OPERATORS, ctx.saved_tensors, ctx.cones, ctx.config, needs, gx, gy)
        return (*out, *(None,) * 5)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        out = solve_jvp(OPERATORS, ctx.saved_tensors, ctx.cones, ctx.config, tangents)
        return (*out, None, None, None)


class _AdjointLevel(_SingleLevelFunction):
    """Adjoint likewise."""

    forward = _forward(torch.ops.bpqp.adjoint, Adjoint)

    @staticmethod
    def backward(ctx: Any, gw: Tensor, gd: Tensor) -> Any:
        return adjoint_backward(OPERATORS, ctx, gw, gd)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return adjoint_jvp(OPERATORS, ctx, tangents)


# torch.library.register_autograd's rule knows neither torch.func nor forward mode.
def _register_level(name: str, level: Any) -> None:
    def call(*arguments: Any) -> Any:
        with enable_single_level_autograd_function():
            return level.apply(*arguments)

    _LIBRARY.impl(name, call, "Autograd")


_register_level("solve", _SolveLevel)
_register_level("adjoint", _AdjointLevel)


@torch.library.register_vmap("bpqp::solve", lib=_LIBRARY)
def _vmap_solve(info: Any, in_dims: Any, *arguments: Any) -> Any:
    return vmap_solve(torch.ops.bpqp.solve, info, in_dims, *arguments)


@torch.library.register_vmap("bpqp::adjoint", lib=_LIBRARY)
def _vmap_adjoint(info: Any, in_dims: Any, *arguments: Any) -> Any:
    return vmap_adjoint(torch.ops.bpqp.adjoint, info, in_dims, *arguments)


for _type in ("cpu", "cuda"):
    torch.library.register_autocast("bpqp::solve", _type, torch.float32, lib=_LIBRARY)
