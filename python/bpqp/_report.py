"""What became of each problem: status, and the library's report."""

from __future__ import annotations

import enum
import sys
import warnings
from types import FrameType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from bpqp import _core

REPORT: np.dtype[Any] = np.dtype(cast(Any, _core.report_layout()))


class Status(enum.IntEnum):
    """The end of one problem (bpqp/status.hpp). The first two are answers and have gradients, the others
    zeros. From a number, also one of NumPy or a tensor."""

    SOLVED = 0
    SOLVED_INACCURATE = 1
    ITERATION_LIMIT = 2
    NUMERICAL_ERROR = 3
    PRIMAL_INFEASIBLE = 4
    DUAL_INFEASIBLE = 5
    NON_CONVEX = 6
    INVALID_INPUT = 7

    @classmethod
    def _missing_(cls, value: object) -> Status | None:
        """Of what is no number of Python's but says which it is."""
        return cls(value.item()) if hasattr(value, "item") else None


class UnsolvedWarning(UserWarning):
    """Some problems of a batch have no answer; their gradients are zero."""


class SolveError(RuntimeError):
    """The same, where ``strict=True`` asked for an exception. ``status`` has all statuses."""

    def __init__(self, message: str, status: npt.NDArray[np.int32]) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return self.message


def counts(status: npt.NDArray[np.int32]) -> str:
    """"120 solved, 8 primal_infeasible"."""
    found, number = np.unique(status, return_counts=True)
    return ", ".join(f"{k} {_core.STATUSES[s]}" for s, k in zip(found, number))


def unsolved_message(status: npt.NDArray[np.int32]) -> str:
    unsolved = int((status > Status.SOLVED_INACCURATE).sum())
    first = np.flatnonzero(status > Status.SOLVED_INACCURATE)[:5]
    more = ", ..." if unsolved > 5 else ""
    return (
        f"{unsolved} of {status.size} problems have no answer ({counts(status)}): "
        f"number {', '.join(map(str, first))}{more}"
    )


def warn_unsolved(message: str) -> None:
    """At the caller's line, outside of this package and the frameworks that call it."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _is_inside(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UnsolvedWarning, stacklevel=level)


def _is_inside(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("bpqp", "torch", "jax")


class Report:
    """The reports of a batch; every field is an array in the batch's shape.

    ``status``, ``method`` (index of ``methods``), ``iterations``, ``exchanges``, ``active`` (rows),
    ``differentiable``, ``verified``, ``objective``, ``primal_residual``, ``dual_residual``, ``gap``,
    the three with ``_relative``, ``backward_residual``, ``seconds``: as ``bpqp::Report`` in
    bpqp/solution.hpp.
    """

    methods: list[str] = _core.METHODS

    def __init__(self, records: npt.NDArray[Any]) -> None:
        self._records = records

    @property
    def records(self) -> npt.NDArray[Any]:
        """The structured array behind the fields."""
        return self._records

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_") or name not in (REPORT.names or ()):
            raise AttributeError(f"Report has no field {name!r}; there are: {', '.join(REPORT.names or ())}")
        field: npt.NDArray[Any] = self.records[name]
        return field

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(REPORT.names or ())]

    def __repr__(self) -> str:
        r = self.records.reshape(-1)
        lines = [f"Report of {r.size} problem{'s' * (r.size != 1)}: {counts(r['status'])}"]
        solved = r[r["status"] <= Status.SOLVED_INACCURATE]
        if solved.size:
            worst = max(
                float(solved[f].max())
                for f in ("primal_residual_relative", "dual_residual_relative", "gap_relative")
            )
            lines.append(
                f"  worst relative residual {worst:.1e}, differentiable {int(solved['differentiable'].sum())}, "
                f"active rows {solved['active'].min()} to {solved['active'].max()}"
            )
        return "\n".join(lines)
