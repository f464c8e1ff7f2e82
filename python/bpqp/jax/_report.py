"""Reports as arrays."""

from __future__ import annotations

from typing import Any

import jax

from bpqp import _core
from bpqp.jax._calls import REAL, WHOLE, Array


@jax.tree_util.register_pytree_node_class
class ArrayReport:
    """The fields of ``bpqp.Report`` as arrays in the batch's shape, also inside of jit: whole numbers are
    int32, truth values bool, the others have the type of the problem's data."""

    methods: list[str] = _core.METHODS

    def __init__(self, whole: Array, real: Array) -> None:
        self._whole = whole
        self._real = real

    def __getattr__(self, name: str) -> Array:
        if name in WHOLE:
            column = self._whole[..., WHOLE.index(name)]
            return column != 0 if name in ("differentiable", "verified") else column
        if name in REAL:
            return self._real[..., REAL.index(name)]
        raise AttributeError(f"ArrayReport has no field {name!r}; there are: {', '.join(WHOLE + REAL)}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *WHOLE, *REAL]

    def __repr__(self) -> str:
        return f"ArrayReport(status={self.status}, ...)"

    def tree_flatten(self) -> tuple[tuple[Array, Array], None]:
        return (self._whole, self._real), None

    @classmethod
    def tree_unflatten(cls, _: None, children: Any) -> ArrayReport:
        return cls(*children)
