"""Sequential quadratic programming for a batch, the built-in solver of ConvexLayer.

In each iteration the problems that are not finished get one batch of QPs

    minimise 1/2 d'B d + grad f'd  subject to  h + h'd = 0,  g + g'd <= 0,

solved by solve_qp, and a step along d that lowers the exact penalty function
f + mu (|h|_1 + |max(g, 0)|_1) enough (Armijo). A full step that does not is tried once more with the
rows' curvature corrected. Source: Nocedal and Wright, Numerical Optimization, 2nd ed., chapter 18.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from bpqp._report import Status, UnsolvedWarning
from bpqp.torch._functions_of_problem import Derivatives, Parameters, ProblemFunctions, part_of
from bpqp.torch._solve_qp import solve_qp

_ARMIJO = 1e-4
_SHORTEST_STEP = 1e-10
#: Curvature that directions of negative or none get at least, relative to the largest.
_LEAST_CURVATURE = 1e-8
#: Weight of the rows' violation where the linearised rows contradict each other, relative to mu.
_ELASTIC = 1e2


@dataclass
class Point:
    """Solutions of a batch."""

    z: Tensor  #: [B, n]
    multipliers: Tensor  #: [B, m]
    iterations: Tensor  #: int64 [B]


def kkt_norm(
    d: Derivatives, z: Tensor, multipliers: Tensor, equalities: int
) -> tuple[Tensor, Tensor]:
    """[B]: the norm, and the objective's scale. The norm is the largest of stationarity and
    complementarity, relative to that scale, and of the rows' violation as it is. The scale is the largest
    of the gradients and of what the least curved of their entries changes by where z changes by
    max(1, |z|), so that eps is about the error in z, whatever f is multiplied by."""
    pull = (multipliers.unsqueeze(1) @ d.jacobian).squeeze(1)
    curvature = d.hessian.abs().sum(2)
    largest = curvature.amax(1, keepdim=True)
    least = torch.where(curvature > 1e-12 * largest, curvature, largest).amin(1)
    change = least * z.abs().amax(1).clamp(min=1)
    scale = torch.stack([d.gradient.abs().amax(1), pull.abs().amax(1), change]).amax(0)
    scale = scale.clamp(min=torch.finfo(z.dtype).tiny)
    parts = [(d.gradient + pull).abs().amax(1) / scale]
    h, g = d.rows[:, :equalities], d.rows[:, equalities:]
    if equalities:
        parts.append(h.abs().amax(1))
    if g.shape[1]:
        parts.append(g.clamp(min=0).amax(1))
        y = multipliers[:, equalities:]
        parts += [(y * g).abs().amax(1) / scale, (-y).clamp(min=0).amax(1) / scale]
    return torch.stack(parts).amax(0), scale


def sqp(
    functions: ProblemFunctions, z0: Tensor, y: Parameters, sizes: tuple[int, int], eps: float, max_iter: int
) -> Point:
    """Solves the batch from z0; problems stop one by one."""
    batch, m = z0.shape[0], sum(sizes)
    point = Point(z0.clone(), z0.new_zeros(batch, m), torch.zeros(batch, dtype=torch.long, device=z0.device))
    left = torch.arange(batch, device=z0.device)
    penalty = z0.new_ones(batch)
    for _ in range(max_iter):
        if left.numel() == 0:
            break
        z, multipliers, part = point.z[left], point.multipliers[left], part_of(y, left)
        d = functions.derivatives(z, multipliers, part)
        going = ~(kkt_norm(d, z, multipliers, sizes[0])[0] <= eps)  # NaN goes on, and ends below
        left, z, multipliers, part = left[going], z[going], multipliers[going], part_of(part, going)
        if left.numel() == 0:
            break
        d = Derivatives(*(t[going] for t in d))
        step, new, mu = _direction(d, multipliers, penalty[left], sizes[0])
        penalty[left] = mu
        length, moved = _line_search(functions, z, step, d, mu, part, sizes[0])
        point.z[left] = moved
        point.multipliers[left] = multipliers + length.unsqueeze(1) * (new - multipliers)
        point.iterations[left] += 1
        left = left[length > 0]
    return point


def _quiet_qp(P: Tensor, q: Tensor, A: Tensor, l: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsolvedWarning)
        x, y, status, _ = solve_qp(P, q, A, l, u)
    return x, y, status


def _sides(rows: Tensor, equalities: int) -> tuple[Tensor, Tensor]:
    u = -rows
    l = u.clone()
    l[:, equalities:] = -torch.inf
    return l, u


def _direction(
    d: Derivatives, multipliers: Tensor, mu: Tensor, equalities: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The step, the multipliers at its end, and the penalty weight that makes it one of descent."""
    B, q, augmented = _convexified(d, multipliers, equalities)
    step, new = _step(B, q, d, mu, equalities)
    weight = _penalty(d, step, new, mu, equalities)
    # The augmented Hessian is right if the rows that it was made for hold at the end; else it may lead up.
    up = augmented & ~(_slope(d, step, weight, equalities) < 0)
    if up.any():
        at = up.nonzero().squeeze(1)
        part = Derivatives(*(t[at] for t in d))
        step[at], new[at] = _step(_flipped(part.hessian), part.gradient, part, mu[at], equalities)
        weight[at] = _penalty(part, step[at], new[at], mu[at], equalities)
    return step, new, weight


def _step(B: Tensor, q: Tensor, d: Derivatives, mu: Tensor, equalities: int) -> tuple[Tensor, Tensor]:
    """The QP's solution and multipliers, with elastic rows where it has none."""
    l, u = _sides(d.rows, equalities)
    step, new, status = _quiet_qp(B, q, d.jacobian, l, u)
    bad = status > Status.SOLVED_INACCURATE
    if bad.any():
        at = bad.nonzero().squeeze(1)
        step[at], new[at] = _elastic(B[at], q[at], d.jacobian[at], d.rows[at], _ELASTIC * mu[at], equalities)
    return step, new


def _slope(d: Derivatives, step: Tensor, mu: Tensor, equalities: int) -> Tensor:
    """Of the penalty function along the step, at most."""
    return (d.gradient * step).sum(1) - mu * _violation(d.rows, equalities)


def _penalty(d: Derivatives, step: Tensor, new: Tensor, mu: Tensor, equalities: int) -> Tensor:
    """mu, or more: above the multipliers, and enough for descent (equation 18.36 there)."""
    violation = _violation(d.rows, equalities)
    curvature = (step.unsqueeze(1) @ d.hessian @ step.unsqueeze(2)).flatten().clamp(min=0)
    needed = ((d.gradient * step).sum(1) + 0.5 * curvature) / (0.9 * violation)
    largest = new.abs().amax(1) if new.shape[1] else torch.zeros_like(mu)
    wanted = torch.where(violation > 0, torch.maximum(largest, needed), largest)
    return torch.where(1.1 * wanted > mu, 1.5 * wanted, mu)


def _convexified(
    d: Derivatives, multipliers: Tensor, equalities: int
) -> tuple[Tensor, Tensor, Tensor]:
    """A positive definite B, the gradient that goes with it, and whether it is augmented. The Hessian
    itself; where it is not, with tau A_W'A_W added for the rows W that held last, which changes nothing
    on their tangent space (nor the step, with tau A_W'c in the gradient); else flipped."""
    B, q = d.hessian.clone(), d.gradient.clone()
    bad = torch.linalg.cholesky_ex(B)[1] != 0
    augmented = torch.zeros_like(bad)
    if not bad.any():
        return B, q, augmented
    at = bad.nonzero().squeeze(1)
    held = (multipliers[at] > 0).to(B)
    held[:, :equalities] = 1
    rows = d.jacobian[at] * held.unsqueeze(2)
    size = B[at].abs().amax((1, 2)) + 1e-300
    tau = 10 * size / (rows.square().sum((1, 2)) + 1e-300)
    raised = B[at] + tau[:, None, None] * rows.mT @ rows
    regular = torch.linalg.cholesky_ex(raised - _LEAST_CURVATURE * _diagonal(raised, size))[1] == 0
    shift = tau.unsqueeze(1) * (rows.mT @ (held * d.rows[at]).unsqueeze(2)).squeeze(2)
    B[at] = torch.where(regular[:, None, None], raised, _flipped(B[at]))
    q[at] = torch.where(regular[:, None], q[at] + shift, q[at])
    augmented[at] = regular
    return B, q, augmented


def _flipped(B: Tensor) -> Tensor:
    """With the absolute values of its eigenvalues, which are kept away from zero."""
    values, vectors = torch.linalg.eigh(torch.nan_to_num(B))
    floor = (_LEAST_CURVATURE * values.abs().amax(1, keepdim=True)).clamp(min=1e-12)
    flipped: Tensor = vectors * values.abs().maximum(floor).unsqueeze(1) @ vectors.mT
    return flipped


def _diagonal(like: Tensor, value: Tensor) -> Tensor:
    return value[:, None, None] * torch.eye(like.shape[-1], dtype=like.dtype, device=like.device)


def _elastic(
    B: Tensor, q: Tensor, A: Tensor, rows: Tensor, weight: Tensor, equalities: int
) -> tuple[Tensor, Tensor]:
    """Where no d satisfies the linearised rows: with weight times their violation t in the objective,
    -t <= c + A d <= t for equalities, c + A d <= t for the others."""
    batch, m, n = A.shape
    eye = torch.eye(m, dtype=A.dtype, device=A.device).expand(batch, m, m)
    P = torch.nn.functional.pad(B, (0, m, 0, m))
    linear = torch.cat([q, weight.unsqueeze(1).expand(batch, m)], 1)
    upper = torch.cat([A, -eye], 2)
    lower = torch.cat([A[:, :equalities], eye[:, :equalities]], 2)
    positive = torch.nn.functional.pad(eye, (n, 0))
    infinite = torch.full_like(rows, torch.inf)
    l = torch.cat([-infinite, -rows[:, :equalities], torch.zeros_like(rows)], 1)
    u = torch.cat([-rows, infinite[:, :equalities], infinite], 1)
    x, y, _ = _quiet_qp(P, linear, torch.cat([upper, lower, positive], 1), l, u)
    new = y[:, :m].clone()
    new[:, :equalities] += y[:, m : m + equalities]
    return x[:, :n], new


def _violation(rows: Tensor, equalities: int) -> Tensor:
    return rows[:, :equalities].abs().sum(1) + rows[:, equalities:].clamp(min=0).sum(1)


def _line_search(
    functions: ProblemFunctions,
    z: Tensor,
    step: Tensor,
    d: Derivatives,
    mu: Tensor,
    y: Parameters,
    equalities: int,
) -> tuple[Tensor, Tensor]:
    """Lengths [B] (0: none was found) and the points there."""

    def merit(at: Tensor, part: Parameters, weight: Tensor) -> tuple[Tensor, Tensor]:
        f, rows = functions.values(at, part)
        return f + weight * _violation(rows, equalities), rows

    start, _ = merit(z, y, mu)
    slope = _slope(d, step, mu, equalities)
    # Rounding of the merit itself, without which the last steps fail.
    slack = 10 * torch.finfo(z.dtype).eps * start.abs().clamp(min=1)
    length = torch.ones_like(mu)
    moved = z + step
    value, rows = merit(moved, y, mu)
    open_ = ~(value <= start + _ARMIJO * slope + slack)
    if open_.any() and d.rows.shape[1]:
        at = open_.nonzero().squeeze(1)
        trial = moved[at] + _correction(d.jacobian[at], rows[at], d.rows[at], step[at], equalities)
        better, _ = merit(trial, part_of(y, at), mu[at])
        taken = better <= start[at] + _ARMIJO * slope[at] + slack[at]
        moved[at[taken]] = trial[taken]
        open_[at[taken]] = False
    while open_.any():
        at = open_.nonzero().squeeze(1)
        length[at] /= 2
        moved[at] = z[at] + length[at].unsqueeze(1) * step[at]
        value, _ = merit(moved[at], part_of(y, at), mu[at])
        found = value <= start[at] + _ARMIJO * length[at] * slope[at] + slack[at]
        short = length[at] < _SHORTEST_STEP
        length[at[short & ~found]] = 0
        moved[at[short & ~found]] = z[at[short & ~found]]
        open_[at[found | short]] = False
    return length, moved


def _correction(A: Tensor, ahead: Tensor, here: Tensor, step: Tensor, equalities: int) -> Tensor:
    """The least move that takes back the rows' curvature along the step, on rows that should hold:
    minimise |p|^2 with A p = -c(z + d) there (least squares)."""
    linear = here + (A @ step.unsqueeze(2)).squeeze(2)
    held = linear > -1e-8
    held[:, :equalities] = True
    rows = A * held.unsqueeze(2)
    target = -(ahead * held).unsqueeze(2)
    move: Tensor = torch.linalg.pinv(torch.nan_to_num(rows)) @ torch.nan_to_num(target)
    return move.squeeze(2)
