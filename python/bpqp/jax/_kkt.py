"""The KKT system of a solution, as a linear map of jax.numpy operations.

Lambda (docs/math.md M52) takes (g, h) to the (w, d) with

    P w + A'd = g,     E (A w - h) = Q d,     d = E d

where E projects on the rows that are held and Q is the compliance of curved ones. On a linear row E is 1
where it is active, Q is 0. A cone with s = u - A x inside has E = 0, at the apex E = 1 and Q = 0; on the
boundary, with e = s_z/|s_z|, E takes away the direction (1, e) and Q is s_t/y_t on the directions (0, p)
with e'p = 0. So (w, d) solves the symmetric system

    [P  A'E; E A  -Q - (I - E)] [w; d] = [g; E h],

and for any right-hand side (g, r), (w, d') = Lambda (g, r) and d = d' - (I - E) r. The system is a function
of P, A, x, y and u that JAX differentiates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from bpqp.jax._calls import Array, Config, Data, Start, adjoint

#: A cone is on its boundary if s_t and y_t both exceed this many units in the last place of their
#: problem's largest entry: 4e-10 for float64, 2e-5 for float32 (rounding of s = u - A x at the apex).
_BOUNDARY = 2.0**21, 2.0**8


class Cones(NamedTuple):
    """Consecutive cones of one size d."""

    held: Array  #: [..., count, 1]: 0 where the cone is inside, else 1
    edge: Array  #: [..., count, d]: (1, e) on the boundary, else 0
    give: Array  #: [..., count, 1]: s_t/y_t on the boundary, else 0


class System(NamedTuple):
    """What the linear map is made of; arrays without NaN and infinities."""

    P: Array | None
    A: Array | None
    held: Array  #: [..., linear rows]: 1 where active, else 0
    cones: tuple[Cones, ...]


def finite(array: Array) -> Array:
    """Zeros for the NaN of problems without a solution, whose w and d are zero: 0 * NaN is not."""
    return jnp.where(jnp.isfinite(array), array, jnp.zeros((), array.dtype))


def apply(matrix: Array, vector: Array) -> Array:
    """Of leading dimensions that broadcast."""
    return (matrix @ vector[..., None])[..., 0]


def transposed(matrix: Array) -> Array:
    return jnp.swapaxes(matrix, -1, -2)


def system(data: Data, x: Array, y: Array, active: Array, config: Config) -> System:
    """Of finite x and y."""
    P, _, A, _, u = data
    P = None if P is None else finite(P)
    A = None if A is None else finite(A)
    first = y.shape[-1] - sum(config.cones)
    held = (active[..., :first] != 0).astype(x.dtype)
    if not config.cones:
        return System(P, A, held, ())
    assert A is not None and u is not None
    s, y = finite(u)[..., first:] - apply(A[..., first:, :], x), y[..., first:]
    least = jnp.finfo(s.dtype).eps * _BOUNDARY[s.dtype == jnp.float32]
    smallest = [least * jnp.abs(v).max(-1)[..., None, None] for v in (s, y)]
    cones = zip(_cones(config.cones, s), _cones(config.cones, y))
    return System(P, A, held, tuple(_positions(s, y, *smallest) for s, y in cones))


def _positions(s: Array, y: Array, least_s: Array, least_y: Array) -> Cones:
    """Of cones [..., count, d]."""
    s_t, s_z, y_t = s[..., :1], s[..., 1:], y[..., :1]
    has_s, has_y = s_t > least_s, y_t > least_y
    curved = has_s & has_y & (s.shape[-1] > 1)
    # What does not count must have finite derivatives too.
    give = jnp.where(curved, s_t, 0) / jnp.where(curved, y_t, 1)
    length = jnp.sqrt(jnp.where(curved, (s_z * s_z).sum(-1, keepdims=True), 1))
    edge = jnp.where(curved, jnp.concatenate([jnp.ones_like(s_t), s_z / length], -1), 0)
    return Cones(1 - (has_s & ~has_y).astype(s.dtype), edge, give)


def _cones(cones: Sequence[int], vector: Array) -> list[Array]:
    """Cuts [..., rows of cones] into [..., count, d], one for each run of cones of one size."""
    parts, first = [], 0
    for d, run in groupby(cones):
        count = len(list(run))
        part = vector[..., first : first + count * d]
        parts.append(part.reshape(*vector.shape[:-1], count, d))
        first += count * d
    return parts


def solve_kkt(
    g: Array, h: Array, map_: System, state: Array, solved: tuple[Data, Start], config: Config
) -> tuple[Array, Array]:
    """Lambda (g, h), with derivatives of every order in both directions. `solved`: of what."""
    n = g.shape[-1]
    # What the solve reads has no part in its derivatives, which are those of the map.
    fixed, fixed_map = lax.stop_gradient((solved, map_))

    def matvec(v: Array) -> Array:
        w, d = v[..., :n], v[..., n:]
        top = jnp.zeros_like(w) if map_.P is None else 0.5 * apply(map_.P + transposed(map_.P), w)
        if map_.A is None:
            return jnp.concatenate([top, -d], -1)
        held, given = rows(map_, d, config)
        top = top + apply(transposed(map_.A), held)
        below = rows(map_, apply(map_.A, w), config)[0] + held - given - d
        return jnp.concatenate([top, below], -1)

    def solve(_: Callable[[Array], Array], right: Array) -> Array:
        g, r = right[..., :n], right[..., n:]
        w, d = adjoint(g, r, state, *fixed, config)
        return jnp.concatenate([w, d - (r - rows(fixed_map, r, config)[0])], -1)

    # One array, since JAX turns the solve round only if all of its right-hand side is perturbed, and h
    # is not where q alone is.
    right = jnp.concatenate([g, rows(map_, h, config)[0]], -1)
    found: Array = lax.custom_linear_solve(matvec, right, solve, symmetric=True)
    return found[..., :n], found[..., n:]


def rows(map_: System, v: Array, config: Config) -> tuple[Array, Array]:
    """E v and Q v."""
    if not config.cones:
        return map_.held * v, jnp.zeros_like(v)
    first = v.shape[-1] - sum(config.cones)
    held, given = [map_.held * v[..., :first]], [jnp.zeros_like(v[..., :first])]
    for c, cone in zip(_cones(config.cones, v[..., first:]), map_.cones):
        flat = (*c.shape[:-2], -1)
        dot = (cone.edge * c).sum(-1, keepdims=True)
        held.append((cone.held * c - 0.5 * dot * cone.edge).reshape(flat))
        across = c - (dot - c[..., :1]) * cone.edge  # in all but its first entry
        across = jnp.concatenate([jnp.zeros_like(c[..., :1]), across[..., 1:]], -1)
        given.append((cone.give * across).reshape(flat))
    return jnp.concatenate(held, -1), jnp.concatenate(given, -1)
