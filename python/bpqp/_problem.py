"""A problem's arrays together, and other forms turned into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bpqp._numpy import solve
from bpqp._result import Result


def _numbers(name: str, value: Any, dimensions: int) -> npt.NDArray[Any]:
    """An array of float64 with at least so many dimensions."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected an array of numbers: {error}") from None
    if array.ndim < dimensions:
        raise ValueError(f"{name}: expected at least {dimensions} dimension{'s' * (dimensions > 1)}, got shape {list(array.shape)}")
    return array


def _rows_below(parts: list[npt.NDArray[Any]], own: int) -> npt.NDArray[Any]:
    """Arrays one below the other along their first own dimension; batch dimensions broadcast."""
    batch = np.broadcast_shapes(*(p.shape[:-own] for p in parts))
    return np.concatenate([np.broadcast_to(p, (*batch, *p.shape[-own:])) for p in parts], axis=-own)


@dataclass(frozen=True)
class Problem:
    """Arrays of a batch, as ``bpqp.solve`` takes them."""

    P: npt.ArrayLike | None
    q: npt.ArrayLike
    A: npt.ArrayLike | None = None
    l: npt.ArrayLike | None = None
    u: npt.ArrayLike | None = None
    cones: Sequence[int] = field(default=())

    @classmethod
    def from_qpth(
        cls,
        Q: npt.ArrayLike | None,
        p: npt.ArrayLike,
        G: npt.ArrayLike | None = None,
        h: npt.ArrayLike | None = None,
        A: npt.ArrayLike | None = None,
        b: npt.ArrayLike | None = None,
    ) -> Problem:
        """minimise 1/2 z'Q z + p'z subject to G z <= h, A z = b; the equalities become the first rows.

        Empty arrays count as None.
        """
        rows: list[npt.NDArray[Any]] = []
        lower: list[npt.NDArray[Any]] = []
        upper: list[npt.NDArray[Any]] = []
        for names, matrix, side in (("A and b", A, b), ("G and h", G, h)):
            empty = [x is None or np.size(x) == 0 for x in (matrix, side)]
            if all(empty):
                continue
            if any(empty):
                raise ValueError(f"{names}: expected both or neither")
            right = _numbers(names[-1], side, 1)
            left = _numbers(names[0], matrix, 2)
            n = np.shape(p)[-1:]
            if left.shape[-1:] != n or left.shape[-2:-1] != right.shape[-1:]:
                raise ValueError(
                    f"{names}: expected [..., rows, n] and [..., rows] with n = {n[0] if n else '?'}, got shapes "
                    f"{list(left.shape)} and {list(right.shape)}"
                )
            rows.append(left)
            upper.append(right)
            lower.append(right if names == "A and b" else np.full(right.shape[-1:], -np.inf))
        if not rows:
            return cls(Q, p)
        return cls(Q, p, _rows_below(rows, 2), _rows_below(lower, 1), _rows_below(upper, 1))

    def with_bounds(self, lower: npt.ArrayLike | None = None, upper: npt.ArrayLike | None = None) -> Problem:
        """The same problem with lower <= x <= upper: n rows with one entry each, put first.

        Either side may be None, a number, [n] or [..., n].
        """
        q = _numbers("q", self.q, 1)
        n = q.shape[-1]
        sides = []
        for name, side, infinity in (("lower", lower, -np.inf), ("upper", upper, np.inf)):
            array = _numbers(name, infinity if side is None else side, 0)
            if array.ndim and array.shape[-1] not in (1, n):
                raise ValueError(f"{name}: expected a number or [..., n = {n}], got shape {list(array.shape)}")
            sides.append(np.broadcast_to(array, (*array.shape[:-1], n)))
        if self.A is None:
            return replace(self, A=np.eye(n), l=sides[0], u=sides[1])
        A = _numbers("A", self.A, 2)
        m = A.shape[-2]
        if A.shape[-1] != n:
            raise ValueError(f"A: expected [..., m, n = {n}], got shape {list(A.shape)}")
        l = np.full(m, -np.inf) if self.l is None else _numbers("l", self.l, 1)
        u = np.full(m, np.inf) if self.u is None else _numbers("u", self.u, 1)
        return replace(
            self,
            A=_rows_below([np.eye(n), A], 2),
            l=_rows_below([sides[0], l], 1),
            u=_rows_below([sides[1], u], 1),
        )

    def solve(self, **settings: Any) -> Result:
        """``bpqp.solve`` of these arrays."""
        return solve(self.P, self.q, self.A, self.l, self.u, cones=self.cones, **settings)
