"""The solution as a function of the data.

Its tangent is Lambda (_kkt.py) of the change of the data, which JAX turns round for reverse mode and
differentiates again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from bpqp.jax._calls import Answer, Array, Config, Data, Start, lead_of, solve
from bpqp.jax._kkt import apply, finite, solve_kkt, system, transposed


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def solution(data: Data, start: Start, config: Config) -> Answer:
    """Solves; the factors are kept where a derivative is taken. The start has no derivative."""
    return solve(data, start, config, False)


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _kept(data: Data, start: Start, config: Config) -> Answer:
    return solve(data, start, config, True)


def _tangent(
    config: Config, primals: tuple[Data, Start], tangents: tuple[Any, Any]
) -> tuple[Answer, Answer]:
    (data, start), (change, _) = primals, tangents
    answer = _kept(data, start, config)
    x, y = finite(answer.x), finite(answer.y)
    changes = [None if isinstance(t, SymbolicZero) else t for t in change]
    if all(t is None for t in changes):
        dx, dy = jnp.zeros_like(x), jnp.zeros_like(y)
    else:
        g, h = _right_hand_side(x, y, answer.active, changes, config, lead_of(data))
        map_ = system(data, x, y, answer.active, config)
        dx, dy = solve_kkt(g, h, map_, answer.state, (data, start), config)
    still = [_no_tangent(t) for t in answer[2:]]
    return answer, Answer(dx, dy, *still)


solution.defjvp(_tangent, symbolic_zeros=True)
_kept.defjvp(_tangent, symbolic_zeros=True)


def _no_tangent(array: Array) -> Any:
    if jnp.issubdtype(array.dtype, jnp.floating):
        return jnp.zeros_like(array)
    return np.zeros(array.shape, jax.dtypes.float0)


def _right_hand_side(
    x: Array, y: Array, active: Array, changes: list[Array | None], config: Config, lead: tuple[int, ...]
) -> tuple[Array, Array]:
    """-dP x - dq - dA'y, with the symmetric part of dP, and db - dA x; db is the change of the side that is
    active, which in cones is u."""
    dP, dq, dA, dl, du = changes
    g, h = jnp.zeros_like(x), jnp.zeros_like(y)
    if dP is not None:
        g = g - 0.5 * apply(dP + transposed(dP), x)
    if dq is not None:
        g = g - dq
    if dA is not None:
        g, h = g - apply(transposed(dA), y), h - apply(dA, x)
    in_cone = np.arange(y.shape[-1]) >= y.shape[-1] - sum(config.cones)
    for on_side, side in (((active < 0) & ~in_cone, dl), ((active > 0) | in_cone, du)):
        if side is not None:
            h = h + jnp.where(on_side, side, jnp.zeros_like(h))
    return jnp.broadcast_to(g, (*lead, x.shape[-1])), jnp.broadcast_to(h, (*lead, y.shape[-1]))
