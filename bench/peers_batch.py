"""A generated batch and bpqp's solver, in memory that NumPy sees, and what judges answers to it."""

import ctypes
from types import SimpleNamespace

import numpy as np

from testsets_problem import judge_point

FUNCTIONS = {  # name: result, arguments
    "bench_make": (
        ctypes.c_void_p,
        [ctypes.c_char_p] + [ctypes.c_int] * 4 + [ctypes.c_double, ctypes.c_int],
    ),
    "bench_free": (None, [ctypes.c_void_p]),
    "bench_error": (ctypes.c_char_p, []),
    "bench_level": (ctypes.c_char_p, []),
    "bench_rows": (ctypes.c_int, [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]),
    "bench_array": (
        ctypes.POINTER(ctypes.c_double),
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_longlong)],
    ),
    "bench_repeat_matrices": (None, [ctypes.c_void_p, ctypes.c_int]),
    "bench_forward": (None, [ctypes.c_void_p, ctypes.c_int]),
    "bench_start_warm": (None, [ctypes.c_void_p]),
    "bench_backward": (None, [ctypes.c_void_p]),
}


def load(path):
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class DenseMatrix:
    """What the judge asks of a matrix."""

    def __init__(self, values):
        self.times = lambda x: values @ x
        self.transposed_times = lambda y: values.T @ y


class Batch:
    """Arrays P, q, A, l, u, x, y, g, dP, dq, dA, dl, du, [batch, ...]; bpqp's own memory."""

    name, gradient = "bpqp", True

    def __init__(self, library, family, n, eq, ineq, batch, eps, threads=1):
        self.library, self.n, self.eq, self.batch, self.eps = library, n, eq, batch, eps
        self.handle = library.bench_make(family.encode(), n, eq, ineq, batch, eps, threads)
        if not self.handle:
            raise ValueError(library.bench_error().decode())
        cone = ctypes.c_int()
        self.m = library.bench_rows(self.handle, ctypes.byref(cone))
        self.cone, self.linear = cone.value, self.m - cone.value
        n, m = self.n, self.m
        self.P, self.dP = self.array("P", n, n), self.array("dP", n, n)
        self.A, self.dA = self.array("A", m, n), self.array("dA", m, n)
        self.q, self.x, self.g, self.dq = (self.array(k, n) for k in ("q", "x", "g", "dq"))
        self.l, self.u, self.y, self.dl, self.du = (
            self.array(k, m) for k in ("l", "u", "y", "dl", "du")
        )

    def array(self, name, *shape):
        size = ctypes.c_longlong()
        data = self.library.bench_array(self.handle, name.encode(), ctypes.byref(size))
        return np.ctypeslib.as_array(data, (size.value,)).reshape(self.batch, *shape)

    def close(self):
        """Frees the arrays; none may be used afterwards."""
        self.library.bench_free(self.handle)
        self.handle = None

    def repeat_matrices(self, shared):
        """Every problem gets the first one's P and A; `shared`: bpqp is told so."""
        self.library.bench_repeat_matrices(self.handle, int(shared))

    def forward(self, vectors_only=False):
        self.library.bench_forward(self.handle, int(vectors_only))

    def start_warm(self):
        """The next forward() starts from the last one's solutions."""
        self.library.bench_start_warm(self.handle)

    def backward(self):
        self.library.bench_backward(self.handle)

    def problem(self, b):
        """Problem b as the judge wants it."""
        P = self.P[b]
        return SimpleNamespace(
            n=self.n, m=self.m, linear=self.linear, q=self.q[b], l=self.l[b], u=self.u[b], r=0.0,
            A=DenseMatrix(self.A[b]), hessian_times=lambda x: (P @ x + P.T @ x) / 2, expect={},
            cone_slices=lambda: [slice(self.linear, self.m)] if self.cone else [],
        )

    def wrong_points(self, x, y, slack):
        """How many (x, y) are not within slack eps."""
        return sum(
            judge_point(self.problem(b), x[b], y[b], self.eps, slack)[1] != ""
            for b in range(len(x))
        )

    def wrong_own_gradients(self):
        """How many of bpqp's (dq, dl + du) do not solve the KKT system of the rows with y != 0 to
        1e-6: P w + A'd = g, A_W w = 0, d = 0 off W. Not known (0) where there are cones.
        """
        wrong = 0
        for b in range(0 if self.cone else self.batch):
            w, d, held = -self.dq[b], self.dl[b] + self.du[b], self.y[b] != 0
            P = (self.P[b] + self.P[b].T) / 2
            stationary = np.abs(P @ w + self.A[b].T @ d - self.g[b]).max()
            off = np.abs(self.A[b][held] @ w).max(initial=0) + np.abs(d[~held]).max(initial=0)
            wrong += not max(stationary, off) <= 1e-6 * np.abs(self.g[b]).max()
        return wrong
