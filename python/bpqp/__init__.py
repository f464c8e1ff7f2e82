"""Batches of small convex problems, solved and differentiated.

    minimise    1/2 x'P x + q'x
    subject to  l <= A x <= u                rows 0 ... m - 1 without the cones' rows
                u_k - A_k x in SOC(d_k)      the last rows, one block per second-order cone, t first

Multipliers: ``P x + q + A'y = 0`` with ``y_i >= 0`` where the upper side is active and ``y_i <= 0``
at the lower side. A side at or beyond 1e30 is absent.

``bpqp.solve`` is for NumPy, ``bpqp.torch`` for PyTorch; ``bpqp.Problem`` keeps the arrays of a
problem together and makes them from other forms.
"""

from bpqp._core import capabilities
from bpqp._numpy import solve
from bpqp._problem import Problem
from bpqp._report import Report, SolveError, Status, UnsolvedWarning
from bpqp._result import Gradient, Result

__version__: str = capabilities()["version"]

__all__ = [
    "Gradient",
    "Problem",
    "Report",
    "Result",
    "SolveError",
    "Status",
    "UnsolvedWarning",
    "capabilities",
    "solve",
]
