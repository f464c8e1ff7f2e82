"""What ``bpqp.solve`` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpqp._pool import Lease
from bpqp._report import Report, counts
from bpqp._shapes import OWN_DIMENSIONS, Layout

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Gradient:
    """A loss's gradient in the data, each in the shape its argument was given in: that of a shared
    argument is the sum over the batch. None for an argument that was not given (l and u too)."""

    P: Array | None
    q: Array
    A: Array | None
    l: Array | None
    u: Array | None


class Result:
    """Solutions of a batch.

    Attributes
    ----------
    x : [..., n]
        The solutions; NaN where there is none, a certificate or the last point where
        bpqp/solution.hpp says so.
    y : [..., m]
        The multipliers of the rows.
    active : int8 [..., m]
        1 where the upper side is active, -1 the lower, 0 neither.
    status : int32 [...]
        ``bpqp.Status`` values.
    report : Report
        Residuals, iterations, whether the solution is differentiable, ...
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        active: Array,
        report: Report,
        layout: Layout,
        given: dict[str, Array | None],
        lease: Lease | None,
    ) -> None:
        self.x = x
        self.y = y
        self.active = active
        self.report = report
        self.status: npt.NDArray[np.int32] = report.status
        self._layout = layout
        self._given = given
        self._lease = lease

    def backward(self, dx: npt.ArrayLike | None = None, dy: npt.ArrayLike | None = None) -> Gradient:
        """The gradient in P, q, A, l and u of a loss whose gradient in x and y is dx and dy.

        Either may be left out (zero); they broadcast to the shapes of x and y. With K the KKT matrix
        of the active rows and K [w; d] = [dx; dy]: dq = -w, dP = -(w x' + x w')/2,
        dA = -(d x' + y w'), and d goes to the side that is active (docs/math.md section 8).
        """
        lease = self._held()
        size = self._layout
        type_ = lease.key.type
        gx = _cotangent("dx", dx, self.x.shape, size.batch, type_)
        gy = _cotangent("dy", dy, self.y.shape, size.batch, type_)
        outputs: dict[str, Array | None] = {}
        addresses: list[int] = []
        own = {"P": (size.n, size.n), "q": (size.n,), "A": (size.m, size.n), "l": (size.m,), "u": (size.m,)}
        for name, given in self._given.items():
            if given is None:
                outputs[name] = None
                addresses += [0, 0]
                continue
            shared = given.ndim == OWN_DIMENSIONS[name]
            make = np.empty if size.batch else np.zeros
            out = make(own[name] if shared else (size.batch, *own[name]), type_)
            outputs[name] = out
            addresses += [out.ctypes.data, 0 if shared else out[0].size if size.batch else 0]
        if size.batch:
            with lease.lock:
                lease.solver.backward(*_address(gx), *_address(gy), *addresses)
                if lease.key.device == "cpu":
                    lease.solver.backward_residuals(size.batch, self.report.records.ctypes.data)
        for name, given in self._given.items():
            value = outputs[name]
            if given is not None and value is not None and given.ndim > OWN_DIMENSIONS[name]:
                outputs[name] = _sum_to(value.reshape(*size.batch_shape, *own[name]), given.shape)
        return Gradient(**outputs)  # type: ignore[arg-type]

    def _held(self) -> Lease:
        if self._lease is None:
            raise RuntimeError(
                "backward: this result was computed with gradients=False or polish=False, or is a copy, which "
                "does not have the factors"
            )
        return self._lease

    def __getstate__(self) -> dict[str, Any]:
        """Of a copy: without the factors, which are in the Solver."""
        return {**self.__dict__, "_lease": None}

    def __repr__(self) -> str:
        size = self._layout
        shape = f"batch {list(size.batch_shape)}, " if size.batch_shape else ""
        text = f"<bpqp.Result: {shape}n {size.n}, m {size.m}: {counts(self.status)}"
        if not size.batch_shape:
            text += f", objective {float(self.report.objective):.6g}"
            if size.n <= 8:
                text += f", x = {np.array2string(self.x, precision=5)}"
        return text + ">"


def _address(array: Array | None) -> tuple[int, int]:
    """Address and stride of an array [batch, size]."""
    return (0, 0) if array is None else (array.ctypes.data, array.shape[-1])


def _cotangent(
    name: str, given: npt.ArrayLike | None, shape: tuple[int, ...], batch: int, type_: str
) -> Array | None:
    if given is None:
        return None
    try:
        array = np.asarray(given, dtype=type_)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected an array of numbers: {error}") from None
    try:
        array = np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{name}: expected shape {list(shape)}, got {list(array.shape)}") from None
    return np.ascontiguousarray(array.reshape(batch, shape[-1]))


def _sum_to(array: Array, shape: tuple[int, ...]) -> Array:
    """Sums over the dimensions that were broadcast."""
    extra = array.ndim - len(shape)
    array = array.sum(axis=tuple(range(extra))) if extra else array
    stretched = tuple(i for i, (a, b) in enumerate(zip(array.shape, shape)) if a != b)
    return array.sum(axis=stretched, keepdims=True) if stretched else array
