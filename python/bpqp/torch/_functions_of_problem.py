"""The functions of a general problem, for a batch of it.

minimise f(z, y) over z in R^n, subject to h(z, y) = 0 and g(z, y) <= 0. The three are written for one
problem; torch.func maps them over the batch and differentiates them. Rows are h's, then g's; their
multipliers are lambda, with the Lagrangian f + lambda'c, c = (h, g).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap
from torch.utils._pytree import tree_flatten, tree_map

#: Parameters of the batch: a tensor [B, ...], or any tuple, list or dict of such.
Parameters = Any
Function = Callable[[Tensor, Any], Tensor]


class Derivatives(NamedTuple):
    """At (z, lambda), everything a Newton step needs."""

    gradient: Tensor  #: [B, n] of f
    rows: Tensor  #: [B, m], c
    jacobian: Tensor  #: [B, m, n] of c
    hessian: Tensor  #: [B, n, n] of the Lagrangian


class ProblemFunctions:
    """f, h and g of a batch."""

    def __init__(self, f: Function, h: Function | None, g: Function | None) -> None:
        self._f = f
        self._h = h
        self._g = g

    def _c(self, z: Tensor, y: Any) -> Tensor:
        parts = [part(z, y) for part in (self._h, self._g) if part is not None]
        return torch.cat([p.reshape(-1) for p in parts]) if parts else z.new_zeros(0)

    def _lagrangian(self, z: Tensor, multipliers: Tensor, y: Any) -> Tensor:
        return self._f(z, y) + (multipliers * self._c(z, y)).sum()

    def sizes(self, z: Tensor, y: Parameters) -> tuple[int, int]:
        """Rows of h and of g, found by calling them for the first problem; f is called too, to see that it
        can be."""
        one = tree_map(lambda t: t[0], y)
        rows = []
        with torch.no_grad():
            for name, function in (("f", self._f), ("h", self._h), ("g", self._g)):
                value = None if function is None else _called(name, function, z[0], one)
                rows.append(0 if value is None else value.numel())
        return rows[1], rows[2]

    def values(self, z: Tensor, y: Parameters) -> tuple[Tensor, Tensor]:
        """f [B] and c [B, m]."""
        return vmap(self._f)(z, y), vmap(self._c)(z, y)

    def derivatives(self, z: Tensor, multipliers: Tensor, y: Parameters) -> Derivatives:
        return Derivatives(*vmap(self._derivatives)(z, multipliers, y))

    def _derivatives(self, z: Tensor, multipliers: Tensor, y: Any) -> tuple[Tensor, ...]:
        # Reverse over reverse: forward mode takes several times as long, in torch's Python references.
        hessian = jacrev(grad(self._lagrangian))(z, multipliers, y)
        return grad(self._f)(z, y), self._c(z, y), jacrev(self._c)(z, y), hessian

    def stationarity(self, z: Tensor, multipliers: Tensor, y: Parameters) -> tuple[Tensor, Tensor]:
        """The gradient of the Lagrangian in z [B, n] and c [B, m], differentiable in y."""
        return vmap(grad(self._lagrangian))(z, multipliers, y), vmap(self._c)(z, y)

    def first_order(self, z: Tensor, y: Parameters) -> tuple[Tensor, Tensor, Tensor]:
        """The gradient of f, c and its Jacobian."""
        return vmap(grad(self._f))(z, y), vmap(self._c)(z, y), vmap(jacrev(self._c))(z, y)


def _called(name: str, function: Function, z: Tensor, y: Any) -> Tensor:
    """For one problem; what is wrong about it is told by its name."""
    try:
        value = function(z, y)
    except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        shapes = tree_map(lambda t: list(t.shape), y)
        raise type(error)(
            f"{name}: called for one problem, with z of shape {list(z.shape)} and y of {shapes}: {error}"
        ) from error
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: expected it to return a tensor, got {type(value).__name__}")
    if name == "f" and value.dim() > 0:
        raise ValueError(f"f: expected a scalar for one problem, got shape {list(value.shape)}")
    return value


def batch_of(y: Parameters) -> int:
    """B; the parameters' tensors must agree in it."""
    leaves, _ = tree_flatten(y)
    tensors = [t for t in leaves if isinstance(t, Tensor)]
    if not tensors or len(tensors) != len(leaves):
        raise TypeError("y: expected a tensor [B, ...], or a tuple, list or dict of such")
    if any(t.dim() == 0 for t in tensors):
        raise ValueError("y: expected tensors [B, ...], got one without dimensions")
    sizes = {t.shape[0] for t in tensors}
    if len(sizes) > 1:
        shapes = [list(t.shape) for t in tensors]
        raise ValueError(
            f"y: expected tensors [B, ...] with one B, got shapes {shapes}; let f, h and g close over what all "
            "problems share, or expand it"
        )
    return tensors[0].shape[0]


def first_tensor(y: Parameters) -> Tensor:
    """The one whose type and device the solution has."""
    leaves, _ = tree_flatten(y)
    floating = [t for t in leaves if t.is_floating_point()]
    if not floating:
        raise TypeError("y: expected float32 or float64 tensors")
    types = {str(t.dtype).removeprefix("torch.") for t in floating}
    if len(types) > 1:
        raise TypeError(f"y: expected one floating type in all its tensors, got {', '.join(sorted(types))}")
    tensor: Tensor = floating[0]
    if tensor.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"y: expected float32 or float64, got {tensor.dtype}")
    return tensor


def part_of(y: Parameters, index: Tensor) -> Parameters:
    """Some problems of the batch."""
    return tree_map(lambda t: t[index], y)
