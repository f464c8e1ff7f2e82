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
        ({"tolerance": 1e-3}, "there is no setting 'tolerance'; there are: adaptive_rho, alpha"),
        ({"eps": 1e-3}, r"there is no setting 'eps' \(did you mean 'eps_abs' or 'eps_rel'\?\); there are: "),
        ({"max_iter": "many"}, "setting 'max_iter': 'many' has the wrong type"),
    ],
)
def test_settings(settings, message):
    with pytest.raises(TypeError, match=message):
        bpqp.solve(P, q, A, l, u, **settings)
    with pytest.raises(TypeError, match=message):
        solve_qp(*map(torch.tensor, (P, q, A, l, u)), **settings)


def test_the_settings_that_are_named_are_those_that_can_be_given():
    with pytest.raises(TypeError) as error:
        solve_qp(*map(torch.tensor, (P, q, A, l, u)), epsilon=1e-3)
    assert "kappa" in str(error.value) and "device" not in str(error.value)


def test_what_is_not_installed_is_named():
    with pytest.raises(ImportError, match="bpqp.x needs no_such_module, which is not installed: pip install"):
        bpqp._checks.require("bpqp.x", "no_such_module")


def test_numpy_types():
    with pytest.raises(TypeError, match=r"A: expected a \(dense\) array of numbers, got object"):
        bpqp.solve(P, q, object())
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
        ({"gradients": False}, TypeError, "setting 'gradients': follows from the call and its arrays"),
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
    for wrong in ([[1.0] * 4], None):
        with pytest.raises(TypeError, match="q: expected a tensor"):
            QPLayer(4, 5)(tensors[0], wrong, tensors[2])
    with pytest.raises(TypeError, match="A: expected a tensor or None, got list"):
        QPLayer(4, 5)(tensors[0], tensors[1], [[1.0]])


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "message"),
    [
        ((0, 2), {}, ValueError, "shape.n: expected at least one variable, got 0"),
        (("4", 2), {}, TypeError, "n: expected a whole number, got '4'"),
        ((4, 2, (3,)), {}, ValueError, "shape.cones: expected at most m = 2 rows in all, got 3"),
        ((4, 2), {"max_iter": -1}, ValueError, "max_iter: expected >= 1, got -1"),
        ((4, 2), {"epsilon": 1}, TypeError, "there is no setting 'epsilon'"),
    ],
)
def test_a_layer_that_cannot_be_is_refused_when_it_is_made(arguments, settings, error, message):
    with pytest.raises(error, match=message):
        QPLayer(*arguments, **settings)


def of_numpy(**more):
    return bpqp.solve(P, q, A, l, u, **more)


def of_torch(**more):
    return solve_qp(*map(torch.tensor, (P, q, A, l, u)), **more)


@pytest.mark.parametrize("call", [of_numpy, of_torch])
@pytest.mark.parametrize("cones", [[3.7], ("3",), 3], ids=str)
def test_cones_are_whole_numbers(call, cones):
    with pytest.raises(TypeError, match="cones: expected a sequence of whole numbers, got"):
        call(cones=cones)


@pytest.mark.parametrize("call", [of_numpy, of_torch])
def test_a_setting_that_is_no_number_and_no_word(call):
    with pytest.raises(TypeError, match="setting 'threads': expected a number or a word, got list"):
        call(threads=[1])


def test_starts_and_cotangents_of_wrong_shape():
    for call, make in ((of_numpy, np.zeros), (of_torch, torch.zeros)):
        for shape in ((2, 4), (1, 4), (1,)):
            given = rf"\[{', '.join(map(str, shape))}\]"
            with pytest.raises(ValueError, match=rf"warm_start: expected x of shape \[3, 4\] or \[4\], got {given}"):
                call(warm_start=(make(shape), None))
        with pytest.raises(ValueError, match=r"warm_start: expected y of shape \[3, 5\] or \[5\], got \[4\]"):
            call(warm_start=(None, make(4)))
        with pytest.raises(TypeError, match=r"warm_start: expected a pair \(x, y\), got"):
            call(warm_start=make(4))
    with pytest.raises(TypeError, match="warm_start: expected x as an array of numbers, got str"):
        of_numpy(warm_start=("zero", None))
    with pytest.raises(TypeError, match="warm_start: expected x as a tensor, got ndarray"):
        of_torch(warm_start=(np.zeros(4), None))
    with pytest.raises(ValueError, match=r"dx: expected shape \[3, 4\], got \[5\]"):
        bpqp.solve(P, q, A, l, u).backward(np.ones(5))
    with pytest.raises(TypeError, match="dx: expected an array of numbers"):
        bpqp.solve(P, q, A, l, u).backward("one")


def test_a_cuda_device_that_is_not_there():
    if bpqp.capabilities()["cuda_devices"]:
        pytest.skip("there is a CUDA device")
    with pytest.raises(RuntimeError, match="device: cuda was asked for"):
        bpqp.solve(P, q, A, l, u, device="cuda")


def test_from_qpth_wants_both_or_neither():
    with pytest.raises(ValueError, match="G and h: expected both or neither"):
        bpqp.Problem.from_qpth(P[0], q[0], G=A[0])


def test_arrays_of_a_problem_are_named():
    with pytest.raises(ValueError, match=r"G: expected at least 2 dimensions, got shape \[4\]"):
        bpqp.Problem.from_qpth(P[0], q[0], A[0, 0], [1.0])
    with pytest.raises(ValueError, match=r"A and b: expected .* with n = 4, got shapes \[1, 3\] and \[1\]"):
        bpqp.Problem.from_qpth(P[0], q[0], A=np.ones((1, 3)), b=[1.0])
    with pytest.raises(TypeError, match="h: expected an array of numbers: could not convert"):
        bpqp.Problem.from_qpth(P[0], q[0], A[0], "h")
    with pytest.raises(ValueError, match=r"A: expected \[\.\.\., m, n = 4\], got shape \[1, 3\]"):
        bpqp.Problem(P[0], q[0], np.ones((1, 3))).with_bounds(0)
    with pytest.raises(ValueError, match=r"q: expected at least 1 dimension, got shape \[\]"):
        bpqp.Problem(P[0], 1.0).with_bounds(0)
    with pytest.raises(ValueError, match=r"lower: expected a number or \[\.\.\., n = 4\], got shape \[3\]"):
        bpqp.Problem(P[0], q[0]).with_bounds([0, 0, 0])
