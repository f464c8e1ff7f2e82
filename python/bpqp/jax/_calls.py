"""The library's two calls, as operations of XLA.

An argument has as many leading dimensions as the others, each 1 or that of the batch; where it is 1 in
all of them, it is shared. ``vmap`` puts a dimension in front of all of them ("expand_dims"), 1 for what is
not mapped, so that this stays true: what vmap does not map is shared, and right-hand sides that are
mapped alone are more of them for the same factor.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpqp import _core
from bpqp._report import REPORT
from bpqp._shapes import OWN_DIMENSIONS
from bpqp.jax._register import register

Array = jax.Array
#: (P, q, A, l, u); None: not given.
Data = tuple[Array | None, Array, Array | None, Array | None, Array | None]
#: (x, y) to start from; None: zero.
Start = tuple[Array | None, Array | None]

_SOLVE, _ADJOINT = "bpqp_solve", "bpqp_adjoint"
register({_SOLVE: "solve", _ADJOINT: "adjoint"})

_FORMATS = {name: np.dtype(REPORT[name]) for name in REPORT.names or ()}
#: Columns of the two tables that a report comes in.
WHOLE = [name for name, dtype in _FORMATS.items() if dtype.kind != "f"]
REAL = [name for name, dtype in _FORMATS.items() if dtype.kind == "f"]

_STATE = 3  # words: the number of a problem's solve, and its place there


class Config(NamedTuple):
    """What is fixed when a call is traced."""

    cones: tuple[int, ...]
    settings: str  #: as _core.xla_settings writes them


class Answer(NamedTuple):
    """Of a batch [...]."""

    x: Array  #: [..., n]
    y: Array  #: [..., m]
    active: Array  #: int8 [..., m]
    whole: Array  #: int32 [..., columns WHOLE]
    real: Array  #: [..., columns REAL], in the type of the data
    state: Array  #: uint32 [..., 3], what `adjoint` finds the factors by


def _cones(config: Config) -> str:
    return "".join(f"{d}," for d in config.cones)


def _present(data: Data, start: Start) -> list[Array]:
    """Arrays of size 0 for what is not given."""
    lead = (1,) * (data[1].ndim - 1)
    return [
        jnp.zeros((*lead, *(0,) * own), data[1].dtype) if t is None else t
        for t, own in zip((*data, *start), (*OWN_DIMENSIONS.values(), 1, 1))
    ]


def lead_of(data: Data) -> tuple[int, ...]:
    """The batch's dimensions."""
    leads = [t.shape[:-own] for t, own in zip(data, OWN_DIMENSIONS.values()) if t is not None]
    return tuple(0 if 0 in dims else max(dims) for dims in zip(*leads))


def solve(data: Data, start: Start, config: Config, keep: bool) -> Answer:
    """Solves. Without `keep` there is nothing to be differentiated: the state is 0."""
    q, lead = data[1], lead_of(data)
    m = 0 if data[2] is None else data[2].shape[-2]
    shape = jax.ShapeDtypeStruct
    call = jax.ffi.ffi_call(
        _SOLVE,
        (
            shape((*lead, q.shape[-1]), q.dtype),
            shape((*lead, m), q.dtype),
            shape((*lead, m), jnp.int8),
            shape((*lead, len(WHOLE)), jnp.int32),
            shape((*lead, len(REAL)), q.dtype),
            shape((*lead, _STATE), jnp.uint32),
        ),
        vmap_method="expand_dims",
    )
    return Answer(*call(*_present(data, start), cones=_cones(config), settings=config.settings, keep=keep))


def adjoint(
    g: Array, h: Array, state: Array, data: Data, start: Start, config: Config
) -> tuple[Array, Array]:
    """(w, d) of Lambda (g, h), g [..., n] and h [..., m] in the batch's dimensions."""
    call = jax.ffi.ffi_call(
        _ADJOINT,
        (jax.ShapeDtypeStruct(g.shape, g.dtype), jax.ShapeDtypeStruct(h.shape, h.dtype)),
        vmap_method="expand_dims",
    )
    w, d = call(g, h, state, *_present(data, start), cones=_cones(config), settings=config.settings)
    return w, d


def limit_cache(solves: int = 256, bytes: int = 512 << 20) -> None:
    """How many solves keep their factors until they are differentiated, and how much memory idle Solvers
    may take. Beyond that the longest unused ones go; a derivative that comes after all solves again.
    """
    for name, value in (("solves", solves), ("bytes", bytes)):
        try:
            fits = 0 <= operator.index(value) < 1 << 63
        except TypeError:
            fits = False
        if not fits:
            raise ValueError(f"limit_cache: {name}: expected a whole number >= 0, got {value!r}")
    _core.xla_limit_cache(solves, bytes)
