#!/usr/bin/env python3
"""Runs bpqp over a folder of problem files, judges every answer, and prints a table per class.

Needs Python 3 with numpy. Where Clarabel and PIQP are installed they solve the same problems:

    python3 -m venv build/peers && build/peers/bin/pip install numpy scipy clarabel piqp
    build/peers/bin/python bench/testsets.py

An answer is right if its status is one of the file's expect.status and
  solved             the residuals, recomputed from the file, are within eps (absolute and relative,
                     docs/math.md M4) and the objective is within the file's tolerance
  infeasible         the certificate holds (M29, M30; none is asked for where l > u in a row)
Peers get the same eps. Their stopping tests are in other norms, so residuals and objective may be
off by ten times eps of their scales, and no certificates are asked of them. PIQP has no cones and skips those
problems. Peers get sparse matrices and one thread, bpqp dense ones and --threads.

bpqp solves files of one shape as one batch, one process a class; seconds are those of the solves.
The time limit is per problem; a batch of bpqp has that of one problem.

Exit code: 0 if bpqp is right on all, 2 if not, 1 for bad usage.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

import testsets_peers
from testsets_problem import Problem, judge

ROOT = Path(__file__).resolve().parent.parent
PEER_SLACK = 10.0


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(1, f"testsets: {message} (see --help)\n")


def parse_arguments():
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("BPQP_TEST_DATA")
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", default=[Path(data) / "problems"] if data else [],
        help="problem files, or folders, searched to any depth (default: BPQP_TEST_DATA/problems)",
    )
    parser.add_argument("--eps", type=float, default=1e-6, help="tolerance of all solvers")
    parser.add_argument("--method", default="auto", help="of bpqp: auto, admm, interior_point")
    parser.add_argument("--threads", type=int, default=0, help="of bpqp; 0: one per core")
    parser.add_argument("--bpqp", default=ROOT / "build/release/bpqp", help="the command")
    parser.add_argument("--time-limit", type=float, default=60, metavar="S", help="per problem")
    parser.add_argument(
        "--peers", default=",".join(testsets_peers.available()), metavar="NAMES",
        help="clarabel,piqp or '' for none (default: those that are installed)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per answer instead")
    arguments = parser.parse_args()
    if not arguments.paths:
        parser.error("no PATH given and BPQP_TEST_DATA is not set")
    if not Path(arguments.bpqp).is_file():
        parser.error(f"--bpqp: no {arguments.bpqp}; build it: cmake --workflow --preset release")
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    for name in arguments.peers:
        if name not in testsets_peers.available():
            parser.error(f"--peers: given {name}, which cannot be imported")
    return arguments


def read_problems(paths):
    """{class: [Problem]}, by name."""
    files = []
    for path in map(Path, paths):
        if not path.exists():
            sys.exit(f"testsets: {path}: no such file or folder")
        found = [path] if path.is_file() else path.rglob("*.json*")
        files += [f for f in found if f.name.endswith((".json", ".json.gz"))]
    groups = defaultdict(list)
    for file in sorted(files):
        problem = Problem(file)
        groups[problem.group].append(problem)
    return dict(sorted(groups.items()))


def numbers(values):
    return None if values is None else np.array([np.nan if v is None else v for v in values])


def run_bpqp(problems, arguments):
    """Answers of one process, in the order of the problems."""
    command = [str(arguments.bpqp), "solve", "--json", "--eps", repr(arguments.eps)]
    command += ["--method", arguments.method, "--threads", str(arguments.threads)]
    command += ["--time-limit", repr(arguments.time_limit)]
    command += [str(p.path) for p in problems]
    hard_limit = (arguments.time_limit + 10) * len(problems)
    lines = ""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=hard_limit)
        lines = result.stdout
        if result.stderr:
            print(result.stderr, end="", file=sys.stderr)
    except subprocess.TimeoutExpired as expired:
        lines = (expired.stdout or b"").decode()
    found = defaultdict(list)
    for line in lines.splitlines():
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            continue  # cut off by the end of the process
        found[answer["name"]].append(answer)
    answers = []
    for p in problems:
        a = found[p.name].pop(0) if found[p.name] else {"status": "no answer"}
        answers.append(
            dict(
                solver="bpqp", status=a["status"], iterations=a.get("iterations", 0),
                method=a.get("method"), seconds=a.get("seconds") or 0.0, x=numbers(a.get("x")),
                y=numbers(a.get("y")), certificate=numbers(a.get("certificate")),
            )
        )
    return answers


def tell(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def run_group(group, problems, peers, arguments):
    """All answers to a class's problems, judged."""
    tell(f"{group}: bpqp, {len(problems)} problems")
    answers = []
    for p, answer in zip(problems, run_bpqp(problems, arguments)):
        answers.append((p, judge(p, answer, arguments.eps)))
    for peer in peers:
        for index, p in enumerate(problems):
            if peer.skips(p):
                continue
            tell(f"{group}: {peer.name}, {index + 1} of {len(problems)}: {p.name}")
            answers.append((p, judge(p, peer.solve(p), arguments.eps, PEER_SLACK)))
    tell("")
    result = []
    for p, answer in answers:
        for key in ("x", "y", "certificate"):
            answer.pop(key, None)
        result.append({"name": p.name, "class": group, "n": p.n, "m": p.m, **answer})
    return result


def iterations_text(answers, method):
    """Problems, then median / p95 / largest number of iterations."""
    counts = [a["iterations"] for a in answers if a["method"] == method]
    if not counts:
        return "–"
    median, p95 = np.percentile(counts, [50, 95], method="higher")
    return f"{len(counts)}: {median:.0f} / {p95:.0f} / {max(counts)}"


def table(groups, peers):
    """Markdown; groups: {class: [answers]}."""
    methods = ["admm", "interior_point"]
    head = ["class", "problems", "answered", "right"] + methods + ["seconds"]
    for peer in peers:
        head += [f"{peer}: right", "iterations", "seconds"]
    lines = [head, ["---"] * len(head)]
    everything = [a for answers in groups.values() for a in answers]
    for group, answers in list(groups.items()) + [("all", everything)]:
        own = [a for a in answers if a["solver"] == "bpqp"]
        cells = [group, len(own), sum(a["answered"] for a in own), sum(a["right"] for a in own)]
        cells += [iterations_text(own, method) for method in methods]
        cells.append(f"{sum(a['seconds'] for a in own):.3g}")
        for peer in peers:
            theirs = [a for a in answers if a["solver"] == peer]
            cells.append(f"{sum(a['right'] for a in theirs)} of {len(theirs)}")
            cells.append(iterations_text(theirs, None))
            cells.append(f"{sum(a['seconds'] for a in theirs):.3g}")
        lines.append(cells)
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)


def failures(groups, solvers):
    lines = []
    for solver in solvers:
        wrong = [
            a for answers in groups.values() for a in answers
            if a["solver"] == solver and not a["right"]
        ]
        lines.append(f"\n{solver}: {len(wrong)} not right" + (":" if wrong else ""))
        lines += [
            f"  {a['name']} (n {a['n']}, m {a['m']}): {a['why']}; "
            f"{a['iterations']} iterations, {a['seconds']:.2f} s" for a in wrong
        ]
    return "\n".join(lines)


def main():
    arguments = parse_arguments()
    problems = read_problems(arguments.paths)
    if not problems:
        sys.exit("testsets: no problem files found")
    peers = [
        testsets_peers.Peer(name, arguments.eps, arguments.time_limit) for name in arguments.peers
    ]
    groups = {g: run_group(g, ps, peers, arguments) for g, ps in problems.items()}
    for peer in peers:
        peer.stop()
    if arguments.json:
        for answers in groups.values():
            for answer in answers:
                print(json.dumps(answer))
    else:
        print(f"bpqp --method {arguments.method}, eps {arguments.eps:g}; iterations are median /")
        print("95th percentile / most, behind the number of problems that the method finished\n")
        print(table(groups, arguments.peers))
        print(failures(groups, ["bpqp"] + arguments.peers))
    all_right = all(
        a["right"] for answers in groups.values() for a in answers if a["solver"] == "bpqp"
    )
    return 0 if all_right else 2


if __name__ == "__main__":
    sys.exit(main())
