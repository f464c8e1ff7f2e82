"""The rule of shapes, the same for every array library.

An argument has its own dimensions last: P [n, n], q [n], A [m, n], l and u [m]. Whatever stands
before them are batch dimensions, which broadcast; an argument without any is *shared* by the batch:
it is never copied, is factored once, and its gradient is the sum over the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, ...]

OWN_DIMENSIONS = {"P": 2, "q": 1, "A": 2, "l": 1, "u": 1}
_OWN_SHAPE = {"P": "[n, n]", "q": "[n]", "A": "[m, n]", "l": "[m]", "u": "[m]"}


@dataclass(frozen=True)
class Layout:
    """What the shapes of one call say."""

    n: int
    m: int
    batch_shape: Shape
    batch: int  #: the product of batch_shape, 1 if it is empty


def _error(name: str, given: Shape, expected: str) -> ValueError:
    return ValueError(f"{name}: expected {expected}, got shape {list(given)}")


def _broadcast(name: str, shape: Shape, so_far: Shape) -> Shape:
    """so_far and shape broadcast together."""
    length = max(len(shape), len(so_far))
    a = (1,) * (length - len(so_far)) + so_far
    b = (1,) * (length - len(shape)) + shape
    for x, y in zip(a, b):
        if x != y and x != 1 and y != 1:
            raise ValueError(
                f"{name}: its batch dimensions {list(shape)} do not broadcast with {list(so_far)} of "
                f"the arguments before it"
            )
    return tuple(y if x == 1 else x for x, y in zip(a, b))


def layout(
    P: Shape | None, q: Shape, A: Shape | None, l: Shape | None, u: Shape | None, cones: tuple[int, ...]
) -> Layout:
    """The layout of arguments of these shapes; ValueError names the one that does not fit."""
    if len(q) < 1 or q[-1] < 1:
        raise _error("q", q, "[..., n] with n >= 1")
    n = q[-1]
    if A is None:
        m = 0
    elif len(A) < 2:
        raise _error("A", A, f"[..., m, n = {n}]")
    else:
        m = A[-2]
    wanted = {"P": (n, n), "q": (n,), "A": (m, n), "l": (m,), "u": (m,)}
    batch_shape: Shape = ()
    for name, shape in (("P", P), ("q", q), ("A", A), ("l", l), ("u", u)):
        if shape is None:
            continue
        own = OWN_DIMENSIONS[name]
        if shape[-own:] != wanted[name] or len(shape) < own:
            numbers = f"{_OWN_SHAPE[name][1:-1]}".replace("n", f"n = {n}").replace("m", f"m = {m}")
            hint = " (n is q's last dimension" + (", m is A's last but one)" if "m" in numbers else ")")
            raise _error(name, shape, f"[..., {numbers}]" + hint)
        batch_shape = _broadcast(name, shape[:-own], batch_shape)
    if sum(cones) > m:
        raise ValueError(f"cones: {list(cones)} need {sum(cones)} rows, A has {m}")
    if any(d < 1 for d in cones):
        raise ValueError(f"cones: expected sizes >= 1, got {list(cones)}")
    batch = 1
    for size in batch_shape:
        batch *= size
    return Layout(n, m, batch_shape, batch)

