#!/usr/bin/env python3
"""Times bpqp and other solvers on the same problems, in one process, and judges every answer.

    cmake --build build/release --target peers_bpqp
    python3 -m venv build/peers
    build/peers/bin/pip install numpy scipy daqp proxsuite piqp clarabel osqp moreau
    build/peers/bin/python bench/peers.py

What is not installed is left out with a message. One thread each, tolerance --eps; a time is the
least of --rounds rounds, in which the solvers take turns, in processor time (real time where two
threads are compared). Set-up is included, conversion of arrays is not; peers are called problem by
problem from Python (Moreau by batch), which costs a few microseconds per call.

An answer counts as wrong if a residual of (x, y), recomputed in NumPy (docs/math.md M1-M4), is more
than eps of 1 + its scale (ten times eps for the peers, whose tests are in other norms). A gradient
is off if its dq differs from bpqp's by more than 1e-3 of it (or 1e-6 of the loss's gradient);
bpqp's is itself put into the KKT system of the active rows (problems without cones). A peer that
would take longer than --limit seconds for the batch gets fewer of its problems.

Exit code: 0 if bpqp is right on all, 2 if not, 1 for bad usage.
"""

import os

for variable in ("OMP", "OPENBLAS", "MKL", "RAYON"):  # before NumPy is imported
    os.environ[variable + "_NUM_THREADS"] = "1"

import argparse
import gc
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

import peers_solvers
from peers_batch import Batch, load

ROOT = Path(__file__).resolve().parent.parent
PEER_SLACK, GRADIENT_SLACK = 10.0, 1e-3

# name: family, n, equalities, inequalities, batch
CASES = {
    "qp10": ("qp", 10, 5, 5, 128),
    "qp50": ("qp", 50, 10, 10, 128),
    "qp100": ("qp", 100, 20, 20, 128),
    "qp500": ("qp", 500, 100, 100, 32),
    "qp1000": ("qp", 1000, 200, 200, 8),
    "lp10": ("lp", 10, 5, 5, 128),
    "lp100": ("lp", 100, 20, 20, 128),
    "lp500": ("lp", 500, 100, 100, 32),
    "socp10": ("socp", 10, 5, 0, 128),
    "socp100": ("socp", 100, 20, 0, 128),
    "socp500": ("socp", 500, 100, 0, 32),
    "portfolio50": ("portfolio", 50, 1, 50, 128),
    "portfolio500": ("portfolio", 500, 1, 500, 32),
    "mpc16": ("mpc", 16, 0, 16, 128),
    "dense_ineq16": ("dense_ineq", 16, 0, 32, 128),
    "dense_ineq50": ("dense_ineq", 50, 0, 100, 128),
}
LARGE = {"large3000": ("qp", 3000, 1000, 1000, 1), "large5000": ("qp", 5000, 2000, 2000, 1)}
OWN = ("shared", "threads", "warm")  # bpqp against itself


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(1, f"peers: {message} (see --help)\n")


def parse_arguments():
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "cases", nargs="*", metavar="CASE",
        help=f"default: all but the large ones: {', '.join([*CASES, *OWN, *LARGE])}",
    )
    parser.add_argument("--eps", type=float, default=1e-8, help="tolerance of all solvers")
    parser.add_argument("--rounds", type=int, default=5, help="of which the fastest counts")
    parser.add_argument("--limit", type=float, default=10, metavar="S", help="a peer's round")
    parser.add_argument("--peers", metavar="NAMES", help="e.g. daqp,ProxQP; '' for none")
    parser.add_argument(
        "--library", default=ROOT / "build/release/bench/peers_bpqp.so", help="bpqp, as built"
    )
    parser.add_argument("--batch", type=int, default=4096, help="of shared and threads")
    parser.add_argument("--json", action="store_true", help="one JSON object per row instead")
    arguments = parser.parse_args()
    for case in arguments.cases:
        if case not in (*CASES, *OWN, *LARGE):
            parser.error(f"no case {case}")
    if not Path(arguments.library).is_file():
        parser.error(f"--library: no {arguments.library}")
    arguments.cases = arguments.cases or [*CASES, *OWN]
    return arguments


def chosen_peers(names):
    wanted = None if names is None else [name for name in names.split(",") if name]
    chosen = []
    for peer in peers_solvers.ALL:
        if wanted is not None and peer.name.split(",")[0] not in wanted:
            continue
        if peer.installed():
            chosen.append(peer)
        else:
            print(f"peers: {peer.name}: not installed, left out", file=sys.stderr)
    return chosen


def seconds(call, clock=time.process_time):
    start = clock()
    call()
    return clock() - start


def fitting(peer_class, batch, limit):
    """The peer on as many problems as it solves within the limit."""
    try:
        one = peer_class(batch, 1)
        needed = seconds(one.forward, time.perf_counter)
        if one.gradient:
            needed += seconds(one.backward, time.perf_counter)
        count = max(1, min(batch.batch, int(limit / max(needed, 1e-9))))
        return one if count == 1 else peer_class(batch, count)
    except Exception as failure:  # a peer may fail in any way; the others go on
        print(f"peers: {peer_class.name}: {failure}", file=sys.stderr)
        return None


LEAST_TURN = 0.005  # s


def repeated_seconds(call):
    """Seconds of a call, the mean of as many as take LEAST_TURN: what a turn begins with (the other
    solvers' data in the caches, a slow clock) should not count against the fast.
    """
    total, calls = 0.0, 0
    while total < LEAST_TURN:
        total += seconds(call)
        calls += 1
    return total / calls


def take_turns(solvers, rounds):
    """Per solver, the least seconds of forward and of forward + backward; the first round is a
    warm-up.
    """
    best = [[np.inf, np.inf] for _ in solvers]
    for r in range(rounds + 1):
        for solver, least in zip(solvers, best):
            gc.collect()
            forward = repeated_seconds(solver.forward)
            both = forward + repeated_seconds(solver.backward) if solver.gradient else np.nan
            if r > 0:
                least[:] = min(least[0], forward), min(least[1], both)
    return best


def row(case, solver, count, times, wrong, off):
    forward, both = (1e6 * t / count for t in times)
    return {
        "case": case, "solver": solver, "problems": count, "forward": forward, "both": both,
        "wrong": wrong, "gradients_off": off,
    }  # fmt: skip


def compare(name, case, library, peers, arguments):
    """Rows of one case, bpqp first."""
    family, n, eq, ineq, size = case
    own = Batch(library, family, n, eq, ineq, size, arguments.eps)
    made = (fitting(peer, own, arguments.limit) for peer in peers if peer.takes(own))
    others = [peer for peer in made if peer]
    times = take_turns([own, *others], arguments.rounds)
    wrong = own.wrong_points(own.x, own.y, 1.0)
    rows = [row(name, own.name, size, times[0], wrong, own.wrong_own_gradients())]
    for peer, least in zip(others, times[1:]):
        x, y = peer.points()
        off = None
        if peer.gradient:
            reference, given = own.dq[: peer.count], peer.gradients()
            scale = np.abs(reference).max(1) + 1e-3 * np.abs(own.g[: peer.count]).max(1)
            off = int((~(np.abs(given - reference).max(1) <= GRADIENT_SLACK * scale)).sum())
        wrong = own.wrong_points(x, y, PEER_SLACK)
        rows.append(row(name, peer.name, peer.count, least, wrong, off))
    del others
    own.close()
    return rows


def measure_own(name, runs, rounds, clock):
    """Rows of bpqp against itself. runs: {label: (batch, vectors_only)}."""
    best = {label: [np.inf, np.inf] for label in runs}
    for r in range(rounds + 1):
        for label, (batch, vectors_only) in runs.items():
            forward = seconds(lambda: batch.forward(vectors_only and r > 0), clock)
            both = forward + seconds(batch.backward, clock)
            if r > 0:
                least = best[label]
                least[:] = min(least[0], forward), min(least[1], both)
    rows = []
    for label, (batch, _) in runs.items():
        wrong = batch.wrong_points(batch.x, batch.y, 1.0)
        rows.append(row(name, label, batch.batch, best[label], wrong, None))
    return rows


def shared(library, arguments):
    """One covariance for all problems, told or not, and kept from call to call or not."""
    batches = []
    for told in (False, True):
        batch = Batch(library, "portfolio", 100, 1, 100, arguments.batch, arguments.eps)
        batch.repeat_matrices(told)
        batches.append(batch)
    own, one = batches
    runs = {"per problem": (own, False), "shared": (one, False)}
    rows = measure_own("portfolio100, one P and A", runs, arguments.rounds, time.process_time)
    runs = {"per problem, vectors only": (own, True), "shared, vectors only": (one, True)}
    rows += measure_own("portfolio100, one P and A", runs, arguments.rounds, time.process_time)
    for batch in batches:
        batch.close()
    return rows


def two_threads(name, case, library, arguments):
    runs = {
        f"{threads} thread{'s' * (threads > 1)}":
            (Batch(library, *case, arguments.eps, threads), False)
        for threads in (1, 2)
    }  # fmt: skip
    rows = measure_own(name, runs, arguments.rounds, time.perf_counter)
    for batch, _ in runs.values():
        batch.close()
    return rows


STEP = 0.01  # what a step changes in q, as a part of it


def warm(library, arguments):
    """The next step of the same problems, q a little different: from nothing and from the solutions
    of the step before, with new factors and with those that are kept.
    """
    rows = []
    for name in ("qp10", "qp50", "qp100", "mpc16", "dense_ineq50", "portfolio50"):
        family, n, eq, ineq, size = CASES[name]
        batch = Batch(library, family, n, eq, ineq, size, arguments.eps)
        batch.forward()
        random, q = np.random.default_rng(1), batch.q.copy()
        best, wrong = defaultdict(lambda: [np.inf, np.nan]), defaultdict(int)
        for _ in range(arguments.rounds):
            for vectors_only in (False, True):
                for start in (False, True):
                    batch.q[:] = q * (1 + STEP * random.standard_normal(q.shape))
                    if start:
                        batch.start_warm()
                    spent = seconds(lambda: batch.forward(vectors_only), time.perf_counter)
                    label = f"{'warm' if start else 'cold'}{', vectors only' * vectors_only}"
                    best[label][0] = min(best[label][0], spent)
                    wrong[label] += batch.wrong_points(batch.x, batch.y, 1.0)
        rows += [row(name, label, size, best[label], wrong[label], None) for label in best]
        batch.close()
    return rows


def rows_of(name, library, peers, arguments):
    if name == "shared":
        return shared(library, arguments)
    if name == "threads":
        return two_threads("qp50", ("qp", 50, 10, 10, arguments.batch), library, arguments)
    if name == "warm":
        return warm(library, arguments)
    if name in LARGE:
        return two_threads(name, LARGE[name], library, arguments)
    return compare(name, CASES[name], library, peers, arguments)


def number(value):
    return "–" if value is None or not np.isfinite(value) else f"{value:.4g}"


def ratio(value, base):
    return "–" if not np.isfinite(value) else f"{value / base:.2f}"


def print_rows(rows):
    for r in rows:
        first = next(other for other in rows if other["case"] == r["case"])
        off = "–" if r["gradients_off"] is None else r["gradients_off"]
        cells = [
            r["case"], r["solver"], r["problems"], number(r["forward"]), number(r["both"]),
            ratio(r["forward"], first["forward"]), ratio(r["both"], first["both"]), r["wrong"], off,
        ]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main():
    arguments = parse_arguments()
    library = load(arguments.library)
    peers = chosen_peers(arguments.peers)
    if not arguments.json:
        level = library.bench_level().decode()
        print(f"level {level}, eps {arguments.eps:g}, us per problem, least")
        print(f"of {arguments.rounds} rounds; both: forward + backward; ratios to the first row\n")
        head = ["case", "solver", "problems", "forward", "both", "ratio", "ratio, both"]
        head += ["wrong", "gradients off"]
        print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    right = True
    for name in arguments.cases:
        rows = rows_of(name, library, peers, arguments)
        right = right and rows[0]["wrong"] == 0 and not rows[0]["gradients_off"]
        if arguments.json:
            for r in rows:
                print(json.dumps({k: None if v != v else v for k, v in r.items()}), flush=True)
        else:
            print_rows(rows)
    return 0 if right else 2


if __name__ == "__main__":
    sys.exit(main())
