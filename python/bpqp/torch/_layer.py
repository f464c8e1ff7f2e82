"""``QPLayer``: ``solve_qp`` as a module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bpqp import _core
from bpqp._checks import cone_sizes, whole_number
from bpqp._shapes import OWN_DIMENSIONS
from bpqp.torch._functions import in_transform
from bpqp.torch._plan import Given, config_of
from bpqp.torch._solve_qp import QPSolution, solve_given


class QPLayer(torch.nn.Module):
    """``solve_qp`` for problems of n variables and m rows.

    Parameters
    ----------
    n, m : int
        Variables and rows; what is given to ``forward`` is checked against them.
    cones : sizes of the second-order cones on the last rows
    warm_start : bool
        Start every call from the last one's solution, if its batch had the same shape: for batches whose
        problems are the same ones from call to call (control, full-batch training). Answers are
        verified to the same tolerance either way, but are no longer the same bits whatever came before.
    strict : bool
        Raise if a problem has no answer (``solve_qp``).
    **settings
        As ``solve_qp`` has them.
    """

    def __init__(
        self,
        n: int,
        m: int,
        cones: Sequence[int] = (),
        *,
        warm_start: bool = False,
        strict: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.n = whole_number("n", n)
        self.m = whole_number("m", m)
        self.cones = cone_sizes(cones)
        self.warm_start = warm_start
        self.strict = strict
        self.settings = settings
        self._config = config_of(settings, strict)
        # Raises for what no Solver can be made of.
        _core.bytes_needed("float64", self.n, self.m, list(self.cones), 1, {**settings, "device": "cpu"})
        self._last: tuple[Tensor, Tensor] | None = None

    def forward(
        self,
        P: Tensor | None,
        q: Tensor,
        A: Tensor | None = None,
        l: Tensor | None = None,
        u: Tensor | None = None,
    ) -> QPSolution:
        if isinstance(q, Tensor) and q.shape[-1:] != (self.n,):
            raise ValueError(f"q: expected [..., n = {self.n}], got shape {list(q.shape)}")
        if A is None and self.m > 0 or isinstance(A, Tensor) and A.shape[-2:-1] != (self.m,):
            got = "None" if A is None else f"shape {list(A.shape)}"
            raise ValueError(f"A: expected [..., m = {self.m}, n = {self.n}], got {got}")
        if not self.warm_start or in_transform():  # a mapped call's tensors are no start for others
            return solve_given((P, q, A, l, u), self.cones, self._config, None)
        return self._from_last((P, q, A, l, u))

    def _from_last(self, given: Given) -> QPSolution:
        start = self._last
        if start is not None:
            own = OWN_DIMENSIONS.values()
            lead = [t.shape[: t.dim() - k] for t, k in zip(given, own) if t is not None]
            if start[0].shape[:-1] != torch.broadcast_shapes(*lead):
                start = None
        solution = solve_given(given, self.cones, self._config, start)
        self._last = (solution.x.detach(), solution.y.detach())
        return solution

    def extra_repr(self) -> str:
        parts = [f"n={self.n}", f"m={self.m}"]
        if self.cones:
            parts.append(f"cones={self.cones}")
        if self.warm_start:
            parts.append("warm_start=True")
        parts += [f"{name}={value!r}" for name, value in self.settings.items()]
        return ", ".join(parts)
