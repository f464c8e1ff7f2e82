"""Rows that are the two sides of one, as those of l <= x <= u are, and rows that say less than another.

CVXPY has one-sided rows; the library's have two sides, and half as many take half the time. Rows that
say the same twice would also stand in the way of derivatives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bpqp.cvxpy._affine import Columns
from bpqp.cvxpy._entries import Entries

Index = npt.NDArray[np.int64]
Row = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Sides:
    upper: Index  #: rows that are kept
    lower: Index  #: and the row of each that is its lower side, its negative on the left
    idle: Index  #: rows that follow from another


def choose(A: Entries, b: Entries, parameters: Columns, first: int, last: int, kept_rows: Set[int]) -> Sides:
    """Among the rows first ... last - 1 of A x <= b without kept_rows, whose left sides do not depend
    on parameters."""
    left = _fixed_rows(A, parameters)
    right = _fixed_rows(b, parameters)
    groups: dict[Row, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i in range(first, last):
        row = left.get(i, ())
        if row is None or not row or i in kept_rows:
            continue
        negative = row[0][1] < 0
        groups[tuple((j, -a) for j, a in row) if negative else row][negative].append(i)
    pairs: list[tuple[int, int]] = []
    idle: list[int] = []
    for two in groups.values():
        for rows in two:
            # Of sides that are numbers only the least matters.
            numbers = {i: side for i in rows if (side := _number(right.get(i, ()))) is not None}
            least = min(numbers, key=lambda i: numbers[i], default=-1)
            idle += [i for i in numbers if i != least]
        pairs += zip(*([i for i in rows if i not in idle] for rows in two))
    upper, lower = np.array(pairs, np.int64).reshape(-1, 2).T
    return Sides(upper, lower, np.array(idle, np.int64))


def _fixed_rows(matrix: Entries, parameters: Columns) -> dict[int, Row | None]:
    """The entries of each row that has any; None where some depend on parameters."""
    entries: dict[int, dict[int, float]] = defaultdict(dict)
    varying = set(matrix.row[parameters.number[matrix.by] >= 0].tolist())
    for i, j, value in zip(matrix.row.tolist(), matrix.column.tolist(), matrix.value.tolist()):
        entries[i][j] = entries[i].get(j, 0.0) + value
    return {
        i: None if i in varying else tuple(sorted((j, a) for j, a in row.items() if a))
        for i, row in entries.items()
    }


def _number(side: Row | None) -> float | None:
    """The right side of a row, if it does not depend on parameters."""
    return None if side is None else sum(value for _, value in side)
