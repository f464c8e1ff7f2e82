"""The cone program of a parametrised problem, as this library reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bpqp.cvxpy._affine import AffineMap, Columns
from bpqp.cvxpy._canonical import Canonical

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ConeProgram:
    """minimise 1/2 x'P x + q'x, the first `zero` rows A x = b, then rows A x <= b, and b - A x in
    second-order cones, t first; all affine in the parameters."""

    n: int
    m: int
    zero: int
    cones: tuple[int, ...]
    P: AffineMap | None  #: [n * n], None: no quadratic term
    q: AffineMap  #: [n]
    A: AffineMap  #: [m * n]
    b: AffineMap  #: [m]

    def evaluate(
        self, parameters: Sequence[Tensor], batched: Sequence[bool], like: Tensor
    ) -> tuple[Tensor | None, Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """(P, q, A, l, u) of ``solve_qp``."""
        n, m = self.n, self.m
        q = self.q(parameters, batched, like)
        P = None
        if self.P is not None:
            P = self.P(parameters, batched, like)
            P = P.reshape(*P.shape[:-1], n, n)
        if not m:
            return P, q, None, None, None
        A, u = (f(parameters, batched, like) for f in (self.A, self.b))
        free = u.new_full((*u.shape[:-1], m - self.zero), -torch.inf)
        l = torch.cat([u[..., : self.zero], free], -1)
        return P, q, A.reshape(*A.shape[:-1], m, n), l, u


def cone_program(canonical: Canonical, columns: Columns) -> ConeProgram:
    """CVXPY's program has A x + b in its cones, where each of (P, q, [A b]) is a sparse matrix times
    [parameters; 1], column-major."""
    data = canonical.data
    dims = data.cone_dims
    n, m = canonical.n, canonical.m
    row, column, value = _entries(data.A, m * (n + 1))
    i, j = row % max(m, 1), row // max(m, 1)
    left = j < n
    at, by, factor = _entries(canonical.linear, n + 1)
    kept = at < n  # the last row is the objective's constant
    return ConeProgram(
        n=n,
        m=m,
        zero=dims.zero,
        cones=tuple(int(d) for d in dims.soc),
        P=_quadratic(data.P, n, columns),
        q=AffineMap.of(n, at[kept], by[kept], factor[kept], columns),
        A=AffineMap.of(m * n, (i * n + j)[left], column[left], -value[left], columns),
        b=AffineMap.of(m, i[~left], column[~left], value[~left], columns),
    )


def _quadratic(matrix: Any, n: int, columns: Columns) -> AffineMap | None:
    if matrix is None:
        return None
    row, column, value = _entries(matrix, n * n)
    if not value.any():
        return None
    return AffineMap.of(n * n, row, column, value, columns)  # symmetric: the order does not matter


def _entries(matrix: Any, rows: int) -> tuple[Index, Index, npt.NDArray[np.float64]]:
    """Row, column and value of a sparse matrix."""
    coo = matrix.tocoo()
    if coo.shape[0] != rows:
        raise RuntimeError(f"CVXPY's program has {coo.shape[0]} rows where {rows} were expected")
    return coo.row.astype(np.int64), coo.col.astype(np.int64), coo.data.astype(np.float64)
