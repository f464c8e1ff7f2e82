"""General convex layers, as the BPQP paper defines them: any forward solver, one KKT solve backward."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map

from bpqp._checks import whole_number
from bpqp._report import Status, UnsolvedWarning, unsolved_message, warn_unsolved
from bpqp.torch._functions import in_forward_mode, in_transform
from bpqp.torch._functions_of_problem import (
    Derivatives,
    Function,
    Parameters,
    ProblemFunctions,
    batch_of,
    first_tensor,
    part_of,
)
from bpqp.torch._kkt_point import AttachSolution, Kkt, NoDerivatives, factor_point
from bpqp.torch._native import REPORT_WORDS
from bpqp.torch._report import TensorReport
from bpqp.torch._solve_qp import solve_qp
from bpqp.torch._sqp import Point, kkt_norm, sqp

#: z [B, n], or (z, nu [B, rows of h] or None, lam [B, rows of g] or None).
ForwardSolver = Callable[[Any], Any]


@dataclass(frozen=True)
class ConvexReport:
    """What became of each problem; all [B]."""

    #: ``bpqp.Status`` values: SOLVED where the KKT norm is within eps and the KKT matrix regular,
    #: SOLVED_INACCURATE within 100 eps, ITERATION_LIMIT beyond; NUMERICAL_ERROR where the matrix is
    #: singular, NON_CONVEX where z is no strict local minimum. Only the first two have gradients.
    status: Tensor
    #: The largest of stationarity and complementarity, both relative to the objective's scale, and
    #: violation: the gradient's error shrinks with it.
    kkt_norm: Tensor
    iterations: Tensor  #: of the built-in solver, else 0
    #: bool; solved, the KKT matrix is regular, and no row of g has both a multiplier and a slack of 0 (there
    #: the derivative is one of several).
    differentiable: Tensor
    nu: Tensor  #: [B, rows of h], multipliers
    lam: Tensor  #: [B, rows of g], multipliers, >= 0
    kkt: TensorReport  #: the library's report of the KKT point


class ConvexLayer(torch.nn.Module):
    """z*(y) = argmin f(z, y) subject to h(z, y) = 0, g(z, y) <= 0, differentiable in y.

    Parameters
    ----------
    f : (z [n], y of one problem) -> scalar
    n : int
    h, g : the same -> [rows], or None
        Equalities h = 0 and inequalities g <= 0. f, h and g are ordinary functions of torch operations,
        twice differentiable, for one problem; torch.func maps them over the batch (no branches on
        values). Tensors that they close over and that require gradients get them too.
    solver : callable or None
        The forward pass. ``solver(y)`` gets the batch's parameters, detached, and returns z [B, n], or
        (z, nu, lam) with the multipliers of h and g; where these are missing they are found from z by
        least squares. Any code will do: SciPy, a CVXPY problem, your own kernel. None: a batched SQP.
    eps : float
        Tolerance on the KKT norm, where the built-in solver stops, and what ``status`` tells: about the
        error in z relative to max(1, |z|), whatever f is multiplied by, and the violation of h and g in
        their units. By default 1e-8 for float64 and 1e-4 for float32; with a solver of your own 1e-4.
    max_iter : int
        Of the built-in solver.
    orders : int
        How often z may be differentiated. Each order needs one more derivative of f, h and g, and takes one
        more evaluation of them; beyond it a derivative raises.

    The backward pass takes the Hessian of the Lagrangian and the Jacobian of the active rows at (z, y) and
    solves one KKT system per problem (BPQP, NeurIPS 2024), so it is right for a forward problem that is
    not convex too, at a strict local minimum.

    Examples
    --------
    >>> layer = ConvexLayer(lambda z, y: ((z - y) ** 2).sum(), n=2, g=lambda z, y: z @ z - 1)
    >>> z, report = layer(torch.tensor([[3.0, 4.0]], dtype=torch.double))
    >>> z
    tensor([[0.6000, 0.8000]], dtype=torch.float64)
    """

    def __init__(
        self,
        f: Function,
        n: int,
        h: Function | None = None,
        g: Function | None = None,
        solver: ForwardSolver | None = None,
        *,
        eps: float | None = None,
        max_iter: int = 100,
        orders: int = 1,
    ) -> None:
        super().__init__()
        for name, value in (("n", n), ("max_iter", max_iter), ("orders", orders)):
            if whole_number(name, value) < 1:
                raise ValueError(f"{name}: expected >= 1, got {value}")
        if eps is not None and not (isinstance(eps, (int, float)) and eps > 0):
            raise ValueError(f"eps: expected a number > 0, got {eps!r}")
        self.n = n
        self.solver = solver
        self.eps = eps
        self.max_iter = max_iter
        self.orders = orders
        self._functions = ProblemFunctions(f, h, g)

    def forward(self, y: Parameters, z0: Tensor | None = None) -> tuple[Tensor, ConvexReport]:
        """y: a tensor [B, ...], or a tuple, list or dict of such; z0 [B, n] or [n]: where the built-in
        solver starts (zero). Returns z [B, n] and the report."""
        if in_transform():
            raise NotImplementedError(
                "ConvexLayer: torch.func's transforms are not there for it (for solve_qp they are); batches are "
                "y's first dimension, torch.autograd has its derivatives in both modes"
            )
        batch, like = batch_of(y), first_tensor(y)
        if batch == 0:
            # Nothing, but a function of y.
            nothing = sum(t.sum() for t in tree_flatten(y)[0] if t.is_floating_point())
            return like.new_empty(0, self.n) + nothing, _empty_report(like)
        exact = self.solver is None and like.dtype == torch.float64
        eps = self.eps if self.eps is not None else 1e-8 if exact else 1e-4
        with torch.no_grad():
            constant = tree_map(lambda t: t.detach(), y)
            start = self._start(z0, batch, like)
            sizes = self._functions.sizes(start, constant)
            if self.solver is None:
                point = sqp(self._functions, start, constant, sizes, eps, self.max_iter)
            else:
                point = self._foreign(constant, start, sizes)
            d = self._functions.derivatives(point.z, point.multipliers, constant)
            norm, scale = kkt_norm(d, point.z, point.multipliers, sizes[0])
            lease, raw = factor_point(*_kkt_point(d, point, sizes[0]))
            tied = _tied(d, point, sizes[0], scale, eps)
            report = _report(norm, TensorReport(raw, (batch,)), point, sizes[0], eps, tied)
        if not (torch.is_grad_enabled() or in_forward_mode()):
            return point.z, report
        solved = (report.status <= Status.SOLVED_INACCURATE).unsqueeze(1)
        return self._attached(point, y, Kkt(lease, solved, self.orders)), report

    def _attached(self, point: Point, y: Parameters, kkt: Kkt) -> Tensor:
        """z with its derivatives in y, and in what the functions close over."""
        z, multipliers = point.z, point.multipliers
        solved = kkt.solved.squeeze(1)
        if not solved.any():
            leaves = (t for t in tree_flatten(y)[0] if t.is_floating_point())
            return NoDerivatives.apply(z, *leaves)  # type: ignore[no-any-return]
        # Where there are none, those of a problem that has some, times zero: its own may not be finite.
        own = torch.arange(len(z), device=z.device)
        which = None if solved.all() else torch.where(solved, own, solved.int().argmax())
        for _ in range(kkt.orders):
            if which is None:
                s, c = self._functions.stationarity(z, multipliers, y)
            else:
                s, c = self._functions.stationarity(z[which], multipliers[which], part_of(y, which))
            if not (_has_derivatives(s) or _has_derivatives(c)):
                break
            z, multipliers = AttachSolution.apply(z, multipliers, s, c, kkt)
        return z

    def _start(self, z0: Tensor | None, batch: int, like: Tensor) -> Tensor:
        if z0 is None:
            return like.new_zeros(batch, self.n)
        if not isinstance(z0, Tensor):
            raise TypeError(f"z0: expected a tensor, got {type(z0).__name__}")
        try:
            return z0.detach().to(like).expand(batch, self.n)
        except RuntimeError:
            raise ValueError(f"z0: expected shape {[batch, self.n]}, got {list(z0.shape)}") from None

    def _foreign(self, y: Parameters, like: Tensor, sizes: tuple[int, int]) -> Point:
        """From the caller's solver."""
        assert self.solver is not None
        # Copies: what the solver does to its argument, or later to its answer, is its own affair.
        answer = self.solver(tree_map(lambda t: t.clone(), y))
        several = isinstance(answer, (tuple, list))
        if several and len(answer) != 3:
            raise ValueError(f"solver: expected z, or (z, nu, lam), got {len(answer)} values")
        z, nu, lam = answer if several else (answer, None, None)
        z = _taken("z", z, like, self.n)
        if (nu is None and sizes[0]) or (lam is None and sizes[1]):
            multipliers = _least_squares_multipliers(self._functions, z, y, sizes[0])
        else:
            parts = [_taken(k, v, like, s) for k, v, s in zip(("nu", "lam"), (nu, lam), sizes) if s]
            multipliers = torch.cat(parts, 1) if parts else like.new_zeros(like.shape[0], 0)
        return Point(z, multipliers, torch.zeros(like.shape[0], dtype=torch.long, device=like.device))


def _has_derivatives(tensor: Tensor) -> bool:
    if in_forward_mode() and torch.autograd.forward_ad.unpack_dual(tensor).tangent is not None:
        return True
    return tensor.requires_grad


def _taken(name: str, value: Any, like: Tensor, size: int) -> Tensor:
    """What the caller's solver returned, as a tensor [B, size] of the layer's type and device."""
    try:
        tensor = torch.as_tensor(value).detach().to(like, copy=True)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"solver: expected {name} as a tensor, got {type(value).__name__} ({error})") from None
    if tuple(tensor.shape) != (like.shape[0], size):
        raise ValueError(f"solver: expected {name} of shape {[like.shape[0], size]}, got {list(tensor.shape)}")
    return tensor


def _least_squares_multipliers(functions: ProblemFunctions, z: Tensor, y: Parameters, equalities: int) -> Tensor:
    """The multipliers that leave the least stationarity and complementarity: minimise
    |grad f + A'lambda|^2 + |lambda_g g|^2 with lambda_g >= 0."""
    gradient, rows, A = functions.first_order(z, y)
    weights = rows.clone()
    weights[:, :equalities] = 0
    P = A @ A.mT + torch.diag_embed(weights.square())
    q = (A @ gradient.unsqueeze(2)).squeeze(2)
    m = rows.shape[1]
    identity = torch.eye(m, dtype=z.dtype, device=z.device)[equalities:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsolvedWarning)
        found = solve_qp(P, q, identity, z.new_zeros(m - equalities)) if m > equalities else solve_qp(P, q)
    return found.x


def _kkt_point(d: Derivatives, point: Point, equalities: int) -> tuple[Tensor, ...]:
    """The arguments of factor_point: a row of g is active where its multiplier exceeds its slack."""
    active = point.multipliers > -d.rows
    active[:, :equalities] = True
    y = torch.where(active, point.multipliers, torch.zeros_like(point.multipliers))
    violation = torch.where(active, d.rows.abs(), d.rows.clamp(min=0))
    return d.hessian, d.jacobian, point.z, y, active.to(torch.int8), d.gradient, violation


def _empty_report(like: Tensor) -> ConvexReport:
    kkt = TensorReport(torch.zeros((0, REPORT_WORDS), dtype=torch.int32, device=like.device), (0,))
    whole = torch.zeros(0, dtype=torch.long, device=like.device)
    rows = like.new_empty(0, 0)
    return ConvexReport(kkt.status, like.new_empty(0), whole, kkt.differentiable, rows, rows, kkt)


def _tied(d: Derivatives, point: Point, equalities: int, scale: Tensor, eps: float) -> Tensor:
    """bool [B]: some row of g may be active or not, its multiplier and its slack both within 100 eps of 0."""
    y, slack = point.multipliers[:, equalities:], d.rows[:, equalities:].abs()
    return ((y.abs() <= 100 * eps * scale.unsqueeze(1)) & (slack <= 100 * eps)).any(1)


def _report(
    norm: Tensor, kkt: TensorReport, point: Point, equalities: int, eps: float, tied: Tensor
) -> ConvexReport:
    status = kkt.status.clone()
    regular = status <= Status.SOLVED_INACCURATE
    status[regular & ~(norm <= eps)] = int(Status.SOLVED_INACCURATE)
    status[regular & ~(norm <= 100 * eps)] = int(Status.ITERATION_LIMIT)
    unsolved = int((status > Status.SOLVED_INACCURATE).sum()) if status.device.type == "cpu" else 0
    if unsolved:
        nowhere = int((~torch.isfinite(norm)).sum())
        why = f"; for {nowhere} f, h, g or a derivative is not finite where it ended (the built-in solver starts at z0, "
        why += "0 if it is not given)"
        warn_unsolved(
            f"{unsolved_message(status.numpy())} (report.status, report.kkt_norm); their gradients are zero"
            + (why if nowhere else "")
        )
    nu, lam = point.multipliers[:, :equalities], point.multipliers[:, equalities:]
    differentiable = kkt.differentiable & (status <= Status.SOLVED_INACCURATE) & ~tied
    return ConvexReport(status, norm, point.iterations, differentiable, nu, lam, kkt)
