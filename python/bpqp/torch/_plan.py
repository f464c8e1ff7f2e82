"""What the tensors of a call say, checked once for all calls whose tensors look the same.

A training loop calls with the same shapes, strides, types and devices thousands of times; to check
them anew took as long as to solve some of the batches.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from bpqp._checks import FOLLOWS, settings_key
from bpqp._pool import Key
from bpqp._shapes import OWN_DIMENSIONS, Layout, layout

#: (P, q, A, l, u), the arguments that have gradients.
Data = tuple[Tensor | None, Tensor, Tensor | None, Tensor | None, Tensor | None]
Given = tuple[Tensor | None, ...]

TYPES = {torch.float32: "float32", torch.float64: "float64"}
_HALF = (torch.float16, torch.bfloat16)


@lru_cache(maxsize=256)
def settings_of(config: str) -> tuple[bool, tuple[tuple[str, Any], ...]]:
    """`strict`, and the settings of the Solver."""
    settings = json.loads(config)
    return bool(settings.pop("strict", False)), tuple(sorted(settings.items()))


@torch.compiler.assume_constant_result
def config_of(settings: dict[str, Any], strict: bool) -> str:
    """The settings as the operators take them. A constant of compiled functions, which cannot trace it."""
    settings_key(settings, FOLLOWS)
    try:
        return json.dumps({**settings, "strict": True} if strict else settings, sort_keys=True, default=_number)
    except TypeError as error:
        raise TypeError(f"settings: expected numbers, words and booleans: {error}") from None


def _number(value: Any) -> Any:
    """Of NumPy's scalars and the like."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"got {value!r}")


@dataclass
class Plan:
    """A batch as the library reads it: P [B, n, n] or [n, n], q [B, n] or [n], and so on. Without the
    first dimension an argument is shared; if all are, B is 1."""

    n: int
    m: int
    batch: int
    batch_shape: tuple[int, ...]
    #: Elements from one problem to the next, of each of P, q, A, l, u.
    strides: tuple[int, ...]
    #: The sides that were not given.
    sides: tuple[Tensor | None, Tensor | None]
    cones: tuple[int, ...]
    config: str
    type: str
    device: torch.device
    on_cuda: bool = field(init=False)
    _keys: dict[tuple[bool, int], Key] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.on_cuda = self.device.type == "cuda"

    def key(self, keep: bool) -> Key:
        """Of the Solver, with or without the factors kept."""
        stream = torch.cuda.current_stream(self.device).cuda_stream if self.on_cuda else 0
        key = self._keys.get((keep, stream))
        if key is None:
            settings = settings_of(self.config)[1]
            if not keep:  # kappa is about derivatives alone
                settings = (*(s for s in settings if s[0] != "kappa"), ("gradients", False))
            key = Key(self.type, self.n, self.m, self.cones, settings, str(self.device), stream)
            self._keys[(keep, stream)] = key
        return key


_plans: dict[Any, Plan] = {}
_MOST_PLANS = 1024


def known_plan(given: Given, cones: tuple[int, ...], config: str) -> tuple[Plan, Data] | None:
    """The plan for tensors that are read as they lie, or None: then `prepare` says what to do, or what
    is wrong."""
    try:
        key = (cones, config, *[t if t is None else _signature(t) for t in given])
        plan = _plans.get(key)
    except (AttributeError, RuntimeError, TypeError):
        return None
    if plan is None:
        plan = _new_plan(given, cones, config)
        if plan is None:
            return None
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        _plans[key] = plan
    return plan, _with_sides(given, plan)


def _signature(t: Tensor) -> tuple[Any, ...]:
    return t.shape, t.stride(), t.dtype, t.device, t.is_neg()


def _with_sides(given: Given, plan: Plan) -> Data:
    P, q, A, l, u = given
    return P, q, A, plan.sides[0] if l is None else l, plan.sides[1] if u is None else u  # type: ignore[return-value]


def _new_plan(given: Given, cones: tuple[int, ...], config: str) -> Plan | None:
    data, size = prepare(given, cones)
    for before, tensor, own in zip(given, data, OWN_DIMENSIONS.values()):
        if before is None:
            continue
        if tensor is not before or not tensor.is_contiguous() or tensor.is_neg() or tensor.numel() == 0:
            return None
    return make_plan(data, size, cones, config, (given[3] is None, given[4] is None))


def make_plan(
    data: Data,
    size: Layout,
    cones: tuple[int, ...],
    config: str,
    free: tuple[bool, bool] = (False, False),
) -> Plan:
    """For contiguous tensors as `prepare` leaves them; of those that are `free` the plan has the sides."""
    strides = tuple(
        0 if t is None or t.dim() == own else t.shape[1:].numel()
        for t, own in zip(data, OWN_DIMENSIONS.values())
    )
    q = data[1]
    sides = (data[3] if free[0] else None, data[4] if free[1] else None)
    return Plan(
        size.n, size.m, size.batch, size.batch_shape, strides, sides, cones, config, TYPES[q.dtype], q.device
    )


def prepare(given: Given, cones: tuple[int, ...]) -> tuple[Data, Layout]:
    """Checks the arguments and brings them to one batch dimension; infinite sides where none are given."""
    data = _checked(given)
    shapes: Any = {name: None if t is None else tuple(t.shape) for name, t in zip(OWN_DIMENSIONS, data)}
    size = layout(**shapes, cones=cones)
    flat = [
        t if t is None or t.dim() == own else _flat(t, own, size)
        for t, own in zip(data, OWN_DIMENSIONS.values())
    ]
    q = data[1]
    assert q is not None
    for i, infinity in ((3, -torch.inf), (4, torch.inf)):
        if flat[i] is None and size.m:
            # Kept for later calls, which may differentiate.
            with torch.inference_mode(False):
                flat[i] = torch.full((size.m,), infinity, dtype=q.dtype, device=q.device)
    return tuple(flat), size  # type: ignore[return-value]


def _flat(tensor: Tensor, own: int, size: Layout) -> Tensor:
    """[batch, own dimensions]."""
    lead = tensor.shape[: tensor.dim() - own]
    core = tensor.shape[tensor.dim() - own :]
    if tuple(lead) != tuple(size.batch_shape):
        tensor = tensor.expand(*size.batch_shape, *core)
    return tensor if len(size.batch_shape) == 1 else tensor.reshape(size.batch, *core)


def _checked(given: Given) -> list[Tensor | None]:
    """Types and devices; under autocast lower types become float32."""
    q = given[1]
    if not isinstance(q, Tensor):
        raise TypeError(f"q: expected a tensor [..., n], got {type(q).__name__}")
    if q.device.type not in ("cpu", "cuda"):
        raise ValueError(f"q: expected a tensor on the CPU or a CUDA device, got {q.device}")
    autocast = torch.is_autocast_enabled(q.device.type)
    data: list[Tensor | None] = []
    for name, tensor in zip(OWN_DIMENSIONS, given):
        if tensor is not None:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{name}: expected a tensor or None, got {type(tensor).__name__}")
            if autocast and tensor.dtype in _HALF:
                tensor = tensor.float()
            if tensor.dtype not in TYPES:
                raise TypeError(f"{name}: expected float32 or float64, got {_what(tensor)}")
            if tensor.layout is not torch.strided:
                raise TypeError(
                    f"{name}: expected a dense tensor, got {tensor.layout} of shape {list(tensor.shape)}"
                )
        data.append(tensor)
    _same_as_q(data)
    return data


def _same_as_q(data: Sequence[Tensor | None]) -> None:
    q = data[1]
    assert q is not None
    for name, tensor in zip(OWN_DIMENSIONS, data):
        if tensor is None:
            continue
        if tensor.dtype != q.dtype:
            raise TypeError(f"{name}: expected {_type(q)} as q, got {_what(tensor)}")
        if tensor.device != q.device:
            raise ValueError(f"{name}: expected device {q.device} as q, got {tensor.device}")


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _what(tensor: Tensor) -> str:
    return f"{_type(tensor)} of shape {list(tensor.shape)}"
