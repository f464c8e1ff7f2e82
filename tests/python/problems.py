"""Random problems with a strictly feasible point, and what is right about an answer.

Nothing here is shared with the library: residuals are computed by NumPy from the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = tuple[np.ndarray[Any, Any], ...]


def qp(seed: int, batch: tuple[int, ...] = (), n: int = 4, eq: int = 1, ineq: int = 4) -> Arrays:
    """P, q, A, l, u with P positive definite, the equalities first, about half of the others active."""
    rng = np.random.default_rng(seed)
    R = rng.standard_normal((*batch, n, n))
    P = R @ R.swapaxes(-1, -2) / n + np.eye(n)
    q = 3 * rng.standard_normal((*batch, n))
    A = rng.standard_normal((*batch, eq + ineq, n))
    inside = (A @ (0.3 * rng.standard_normal((*batch, n, 1))))[..., 0]
    l, u = inside.copy(), inside.copy()
    l[..., eq:] -= rng.random((*batch, ineq))
    u[..., eq:] += rng.random((*batch, ineq))
    return P, q, A, l, u


def socp(seed: int, batch: tuple[int, ...] = (), n: int = 4, eq: int = 1, cones: tuple[int, ...] = (3, 2)) -> Arrays:
    """The same with second-order cones on the last rows."""
    rng = np.random.default_rng(seed)
    rows = sum(cones)
    P, q, A, _, _ = qp(seed + 1, batch, n, eq, rows)
    u = (A @ (0.2 * rng.standard_normal((*batch, n, 1))))[..., 0]
    first = eq
    for d in cones:
        z = 0.3 * rng.standard_normal((*batch, d - 1))
        u[..., first] += np.linalg.norm(z, axis=-1) + 0.2
        u[..., first + 1 : first + d] += z
        first += d
    l = u.copy()
    l[..., eq:] = -np.inf
    return P, q, A, l, u


def kkt_error(P: Any, q: Any, A: Any, l: Any, u: Any, x: Any, y: Any) -> float:
    """The largest violation of the KKT conditions of a problem with linear rows, in one batch or none."""
    P = (P + P.swapaxes(-1, -2)) / 2
    stationarity = (P @ x[..., None])[..., 0] + q + (A.swapaxes(-1, -2) @ y[..., None])[..., 0]
    rows = (A @ x[..., None])[..., 0]
    outside = np.maximum(np.maximum(l - rows, rows - u), 0)
    with np.errstate(invalid="ignore"):
        slack = np.where(y > 0, np.abs(u - rows), np.where(y < 0, np.abs(rows - l), 0))
    return float(max(np.abs(stationarity).max(), outside.max(initial=0), np.abs(slack * y).max(initial=0)))
