"""Clarabel and PIQP on a Problem, each in a process of its own that can be stopped."""

import importlib.util
import multiprocessing
import time

import numpy as np

from testsets_problem import INFINITE

STATUSES = {
    "Solved": "solved",
    "PrimalInfeasible": "primal_infeasible",
    "DualInfeasible": "dual_infeasible",
    "PIQP_SOLVED": "solved",
    "PIQP_PRIMAL_INFEASIBLE": "primal_infeasible",
    "PIQP_DUAL_INFEASIBLE": "dual_infeasible",
}


def available():
    """Names of the peers that can be imported."""
    peers = ("clarabel", "piqp") if importlib.util.find_spec("scipy") else ()
    return [name for name in peers if importlib.util.find_spec(name)]


def sparse(matrix):
    import scipy.sparse as sp

    return sp.csc_matrix((matrix.v, (matrix.i, matrix.j)), shape=matrix.shape)


def hessian(p):
    P = sparse(p.P)
    return ((P + P.T) / 2).tocsc()


def solve_by_clarabel(p, eps, limit):
    """Equalities, upper sides, lower sides, cones; each as b - A x in its cone."""
    import clarabel
    import scipy.sparse as sp

    rows = np.arange(p.linear)
    l, u = p.l[: p.linear], p.u[: p.linear]
    equal = l == u
    eq, up = rows[equal], rows[(u < INFINITE) & ~equal]
    low, cone = rows[(l > -INFINITE) & ~equal], np.arange(p.linear, p.m)
    A = sparse(p.A).tocsr()
    G = sp.vstack([A[eq], A[up], -A[low], A[cone]]).tocsc()
    b = np.concatenate([p.u[eq], p.u[up], -p.l[low], p.u[cone]])
    sets = [clarabel.ZeroConeT(len(eq)), clarabel.NonnegativeConeT(len(up) + len(low))]
    sets += [clarabel.SecondOrderConeT(size) for size in p.cones]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.time_limit = limit
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = eps
    start = time.perf_counter()
    solver = clarabel.DefaultSolver(sp.triu(hessian(p)).tocsc(), p.q, G, b, sets, settings)
    solution = solver.solve()
    seconds = time.perf_counter() - start
    z, y = np.array(solution.z), np.zeros(p.m)
    for where, part, sign in (
        (eq, z[: len(eq)], 1),
        (up, z[len(eq) : len(eq) + len(up)], 1),
        (low, z[len(eq) + len(up) : len(z) - len(cone)], -1),
        (cone, z[len(z) - len(cone) :], 1),
    ):
        y[where] += sign * part
    return str(solution.status), solution.iterations, seconds, np.array(solution.x), y


def split_bounds(p):
    """(rows that are the bound of a variable, their columns, their entries): one row a variable."""
    entries = np.bincount(p.A.i[p.A.v != 0], minlength=p.m)
    taken, rows, columns, values = set(), [], [], []
    for i, j, v in zip(p.A.i, p.A.j, p.A.v):
        if v != 0 and entries[i] == 1 and p.l[i] != p.u[i] and j not in taken:
            taken.add(j)
            rows.append(i), columns.append(j), values.append(v)
    return np.array(rows, int), np.array(columns, int), np.array(values)


def solve_by_piqp(p, eps, limit):
    import piqp

    bound, column, entry = split_bounds(p)
    x_l, x_u = np.full(p.n, -np.inf), np.full(p.n, np.inf)
    low = np.where(p.l[bound] <= -INFINITE, -np.inf, p.l[bound]) / entry
    high = np.where(p.u[bound] >= INFINITE, np.inf, p.u[bound]) / entry
    x_l[column] = np.where(entry > 0, low, high)
    x_u[column] = np.where(entry > 0, high, low)
    free = (p.l <= -INFINITE) & (p.u >= INFINITE)
    rest = np.setdiff1d(np.arange(p.m)[~free], bound)
    eq, ineq = rest[p.l[rest] == p.u[rest]], rest[p.l[rest] != p.u[rest]]
    A = sparse(p.A).tocsr()
    h_l = np.where(p.l[ineq] <= -INFINITE, -np.inf, p.l[ineq])
    h_u = np.where(p.u[ineq] >= INFINITE, np.inf, p.u[ineq])
    solver = piqp.SparseSolver()
    s = solver.settings
    s.eps_abs = s.eps_rel = s.eps_duality_gap_abs = s.eps_duality_gap_rel = eps
    start = time.perf_counter()
    G = A[ineq].tocsc()
    solver.setup(hessian(p), p.q, A[eq].tocsc(), p.u[eq], G, h_l, h_u, x_l, x_u)
    status = solver.solve()
    seconds = time.perf_counter() - start
    r, y = solver.result, np.zeros(p.m)
    y[eq], y[ineq] = r.y, np.array(r.z_u) - np.array(r.z_l)
    y[bound] = (np.array(r.z_bu) - np.array(r.z_bl))[column] / entry
    return status.name, r.info.iter, seconds, np.array(r.x), y


SOLVERS = {"clarabel": solve_by_clarabel, "piqp": solve_by_piqp}


def serve(connection):
    while True:
        name, p, eps, limit = connection.recv()
        try:
            connection.send(SOLVERS[name](p, eps, limit))
        except Exception as error:  # whatever a peer throws is its answer
            connection.send((f"error: {error}", 0, 0.0, None, None))


class Peer:
    """One peer; its process is replaced when a problem takes it longer than the limit."""

    def __init__(self, name, eps, limit):
        self.name, self.eps, self.limit = name, eps, limit
        self.process = None

    def skips(self, p):
        return self.name == "piqp" and bool(p.cones)

    def solve(self, p):
        if self.process is None:
            self.connection, other = multiprocessing.Pipe()
            self.process = multiprocessing.Process(target=serve, args=(other,), daemon=True)
            self.process.start()
            other.close()
        self.connection.send((self.name, p, self.eps, self.limit))
        status, iterations, seconds, x, y = "time limit", 0, float(self.limit), None, None
        try:
            if self.connection.poll(self.limit + 1):
                status, iterations, seconds, x, y = self.connection.recv()
            else:
                self.stop()
        except EOFError:
            status = "error: the process ended"
            self.stop()
        status = STATUSES.get(status, status)
        return dict(
            solver=self.name, status=status, iterations=iterations, method=None,
            seconds=seconds, x=x, y=y,
        )

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None
