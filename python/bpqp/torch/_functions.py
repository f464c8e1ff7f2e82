"""Derivatives of the solution, of any order and direction, for autograd and torch.func.

Two functions. Solve: data -> (x, y); its derivative is Lambda, the linear KKT solve (_formulas.py), and
the derivative of that is Lambda again, with the same factor. Without a second derivative to come, the
library's own backward writes all gradients in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from bpqp.torch import _native
from bpqp.torch._cones import ConeCurvature
from bpqp.torch._formulas import data_gradient, finite, side_gradient, tangent_sides
from bpqp.torch._plan import Data, settings_of
from bpqp.torch._vmap import vmap_adjoint, vmap_solve


def in_transform() -> bool:
    """Inside torch.func or a batched backward, where tensors are wrapped."""
    return bool(torch._C._are_functorch_transforms_active())


def traced() -> bool:
    """Under torch.compile, or a mode (make_fx, linearize, fake tensors) that sees operators alone."""
    return torch.compiler.is_compiling() or _get_current_dispatch_mode() is not None


def in_forward_mode() -> bool:
    """Inside jvp, or a level of dual tensors."""
    return bool(torch.autograd.forward_ad._current_level >= 0)


def _refuse_nested_forward() -> None:
    """torch runs a function's jvp with forward mode off: an outer forward mode's tangent is lost in it."""
    stack = torch._C._functorch.get_interpreter_stack() or []
    if sum(level.key() == torch._C._functorch.TransformType.Jvp for level in stack) > 1:
        raise NotImplementedError(
            "forward mode inside forward mode (jacfwd of jacfwd) is not there for torch's custom functions; "
            "jacfwd(jacrev(f)), torch.func.hessian and jacrev(jacrev(f)) are"
        )


def _first_order_alone() -> bool:
    """Whether nobody differentiates what a backward pass computes."""
    return not (torch.is_grad_enabled() or in_transform() or in_forward_mode())


class Route(NamedTuple):
    """Which way a derivative's own calls take: the functions below (eager), or the operators of
    _ops.py, which tracing sees."""

    adjoint: Callable[..., tuple[Tensor, Tensor]]  #: Lambda, differentiable
    gradient: Callable[..., list[Tensor | None]]  #: _native.gradient


def solve(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """_native.solve with derivatives, for torch.func and tracing."""
    if torch.compiler.is_compiling():
        return torch.ops.bpqp.solve(*arguments)  # type: ignore[no-any-return]
    return Solve.apply(*arguments)  # type: ignore[no-any-return]


def _adjoint(*arguments: Any) -> tuple[Tensor, Tensor]:
    return Adjoint.apply(*arguments)  # type: ignore[no-any-return]


EAGER = Route(_adjoint, _native.gradient)


def operator_gradient(*arguments: Any) -> list[Tensor | None]:
    outputs = torch.ops.bpqp.gradient(*arguments)
    return [out if needed else None for out, needed in zip(outputs, arguments[-1])]


def operator_adjoint(*arguments: Any) -> tuple[Tensor, Tensor]:
    return torch.ops.bpqp.adjoint(*arguments)  # type: ignore[no-any-return]


OPERATORS = Route(operator_adjoint, operator_gradient)


def _route(*tensors: Tensor | None) -> Route:
    """Autograd's is_grads_batched wraps tensors in its older way, which only operators take (one call
    per right-hand side)."""
    old = torch._C._functorch.is_legacy_batchedtensor
    if any(t is not None and old(t) for t in tensors):
        return OPERATORS
    return OPERATORS if _get_current_dispatch_mode() is not None else EAGER


class Solve(torch.autograd.Function):
    """(P, q, A, l, u, x0, y0, cones, config, keep) -> (x, y, active, report, state)."""

    @staticmethod
    def forward(*arguments: Any) -> Any:
        return torch.ops.bpqp.solve(*arguments) if traced() else _native.solve(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.cones, ctx.config = inputs[7:9]
        ctx.mark_non_differentiable(*output[2:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs[:7], *output[:3], output[4])
        ctx.save_for_forward(*inputs[:7], *output[:3], output[4])

    @staticmethod
    def backward(ctx: Any, gx: Tensor | None, gy: Tensor | None, *_: Any) -> Any:
        needs, route = ctx.needs_input_grad, _route(gx, gy)
        out = solve_backward(route, ctx.saved_tensors, ctx.cones, ctx.config, needs, gx, gy)
        return (*out, *(None,) * 5)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        route = _route(*tangents[:5])
        return (*solve_jvp(route, ctx.saved_tensors, ctx.cones, ctx.config, tangents), None, None, None)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *arguments: Any) -> Any:
        return vmap_solve(solve, info, in_dims, *arguments)


class PlainSolve(torch.autograd.Function):
    """Solve outside of torch.func, (P, q, A, l, u, x0, y0, plan, reports) -> (x, y): it holds the lease
    itself, and appends the report to a list, because every output costs. (So does a setup_context: 60
    us a call.)"""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        *data, x0, y0, plan, reports = arguments
        lease, (x, y, active, report) = _native.run(plan, tuple(data), (x0, y0), True)
        reports.append(report)
        ctx.report = report
        ctx.lease = lease
        ctx.plan = plan
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*arguments[:7], x, y, active)
        if in_forward_mode():
            ctx.save_for_forward(*arguments[:7], x, y, active)
        return x, y

    @staticmethod
    def backward(ctx: Any, gx: Tensor | None, gy: Tensor | None) -> Any:
        none = (None,) * 4
        if gx is None and gy is None:
            return (None,) * 9
        saved = ctx.saved_tensors
        needs = ctx.needs_input_grad
        route = _route(gx, gy)
        if route is EAGER and _first_order_alone():
            gradients = _native.run_gradient(ctx.lease, gx, gy, saved[:5], needs[:5])
            if ctx.lease.batch and not ctx.plan.on_cuda:  # there nobody waits
                ctx.lease.solver.backward_residuals(ctx.lease.batch, ctx.report.data_ptr())
            return (*gradients, *none)
        state, plan = _native.state_of(ctx.lease), ctx.plan
        return (*solve_backward(route, (*saved, state), plan.cones, plan.config, needs, gx, gy), *none)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        state, plan = _native.state_of(ctx.lease), ctx.plan
        route = _route(*tangents[:5])
        return solve_jvp(route, (*ctx.saved_tensors, state), plan.cones, plan.config, tangents)


def native_adjoint(gx: Any, gy: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
    """_native.adjoint of Adjoint's arguments."""
    *inputs, _x, _y, _active, state, cones, config = arguments
    return _native.adjoint(gx, gy, *inputs, state, cones, config)


class Adjoint(torch.autograd.Function):
    """(g, h, P, q, A, l, u, x0, y0, x, y, active, state, cones, config) -> (w, d)."""

    @staticmethod
    def forward(gx: Any, gy: Any, *arguments: Any) -> Any:
        if traced():
            return torch.ops.bpqp.adjoint(gx, gy, *arguments)
        return native_adjoint(gx, gy, *arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.cones, ctx.config = inputs[13:15]
        ctx.save_for_backward(inputs[1], *inputs[2:13], *output)
        ctx.save_for_forward(inputs[1], *inputs[2:13], *output)

    @staticmethod
    def backward(ctx: Any, gw: Tensor, gd: Tensor) -> Any:
        return adjoint_backward(_route(gw, gd), ctx, gw, gd)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return adjoint_jvp(_route(*tangents[:11]), ctx, tangents)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *arguments: Any) -> Any:
        return vmap_adjoint(_adjoint, info, in_dims, *arguments)


def solve_backward(
    route: Route,
    saved: Sequence[Any],
    cones: Sequence[int],
    config: str,
    needs: Sequence[bool],
    gx: Tensor | None,
    gy: Tensor | None,
) -> tuple[Tensor | None, ...]:
    """Gradients in P, q, A, l and u. Saved: those, x0, y0, x, y, active, state."""
    if gx is None and gy is None:
        return (None,) * 5
    *inputs, x, y, active, state = saved
    if _first_order_alone():
        return tuple(route.gradient(gx, gy, *inputs, state, cones, config, list(needs[:5])))
    _refuse_kappa(config)
    sides = (None if g is None else g.unsqueeze(1) for g in (gx, gy))
    w, d = route.adjoint(*sides, *inputs, x, y, active, state, cones, config)
    data: Data = tuple(inputs[:5])
    rows = (finite(x).unsqueeze(1), finite(y).unsqueeze(1))
    dP, dA = data_gradient(w, d, *rows, data, (needs[0], needs[2]))
    w, d = w.squeeze(1), d.squeeze(1)
    dq = None if not needs[1] else -w.sum(0) if data[1].dim() == 1 else -w
    dl, du = side_gradient(d, active, data, sum(cones), needs[3:5])
    return dP, dq, dA, dl, du


def solve_jvp(
    route: Route, saved: Sequence[Any], cones: Sequence[int], config: str, tangents: Sequence[Tensor | None]
) -> tuple[Tensor, Tensor]:
    """The change of x and y along a direction in P, q, A, l and u."""
    _refuse_kappa(config)
    _refuse_nested_forward()
    *inputs, x, y, active, state = saved
    g, h = tangent_sides(finite(x), finite(y), active, tuple(tangents[:5]), sum(cones))
    sides = (g.unsqueeze(1), h.unsqueeze(1))
    dx, dy = route.adjoint(*sides, *inputs, x, y, active, state, cones, config)
    return dx.squeeze(1), dy.squeeze(1)


def adjoint_jvp(route: Route, ctx: Any, tangents: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """The change of Adjoint's (w, d) along a direction in its arguments."""
    _refuse_nested_forward()
    h, *inputs, x, y, active, state, w, d = ctx.saved_tensors
    data: Data = tuple(inputs[:5])
    tg, th, tP, _, tA, _, tu, _, _, tx, ty = tangents[:11]
    g = torch.zeros_like(w) if tg is None else tg
    r = torch.zeros_like(d) if th is None else th
    if tP is not None:
        g = g - 0.5 * w @ (tP + tP.mT)
    if tA is not None:
        g, r = g - d @ tA, r - w @ tA.mT
    shift = None
    if ctx.cones and any(t is not None for t in (tA, tu, tx, ty)):
        g, r, shift = _curvature_tangent(g, r, (w, d, h), data, x, y, ctx.cones, (tA, tu, tx, ty))
    tw, td = route.adjoint(g, r, *inputs, x, y, active, state, ctx.cones, ctx.config)
    return tw, td if shift is None else td - shift


def adjoint_backward(route: Route, ctx: Any, gw: Tensor, gd: Tensor) -> Any:
    """Gradients of Adjoint's arguments."""
    h, *inputs, x, y, active, state, w, d = ctx.saved_tensors
    data: Data = tuple(inputs[:5])
    needs = ctx.needs_input_grad
    a, e = route.adjoint(gw, gd, *inputs, x, y, active, state, ctx.cones, ctx.config)
    # -(a w' + w a')/2 in P and -(d a' + e w') in A.
    dP, dA = data_gradient(a, d, w, e, data, (needs[2], False))[0], None
    if needs[4]:
        dA = data_gradient(w, d, a, e, data, (False, True))[1]
    du = dx = dy = None
    if ctx.cones:
        more, du, dx, dy = _curvature_gradient((gd, a, e), (w, d, h), data, x, y, ctx.cones, needs)
        dA = dA if dA is None or more is None else dA + more
    sides = (a if needs[0] else None, e if needs[1] else None)
    return (*sides, dP, None, dA, None, du, None, None, dx, dy, None, None, None, None)


def _curvature_vector(curvature: ConeCurvature, A: Tensor, solution: Sequence[Tensor | None]) -> Tensor:
    """c = A w - h + d/rho on the rows of cones [B, k, rows]: what J is applied to."""
    w, d, h = solution
    assert w is not None and d is not None
    c = curvature.rows(w @ A.mT + (0 if h is None else -h))
    return c + curvature.rows(d) / curvature.rho.unsqueeze(-2)


def _curvature_gradient(
    adjoints: tuple[Tensor, Tensor, Tensor],
    solution: tuple[Tensor, Tensor, Tensor | None],
    data: Data,
    x: Tensor,
    y: Tensor,
    cones: Sequence[int],
    needs: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Through J, in A, u, x and y: with (a, e) = Lambda(gw, gd) the transposed system's multipliers of
    the rows of cones are b = rho (A a - gd) + e, and v gets D2 Pi(v)[c, b]."""
    gd, a, e = adjoints
    A, u = data[2], data[4]
    assert A is not None and u is not None
    x, y = finite(x), finite(y)
    curvature = ConeCurvature(A, u, x, y, cones)
    rho = curvature.rho.unsqueeze(-2)
    b = rho * curvature.rows(a @ A.mT - gd) + curvature.rows(e)
    c = _curvature_vector(curvature, A, solution)
    v = curvature.second_derivative(c, b).sum(-2)
    rows = curvature.widen(v)
    dA = None
    if needs[4]:
        dA = -(rows.mT @ x if A.dim() == 2 else rows.unsqueeze(-1) * x.unsqueeze(-2))
    du = None if not needs[6] else rows.sum(0) if u.dim() == 1 else rows
    dx = -(rows.unsqueeze(-2) @ A).squeeze(-2) if needs[9] else None
    dy = -curvature.widen(v / curvature.rho) if needs[10] else None
    return dA, du, dx, dy


def _curvature_tangent(
    g: Tensor,
    r: Tensor,
    solution: tuple[Tensor, Tensor, Tensor | None],
    data: Data,
    x: Tensor,
    y: Tensor,
    cones: Sequence[int],
    tangents: tuple[Tensor | None, ...],
) -> tuple[Tensor, Tensor, Tensor]:
    """The right-hand side with J's change p = D2 Pi(v)[c, dv] in it. Lambda takes (I - J) times what
    it is given: with d = d' - rho p it is (g + A'rho p, r + p), solved for d'."""
    tA, tu, tx, ty = tangents
    A, u = data[2], data[4]
    assert A is not None and u is not None
    x, y = finite(x), finite(y)
    curvature = ConeCurvature(A, u, x, y, cones)
    dv = torch.zeros_like(y)
    if tu is not None:
        dv = dv + tu
    if tA is not None:
        dv = dv - (tA @ x.unsqueeze(-1)).squeeze(-1)
    if tx is not None:
        dv = dv - (A @ tx.unsqueeze(-1)).squeeze(-1)
    v = curvature.rows(dv)
    if ty is not None:
        v = v - curvature.rows(ty) / curvature.rho
    c = _curvature_vector(curvature, A, solution)
    p = curvature.second_derivative(c, v.unsqueeze(-2).expand_as(c))
    shift = curvature.widen(curvature.rho.unsqueeze(-2) * p)
    return g + shift @ A, r + curvature.widen(p), shift


def _refuse_kappa(config: str) -> None:
    if dict(settings_of(config)[1]).get("kappa"):
        raise NotImplementedError(
            "kappa: only the first backward pass is there for barrier-relaxed derivatives, "
            "neither forward mode nor second derivatives nor torch.func"
        )


