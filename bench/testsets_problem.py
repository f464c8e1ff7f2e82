"""Problem files, and the judge of their answers.

Everything is recomputed from the file: relative residuals, certificates (docs/math.md M1-M4, M29,
M30), the objective. No solver's own word is taken for anything but its status.
"""

import gzip
import json
from pathlib import Path

import numpy as np

INFINITE = 1e30
CERTIFICATE = 1e-8  # largest violation of a certificate, user's units
NORMALISED = 1e-9  # distance of h(y) or q'd from -1
ANSWERS = ("solved", "primal_infeasible", "dual_infeasible", "non_convex")


class Matrix:
    """A sparse matrix as lists of entries."""

    def __init__(self, entries):
        self.shape = entries["rows"], entries["cols"]
        self.i = np.array(entries["i"], int)
        self.j = np.array(entries["j"], int)
        self.v = np.array(entries["v"], float)

    def times(self, x):
        return np.bincount(self.i, self.v * x[self.j], self.shape[0])

    def transposed_times(self, y):
        return np.bincount(self.j, self.v * y[self.i], self.shape[1])


class Problem:
    """A problem file: minimise 1/2 x'P x + q'x + r on l <= A x <= u, cones on the last rows."""

    def __init__(self, path):
        path = Path(path)
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt") as stream:
            d = json.load(stream)
        self.path, self.name = path, d.get("name", path.name.split(".json")[0])
        self.group = d.get("class", path.parent.name)
        self.n, self.m, self.r = d["n"], d["m"], d.get("r", 0.0)
        self.P, self.A = Matrix(d["P"]), Matrix(d["A"])
        self.q, self.l, self.u = (np.array(d[k], float) for k in "qlu")
        self.cones = d.get("cones") or []
        self.linear = self.m - sum(self.cones)
        self.expect = d.get("expect", {})

    def shape(self):
        return self.n, self.m, tuple(self.cones)

    def cone_slices(self):
        first = self.linear
        for size in self.cones:
            yield slice(first, first + size)
            first += size

    def hessian_times(self, x):
        return (self.P.times(x) + self.P.transposed_times(x)) / 2

    def wanted(self):
        return [s.strip() for s in self.expect.get("status", "").replace(" or ", "|").split("|")]

    def rows_cross(self):
        return bool((self.l[: self.linear] > self.u[: self.linear]).any())


def largest(*vectors):
    return max((float(np.abs(v).max(initial=0)) for v in vectors), default=0.0)


def project(v):
    """The projection of v on the second-order cone, t first."""
    t, r = v[0], float(np.linalg.norm(v[1:]))
    if r <= t:
        return v.copy()
    if r <= -t:
        return np.zeros_like(v)
    out = (t + r) / 2 / r * v
    out[0] = (t + r) / 2
    return out


def support(p, y):
    """h(y), and the largest part of y that no side can hold."""
    lin = slice(0, p.linear)
    yl, l, u = y[lin], p.l[lin], p.u[lin]
    absent = ((yl > 0) & (u >= INFINITE)) | ((yl < 0) & (l <= -INFINITE))
    stray = largest(np.where(absent, yl, 0))
    h = float(
        np.where(absent | (yl <= 0), 0, u) @ np.maximum(yl, 0)
        + np.where(absent | (yl >= 0), 0, l) @ np.minimum(yl, 0)
    )
    for k in p.cone_slices():
        stray = max(stray, largest(y[k] - project(y[k])))
        h += float(p.u[k] @ y[k])
    return h, stray


def residuals(p, x, y):
    """[(residual, scale)] primal, dual, gap; and the objective with r."""
    Ax, Px, Aty = p.A.times(x), p.hessian_times(x), p.A.transposed_times(y)
    s = Ax.copy()
    s[: p.linear] = np.clip(Ax[: p.linear], p.l[: p.linear], p.u[: p.linear])
    for k in p.cone_slices():
        s[k] = p.u[k] - project(p.u[k] - Ax[k])
    h, stray = support(p, y)
    xPx, qx = float(x @ Px), float(p.q @ x)
    primal = largest(Ax - s), largest(Ax, s)
    dual = largest(Px + p.q + Aty) + stray, largest(Px, p.q, Aty)
    gap = abs(xPx + qx + h), max(abs(xPx), abs(qx), abs(h))
    return [primal, dual, gap], 0.5 * xPx + qx + p.r


def check_primal_certificate(p, y):
    """"" or what is wrong with y."""
    h, stray = support(p, y)
    violation = largest(p.A.transposed_times(y))
    if abs(h + 1) > NORMALISED:
        return f"certificate: h(y) = {h:.3g}"
    if stray > 1e-13 * largest(y):
        return f"certificate: {stray:.1e} on absent sides or off cones"
    return "" if violation <= CERTIFICATE else f"certificate: |A'y| = {violation:.1e}"


def check_dual_certificate(p, d):
    """"" or what is wrong with d."""
    Ad, lin = p.A.times(d), slice(0, p.linear)
    up = np.where(p.u[lin] < INFINITE, Ad[lin], 0)
    low = np.where(p.l[lin] > -INFINITE, -Ad[lin], 0)
    violation = max(
        largest(p.hessian_times(d)), largest(np.maximum(up, 0)), largest(np.maximum(low, 0))
    )
    for k in p.cone_slices():
        violation = max(violation, largest(-Ad[k] - project(-Ad[k])))
    slope = float(p.q @ d)
    if abs(slope + 1) > NORMALISED:
        return f"certificate: q'd = {slope:.3g}"
    return "" if violation <= CERTIFICATE else f"certificate: violation {violation:.1e}"


def judge_point(p, x, y, eps, slack):
    """(worst relative residual, "" or what is wrong)."""
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None, "x or y is not finite"
    pairs, objective = residuals(p, x, y)
    relative = [r / max(1.0, scale) for r, scale in pairs]
    for what, (r, scale), rel in zip(("primal", "dual", "gap"), pairs, relative):
        if not r <= slack * eps * (1 + scale):
            return max(relative), f"{what} residual {rel:.1e}"
    if p.expect.get("objective") is not None:
        wanted = p.expect["objective"]
        allowed = p.expect["tolerance"]
        if slack > 1:
            allowed = max(allowed, slack * eps * max(1.0, abs(p.r), pairs[2][1]))
        if not abs(objective - wanted) <= allowed:
            return max(relative), f"objective {objective:.10g}, expected {wanted:.10g}"
    return max(relative), ""


def judge(p, answer, eps, slack=1.0):
    """Adds answered, right, worst and why to an answer: a dict with solver, status, x, y and, for
    solvers that give one, certificate. `slack` widens eps for solvers whose own stopping test is in
    other norms; certificates are then not asked for.
    """
    status, worst, why = answer["status"], None, ""
    if status not in ANSWERS:
        why = status
    elif p.wanted() != [""] and status not in p.wanted():
        why = f"{status}, expected {' or '.join(p.wanted())}"
    elif status == "solved":
        worst, why = judge_point(p, answer["x"], answer["y"], eps, slack)
    elif status.endswith("_infeasible") and slack == 1:
        proof = answer.get("certificate")
        if proof is None:
            why = "" if status[0] == "p" and p.rows_cross() else "no certificate"
        elif status[0] == "p":
            why = check_primal_certificate(p, proof)
        else:
            why = check_dual_certificate(p, proof)
    answer.update(answered=status in ANSWERS, right=why == "", worst=worst, why=why)
    return answer
