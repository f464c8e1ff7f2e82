"""A quadratic program, or one with second-order cones, as a function in JAX.

``solve_qp`` works under jit, vmap, grad, jvp, jacrev, jacfwd and hessian, on the CPU and on CUDA devices, in
float32 and float64.
"""

from bpqp._checks import require

require("bpqp.jax", "jax")

from bpqp._report import SolveError, Status, UnsolvedWarning
from bpqp.jax._calls import limit_cache
from bpqp.jax._report import ArrayReport
from bpqp.jax._solve_qp import QPSolution, solve_qp

__all__ = [
    "ArrayReport",
    "QPSolution",
    "SolveError",
    "Status",
    "UnsolvedWarning",
    "limit_cache",
    "solve_qp",
]
