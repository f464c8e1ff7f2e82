#!/usr/bin/env python3
"""Times the PyTorch layer: its overhead over the library's call, and an epoch of training beside peers.

    scripts/python.sh --install
    build/venv/bin/pip install qpth cvxpylayers moreau
    build/venv/bin/python bench/layers.py

Epoch: predict-then-optimise portfolios. A network (20 -> 64 -> n) predicts returns r from features; the
layer solves min 1/2 z'S z - r'z subject to sum z = 1, 0 <= z <= 0.2 with S shared by all; the loss is the
decision's cost under the true returns. --batches batches of --batch; gradient descent (Adam's first steps are
signs, which tell no right from almost right). Every layer starts from the same weights, they take turns, a
time is the median of --rounds epochs, forward and backward and optimiser step. Losses must agree to 1e-4 of
the largest, or the layer's time is not worth comparing. What is not installed is left out with a message.

Overhead: the library's own calls, and those of QPLayer that make the same calls on the same memory: without
gradients, with what a gradient would need kept, and with the gradient in all data. In turns of random
order; least and median of many. autograd's own part is that of an empty function. At n = 2 everything is in
the caches and the difference is the instructions' time. After a large batch it is that of fetching them
again: the empty function tells how much any function of torch pays.
"""

import os
import sys

THREADS = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1"
for _variable in ("OMP", "OPENBLAS", "MKL", "RAYON"):  # before they are read
    os.environ[_variable + "_NUM_THREADS"] = THREADS

import argparse
import importlib.util
import json
import platform
import random
import statistics
import time
import warnings

import numpy as np
import torch

from bpqp._pool import Key, Lease
from bpqp.torch import QPLayer
from bpqp.torch._native import REPORT_WORDS

DOUBLE = torch.double


def covariance(n):
    factors = torch.randn(n, 5, dtype=DOUBLE)
    return factors @ factors.T / 5 + 0.1 * torch.eye(n, dtype=DOUBLE)


class Bpqp:
    package, name = "bpqp", "bpqp"

    def __init__(self, n, batch, S):
        A = torch.cat([torch.ones(1, n, dtype=DOUBLE), torch.eye(n, dtype=DOUBLE)])
        l = torch.cat([torch.ones(1, dtype=DOUBLE), torch.zeros(n, dtype=DOUBLE)])
        u = torch.cat([torch.ones(1, dtype=DOUBLE), torch.full((n,), 0.2, dtype=DOUBLE)])
        self.data, self.layer = (S, A, l, u), QPLayer(n, n + 1, threads=int(THREADS))

    def __call__(self, r):
        S, A, l, u = self.data
        return self.layer(S, -r, A, l, u).x


class Qpth:
    package, name = "qpth", "qpth"

    def __init__(self, n, batch, S):
        from qpth.qp import QPFunction

        eye = torch.eye(n, dtype=DOUBLE)
        self.S, self.G = S, torch.cat([-eye, eye])
        self.h = torch.cat([torch.zeros(n, dtype=DOUBLE), torch.full((n,), 0.2, dtype=DOUBLE)])
        self.A, self.b = torch.ones(1, n, dtype=DOUBLE), torch.ones(1, dtype=DOUBLE)
        self.solve = QPFunction(verbose=-1, eps=1e-9)

    def __call__(self, r):
        return self.solve(self.S, -r, self.G, self.h, self.A, self.b)


class Cvxpylayers:
    package, name, solver, options = "cvxpylayers", "cvxpylayers (diffcp)", None, {"eps": 1e-8}

    def __init__(self, n, batch, S):
        import cvxpy as cp
        from cvxpylayers.torch import CvxpyLayer

        z, r = cp.Variable(n), cp.Parameter(n)
        root = np.linalg.cholesky(S.numpy())
        risk = cp.sum_squares(root.T @ z) / 2 if self.solver is None else cp.quad_form(z, S.numpy()) / 2
        problem = cp.Problem(cp.Minimize(risk - r @ z), [cp.sum(z) == 1, z >= 0, z <= 0.2])
        more = {} if self.solver is None else {"solver": self.solver}
        self.layer = CvxpyLayer(problem, parameters=[r], variables=[z], **more)

    def __call__(self, r):
        return self.layer(r, solver_args=self.options)[0]


class CvxpylayersMoreau(Cvxpylayers):
    package, name, solver, options = "moreau", "cvxpylayers (Moreau)", "MOREAU", {}


class Moreau:
    package, name = "moreau", "Moreau"

    def __init__(self, n, batch, S):
        import moreau
        import scipy.sparse as sp
        from moreau.torch import Solver

        eye = np.eye(n)
        G = sp.csr_matrix(np.vstack([np.ones((1, n)), -eye, eye]))
        P = sp.csr_matrix(np.ones((n, n)))
        cones = moreau.Cones(num_zero_cones=1, num_nonneg_cones=2 * n)
        settings = moreau.Settings(device="cpu", batch_size=batch, enable_grad=True)
        index = [torch.tensor(a, dtype=torch.int64) for a in (P.indptr, P.indices, G.indptr, G.indices)]
        self.solver = Solver(n, 2 * n + 1, *index, cones, settings)
        self.P, self.G = S.reshape(-1), torch.tensor(G.data)
        self.b = torch.cat([torch.ones(1), torch.zeros(n), torch.full((n,), 0.2)]).to(DOUBLE)
        self.batch = batch

    def __call__(self, r):
        return self.solver.solve(self.P, self.G, -r, self.b.expand(len(r), -1)).x


LAYERS = [Bpqp, Qpth, Cvxpylayers, CvxpylayersMoreau, Moreau]


def epoch(layer, options, S, features, returns):
    """Seconds and losses of one epoch from the same weights."""
    torch.manual_seed(options.seed)
    model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, options.n)).double()
    optimiser = torch.optim.SGD(model.parameters(), 0.05)
    losses = []
    start = time.perf_counter()
    for x, r in zip(features, returns):
        optimiser.zero_grad()
        z = layer(model(x))
        loss = (0.5 * ((z @ S) * z).sum(1) - (r * z).sum(1)).mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return time.perf_counter() - start, losses


def epochs(options):
    torch.manual_seed(options.seed)
    S = covariance(options.n)
    features = torch.randn(options.batches, options.batch, 20, dtype=DOUBLE)
    truth = torch.randn(20, options.n, dtype=DOUBLE) / 4
    returns = features @ truth + 0.1 * torch.randn(options.batches, options.batch, options.n, dtype=DOUBLE)
    layers = []
    for kind in LAYERS:
        if importlib.util.find_spec(kind.package) is None:
            print(f"{kind.name}: not installed, left out", file=sys.stderr)
            continue
        try:
            layers.append(kind(options.n, options.batch, S))
            epoch(layers[-1], options, S, features[:1], returns[:1])
        except Exception as error:  # a peer that does not run is told, and the others compared
            print(f"{kind.name}: left out, {type(error).__name__}: {error}", file=sys.stderr)
            layers = [layer for layer in layers if not isinstance(layer, kind)]
    seconds = {layer.name: [] for layer in layers}
    losses = {}
    for _ in range(options.rounds):
        for layer in layers:
            taken, losses[layer.name] = epoch(layer, options, S, features, returns)
            seconds[layer.name].append(taken)
    ours = losses["bpqp"]
    return {
        name: {
            "epoch_seconds": statistics.median(times),
            "loss_off": max(abs(a - b) for a, b in zip(losses[name], ours)) / max(map(abs, ours)),
        }
        for name, times in seconds.items()
    }


def timed(calls, count):
    """Least and median microseconds of each, in turns of random order."""
    times = {name: [] for name in calls}
    order = list(calls.items())
    for _ in range(count):
        random.shuffle(order)
        for name, call in order:
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: (1e6 * min(t), 1e6 * statistics.median(t)) for name, t in times.items()}


class Empty(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *data):
        return torch.empty_like(data[1])

    @staticmethod
    def backward(ctx, g):
        return None, g, None, None, None


def overhead(options, batch, n, count):
    torch.manual_seed(options.seed)
    m = 20 if n > 20 else 2
    R = torch.randn(batch, n, n, dtype=DOUBLE)
    P, q = R @ R.mT / n + torch.eye(n, dtype=DOUBLE), torch.randn(batch, n, dtype=DOUBLE)
    A, u = torch.randn(batch, m, n, dtype=DOUBLE), torch.rand(batch, m, dtype=DOUBLE)
    leaves = [t.requires_grad_() for t in (P, q, A, u - 2, u)]
    data = [t.detach() for t in leaves]  # the same memory
    layer, g = QPLayer(n, m, threads=int(THREADS)), torch.ones(batch, n, dtype=DOUBLE)
    sizes = (n * n, n, m * n, m, m)
    x, y = torch.empty(batch, n, dtype=DOUBLE), torch.empty(batch, m, dtype=DOUBLE)
    active, report = torch.empty(batch, m, dtype=torch.int8), torch.empty(batch, REPORT_WORDS, dtype=torch.int32)
    gradients = [torch.empty_like(t) for t in data]
    threads = ("threads", int(THREADS))
    kept = Lease(Key("float64", n, m, (), (threads,)), batch)
    plain = Lease(Key("float64", n, m, (), (threads, ("gradients", False))), batch)
    inputs = [v for t, size in zip(data, sizes) for v in (t.data_ptr(), size)]
    outputs = [t.data_ptr() for t in (x, y, active, report)]
    wanted = [v for t, size in zip(gradients, sizes) for v in (t.data_ptr(), size)]

    def both():
        kept.solver.solve(batch, *inputs, *outputs)
        kept.solver.backward(g.data_ptr(), n, 0, m, *wanted)

    calls = {
        "solve": lambda: plain.solver.solve(batch, *inputs, *outputs),
        "layer": lambda: layer(*data),
        "solve, kept": lambda: kept.solver.solve(batch, *inputs, *outputs),
        "layer, kept": lambda: layer(*leaves),
        "solve, backward": both,
        "layer, gradient": lambda: torch.autograd.grad(layer(*leaves).x, leaves, g),
        "empty function": lambda: Empty.apply(*leaves),
        "empty function, gradient": lambda: torch.autograd.grad(Empty.apply(*leaves), leaves[1], g),
    }
    for call in calls.values():
        for _ in range(10):
            call()
    return timed(calls, count)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=300, help="of the overhead's measurement")
    parser.add_argument("--threads", default="1", help="of every layer and of torch (1)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(THREADS))
    result = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
        "epochs": epochs(options),
        "overhead": {
            f"batch {batch}, n {n}": overhead(options, batch, n, count)
            for batch, n, count in ((options.batch, options.n, options.calls), (1, 2, 10 * options.calls))
        },
    }
    if options.json:
        print(json.dumps(result))
        return
    ours = result["epochs"]["bpqp"]["epoch_seconds"]
    print(f"epoch of {options.batches} batches of {options.batch}, n {options.n}; torch {result['torch']}")
    for name, row in result["epochs"].items():
        ratio, off = row["epoch_seconds"] / ours, row["loss_off"]
        print(f"  {name:24s} {row['epoch_seconds']:9.4f} s  {ratio:7.1f} x  losses off by {off:.1e}")
    for case, rows in result["overhead"].items():
        print(f"{case}: microseconds, least and median")
        for name, (least, median) in rows.items():
            print(f"  {name:28s} {least:9.1f} {median:9.1f}")


if __name__ == "__main__":
    main()
