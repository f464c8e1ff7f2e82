"""Gradients and tangents in the data from solutions of the KKT system (docs/math.md section 8).

Lambda denotes the linear map (g, h) -> (w, d) with

    [P  A'; (I - J) A  -J/rho] [w; d] = [g; (I - J) h],

J the derivative of the projection on the cones (1 on rows that are not active, 0 on those that are);
it is its own adjoint. Right-hand sides are [B, k, n] and [B, k, m], k of them for every problem.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bpqp.torch._plan import Data


def finite(tensor: Tensor) -> Tensor:
    """Zeros for the NaN of problems without a solution, whose w and d are zero: 0 * NaN is not."""
    return torch.nan_to_num(tensor, nan=0.0, posinf=0.0, neginf=0.0)


def _matrix(left: Tensor, right: Tensor, shared: bool) -> Tensor:
    """sum_k left_k right_k' of [B, k, r] and [B, k, c]: [B, r, c], summed over the batch if shared."""
    if shared:
        return left.flatten(0, 1).mT @ right.flatten(0, 1)
    return left.mT @ right


def data_gradient(
    w: Tensor, d: Tensor, x: Tensor, y: Tensor, data: Data, needs: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None]:
    """In P and A: -(w x' + x w')/2 and -(d x' + y w'), summed over k; w, x [B, k, n], d, y [B, k, m]."""
    P, _, A, _, _ = data
    dP = dA = None
    if needs[0] and P is not None:
        product = _matrix(w, x, P.dim() == 2)
        dP = -0.5 * (product + product.mT)
    if needs[1] and A is not None:
        shared = A.dim() == 2
        dA = -(_matrix(d, x, shared) + _matrix(y, w, shared))
    return dP, dA


def side_gradient(
    d: Tensor, active: Tensor, data: Data, cone_rows: int, needs: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None]:
    """In l and u: d [B, m] on the side that is active; on rows of cones in u."""
    lower, upper = _on_sides(active, cone_rows)
    out: list[Tensor | None] = []
    for mask, side, needed in ((lower, data[3], needs[0]), (upper, data[4], needs[1])):
        if not needed or side is None:
            out.append(None)
            continue
        full = torch.where(mask, d, torch.zeros_like(d))
        out.append(full.sum(0) if side.dim() == 1 else full)
    return out[0], out[1]


def _on_sides(active: Tensor, cone_rows: int) -> tuple[Tensor, Tensor]:
    """Masks of the rows whose lower, and whose upper side holds the solution."""
    lower, upper = active < 0, active > 0
    if cone_rows:
        m = active.shape[-1]
        cone = torch.arange(m, device=active.device) >= m - cone_rows
        lower, upper = lower & ~cone, upper | cone
    return lower, upper


def tangent_sides(
    x: Tensor,
    y: Tensor,
    active: Tensor,
    tangents: tuple[Tensor | None, ...],
    cone_rows: int,
) -> tuple[Tensor, Tensor]:
    """Right-hand side of Lambda for a direction in the data: -dP x - dq - dA'y and db - dA x."""
    dP, dq, dA, dl, du = tangents
    g, h = torch.zeros_like(x), torch.zeros_like(y)
    if dP is not None:
        g = g - 0.5 * _apply(dP + dP.mT, x)
    if dq is not None:
        g = g - dq
    if dA is not None:
        g = g - _apply(dA.mT, y)
        h = h - _apply(dA, x)
    lower, upper = _on_sides(active, cone_rows)
    for mask, side in ((lower, dl), (upper, du)):
        if side is not None:
            h = h + torch.where(mask, side, torch.zeros_like(h))
    return g, h


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    """matrix [n, m] or [B, n, m] times vector [B, m]."""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)
