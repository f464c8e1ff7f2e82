"""vmap: the mapped dimension becomes part of the batch, or of the right-hand sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from bpqp._shapes import OWN_DIMENSIONS

#: Own dimensions of (P, q, A, l, u, x0, y0).
_OWN = (*OWN_DIMENSIONS.values(), 1, 1)


def _to_front(tensor: Any, dim: int | None) -> Any:
    return tensor if dim is None else tensor.movedim(dim, 0)


def _inner_batch(inputs: tuple[Tensor | None, ...], in_dims: tuple[int | None, ...]) -> int | None:
    """The batch that the arguments have beside the mapped dimension (first where there is one)."""
    for tensor, dim, own in zip(inputs, in_dims, _OWN):
        mapped = dim is not None
        if tensor is not None and tensor.dim() - mapped > own:
            return tensor.shape[int(mapped)]
    return None


def _merge(tensor: Tensor | None, mapped: bool, own: int, size: int, inner: int | None) -> Tensor | None:
    """[size, inner, own] as one batch; what neither maps nor batches stays shared."""
    if tensor is None:
        return None
    batched = tensor.dim() - mapped > own
    if not mapped and not batched:
        return tensor
    if inner is None:
        return tensor
    shape = tensor.shape[tensor.dim() - own :]
    if not mapped:
        tensor = tensor.unsqueeze(0)
    if not batched:
        tensor = tensor.unsqueeze(1)
    return tensor.expand(size, inner, *shape).reshape(size * inner, *shape)


def _merge_inputs(
    info: Any, in_dims: tuple[int | None, ...], inputs: tuple[Tensor | None, ...]
) -> tuple[list[Tensor | None], int | None]:
    moved = tuple(_to_front(t, d) for t, d in zip(inputs, in_dims))
    inner = _inner_batch(moved, in_dims)
    merged = [
        _merge(t, d is not None, own, info.batch_size, inner) for t, d, own in zip(moved, in_dims, _OWN)
    ]
    return merged, inner


def vmap_solve(solve: Callable[..., Any], info: Any, in_dims: Any, *arguments: Any) -> Any:
    """Of _native.solve's arguments; the state stays one for all."""
    merged, inner = _merge_inputs(info, in_dims[:7], arguments[:7])
    *outputs, state = solve(*merged, *arguments[7:])
    size = info.batch_size
    outputs = [t.reshape(size, inner or 1, t.shape[-1]) for t in outputs]
    return (*outputs, state), (0, 0, 0, 0, None)


def vmap_adjoint(adjoint: Callable[..., Any], info: Any, in_dims: Any, *arguments: Any) -> Any:
    """Of Adjoint's arguments. If the solution is mapped, so are all problems; if only the right-hand
    sides are, they are more of them for the same factor."""
    size = info.batch_size
    sides = [_to_front(t, d) for t, d in zip(arguments[:2], in_dims[:2])]
    mapped = [d is not None for d in in_dims[:2]]
    if in_dims[9] is None:
        if any(d is not None for d in in_dims[2:13]):
            raise NotImplementedError("vmap over the data of a solved batch, but not over its solution")
        return _more_sides(adjoint, size, sides, mapped, arguments[2:])
    inputs, _ = _merge_inputs(info, in_dims[2:9], arguments[2:9])
    x, y, active = (_to_front(t, d).flatten(0, 1) for t, d in zip(arguments[9:12], in_dims[9:12]))
    batch = x.shape[0] // size
    sides = [
        t if t is None else (t if there else t.unsqueeze(0).expand(size, *t.shape)).flatten(0, 1)
        for t, there in zip(sides, mapped)
    ]
    w, d = adjoint(*sides, *inputs, x, y, active, *arguments[12:])
    return (w.unflatten(0, (size, batch)), d.unflatten(0, (size, batch))), (0, 0)


def _more_sides(
    adjoint: Callable[..., Any], size: int, sides: list[Any], mapped: list[bool], rest: tuple[Any, ...]
) -> Any:
    """g [size, B, k, n] as [B, size * k, n]."""
    given = next(t.shape[int(there) + 1] for t, there in zip(sides, mapped) if t is not None)
    sides = [
        t if t is None else (t if there else t.unsqueeze(0).expand(size, *t.shape)).movedim(0, 1).flatten(1, 2)
        for t, there in zip(sides, mapped)
    ]
    w, d = adjoint(*sides, *rest)
    outputs = tuple(t.unflatten(1, (size, given)) for t in (w, d))
    return outputs, (1, 1)
