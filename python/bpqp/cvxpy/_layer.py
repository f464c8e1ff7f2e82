"""``CvxpyLayer``: a parametrised CVXPY problem as a module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import torch
from torch import Tensor

from bpqp.cvxpy._canonical import canonical
from bpqp.cvxpy._outputs import outputs
from bpqp.cvxpy._program import cone_program
from bpqp.torch import QPSolution, solve_qp
from bpqp.torch._functions import in_transform

#: What solvers behind cvxpylayers are told, and has no meaning here.
_OTHERS_SETTINGS = frozenset(
    """
    abstol acceleration_interval acceleration_lookback cg_rate eps feastol gpu max_iters mode
    n_jobs_backward n_jobs_forward normalize raise_on_error reltol rho_x scale solve_method use_indirect
    use_quad_obj verbose warm_starts write_data_filename
    """.split()
)


class CvxpyLayer(torch.nn.Module):
    """Solves a parametrised CVXPY problem, and differentiates the solution in the parameters.

    Parameters
    ----------
    problem : cp.Problem
        DPP, and turned by CVXPY into a QP, LP or SOCP.
    parameters : sequence of cp.Parameter
        All of the problem's, in the order of ``forward``'s tensors.
    variables : sequence of cp.Variable
        Those to return, in this order: variables of the problem, or dual variables of its constraints
        (``constraint.dual_variables[0]``).
    solver, verbose
        Accepted, and without effect.
    gp : bool
        Geometric programs need the exponential cone, and are refused.
    canon_backend : str, optional
        As in ``cp.Problem.get_problem_data``.
    solver_args : dict, optional
        What ``forward`` takes, for every call.

    Raises
    ------
    ValueError
        If the problem is not DPP, needs other cones, or has not these parameters and variables.

    Examples
    --------
    >>> import cvxpy as cp, torch
    >>> from bpqp.cvxpy import CvxpyLayer
    >>> x, b = cp.Variable(2), cp.Parameter(2)
    >>> problem = cp.Problem(cp.Minimize(cp.sum_squares(x - b)), [cp.sum(x) == 1, x >= 0])
    >>> layer = CvxpyLayer(problem, parameters=[b], variables=[x])
    >>> (solution,) = layer(torch.tensor([[0.0, 0.5], [2.0, 0.0]]))
    >>> solution.round(decimals=4)
    tensor([[0.2500, 0.7500],
            [1.0000, 0.0000]])
    """

    def __init__(
        self,
        problem: cp.Problem,
        parameters: Sequence[cp.Parameter],
        variables: Sequence[cp.Variable],
        solver: Any = None,
        gp: bool = False,
        verbose: bool = False,
        canon_backend: str | None = None,
        solver_args: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if gp:
            raise ValueError("gp: geometric programs need the exponential cone, which is not supported")
        _check_parameters(problem, parameters)
        made = canonical(problem, canon_backend)
        found = outputs(problem, variables, made)
        self._program = cone_program(
            made,
            made.columns(parameters),
            kept_columns=made.own_columns(problem.variables()),
            kept_rows={int(i) for output in found if output.dual for i in output.index},
        )
        left = self._program.columns, self._program.rows, made.n, made.m
        self._outputs = [output.moved(*left) for output in found]
        self._shapes = [tuple(p.shape) for p in parameters]
        self._names = [p.name() for p in parameters]
        self._settings = dict(solver_args or {})
        self._last: QPSolution | None = None

    @property
    def last(self) -> QPSolution | None:
        """Of the last call the cone program's solution, with ``status`` and ``report``."""
        return self._last

    def forward(
        self, *params: Tensor, solver_args: dict[str, Any] | None = None, warm_start: bool = False
    ) -> tuple[Tensor, ...]:
        """The variables' values.

        Parameters
        ----------
        *params : Tensor
            One for each parameter, in its shape or with the batch's dimension before it: [B, *shape].
            Those without it are shared by the batch.
        solver_args : dict, optional
            Settings of ``bpqp.torch.solve_qp`` (``eps_abs``, ``max_iter``, ``threads``, ...), and
            ``strict``; before those given to the layer. Those of cvxpylayers' solvers are accepted.
        warm_start : bool
            Start from the last call's solution, if its batch had the same shape.

        Returns
        -------
        tuple of Tensor
            [*shape] of each variable, [B, *shape] if any tensor had a batch. Problems without an answer
            give a warning (``bpqp.UnsolvedWarning``; ``strict``: an error) and zero gradients; their
            values are NaN, a direction or the last point (``last.status``).
        """
        batched, batch = self._batch(params)
        data = self._program.evaluate(params, batched, _like(params))
        start = self._start(data) if warm_start else None
        settings = _settings({**self._settings, **(solver_args or {})})
        solution = solve_qp(*data, self._program.cones, warm_start=start, **settings)
        if not (torch.compiler.is_compiling() or in_transform()):
            self._last = QPSolution(solution.x.detach(), solution.y.detach(), *solution[2:])
        # Without this only what the problem's data depends on would have the batch.
        x, y = (t.expand(*batch, t.shape[-1]) for t in (solution.x, solution.y))
        return tuple(output(x, y) for output in self._outputs)

    def _batch(self, params: Sequence[Tensor]) -> tuple[list[bool], tuple[int, ...]]:
        """Which of the tensors have a batch, and its shape, () or (B,)."""
        if len(params) != len(self._shapes):
            raise ValueError(f"expected {len(self._shapes)} tensors, one a parameter, got {len(params)}")
        batched = []
        batch: tuple[int, ...] = ()
        for name, tensor, shape in zip(self._names, params, self._shapes):
            lead = tensor.shape[: max(tensor.dim() - len(shape), 0)]
            if tensor.shape[len(lead) :] != shape or len(lead) > 1:
                raise ValueError(
                    f"{name}: expected shape {list(shape)} or {['B', *shape]}, got {list(tensor.shape)}"
                )
            if lead and batch not in ((), tuple(lead)):
                raise ValueError(f"{name}: has a batch of {lead[0]}, those before it one of {batch[0]}")
            batched.append(bool(lead))
            batch = tuple(lead) or batch
        return batched, batch

    def _start(self, data: Sequence[Tensor | None]) -> tuple[Tensor, Tensor] | None:
        if self._last is None:
            return None
        x, y = self._last[:2]
        lead = [t.shape[: t.dim() - own] for t, own in zip(data, (2, 1, 2, 1, 1)) if t is not None]
        return (x, y) if x.shape[:-1] == torch.broadcast_shapes(*lead) else None


def _check_parameters(problem: cp.Problem, parameters: Sequence[cp.Parameter]) -> None:
    given, needed = ({p.id: p.name() for p in leaves} for leaves in (parameters, problem.parameters()))
    for ids, what in (
        (needed.keys() - given.keys(), "the problem also has {}"),
        (given.keys() - needed.keys(), "{} is not in the problem"),
    ):
        if ids:
            names = ", ".join({**given, **needed}[k] for k in sorted(ids))
            raise ValueError(f"parameters: {what.format(names)}")
    if len(given) != len(parameters):
        raise ValueError("parameters: one is given twice")


def _like(params: Sequence[Tensor]) -> Tensor:
    """An empty tensor of the type and on the device that the program is evaluated in."""
    if not params:
        return torch.empty(0)
    dtype = params[0].dtype
    for tensor in params[1:]:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return torch.empty(0, dtype=dtype, device=params[0].device)


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _OTHERS_SETTINGS}
