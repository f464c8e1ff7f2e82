"""``bpqp.solve``: arrays in the host's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bpqp._checks import check_start, cone_sizes, settings_key, start_pair
from bpqp._pool import Key, Lease
from bpqp._report import REPORT, Report, SolveError, Status, unsolved_message, warn_unsolved
from bpqp._result import Array, Result
from bpqp._shapes import OWN_DIMENSIONS, Layout, layout


def solve(
    P: npt.ArrayLike | None,
    q: npt.ArrayLike,
    A: npt.ArrayLike | None = None,
    l: npt.ArrayLike | None = None,
    u: npt.ArrayLike | None = None,
    *,
    cones: Sequence[int] = (),
    warm_start: tuple[npt.ArrayLike | None, npt.ArrayLike | None] | None = None,
    strict: bool = False,
    **settings: Any,
) -> Result:
    """Solves a batch of problems given as arrays.

    Parameters
    ----------
    P : [..., n, n] or None
        Positive semidefinite; (P + P')/2 is used. None: linear programs.
    q : [..., n]
    A : [..., m, n] or None
        The rows, those of cones last. None: no rows.
    l, u : [..., m] or None
        Lower and upper sides; infinite (also None) where there is none. Rows of cones have their
        right-hand side in u, and their l is not read.
    cones : sizes of the second-order cones on the last rows
    warm_start : (x, y)
        A start in the shapes of the result, or without batch dimensions for all; either may be None.
    strict : bool
        Raise SolveError if a problem has no answer, in place of the warning UnsolvedWarning.
    **settings
        Fields of bpqp/settings.hpp: ``method``, ``eps_abs``, ``eps_rel``, ``kappa``, ``threads``,
        ``gradients`` (False: less memory, no ``Result.backward``), ``device`` ("cpu" or "cuda"), ...

    Dimensions before those shown are batch dimensions, which broadcast. An argument without any is
    shared by the batch: it is not copied, matrices are factored once.

    Arrays are read where they lie if they are C-contiguous float32 or float64 of one type; others
    are converted (integers and lists to float64).

    Returns
    -------
    Result
        With ``x``, ``y``, ``status``, ``report``, ``active`` and ``backward``.

    Raises
    ------
    ValueError, TypeError
        For shapes, types or settings that do not fit, naming the argument.

    Examples
    --------
    >>> import bpqp
    >>> r = bpqp.solve([[4, 1], [1, 2]], [1, 1], [[1, 1], [1, 0], [0, 1]], [1, 0, 0], [1, 0.7, 0.7])
    >>> r.x
    array([0.3, 0.7])
    >>> r.backward(dx=[1, 0]).l
    array([1., 0., 0.])
    """
    arrays = _arrays({"P": P, "q": q, "A": A, "l": l, "u": u})
    sizes = cone_sizes(cones)
    shapes = {name: None if a is None else a.shape for name, a in arrays.items()}
    size = layout(**shapes, cones=sizes)  # type: ignore[arg-type]
    type_ = arrays["q"].dtype.name  # type: ignore[union-attr]

    x = np.empty((size.batch, size.n), type_)
    y = np.empty((size.batch, size.m), type_)
    active = np.empty((size.batch, size.m), np.int8)
    records = np.zeros(size.batch, REPORT)
    device = str(settings.pop("device", "cpu"))
    lease = Lease(
        Key(type_, size.n, size.m, sizes, settings_key(settings), device), size.batch
    )
    if size.batch:
        inputs = [_flat(name, a, size) for name, a in _with_sides(arrays, size, type_).items()]
        keeps = settings.get("gradients", True)
        if keeps and inputs[0][0] is not None and np.may_share_memory(inputs[0][0], P):
            # P is read again by Result.backward, and may have become something else by then.
            inputs[0] = (inputs[0][0].copy(), inputs[0][1])
        lease.arrays = tuple(array for array, _ in inputs)
        if warm_start is not None:
            start = start_pair(warm_start)
            x0 = _start("x", start[0], size.n, size, type_)
            y0 = _start("y", start[1], size.m, size, type_)
            lease.solver.warm_start(size.batch, *_address(*x0), *_address(*y0))
        addresses = [number for pair in inputs for number in _address(*pair)]
        outputs = [a.ctypes.data for a in (x, y, active, records)]
        lease.solver.solve(size.batch, *addresses, *outputs)
    shape = size.batch_shape
    result = Result(
        x.reshape(*shape, size.n),
        y.reshape(*shape, size.m),
        active.reshape(*shape, size.m),
        Report(records.reshape(shape)),
        size,
        arrays,
        lease if settings.get("gradients", True) and settings.get("polish", True) else None,
    )
    _tell(records["status"], strict)
    return result


def _arrays(given: dict[str, npt.ArrayLike | None]) -> dict[str, Array | None]:
    """The arguments as arrays of one floating type."""
    arrays: dict[str, Array | None] = {}
    for name, value in given.items():
        if value is None:
            if name == "q":
                raise TypeError("q: expected an array [..., n], got None")
            arrays[name] = None
            continue
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"{name}: expected an array in the host's memory: {error}") from None
        if array.dtype.kind in "iub":
            array = array.astype(np.float64)
        if array.dtype == object:
            raise TypeError(f"{name}: expected a (dense) array of numbers, got {type(value).__name__}")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(f"{name}: expected float32 or float64, got {array.dtype} of shape {list(array.shape)}")
        arrays[name] = array
    types = {a.dtype for a in arrays.values() if a is not None}
    wide = np.dtype(np.float64) if np.dtype(np.float64) in types else np.dtype(np.float32)
    return {name: a if a is None else a.astype(wide, copy=False) for name, a in arrays.items()}


def _with_sides(arrays: dict[str, Array | None], size: Layout, type_: str) -> dict[str, Array | None]:
    """Infinite sides where none are given."""
    full = dict(arrays)
    for name, infinity in (("l", -np.inf), ("u", np.inf)):
        if full[name] is None and size.m:
            full[name] = np.full(size.m, infinity, type_)
    return full


def _flat(name: str, array: Array | None, size: Layout) -> tuple[Array | None, int]:
    """The array as the library reads it, contiguous, and the elements between problems (0: shared)."""
    if array is None or array.size == 0:
        return None, 0
    own = OWN_DIMENSIONS[name]
    core = array.shape[-own:]
    if not any(array.strides[:-own]):
        return np.ascontiguousarray(array[(0,) * (array.ndim - own)]), 0
    flat = np.broadcast_to(array, (*size.batch_shape, *core)).reshape(size.batch, *core)
    return np.ascontiguousarray(flat), flat[0].size


def _address(array: Array | None, stride: int) -> tuple[int, int]:
    return (0, 0) if array is None else (array.ctypes.data, stride)


def _start(
    name: str, start: npt.ArrayLike | None, entries: int, size: Layout, type_: str
) -> tuple[Array | None, int]:
    """The array, and the elements between problems."""
    if start is None:
        return None, 0
    try:
        array = np.ascontiguousarray(start, dtype=type_)
    except (TypeError, ValueError):
        raise TypeError(f"warm_start: expected {name} as an array of numbers, got {type(start).__name__}") from None
    check_start(name, array.shape, size.batch_shape, entries)
    return array, 0 if array.ndim == 1 else entries


def _tell(status: npt.NDArray[np.int32], strict: bool) -> None:
    if not (status > Status.SOLVED_INACCURATE).any():
        return
    message = unsolved_message(status)
    if strict:
        raise SolveError(message, status)
    warn_unsolved(f"{message}; their gradients are zero")
