"""``solve_qp``: from a call's arguments to the functions that have derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from bpqp import _core
from bpqp._checks import FOLLOWS, check_start, cone_sizes, settings_key, start_pair
from bpqp._report import SolveError, Status, unsolved_message, warn_unsolved
from bpqp._shapes import OWN_DIMENSIONS, Layout, layout
from bpqp.jax._calls import Array, Config, Start
from bpqp.jax._derivatives import solution
from bpqp.jax._report import ArrayReport


class QPSolution(NamedTuple):
    """What ``solve_qp`` returns, by name and by position."""

    x: Array  #: [..., n], differentiable
    y: Array  #: [..., m], multipliers, differentiable
    status: Array  #: int32 [...], ``bpqp.Status`` values
    report: ArrayReport


def solve_qp(
    P: ArrayLike | None,
    q: ArrayLike,
    A: ArrayLike | None = None,
    l: ArrayLike | None = None,
    u: ArrayLike | None = None,
    cones: Sequence[int] = (),
    *,
    warm_start: tuple[ArrayLike | None, ArrayLike | None] | None = None,
    strict: bool = False,
    **settings: Any,
) -> QPSolution:
    """minimise 1/2 x'P x + q'x subject to l <= A x <= u, and cones; differentiable.

    Parameters
    ----------
    P : [..., n, n] or None
        Positive semidefinite; (P + P')/2 is used, and its gradient is symmetric. None: linear programs.
    q : [..., n]
    A : [..., m, n] or None
        The rows, those of cones last. None: no rows.
    l, u : [..., m] or None
        Lower and upper sides; infinite (also None) where there is none. Rows of cones have their
        right-hand side in u; their l is not read. Of a row with l = u, dl + du is the gradient of
        moving both.
    cones : sizes of the second-order cones u_k - A_k x on the last rows, t first
    warm_start : (x, y)
        A start in the shapes of the result, or without batch dimensions for all; either may be None.
        Not differentiated.
    strict : bool
        Raise SolveError if a problem has no answer, in place of UnsolvedWarning. Both outside of jit and
        vmap alone, where they wait for the answer; inside look at ``status``.
    **settings
        Fields of bpqp/settings.hpp (``eps_abs``, ``method``, ``threads``, ...), but device, gradients and
        polish, which follow from the call, and kappa.

    Dimensions before those shown are batch dimensions, which broadcast; an argument without any, or which
    vmap does not map, is shared by the batch (not copied, factored once). Arrays of JAX must have q's
    type, float32 or float64; others are converted to it.

    Returns
    -------
    QPSolution
        (x, y, status, report). Problems without an answer have zero derivatives; their x is NaN, a direction
        or the last point, as their status says.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what was expected, before anything is solved (under jit,
        while it is traced).
    """
    arrays = _checked({"P": P, "q": q, "A": A, "l": l, "u": u})
    sizes = cone_sizes(cones)
    shapes: Any = {name: None if t is None else t.shape for name, t in arrays.items()}
    size = layout(**shapes, cones=sizes)
    type_ = str(arrays["q"].dtype)
    text = _settings(type_, size.n, size.m, sizes, max(size.batch, 1), settings_key(settings, (*FOLLOWS, "kappa")))
    start = _start(warm_start, size, arrays["q"].dtype)
    found: QPSolution = _solve(tuple(arrays.values()), start, len(size.batch_shape), Config(sizes, text))
    _tell(found.status, strict)
    return found


@lru_cache(maxsize=1024)
def _settings(
    type_: str, n: int, m: int, cones: tuple[int, ...], batch: int, given: tuple[tuple[str, Any], ...]
) -> str:
    """Checked, as the calls take them."""
    settings = dict(given)
    if settings.get("kappa"):
        raise NotImplementedError(
            "kappa: derivatives of barrier-relaxed points are in bpqp.solve and bpqp.torch"
        )
    _core.bytes_needed(type_, n, m, list(cones), batch, settings)  # raises for what no Solver can be made of
    return _core.xla_settings(settings)


def _checked(given: dict[str, ArrayLike | None]) -> dict[str, Any]:
    """Arrays of q's type."""
    q = given["q"]
    if q is None:
        raise TypeError("q: expected an array [..., n], got None")
    arrays: dict[str, Any] = {}
    type_ = _array("q", q, None).dtype
    for name, value in given.items():
        array = None if value is None else _array(name, value, type_)
        if array is not None and array.dtype != type_:
            raise TypeError(f"{name}: expected {type_} as q, got {array.dtype} of shape {list(array.shape)}")
        arrays[name] = array
    return arrays


def _array(name: str, value: Any, type_: Any) -> Array:
    """As it is if it is JAX's; others in `type_`, or in JAX's type for them."""
    if isinstance(value, jax.Array):
        _require_float(name, value)
        for device in _devices(value):
            if device.platform not in ("cpu", "gpu"):
                raise ValueError(f"{name}: expected an array on the CPU or a CUDA device, got one on {device}")
            if device.platform == "gpu" and not _core.capabilities()["cuda_built"]:
                raise ValueError(
                    f"{name}: this bpqp was built for the CPU alone, got an array on {device}; build it with "
                    "pip install . -C cmake.define.BPQP_CUDA=ON"
                )
        return value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name}: expected an array: {error}") from None
    if array.dtype.kind in "iub":
        return jnp.asarray(array, type_ or jnp.result_type(float))
    _require_float(name, array)
    return jnp.asarray(array, type_)


def _require_float(name: str, array: Any) -> None:
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"{name}: expected float32 or float64, got {array.dtype} of shape {list(array.shape)}"
        )


def _devices(array: Any) -> Any:
    """Of an array that has memory."""
    return () if isinstance(array, jax.core.Tracer) else array.devices()


def _start(given: Any, size: Layout, type_: Any) -> Start:
    """Two arrays of type `type_`, or None."""
    if given is None:
        return None, None
    x, y = start_pair(given)
    return (
        _start_array("x", x, size.n, size.batch_shape, type_),
        _start_array("y", y, size.m, size.batch_shape, type_),
    )


def _start_array(
    name: str, value: Any, entries: int, batch_shape: tuple[int, ...], type_: Any
) -> Array | None:
    if value is None:
        return None
    array = _array(f"warm_start's {name}", value, type_)
    check_start(name, array.shape, batch_shape, entries)
    return array.astype(type_) if entries else None


def _same_dimensions(
    arrays: Sequence[Array | None], own_dimensions: Iterable[int], batch_dimensions: int
) -> list[Array | None]:
    """With 1 for the batch dimensions that an array does not have."""
    same: list[Array | None] = []
    for array, own in zip(arrays, own_dimensions):
        missing = 0 if array is None else batch_dimensions + own - array.ndim
        same.append(None if array is None else array.reshape((1,) * missing + array.shape))
    return same


@partial(jax.jit, static_argnums=(2, 3))
def _solve(
    arrays: tuple[Array | None, ...], start: Start, batch_dimensions: int, config: Config
) -> QPSolution:
    """Compiled, since outside of jit the many small steps of a derivative take longer than the solve."""
    data = _same_dimensions(arrays, OWN_DIMENSIONS.values(), batch_dimensions)
    x0, y0 = _same_dimensions(start, (1, 1), batch_dimensions)
    q, A = data[1], data[2]
    assert q is not None
    if A is not None and A.size == 0:
        data[2] = A = data[3] = data[4] = None
    for i, infinity in ((3, -jnp.inf), (4, jnp.inf)):
        if A is None:
            data[i] = None
        elif data[i] is None:
            data[i] = jnp.full((*(1,) * batch_dimensions, A.shape[-2]), infinity, q.dtype)
    found = solution(tuple(data), (x0, None if A is None else y0), config)
    report = ArrayReport(found.whole, found.real)
    return QPSolution(found.x, found.y, report.status, report)


def _tell(status: Array, strict: bool) -> None:
    """Warns of problems without an answer, where their statuses are known: not while tracing."""
    try:
        unsolved = bool((status > int(Status.SOLVED_INACCURATE)).any())
    except jax.errors.ConcretizationTypeError:
        return
    if not unsolved:
        return
    statuses = np.array(status.reshape(-1).tolist(), np.int32)
    message = unsolved_message(statuses)
    if strict:
        raise SolveError(message, statuses.reshape(status.shape))
    warn_unsolved(f"{message}; their gradients are zero")
