"""A problem as CVXPY turns it into a cone program."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.reductions import cvx_attr2constr
from cvxpy.utilities import scopes

from bpqp.cvxpy._affine import Columns

_OTHER_CONES = {
    "exp": "exponential cone",
    "psd": "cone of positive semidefinite matrices",
    "p3d": "power cone",
    "pnd": "power cone",
}


@dataclass(frozen=True)
class Canonical:
    """What CVXPY made of a problem, needed until the layer knows where everything is."""

    data: Any  #: ParamConeProg
    chain: Any  #: the reductions
    inverse: Sequence[Any]  #: and what each of them needs to be inverted

    @property
    def n(self) -> int:
        return int(self.data.x.size)

    @property
    def m(self) -> int:
        return int(self.data.constr_size)

    @property
    def linear(self) -> Any:
        """The objective's linear part, whose name was c before CVXPY 1.7."""
        return self.data.q if hasattr(self.data, "q") else self.data.c

    def final_id(self, kind: str, leaf: Any) -> int:
        """What a variable's or a parameter's id (kind "var" or "param") became in the chain. Older
        versions of CVXPY keep all."""
        compose = getattr(self.chain, f"compose_{kind}_id_map", dict)
        ids = compose().get(leaf.id, [leaf.id])
        if len(ids) != 1:
            raise ValueError(f"{leaf.name()}: complex variables and parameters are not supported")
        return int(ids[0])

    def own_columns(self, variables: Sequence[cp.Variable]) -> set[int]:
        """Where these variables are in x; the others are CVXPY's."""
        found: set[int] = set()
        for variable in variables:
            final = self.final_id("var", variable)
            first = self.data.var_id_to_col[final]
            found.update(range(first, first + self.data.id_to_var[final].size))
        return found

    def columns(self, parameters: Sequence[cp.Parameter]) -> Columns:
        """Of CVXPY's matrices, for parameters in the order of a layer's arguments."""
        lower: Any = getattr(cvx_attr2constr, "lower_value", None)
        data = self.data
        number, place = (np.full(data.total_param_size + 1, -1, np.int64) for _ in range(2))
        for k, parameter in enumerate(parameters):
            final = self.final_id("param", parameter)
            entries = np.arange(parameter.size).reshape(parameter.shape)
            if final != parameter.id:  # CVXPY reads part of the entries: symmetric, diagonal, sparse
                entries = lower(parameter, entries)
            first = data.param_id_to_col[final]
            number[first : first + entries.size] = k
            place[first : first + entries.size] = entries.flatten(order="F")
        return Columns(number, place, tuple(p.size for p in parameters))


def _check(problem: cp.Problem) -> None:
    """ValueError if the problem is none that a layer can be made of."""
    if problem.is_mixed_integer():
        raise ValueError("problem: has boolean or integer variables")
    is_dpp: Any = problem.is_dpp
    try:
        dpp = is_dpp(quad_form_dpp="qp")
    except TypeError:  # an older CVXPY, where P of quad_form cannot be a parameter
        dpp = is_dpp()
    if not dpp:
        what = "DPP, only DCP" if problem.is_dcp() else "DCP"
        raise ValueError(
            f"problem: is not {what} (https://www.cvxpy.org/tutorial/dpp/index.html): parameters may "
            f"only enter affinely, as CVXPY sees it"
        )


def canonical(problem: cp.Problem, backend: str | None = None) -> Canonical:
    """ValueError if the problem is not DPP, or needs cones that are not supported."""
    _check(problem)
    scope = getattr(scopes, "quad_form_dpp_scope", contextlib.nullcontext)
    with scope():
        data, chain, inverse = problem.get_problem_data(
            solver=cp.CLARABEL, canon_backend=backend, solver_opts={"use_quad_obj": True}
        )
    program = data["param_prob"]
    for name, cone in _OTHER_CONES.items():
        if getattr(program.cone_dims, name, None):
            raise ValueError(
                f"problem: needs the {cone}; there are linear rows and second-order cones (QP, LP, SOCP)"
            )
    return Canonical(program, chain, inverse)
