"""Reports as arrays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from bpqp import _core
from bpqp._report import counts
from bpqp.jax._calls import REAL, WHOLE, Array


_FIELDS = [name for name in WHOLE + REAL if name != "backward_residual"]


@jax.tree_util.register_pytree_node_class
class ArrayReport:
    """The fields of ``bpqp.Report`` as arrays in the batch's shape, also inside of jit: whole numbers are
    int32, truth values bool, the others have the type of the problem's data. There is no
    ``backward_residual``, since arrays do not change when a derivative is taken."""

    methods: list[str] = _core.METHODS

    def __init__(self, whole: Array, real: Array) -> None:
        self._whole = whole
        self._real = real

    def __getattr__(self, name: str) -> Array:
        if name in WHOLE:
            column = self._whole[..., WHOLE.index(name)]
            return column != 0 if name in ("differentiable", "verified") else column
        if name in REAL and name != "backward_residual":
            return self._real[..., REAL.index(name)]
        raise AttributeError(f"ArrayReport has no field {name!r}; there are: {', '.join(_FIELDS)}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_FIELDS]

    def __repr__(self) -> str:
        if isinstance(self._whole, jax.core.Tracer):
            return f"ArrayReport of {self.status}"
        status = np.asarray(self.status)
        return f"ArrayReport of {status.size} problem{'s' * (status.size != 1)}: {counts(status)}"

    def tree_flatten(self) -> tuple[tuple[Array, Array], None]:
        return (self._whole, self._real), None

    @classmethod
    def tree_unflatten(cls, _: None, children: Any) -> ArrayReport:
        return cls(*children)
