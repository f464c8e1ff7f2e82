"""Affine maps from the parameters of a problem to its data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Index = npt.NDArray[np.int64]
Number = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """What the columns of CVXPY's matrices multiply."""

    number: Index  #: the parameter, counted as the layer's are; -1: the constant 1
    place: Index  #: the entry of its value, row-major
    sizes: tuple[int, ...]  #: the entries of each parameter's value


@dataclass(frozen=True)
class AffineMap:
    """constant + M p in a shape, of which only the entries of M are kept.

    p are the parameters in `used` one after the other, each row-major. What is evaluated from
    parameters without a batch has none either.
    """

    shape: tuple[int, ...]
    constant: Number  #: [size], row-major
    row: Index  #: [entries], in the flattened result
    place: Index  #: [entries], in p
    value: Number  #: [entries]
    used: tuple[int, ...]
    _copies: dict[Any, tuple[Tensor, ...]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(
        cls, shape: tuple[int, ...], row: Index, column: Index, value: Number, columns: Columns
    ) -> AffineMap:
        """Of the entries of [M, constant]."""
        number, place = columns.number[column], columns.place[column]
        constant = np.zeros(math.prod(shape))
        fixed = number < 0
        np.add.at(constant, row[fixed], value[fixed])
        row, number, place, value = row[~fixed], number[~fixed], place[~fixed], value[~fixed]
        used = tuple(int(k) for k in np.unique(number))
        first = np.zeros(len(columns.sizes), np.int64)
        first[list(used)] = np.cumsum([0, *(columns.sizes[k] for k in used)])[:-1]
        return cls(shape, constant, row, place + first[number], value, used)

    def __call__(self, parameters: Sequence[Tensor], batched: Sequence[bool], like: Tensor) -> Tensor:
        """[B, *shape], or [*shape] if no parameter that is used has a batch; in like's type and device."""
        constant, row, place, value = self._on(like)
        if not self.used:
            return constant.reshape(self.shape)
        flat = [_flat(parameters[k].to(like.dtype), int(batched[k])) for k in self.used]
        batches = [t.shape[:1] for t, k in zip(flat, self.used) if batched[k]]
        batch = batches[0] if batches else torch.Size()
        flat = [t.expand(*batch, t.shape[-1]) for t in flat]
        p = flat[0] if len(flat) == 1 else torch.cat(flat, -1)
        terms = p.index_select(-1, place) * value
        result = constant.expand(*batch, -1).index_add(-1, row, terms)
        return result.reshape((*batch, *self.shape))

    def _on(self, like: Tensor) -> tuple[Tensor, ...]:
        key = (like.dtype, like.device)
        copies = self._copies.get(key)
        if copies is None:
            numbers = (torch.as_tensor(a).to(like) for a in (self.constant, self.value))
            places = (torch.as_tensor(a).to(like.device) for a in (self.row, self.place))
            (constant, value), (row, place) = numbers, places
            copies = self._copies[key] = (constant, row, place, value)
        return copies


def _flat(tensor: Tensor, lead: int) -> Tensor:
    """All but the first `lead` dimensions as one, also if there are none of them."""
    return tensor.reshape((*tensor.shape[:lead], math.prod(tensor.shape[lead:])))
