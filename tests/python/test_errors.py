"""Bad input: one message that names the argument, what was given and what was expected."""

import numpy as np
import pytest
import torch
from problems import qp

import bpqp
from bpqp.torch import QPLayer, solve_qp

P, q, A, l, u = qp(1, batch=(3,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P": P[:, :3]}, r"P: expected \[\.\.\., n = 4, n = 4\].*got shape \[3, 3, 4\]"),
        ({"A": A[:, :, :3]}, r"A: expected \[\.\.\., m = 5, n = 4\].*got shape \[3, 5, 3\]"),
        ({"l": l[:, :4]}, r"l: expected \[\.\.\., m = 5\].*got shape \[3, 4\]"),
        ({"u": u[:2]}, r"u: its batch dimensions \[2\] do not broadcast with \[3\]"),
        ({"q": np.float64(1.0)}, r"q: expected \[\.\.\., n\] with n >= 1, got shape \[\]"),
        ({"cones": (4, 3)}, r"cones: \[4, 3\] need 7 rows, A has 5"),
        ({"cones": (0,)}, r"cones: expected sizes >= 1, got \[0\]"),
        ({"eps_abs": -1.0}, "eps_abs"),
        ({"method": "simplex"}, "setting 'method': expected one of auto, admm, interior_point, got 'simplex'"),
    ],
)
def test_values_and_shapes(change, message):
    arguments = {"P": P, "q": q, "A": A, "l": l, "u": u} | change
    with pytest.raises(ValueError, match=message):
        bpqp.solve(**arguments)
    tensors = {k: torch.tensor(v) if isinstance(v, (np.ndarray, np.float64)) else v for k, v in arguments.items()}
    with pytest.raises(ValueError, match=message):
        solve_qp(**tensors)
    with pytest.raises(ValueError, match=message):
        solve_qp(**{k: v.requires_grad_() if isinstance(v, torch.Tensor) else v for k, v in tensors.items()})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 1e-3}, "there is no setting 'epsilon'; there are: adaptive_rho, alpha"),
        ({"max_iter": "many"}, "setting 'max_iter': 'many' has the wrong type"),
    ],
)
def test_settings(settings, message):
    with pytest.raises(TypeError, match=message):
        bpqp.solve(P, q, A, l, u, **settings)
    with pytest.raises(TypeError, match=message):
        solve_qp(*map(torch.tensor, (P, q, A, l, u)), **settings)


def test_numpy_types():
    with pytest.raises(TypeError, match="q: expected float32 or float64, got complex128"):
        bpqp.solve(P, q.astype(complex), A, l, u)
    with pytest.raises(TypeError, match="q: expected an array"):
        bpqp.solve(P, None)
    with pytest.raises(TypeError, match="A: expected float32 or float64, got <U3"):
        bpqp.solve(P, q, "all")


def test_torch_types_and_devices():
    tensors = dict(zip("PqAlu", map(torch.tensor, (P, q, A, l, u))))
    cases = [
        ({"q": q}, TypeError, "q: expected a tensor .*got ndarray"),
        ({"A": A}, TypeError, "A: expected a tensor or None, got ndarray"),
        ({"P": tensors["P"].float()}, TypeError, r"P: expected float64 as q, got float32 of shape \[3, 4, 4\]"),
        ({"l": tensors["l"].int()}, TypeError, r"l: expected float32 or float64, got int32 of shape \[3, 5\]"),
        ({"P": tensors["P"].to_sparse()}, TypeError, "P: expected a dense tensor, got torch.sparse_coo"),
        ({"u": tensors["u"].to("meta")}, ValueError, "u: expected device cpu as q, got meta"),
        ({"gradients": False}, TypeError, "setting 'gradients': follows from the tensors"),
    ]
    for change, kind, message in cases:
        with pytest.raises(kind, match=message):
            solve_qp(**(tensors | change))


def test_half_precision_is_refused_outside_of_autocast():
    half = [torch.tensor(a).half() for a in (P, q, A, l, u)]
    with pytest.raises(TypeError, match="q: expected float32 or float64, got float16|P: expected"):
        solve_qp(*half)


def test_a_layer_checks_its_sizes():
    tensors = list(map(torch.tensor, (P, q, A, l, u)))
    with pytest.raises(ValueError, match=r"q: expected \[\.\.\., n = 5\], got shape \[3, 4\]"):
        QPLayer(5, 5)(*tensors)
    with pytest.raises(ValueError, match=r"A: expected \[\.\.\., m = 6, n = 4\], got shape \[3, 5, 4\]"):
        QPLayer(4, 6)(*tensors)
    with pytest.raises(ValueError, match="m = 2, n = 4.*got None"):
        QPLayer(4, 2)(tensors[0], tensors[1])
    with pytest.raises(ValueError, match="n >= 1"):
        QPLayer(0, 2)


def test_starts_and_cotangents_of_wrong_shape():
    with pytest.raises(ValueError, match=r"warm_start: expected x of shape \[3, 4\], got \[2, 4\]"):
        bpqp.solve(P, q, A, l, u, warm_start=(np.zeros((2, 4)), None))
    with pytest.raises(ValueError, match=r"warm_start: expected y of shape \[3, 5\], got \[4\]"):
        solve_qp(*map(torch.tensor, (P, q, A, l, u)), warm_start=(None, torch.zeros(4)))
    with pytest.raises(ValueError, match=r"dx: expected shape \[3, 4\], got \[5\]"):
        bpqp.solve(P, q, A, l, u).backward(np.ones(5))


def test_a_cuda_device_that_is_not_there():
    if bpqp.capabilities()["cuda_devices"]:
        pytest.skip("there is a CUDA device")
    with pytest.raises(RuntimeError, match="device: cuda was asked for"):
        bpqp.solve(P, q, A, l, u, device="cuda")


def test_from_qpth_wants_both_or_neither():
    with pytest.raises(ValueError, match="G and h: expected both or neither"):
        bpqp.Problem.from_qpth(P[0], q[0], G=A[0])
    with pytest.raises(ValueError, match=r"lower: expected a number or \[\.\.\., n = 4\], got shape \[3\]"):
        bpqp.Problem(P[0], q[0]).with_bounds([0, 0, 0])
