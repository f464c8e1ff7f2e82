"""Solvers that are made once and used again.

A Solver is made for a shape, a capacity and settings, and keeps the factors of its last batch. Who
solves *leases* one; it goes back when the lease is garbage, so that a batch may be differentiated as
long as anyone can still ask for it, and two batches in flight have two Solvers.
"""

from __future__ import annotations

import atexit
import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from bpqp import _core

#: Bytes of Solvers that no lease holds, after which the longest unused ones are freed.
MAX_IDLE_BYTES = 1 << 30


@dataclass(frozen=True)
class Key:
    """What Solvers must agree in to stand in for one another."""

    type: str
    n: int
    m: int
    cones: tuple[int, ...]
    settings: tuple[tuple[str, Any], ...]
    device: str = "cpu"  #: "cpu", or "cuda:0"
    stream: int = 0


class Pool:
    """The idle Solvers, longest unused first. Used from any thread."""

    def __init__(self) -> None:
        self._idle: OrderedDict[Key, list[_core.Solver]] = OrderedDict()
        self._bytes = 0
        self._open = True
        # Re-entrant: a lease may be collected by the garbage collector in the middle of a call.
        self._lock = threading.RLock()

    def take(self, key: Key, batch: int) -> _core.Solver:
        with self._lock:
            solvers = self._idle.get(key)
            if solvers:
                solver = solvers.pop()
                self._bytes -= solver.bytes
                if not solvers:
                    del self._idle[key]
                if solver.capacity >= batch:
                    return solver
        # A smaller one is dropped: the batches have grown.
        settings = dict(key.settings) | {"device": key.device.partition(":")[0]}
        return _core.Solver(
            key.type, key.n, key.m, list(key.cones), max(batch, 1), settings, key.stream
        )

    def give_back(self, key: Key, solver: _core.Solver) -> None:
        with self._lock:
            if not self._open:
                return
            self._idle.setdefault(key, []).append(solver)
            self._idle.move_to_end(key)
            self._bytes += solver.bytes
            while self._bytes > MAX_IDLE_BYTES and self._idle:
                oldest, solvers = next(iter(self._idle.items()))
                self._bytes -= solvers.pop(0).bytes
                if not solvers:
                    del self._idle[oldest]

    def clear(self) -> None:
        with self._lock:
            self._idle.clear()
            self._bytes = 0

    def close(self) -> None:
        """At the interpreter's end: nothing is kept any more."""
        self._open = False
        self.clear()


POOL = Pool()
atexit.register(POOL.close)

_numbers = itertools.count(1)
_leases: WeakValueDictionary[int, Lease] = WeakValueDictionary()


class Lease:
    """A Solver in use, the batch that it solved last, and the arrays it still refers to."""

    __slots__ = ("__weakref__", "arrays", "batch", "key", "lock", "number", "solver")

    def __init__(self, key: Key, batch: int) -> None:
        self.key = key
        self.batch = batch
        self.solver = POOL.take(key, batch)
        self.arrays: tuple[Any, ...] = ()
        self.number = 0
        self.lock = threading.Lock()  #: a Solver serves one thread at a time

    def token(self) -> Any:
        """An int64 array [1] that keeps this lease; ``find`` gets it from the number inside."""
        self.number = next(_numbers)
        _leases[self.number] = self
        return _core.token(self.number, self)

    def __del__(self) -> None:
        solver = getattr(self, "solver", None)
        if solver is not None:
            POOL.give_back(self.key, solver)


def find(number: int) -> Lease | None:
    """The lease of a token's number, or None if it is gone (a token outlived by its copy)."""
    return _leases.get(number)
