"""Sparse matrices that are affine in the parameters, and their blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpqp.cvxpy._affine import AffineMap, Columns

Index = npt.NDArray[np.int64]
Number = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Entries:
    """The entry (row, column) has value * [parameters; 1][by] among its terms."""

    shape: tuple[int, int]
    row: Index
    column: Index
    by: Index
    value: Number

    @classmethod
    def of(cls, matrix: Any, rows: int, columns: int) -> Entries:
        """Of CVXPY's sparse matrix, whose product with [parameters; 1] is the matrix, column-major."""
        coo = matrix.tocoo()
        if coo.shape[0] != rows * columns:
            raise RuntimeError(f"CVXPY's program has {coo.shape[0]} entries instead of {rows * columns}")
        at = coo.row.astype(np.int64)
        height = max(rows, 1)
        by = coo.col.astype(np.int64)
        return cls((rows, columns), at % height, at // height, by, coo.data.astype(np.float64))

    def block(self, rows: Index, columns: Index) -> Entries:
        """The rows and columns named, in this order."""
        row, column = places(rows, self.shape[0])[self.row], places(columns, self.shape[1])[self.column]
        inside = (row >= 0) & (column >= 0)
        shape = len(rows), len(columns)
        return Entries(shape, row[inside], column[inside], self.by[inside], self.value[inside])

    def times(self, factors: Number) -> Entries:
        """Every row times its factor."""
        return Entries(self.shape, self.row, self.column, self.by, self.value * factors[self.row])

    def matrix(self, parameters: Columns) -> AffineMap:
        at = self.row * self.shape[1] + self.column
        return AffineMap.of(self.shape, at, self.by, self.value, parameters)

    def block_or_none(self, parameters: Columns) -> AffineMap | None:
        """None if there are no entries."""
        return self.matrix(parameters) if self.value.any() else None

    def vector(self, parameters: Columns) -> AffineMap:
        """Of one column."""
        return AffineMap.of(self.shape[:1], self.row, self.by, self.value, parameters)

    def diagonal(self, parameters: Columns) -> AffineMap | None:
        """None if there are entries elsewhere."""
        if (self.row != self.column).any():
            return None
        return self.vector(parameters)


def places(selected: Index, size: int) -> Index:
    """Of the numbers 0 ... size - 1, where they are among those selected; -1: nowhere."""
    found = np.full(size, -1, np.int64)
    found[selected] = np.arange(len(selected))
    return found


def others(selected: Index, size: int) -> Index:
    """The numbers 0 ... size - 1 that are not selected."""
    return np.flatnonzero(places(selected, size) < 0)
