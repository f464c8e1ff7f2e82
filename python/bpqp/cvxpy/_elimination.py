"""Which of CVXPY's own variables are expressed by others.

CVXPY writes sum_squares(F x - g) as |s|^2 with variables s and rows s = F x - g. A dense solver is better
off without them: a variable s_i in a row s_i = f'x + g_i is replaced by what it is equal to, and both are
gone from the cone program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from bpqp.cvxpy._affine import AffineMap, Columns
from bpqp.cvxpy._entries import Entries

Index = npt.NDArray[np.int64]
Number = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pivots:
    """Row rows[k] is factors[k] x[columns[k]] plus terms in variables that stay."""

    rows: Index
    columns: Index
    factors: Number


def choose(
    A: Entries, columns: Columns, equalities: int, kept_columns: Set[int], kept_rows: Set[int]
) -> Pivots:
    """Among the first `equalities` rows. The variables and rows named stay. One variable a row: that in
    the fewest other rows."""
    fixed = np.where(columns.number[A.by] < 0, A.value, np.nan)
    in_row: dict[int, dict[int, float]] = defaultdict(dict)
    in_column: dict[int, set[int]] = defaultdict(set)
    for i, j, value in zip(A.row.tolist(), A.column.tolist(), fixed.tolist()):
        in_row[i][j] = in_row[i].get(j, 0.0) + value
        in_column[j].add(i)
    pivots: dict[int, int] = {}  # row: column
    gone: set[int] = set()
    for i in range(equalities):
        entries = in_row[i]
        if i in kept_rows or not gone.isdisjoint(entries):
            continue
        # NaN is not of magnitude 1. Other magnitudes would be a change of scale.
        able = [
            j
            for j, value in entries.items()
            if abs(value) == 1 and j not in kept_columns and in_column[j].isdisjoint(pivots)
        ]
        if able:
            pivots[i] = min(able, key=lambda j: (len(in_column[j]), j))
            gone.add(pivots[i])
    return Pivots(
        np.array(list(pivots), np.int64),
        np.array(list(pivots.values()), np.int64),
        np.array([in_row[i][j] for i, j in pivots.items()], np.float64),
    )


@dataclass(frozen=True)
class Replaced:
    """v = F w + g of x = (w, v), and the blocks of P, q and A that v has. None: a block of zeros."""

    F: AffineMap  #: [v, w]
    g: AffineMap  #: [v]
    P_vv: AffineMap | None  #: [v], a diagonal, or [v, v]
    P_wv: AffineMap | None  #: [w, v]
    q_v: AffineMap  #: [v]
    A_v: AffineMap | None  #: [m, v]

    @classmethod
    def of(
        cls,
        pivots: Pivots,
        P: Entries,
        q: Entries,
        A: Entries,
        b: Entries,
        w: Index,
        rows: Index,
        by: Columns,
    ) -> Replaced:
        """With w the variables, and rows the rows that are left."""
        v = pivots.columns
        square = P.block(v, v)
        return cls(
            F=A.block(pivots.rows, w).times(-pivots.factors).matrix(by),  # factors are 1 or -1
            g=b.block(pivots.rows, np.zeros(1, np.int64)).times(pivots.factors).vector(by),
            P_vv=(square.diagonal(by) or square.matrix(by)) if square.value.any() else None,
            P_wv=P.block(w, v).block_or_none(by),
            q_v=q.block(v, np.zeros(1, np.int64)).vector(by),
            A_v=A.block(rows, v).block_or_none(by),
        )

    def __call__(
        self, at: Any, P: Tensor | None, q: Tensor, A: Tensor
    ) -> tuple[Tensor | None, Tensor, Tensor, Tensor | None]:
        """P, q and A of the problem in w alone, from their parts that v is not in, at parameters; and
        what is to be taken from the rows' sides (None: nothing)."""
        F, g, slope = self.F(*at), self.g(*at), self.q_v(*at)
        if self.P_vv is not None:
            P_vv = self.P_vv(*at)
            diagonal = len(self.P_vv.shape) == 1
            P = _sum(P, F.mT @ (P_vv.unsqueeze(-1) * F if diagonal else P_vv @ F))
            slope = slope + (P_vv * g if diagonal else _apply(P_vv, g))
        if self.P_wv is not None:
            P_wv = self.P_wv(*at)
            half = P_wv @ F
            P = _sum(P, half + half.mT)
            q = q + _apply(P_wv, g)
        q = q + _apply(F.mT, slope)
        if self.A_v is None:
            return P, q, A, None
        A_v = self.A_v(*at)
        return P, q, A + A_v @ F, _apply(A_v, g)


def _sum(a: Tensor | None, b: Tensor) -> Tensor:
    return b if a is None else a + b


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)
