#!/usr/bin/env python3
"""Trains a network through the optimisation that uses its prediction, on one process or several.

    build/venv/bin/python examples/ddp/train.py
    build/venv/bin/torchrun --nproc-per-node 2 examples/ddp/train.py

Predict, then optimise: from the last days' returns of twenty stocks a network predicts tomorrow's; a
mean-variance portfolio is made of the prediction (solve_qp), and the loss is what the portfolio costs
under the returns that came. The gradient flows through the portfolio into the network.

Under torchrun every process takes its part of each batch and DistributedDataParallel averages the
gradients (NCCL where there are GPUs, else gloo): the losses are those of one process, up to rounding.

The stocks were picked among today's large companies: results are an exercise, no evidence.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from bpqp.torch import QPLayer

PRICES = Path(__file__).resolve().parents[2] / "data" / "sp500_prices.csv.gz"
HISTORY = 20  #: days that the network sees
RISK_AVERSION = 5.0


def daily_returns(days: int) -> Tensor:
    """The last `days` days' returns in percent [days, stocks]."""
    with gzip.open(PRICES, "rt") as file:
        stocks = len(file.readline().split(",")) - 1
        prices = np.loadtxt(file, delimiter=",", usecols=range(1, stocks + 1))[-days - 1 :]
    return torch.tensor(100 * (prices[1:] / prices[:-1] - 1))


class PredictThenOptimise(torch.nn.Module):
    """Returns of the last days [B, HISTORY, n] -> weights of a portfolio [B, n], sum 1, each 0 to 0.2."""

    def __init__(self, covariance: Tensor) -> None:
        super().__init__()
        n = covariance.shape[0]
        self.predict = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(HISTORY * n, 32), torch.nn.Tanh(), torch.nn.Linear(32, n)
        ).double()
        self.layer = QPLayer(n, n + 1)
        eye = torch.eye(n, dtype=torch.double)
        self.register_buffer("P", RISK_AVERSION * covariance)
        self.register_buffer("A", torch.cat([torch.ones(1, n, dtype=torch.double), eye]))
        self.register_buffer("l", torch.tensor([1.0] + n * [0.0], dtype=torch.double))
        self.register_buffer("u", torch.tensor([1.0] + n * [0.2], dtype=torch.double))

    def forward(self, history: Tensor) -> Tensor:
        # P, A, l and u have no batch dimension: they are shared, and factored once.
        return self.layer(self.P, -self.predict(history), self.A, self.l, self.u).x


def cost(weights: Tensor, returns: Tensor, covariance: Tensor) -> Tensor:
    """Risk less return, per day."""
    risk = ((weights @ covariance) * weights).sum(1)
    return 0.5 * RISK_AVERSION * risk - (weights * returns).sum(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=2000, help="of the price history, the latest")
    parser.add_argument("--batch", type=int, default=128, help="days per step, over all processes")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--losses", type=Path, help="a file to write the losses to, as JSON")
    options = parser.parse_args()

    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if options.batch % world:
        raise SystemExit(f"--batch: {options.batch} days cannot be divided among {world} processes")
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if on_gpu else torch.device("cpu")
    if world > 1:
        dist.init_process_group("nccl" if on_gpu else "gloo")

    returns = daily_returns(options.days).to(device)
    covariance = torch.cov(returns.T)
    history = returns.unfold(0, HISTORY, 1)[:-1].mT  # [days - HISTORY, HISTORY, n]
    tomorrow = returns[HISTORY:]
    torch.manual_seed(0)  # the same weights in every process
    model: torch.nn.Module = PredictThenOptimise(covariance).to(device)
    if world > 1:
        model = DistributedDataParallel(model)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)

    losses = []
    order = torch.Generator().manual_seed(1)  # the same batches in every process
    part = options.batch // world
    for epoch in range(options.epochs):
        shuffled = torch.randperm(len(history), generator=order)
        total = torch.zeros((), dtype=torch.double, device=device)
        steps = len(history) // options.batch
        for step in range(steps):
            first = step * options.batch + rank * part
            days = shuffled[first : first + part].to(device)
            optimiser.zero_grad()
            loss = cost(model(history[days]), tomorrow[days], covariance).mean()
            loss.backward()
            optimiser.step()
            total += loss.detach()
        if world > 1:
            dist.all_reduce(total)
        losses.append(float(total) / (steps * world))
        if rank == 0:
            print(f"epoch {epoch + 1}: cost per day {losses[-1]:.6f}", flush=True)
    if rank == 0 and options.losses:
        options.losses.write_text(json.dumps(losses))
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
