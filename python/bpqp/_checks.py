"""Arguments that every front end has, checked alike."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from typing import Any

from bpqp._shapes import Shape


def whole_number(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected a whole number, got {value!r}") from None


def cone_sizes(cones: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(operator.index(d) for d in cones)
    except TypeError:
        raise TypeError(f"cones: expected a sequence of whole numbers, got {cones!r}") from None


def settings_key(settings: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """By which Solvers are found; what a setting may be is for the library to say."""
    for name, value in settings.items():
        if not isinstance(value, Hashable):
            raise TypeError(f"setting {name!r}: expected a number or a word, got {type(value).__name__}")
    return tuple(sorted(settings.items()))


def start_pair(start: Any) -> tuple[Any, Any]:
    if not isinstance(start, (tuple, list)) or len(start) != 2:
        raise TypeError(f"warm_start: expected a pair (x, y), got {type(start).__name__}")
    return start[0], start[1]


def check_start(name: str, shape: Shape, batch_shape: Shape, entries: int) -> None:
    """Of x or y: in the shape of the result, or one for all."""
    if tuple(shape) not in ((*batch_shape, entries), (entries,)):
        wanted = f"{[*batch_shape, entries]} or {[entries]}" if batch_shape else f"{[entries]}"
        raise ValueError(f"warm_start: expected {name} of shape {wanted}, got {list(shape)}")
