"""The cone program of a parametrised problem, as this library reads it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bpqp.cvxpy._affine import AffineMap, Columns
from bpqp.cvxpy._canonical import Canonical
from bpqp.cvxpy._elimination import Replaced, choose
from bpqp.cvxpy._entries import Entries, others

Index = npt.NDArray[np.int64]
QPData = tuple[Tensor | None, Tensor, Tensor | None, Tensor | None, Tensor | None]


@dataclass(frozen=True)
class ConeProgram:
    """minimise 1/2 x'P x + q'x, the first `zero` rows A x = b, then rows A x <= b, and b - A x in
    second-order cones, t first; all affine in the parameters.

    Of x and the rows of CVXPY's program those that are left after the elimination (_elimination.py).
    """

    zero: int
    cones: tuple[int, ...]
    P: AffineMap | None  #: [n, n], None: zero
    q: AffineMap  #: [n]
    A: AffineMap  #: [m, n]
    b: AffineMap  #: [m]
    replaced: Replaced | None
    columns: Index  #: [n], of CVXPY's program
    rows: Index  #: [m]

    def evaluate(self, parameters: Sequence[Tensor], batched: Sequence[bool], like: Tensor) -> QPData:
        """(P, q, A, l, u) of ``solve_qp``."""
        at = parameters, batched, like
        P = None if self.P is None else self.P(*at)
        q, A, u = self.q(*at), self.A(*at), self.b(*at)
        if self.replaced is not None:
            P, q, A, u = self.replaced(at, P, q, A, u)
        m = len(self.rows)
        if m == 0:
            return P, q, None, None, None
        free = u.new_full((*u.shape[:-1], m - self.zero), -torch.inf)
        return P, q, A, torch.cat([u[..., : self.zero], free], -1), u


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
    pivots = choose(A, by, dims.zero, kept_columns, kept_rows)
    w, rows = others(pivots.columns, n), others(pivots.rows, m)
    return ConeProgram(
        zero=dims.zero - len(pivots.rows),
        cones=tuple(int(d) for d in dims.soc),
        P=P.block(w, w).block_or_none(by),
        q=q.block(w, one).vector(by),
        A=A.block(rows, w).matrix(by),
        b=b.block(rows, one).vector(by),
        replaced=Replaced.of(pivots, P, q, A, b, w, rows, by) if len(pivots.rows) else None,
        columns=w,
        rows=rows,
    )
