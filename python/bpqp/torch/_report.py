"""Reports as tensors, where they were written."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from bpqp._report import REPORT, Report

_TYPES = {"f8": torch.float64, "i4": torch.int32, "b1": torch.bool}
#: Of each field, the type and the column in a table of that type.
_FIELDS = {
    name: (_TYPES[dtype.str[1:]], offset // dtype.itemsize)
    for name, (dtype, offset, *_) in (REPORT.fields or {}).items()
}


class TensorReport(Report):
    """As ``bpqp.Report``, but fields are tensors on the device, views of the memory that the solver
    wrote: to get one waits for nothing. ``records`` copies all to the host."""

    def __init__(self, raw: Tensor, batch_shape: tuple[int, ...]) -> None:
        self._raw = raw
        self._batch_shape = batch_shape

    @property
    def records(self) -> npt.NDArray[Any]:
        records: npt.NDArray[Any] = self._raw.cpu().numpy().view(REPORT)
        return records.reshape(tuple(self._batch_shape))

    def __getattr__(self, name: str) -> Tensor:  # type: ignore[override]
        if name not in _FIELDS:
            raise AttributeError(f"TensorReport has no field {name!r}; there are: {', '.join(_FIELDS)}")
        dtype, column = _FIELDS[name]
        raw = self._raw if dtype is torch.int32 else self._raw.view(dtype)
        field = raw.select(1, column)
        return field if len(self._batch_shape) == 1 else field.reshape(self._batch_shape)
