"""The examples run, and show what they say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **environment):
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True, text=True, timeout=300, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_training_on_two_processes_has_the_losses_of_one(tmp_path):
    script = "examples/ddp/train.py"
    options = ("--days", 600, "--batch", 64, "--epochs", 3)
    # One thread each: sums of a matrix product are then in one order.
    run(script, *options, "--losses", tmp_path / "one", OMP_NUM_THREADS="1")
    run(
        "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, script, *options,
        "--losses", tmp_path / "two", OMP_NUM_THREADS="1",
    )  # fmt: skip
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one", "two"))
    assert one[-1] < one[0]
    # A batch's mean is summed in another order, 1e-16 a step, which Adam's square roots carry along.
    assert two == pytest.approx(one, rel=1e-9)
