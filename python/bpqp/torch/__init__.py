"""A quadratic program, or one with second-order cones, as a layer in PyTorch.

``solve_qp`` is the function, ``QPLayer`` the module of the same call. Tensors are float32 or float64,
on the CPU or one CUDA device, where everything is put on the current stream.
"""

from bpqp._checks import require

require("bpqp.torch", "torch")

import torch

if not hasattr(torch.library, "register_autocast"):
    raise ImportError(f"bpqp.torch: torch 2.7 or later is needed, this is {torch.__version__}")

from bpqp._report import SolveError, Status, UnsolvedWarning
from bpqp.torch._convex import ConvexLayer, ConvexReport
from bpqp.torch._layer import QPLayer
from bpqp.torch._report import TensorReport
from bpqp.torch._solve_qp import QPSolution, solve_qp

__all__ = [
    "ConvexLayer",
    "ConvexReport",
    "QPLayer",
    "QPSolution",
    "SolveError",
    "Status",
    "TensorReport",
    "UnsolvedWarning",
    "solve_qp",
]
