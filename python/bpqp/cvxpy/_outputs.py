"""Where the values of variables and multipliers are in the solution of the cone canonical."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np
import numpy.typing as npt
import torch
from cvxpy.reductions import cvx_attr2constr
from cvxpy.reductions.solution import Solution
from cvxpy.reductions.solvers import utilities
from torch import Tensor

from bpqp.cvxpy._canonical import Canonical
from bpqp.cvxpy._entries import places

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Output:
    """The entries of a variable, row-major."""

    shape: tuple[int, ...]
    dual: bool  #: of y, else of x
    index: Index  #: one behind the last for entries that are always 0
    zeros: bool  #: whether there are any of those
    _copies: dict[torch.device, Tensor] = field(default_factory=dict, compare=False)

    def moved(self, columns: Index, rows: Index, n: int, m: int) -> Output:
        """The same where only these of n variables and m rows are left, all of the output's among them."""
        left = places(rows, m) if self.dual else np.append(places(columns, n), len(columns))
        return Output(self.shape, self.dual, left[self.index], self.zeros)

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """From x [..., n] and y [..., m]: [..., *shape]."""
        source = y if self.dual else x
        index = self._copies.get(source.device)
        if index is None:
            index = self._copies[source.device] = torch.as_tensor(self.index).to(source.device)
        if self.zeros:
            source = torch.nn.functional.pad(source, (0, 1))
        return source.index_select(-1, index).reshape((*source.shape[:-1], *self.shape))


def outputs(
    problem: cp.Problem, variables: Sequence[cp.Variable], canonical: Canonical
) -> list[Output]:
    """For variables of the problem, and for dual variables of its constraints."""
    primal = {v.id for v in problem.variables()}
    dual = {v.id: c for c in problem.constraints for v in c.dual_variables}
    found = []
    for variable in variables:
        if variable.id in primal:
            found.append(_primal(variable, canonical))
        elif variable.id in dual:
            found.append(_dual(variable, dual[variable.id], canonical))
        else:
            raise ValueError(
                f"variables: {variable.name()} is neither one of problem.variables() nor a dual variable "
                f"of one of its constraints"
            )
    return found


def _primal(variable: cp.Variable, canonical: Canonical) -> Output:
    final = canonical.final_id("var", variable)
    first = canonical.data.var_id_to_col[final]
    # Numbered from 1, because entries that are always 0 stay 0 in CVXPY's own recovery.
    number = np.arange(1.0, canonical.data.id_to_var[final].size + 1)
    if _reduced(variable):
        number = _recover(variable, number)
    else:
        number = number.reshape(variable.shape, order="F")
    number = np.asarray(number).astype(np.int64)
    index = np.where(number > 0, first + number - 1, canonical.n).flatten()
    return Output(variable.shape, False, index, bool((number == 0).any()))


def _reduced(variable: cp.Variable) -> bool:
    """Whether CVXPY solves for part of the entries only (symmetric, diagonal, sparse)."""
    names = ("symmetric", "diag", "PSD", "NSD", "sparsity")
    return any(variable.attributes.get(name) for name in names)


def _recover(variable: cp.Variable, number: Any) -> Any:
    module: Any = cvx_attr2constr
    name = "recover_value_for_leaf"
    if not hasattr(module, name):  # its name in older versions of CVXPY
        name = "recover_value_for_variable"
    full = getattr(module, name)(variable, number, project=False)
    return full.toarray() if hasattr(full, "toarray") else full


def _dual(variable: cp.Variable, constraint: Any, canonical: Canonical) -> Output:
    """By CVXPY's own way back, of multipliers that are the numbers 1 ... m."""
    numbered = np.arange(1.0, canonical.m + 1)
    rows = utilities.get_dual_values(numbered, utilities.extract_dual_value, canonical.data.constraints)
    solution = Solution("optimal", 0.0, {canonical.data.x.id: np.zeros(canonical.n)}, rows, {})
    for step, inverse in reversed(list(zip(canonical.chain.reductions[:-1], canonical.inverse[:-1]))):
        solution = step.invert(solution, inverse)
    kept = [v.value for v in constraint.dual_variables]
    try:
        constraint.save_dual_value(solution.dual_vars[constraint.id])
        number = np.reshape(np.asarray(variable.value), variable.shape).astype(np.int64)
    finally:
        for v, value in zip(constraint.dual_variables, kept):
            v.save_value(value)
    if (number < 1).any() or (number > canonical.m).any():
        raise ValueError(f"variables: {variable.name()} is a dual variable that cannot be recovered")
    return Output(variable.shape, True, number.flatten() - 1, False)
