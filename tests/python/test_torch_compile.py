"""torch.compile and the operators it sees."""

import pytest
import torch
from problems import qp, socp
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

from bpqp.torch import QPLayer, solve_qp


def leaves(data):
    return [torch.tensor(a, requires_grad=True) for a in data]


def loss(*data, cones=()):
    solution = solve_qp(*data, cones)
    return solution.x.square().sum() + solution.y.sin().sum()


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_a_compiled_loss_has_the_same_gradients(backend):
    data = leaves(qp(1, batch=(3,)))
    compiled = torch.compile(loss, fullgraph=True, backend=backend)
    for a, b in zip(torch.autograd.grad(compiled(*data), data), torch.autograd.grad(loss(*data), data)):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_cones_shared_arguments_and_only_some_gradients():
    P, q, A, l, u = (torch.tensor(a) for a in socp(2, batch=(3,), cones=(3, 2)))
    P = P[0].clone().requires_grad_()
    q.requires_grad_()
    compiled = torch.compile(lambda *d: loss(*d, cones=(3, 2)), fullgraph=True, backend="aot_eager")
    expected = torch.autograd.grad(loss(P, q, A, l, u, cones=(3, 2)), (P, q))
    for a, b in zip(torch.autograd.grad(compiled(P, q, A, l, u), (P, q)), expected):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_status_and_report_come_out_of_a_compiled_function():
    data = [torch.tensor(a) for a in qp(3, batch=(3,))]
    compiled = torch.compile(lambda *d: solve_qp(*d), fullgraph=True, backend="aot_eager")
    x, y, status, report = compiled(*data)
    assert status.tolist() == [0, 0, 0] and report.gap.shape == (3,)
    assert "3 solved" in repr(report)


def test_sizes_may_change():
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager", dynamic=True)
    for batch in (2, 3, 5):
        data = leaves(qp(4, batch=(batch,)))
        expected = torch.autograd.grad(loss(*data), data)
        for a, b in zip(torch.autograd.grad(compiled(*data), data), expected):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_a_mapped_function_compiles():
    data = leaves(qp(5, batch=(3,)))
    compiled = torch.compile(lambda *d: vmap(loss)(*d).sum(), fullgraph=True, backend="aot_eager")
    for a, b in zip(torch.autograd.grad(compiled(*data), data), torch.autograd.grad(loss(*data), data)):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_a_layer_inside_a_compiled_model():
    torch.manual_seed(6)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4)).double()
    layer = QPLayer(4, 5)
    data = [torch.tensor(a) for a in qp(6)]

    def train(features):
        return layer(data[0], model(features), *data[2:]).x.square().sum()

    features = torch.randn(7, 3, dtype=torch.double)
    compiled = torch.compile(train, fullgraph=True, backend="aot_eager")
    weights = list(model.parameters())
    for a, b in zip(torch.autograd.grad(compiled(features), weights), torch.autograd.grad(train(features), weights)):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_the_operators_schemas_fakes_and_autograd_are_registered_right():
    data = leaves(qp(7, batch=(3,)))
    arguments = (*data, None, None, (), "{}", True)
    # Not test_aot_dispatch_*: they compare outputs, and the report has the time that was taken.
    torch.library.opcheck(
        torch.ops.bpqp.solve.default,
        arguments,
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )
    x, y, active, _, state = torch.ops.bpqp.solve(*arguments)
    torch.library.opcheck(
        torch.ops.bpqp.adjoint.default,
        (torch.ones(3, 2, 4, dtype=torch.double), None, *arguments[:7], x.detach(), y.detach(), active, state, (), "{}"),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )


def test_a_copy_of_the_state_solves_again_to_the_same_gradient():
    data = [torch.tensor(a) for a in qp(8, batch=(3,))]
    x, _, _, _, state = torch.ops.bpqp.solve(*data, None, None, (), "{}", True)
    arguments = (torch.ones_like(x), None, *data, None, None)
    expected = torch.ops.bpqp.gradient(*arguments, state, (), "{}", [True] * 5)
    copy = state.clone()
    del state
    for a, b in zip(torch.ops.bpqp.gradient(*arguments, copy, (), "{}", [True] * 5), expected):
        assert torch.equal(a, b)


def test_autocast_takes_lower_types_as_float32():
    data = leaves(qp(9, batch=(3,)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = [t.detach().bfloat16().requires_grad_() for t in data]
        x = solve_qp(*half).x
        assert x.dtype == torch.float32
    x.sum().backward()
    assert half[0].grad.dtype == torch.bfloat16


def _compiled(f, *data):
    torch._dynamo.reset()
    return torch.compile(f, fullgraph=True, backend="aot_eager")(*data)


@pytest.mark.parametrize("cones", [(), (3, 2)])
@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: grad(f, argnums=(0, 1, 2, 3, 4)),
        lambda f: hessian(f, argnums=1),
        lambda f: jacrev(jacrev(f, argnums=1), argnums=2),
        lambda f: grad(lambda *d: grad(f, argnums=1)(*d).square().sum(), argnums=(0, 2)),
        lambda f: lambda *d: jvp(f, d, d)[1],
    ],
    ids=["grad", "hessian", "mixed", "gradgrad", "jvp"],
)
def test_derivatives_are_taken_inside_of_a_compiled_function(derivative, cones):
    data = [torch.tensor(a) for a in (socp(2, cones=cones) if cones else qp(1))]
    f = derivative(lambda *d: loss(*d, cones=cones))
    torch.testing.assert_close(_compiled(f, *data), f(*data), rtol=1e-12, atol=1e-12)


def test_mapped_derivatives_are_taken_inside_of_a_compiled_function():
    data = [torch.tensor(a) for a in qp(1, batch=(3,))]
    f = vmap(grad(loss, argnums=(0, 1, 2, 3, 4)))
    torch.testing.assert_close(_compiled(f, *data), f(*data), rtol=1e-12, atol=1e-12)
    jacobian = vmap(jacfwd(lambda *d: solve_qp(*d).x, argnums=1))
    torch.testing.assert_close(_compiled(jacobian, *data), jacobian(*data), rtol=1e-12, atol=1e-12)


def test_a_compiled_function_is_differentiated_from_outside_in_forward_mode():
    q = torch.ones(2, dtype=torch.double)
    f = torch.compile(lambda q: solve_qp(torch.eye(2).double(), q).x, backend="aot_eager")
    torch.testing.assert_close(jvp(f, (q,), (q,))[1], -q)


def test_the_operator_alone_has_derivatives_of_the_second_order():
    P, q, A, l, u = (torch.tensor(a) for a in qp(1))

    def x(q):
        return torch.ops.bpqp.solve(P, q[None], A, l, u, None, None, [], "{}", True)[0][0]

    expected = hessian(lambda q: (solve_qp(P, q, A, l, u).x ** 3).sum())(q)
    torch.testing.assert_close(hessian(lambda q: (x(q) ** 3).sum())(q), expected, rtol=1e-12, atol=1e-12)


def test_settings_are_constants_of_a_compiled_function():
    data = [torch.tensor(a) for a in qp(1)]
    for settings in ({"method": "interior_point"}, {"method": "admm", "threads": 1}, {"strict": True}):
        compiled = torch.compile(lambda *d, s=settings: solve_qp(*d, **s), fullgraph=True, backend="eager")
        found, expected = compiled(*data), solve_qp(*data, **settings)
        assert found.report.method == expected.report.method
        torch.testing.assert_close(found.x, expected.x)
