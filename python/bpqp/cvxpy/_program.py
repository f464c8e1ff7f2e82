"""The cone program of a parametrised problem, as this library reads it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from bpqp.cvxpy import _elimination, _sides
from bpqp.cvxpy._affine import AffineMap, Columns
from bpqp.cvxpy._canonical import Canonical
from bpqp.cvxpy._elimination import Replaced
from bpqp.cvxpy._entries import Entries, others, places
from bpqp.cvxpy._sides import Sides

Index = npt.NDArray[np.int64]
QPData = tuple[Tensor | None, Tensor, Tensor | None, Tensor | None, Tensor | None]


@dataclass(frozen=True)
class ConeProgram:
    """The library's problem, all of it affine in the parameters: minimise 1/2 x'P x + q'x subject to
    l <= A x <= u, and u - A x in second-order cones in the last rows, t first.

    Of x and the rows of CVXPY's program those that are left by _elimination.py and _sides.py.
    """

    cones: tuple[int, ...]
    P: AffineMap | None  #: [n, n], None: zero
    q: AffineMap  #: [n]
    A: AffineMap  #: [m, n]
    l: AffineMap  #: [m]
    u: AffineMap  #: [m]
    replaced: Replaced | None
    columns: Index  #: [n], of CVXPY's program
    rows: Index  #: [m]

    def evaluate(self, parameters: Sequence[Tensor], batched: Sequence[bool], like: Tensor) -> QPData:
        """(P, q, A, l, u) of ``solve_qp``."""
        at = parameters, batched, like
        P = None if self.P is None else self.P(*at)
        q, A, l, u = self.q(*at), self.A(*at), self.l(*at), self.u(*at)
        if self.replaced is not None:
            P, q, A, shift = self.replaced(at, P, q, A)
            if shift is not None:
                l, u = l - shift, u - shift
        return (P, q, A, l, u) if len(self.rows) else (P, q, None, None, None)


def cone_program(
    canonical: Canonical, by: Columns, kept_columns: Set[int], kept_rows: Set[int]
) -> ConeProgram:
    """CVXPY's program has A x + b in its cones. The columns and rows named are not eliminated."""
    data, n, m = canonical.data, canonical.n, canonical.m
    dims = data.cone_dims
    Ab = Entries.of(data.A, m, n + 1)
    every, one = np.arange(m), np.zeros(1, np.int64)
    A, b = Ab.block(every, np.arange(n)).times(-np.ones(m)), Ab.block(every, one + n)
    q = Entries.of(canonical.linear, n + 1, 1)  # the last row is the objective's constant
    P = Entries((n, n), *(one[:0],) * 3, np.zeros(0)) if data.P is None else Entries.of(data.P, n, n)
    pivots = _elimination.choose(A, by, dims.zero, kept_columns, kept_rows)
    sides = _sides.choose(A, b, by, dims.zero, dims.zero + dims.nonneg, kept_rows)
    w = others(pivots.columns, n)
    rows = others(np.concatenate([pivots.rows, sides.lower, sides.idle]), m)
    return ConeProgram(
        cones=tuple(int(d) for d in dims.soc),
        P=P.block(w, w).block_or_none(by),
        q=q.block(w, one).vector(by),
        A=A.block(rows, w).matrix(by),
        l=_lower(b, rows, sides, dims.zero, by),
        u=b.block(rows, one).vector(by),
        replaced=Replaced.of(pivots, P, q, A, b, w, rows, by) if len(pivots.rows) else None,
        columns=w,
        rows=rows,
    )


def _lower(b: Entries, rows: Index, sides: Sides, zero: int, by: Columns) -> AffineMap:
    """The rows' lower sides: b of the first `zero` rows, the negative of b of their lower side's row for
    those with two, -inf for others."""
    m = b.shape[0]
    here = places(rows, m)
    place, sign = np.full(m, -1, np.int64), np.ones(m)
    place[:zero] = here[:zero]
    place[sides.lower], sign[sides.lower] = here[sides.upper], -1
    inside = place[b.row] >= 0
    value = sign[b.row] * b.value
    lower = AffineMap.of((len(rows),), place[b.row][inside], b.by[inside], value[inside], by)
    lower.constant[others(place[place >= 0], len(rows))] = -np.inf
    return lower
