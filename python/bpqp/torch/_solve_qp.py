"""``solve_qp``: from a call's arguments to the functions that have derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bpqp._checks import check_start, cone_sizes, start_pair
from bpqp.torch import _ops  # noqa: F401  (registers the operators)
from bpqp.torch._functions import PlainSolve, in_forward_mode, in_transform, solve, traced
from bpqp.torch._native import run
from bpqp.torch._plan import Given, Plan, config_of, known_plan, make_plan, prepare
from bpqp.torch._report import TensorReport

Start = tuple[Tensor | None, Tensor | None]


class QPSolution(NamedTuple):
    """What ``solve_qp`` returns, by name and by position."""

    x: Tensor  #: [..., n], differentiable
    y: Tensor  #: [..., m], multipliers, differentiable
    status: Tensor  #: int32 [...], ``bpqp.Status`` values
    report: TensorReport


def solve_qp(
    P: Tensor | None,
    q: Tensor,
    A: Tensor | None = None,
    l: Tensor | None = None,
    u: Tensor | None = None,
    cones: Sequence[int] = (),
    *,
    warm_start: Start | None = None,
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
        Raise SolveError if a problem has no answer, in place of UnsolvedWarning. On CUDA, where nothing
        waits for the device otherwise, there is no warning, and ``strict`` waits.
    **settings
        Fields of bpqp/settings.hpp (``eps_abs``, ``method``, ``kappa``, ``threads``, ...), but device,
        gradients and polish, which follow from the call.

    Dimensions before those shown are batch dimensions, which broadcast; an argument without any is
    shared by the batch (not copied, factored once). All tensors have q's type, float32 or float64, and
    device; under autocast lower types are taken as float32.

    Returns
    -------
    QPSolution
        (x, y, status, report). Problems without an answer have zero gradients; their x is NaN, a direction
        or the last point, as their status says.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what was expected, before anything is solved.
    """
    config = config_of(settings, strict) if settings or strict else "{}"
    return solve_given((P, q, A, l, u), cone_sizes(cones) if cones else (), config, warm_start)


def solve_given(given: Given, cones: tuple[int, ...], config: str, warm_start: Start | None) -> QPSolution:
    """Of (P, q, A, l, u)."""
    if in_transform() or traced():
        return _solve_traced(given, cones, config, warm_start)
    known = known_plan(given, cones, config)
    if known is None:
        data, size = prepare(given, cones)
        contiguous: Any = tuple(t if t is None else t.contiguous() for t in data)
        contiguous = tuple(t.resolve_neg() if t is not None and t.is_neg() else t for t in contiguous)
        known = make_plan(contiguous, size, cones, config), contiguous
    plan, data = known
    start = (None, None) if warm_start is None else _starts(warm_start, plan, data[1])
    if _differentiable(given):
        reports: list[Tensor] = []
        x, y = PlainSolve.apply(*data, *start, plan, reports)
        raw = reports[0]
    else:
        x, y, _, raw = run(plan, data, start, warm_start is not None)[1]
    return _solution(x, y, raw, plan.batch_shape)


def _solve_traced(
    given: Given, cones: tuple[int, ...], config: str, warm_start: Start | None
) -> QPSolution:
    data, size = prepare(given, cones)
    start: Start = (None, None)
    if warm_start is not None:
        start = _starts(warm_start, make_plan(data, size, cones, config), data[1])
    x, y, _, raw, _ = solve(*data, *start, cones, config, True)
    return _solution(x, y, raw, size.batch_shape)


def _solution(x: Tensor, y: Tensor, raw: Tensor, batch_shape: tuple[int, ...]) -> QPSolution:
    if len(batch_shape) != 1:
        x, y = x.reshape(*batch_shape, x.shape[-1]), y.reshape(*batch_shape, y.shape[-1])
    report = TensorReport(raw, batch_shape)
    status = raw.select(1, 0) if len(batch_shape) == 1 else report.status
    return QPSolution(x, y, status, report)


def _starts(given: Start, plan: Plan, q: Tensor) -> Start:
    x, y = start_pair(given)
    return (_start("x", x, plan.n, plan, q), _start("y", y, plan.m, plan, q))


def _start(name: str, tensor: Tensor | None, entries: int, plan: Plan, q: Tensor) -> Tensor | None:
    """[batch, entries]."""
    if tensor is None:
        return None
    if not isinstance(tensor, Tensor):
        raise TypeError(f"warm_start: expected {name} as a tensor, got {type(tensor).__name__}")
    check_start(name, tensor.shape, plan.batch_shape, entries)
    full = tensor.detach().to(q).expand(*plan.batch_shape, entries)
    return full.reshape(plan.batch, entries).contiguous()


def _differentiable(given: Given) -> bool:
    """Whether anyone can ask for derivatives: then the factors are kept."""
    if in_forward_mode():
        return True
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in given)
