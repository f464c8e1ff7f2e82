"""qpth's interface: a program written for qpth runs with its import changed.

    from bpqp.qpth import QPFunction        # in place of: from qpth.qp import QPFunction

What differs is listed in docs/python-dropins.md.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bpqp.torch import solve_qp

__all__ = ["QPFunction", "QPSolvers", "SpQPFunction"]

#: (name, dimensions of its own) of the six arguments.
_ARGUMENTS = (("Q", 2), ("p", 1), ("G", 2), ("h", 1), ("A", 2), ("b", 1))


class QPSolvers(enum.Enum):
    """qpth's enumeration; either value means this library's solver."""

    PDIPM_BATCHED = 1
    CVXPY = 2


def QPFunction(
    eps: float = 1e-12,
    verbose: int = 0,
    notImprovedLim: int = 3,
    maxIter: int = 20,
    solver: QPSolvers = QPSolvers.PDIPM_BATCHED,
    check_Q_spd: bool = True,
    *,
    shared_gradient: str = "mean",
    strict: bool = False,
    **settings: Any,
) -> Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]:
    """A function (Q, p, G, h, A, b) -> zhat [B, n] that solves a batch of QPs.

    minimise 1/2 z'Q z + p'z subject to G z <= h, A z = b.

    Parameters
    ----------
    eps, verbose, notImprovedLim, maxIter, solver, check_Q_spd
        Accepted, and without effect: answers are verified and solved for exactly on their active rows,
        and Q may be singular.
    shared_gradient : "mean" or "sum"
        The gradient in an argument that the batch shares (without a batch dimension). "mean", as in
        qpth: that of the sum of losses, divided by B. "sum": the gradient.
    strict : bool
        Raise SolveError if a problem has no answer, in place of the warning UnsolvedWarning.
    **settings
        As ``bpqp.torch.solve_qp`` has them.

    Returns
    -------
    function of tensors, in qpth's order:
        Q [B, n, n] or [n, n], p [B, n] or [n], G [B, k, n] or [k, n], h [B, k] or [k],
        A [B, m, n] or [m, n], b [B, m] or [m]. Empty tensors (``torch.Tensor()``) or None in place of
        G and h, or of A and b, mean that there are no such rows. zhat is [B, n], [1, n] if no argument
        has a batch dimension. The gradients of a problem without an answer are zero;
        its zhat is NaN, a direction or the last point.

    Examples
    --------
    >>> import torch
    >>> from bpqp.qpth import QPFunction
    >>> e = torch.Tensor()
    >>> QPFunction()(torch.eye(2), torch.tensor([-1.0, -3.0]), torch.eye(2), torch.ones(2), e, e)
    tensor([[1., 1.]])
    """
    if shared_gradient not in ("mean", "sum"):
        raise ValueError(f'shared_gradient: expected "mean" or "sum", got {shared_gradient!r}')

    def solve(Q: Tensor, p: Tensor, G: Tensor, h: Tensor, A: Tensor, b: Tensor) -> Tensor:
        given = [_present(name, t, own) for (name, own), t in zip(_ARGUMENTS, (Q, p, G, h, A, b))]
        if given[1] is None:
            raise ValueError("p: expected [B, n] or [n], got an empty tensor")
        batch = [t.shape[0] for t, (_, own) in zip(given, _ARGUMENTS) if t is not None and t.dim() > own]
        if batch and shared_gradient == "mean":
            given = [
                t if t is None or t.dim() > own else _divide_gradient(t, batch[0])
                for t, (_, own) in zip(given, _ARGUMENTS)
            ]
        quadratic, linear, *rows = given
        assert linear is not None
        matrix, lower, upper = _rows(*rows)
        zhat = solve_qp(quadratic, linear, matrix, lower, upper, strict=strict, **settings).x
        return zhat if batch else zhat.unsqueeze(0)

    return solve


def SpQPFunction(
    Qi: Tensor,
    Qsz: torch.Size,
    Gi: Tensor,
    Gsz: torch.Size,
    Ai: Tensor,
    Asz: torch.Size,
    eps: float = 1e-12,
    verbose: int = 0,
    notImprovedLim: int = 3,
    maxIter: int = 20,
    **settings: Any,
) -> Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]:
    """The same for matrices given by the indices [2, nnz] of their entries, and their sizes.

    Returns a function (Qv, p, Gv, h, Av, b) -> zhat [B, n], with the entries' values Qv, Gv and Av
    [B, nnz] or [nnz]. The matrices are made dense: this saves no memory. ``**settings`` as
    ``QPFunction`` has them.
    """
    function = QPFunction(eps, verbose, notImprovedLim, maxIter, **settings)

    def solve(Qv: Tensor, p: Tensor, Gv: Tensor, h: Tensor, Av: Tensor, b: Tensor) -> Tensor:
        return function(
            _dense(Qi, Qv, Qsz), p, _dense(Gi, Gv, Gsz), h, _dense(Ai, Av, Asz), b
        )

    return solve


def _present(name: str, tensor: Tensor | None, own: int) -> Tensor | None:
    """None for an argument that is not there; its dimensions are checked else."""
    if tensor is None or tensor.numel() == 0:
        return None
    if tensor.dim() not in (own, own + 1):
        raise ValueError(
            f"{name}: expected {own} dimensions, or {own + 1} with a batch, got shape {list(tensor.shape)}"
        )
    return tensor


def _divide_gradient(tensor: Tensor, by: int) -> Tensor:
    """The same tensor, whose gradient is divided."""
    if not tensor.requires_grad or by <= 1:
        return tensor
    view = tensor.view_as(tensor)
    view.register_hook(lambda gradient: gradient / by)
    return view


def _rows(
    G: Tensor | None, h: Tensor | None, A: Tensor | None, b: Tensor | None
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """(A, l, u) of the library: the equalities, and below them the inequalities."""
    for names, matrix, side in (("G and h", G, h), ("A and b", A, b)):
        if (matrix is None) != (side is None):
            raise ValueError(f"{names}: expected both or neither, got one of them empty")
    if h is None or G is None:
        return A, b, b
    free = torch.full_like(h, -torch.inf)
    if b is None or A is None:
        return G, free, h
    return _below(A, G, 2), _below(b, free, 1), _below(b, h, 1)


def _below(top: Tensor, bottom: Tensor, own: int) -> Tensor:
    """One below the other along the first own dimension; what only one of them has as a batch is
    repeated for the other."""
    batch = torch.broadcast_shapes(top.shape[:-own], bottom.shape[:-own])
    return torch.cat([t.expand(*batch, *t.shape[-own:]) for t in (top, bottom)], -own)


def _dense(indices: Tensor, values: Tensor, size: torch.Size) -> Tensor:
    """[B, rows, columns] or [rows, columns] of entries [B, nnz] or [nnz]; equal indices add up."""
    rows, columns = size
    if values.numel() == 0:
        return values.new_zeros(0)
    flat = indices[0] * columns + indices[1]
    zeros = values.new_zeros((*values.shape[:-1], rows * columns))
    dense = zeros.index_add(-1, flat.to(values.device), values)
    return dense.reshape(*values.shape[:-1], rows, columns)
