"""Arguments that every front end has, checked alike."""

from __future__ import annotations

import difflib
import importlib.util
import operator
from collections.abc import Hashable, Sequence
from typing import Any

from bpqp import _core
from bpqp._shapes import Shape


def require(package: str, module: str) -> None:
    """Of what the part `package` of this package stands on."""
    if importlib.util.find_spec(module) is None:
        raise ImportError(f"{package} needs {module}, which is not installed: pip install {module}")


def whole_number(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected a whole number, got {value!r}") from None
    if abs(number) >= 1 << 31:
        raise ValueError(f"{name}: expected less than 2^31, got {number}")
    return number


def cone_sizes(cones: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(operator.index(d) for d in cones)
    except TypeError:
        hint = " (inside of jit: make it static, or close over it)" if "Tracer" in repr(cones) else ""
        raise TypeError(f"cones: expected a sequence of whole numbers, got {cones!r}{hint}") from None


#: Where the arrays and what is asked of them say these.
FOLLOWS = ("device", "gradients", "polish")


def settings_key(settings: dict[str, Any], without: Sequence[str] = ()) -> tuple[tuple[str, Any], ...]:
    """By which Solvers are found; what a setting's value may be is for the library to say. Those in
    `without` cannot be given here."""
    for name, value in settings.items():
        if name in FOLLOWS and name in without:
            raise TypeError(f"setting {name!r}: follows from the call and its arrays here, and cannot be given")
        if name not in _core.SETTINGS:
            names = [known for known in _core.SETTINGS if known not in without]
            close = sorted(difflib.get_close_matches(name, names, 2))
            guess = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
            raise TypeError(f"there is no setting {name!r}{guess}; there are: {', '.join(names)}")
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
