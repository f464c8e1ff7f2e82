"""The peers, each called as its own manual does for speed, on problems 0 ... count - 1 of a batch.

Arrays are brought into the form and the objects into the size that a peer wants when it is made;
forward() is its set-up and solve of every problem, backward() all gradients that it offers, of the
sum of x. points() and gradients() give answers in bpqp's signs and order of rows, not timed.
"""

import importlib.util
import warnings

import numpy as np


class Peer:
    package = name = ""
    gradient = False
    cones = False

    def __init__(self, batch, count):
        self.batch, self.count, self.eps = batch, count, batch.eps
        self.eq, rows = batch.eq, batch.linear
        identity = np.eye(batch.n)
        self.bounds = bool(np.array_equal(batch.A[0, self.eq : rows], identity))
        self.results = [None] * count
        self.prepare()

    @classmethod
    def installed(cls):
        return all(map(importlib.util.find_spec, (cls.package, "scipy")))

    @classmethod
    def takes(cls, batch):
        return cls.cones or not batch.cone

    def prepare(self):
        self.data = [self.convert(b) for b in range(self.count)]

    def points(self):
        """(x, y) [count, n], [count, m]; NaN where there is none."""
        x = np.full((self.count, self.batch.n), np.nan)
        y = np.full((self.count, self.batch.m), np.nan)
        for b, result in enumerate(self.results):
            x[b], y[b] = self.point(result)
        return x, y


class Daqp(Peer):
    package = name = "daqp"

    def convert(self, b):
        p, m = self.batch, self.batch.m
        order = np.arange(m)
        if self.bounds:  # bounds go first, without rows
            order = np.r_[self.eq : m, : self.eq]
        self.order = order
        A = p.A[b][: self.eq] if self.bounds else p.A[b]
        sense = np.where(order < self.eq, 5, 0).astype(np.int32)
        return [p.P[b], p.q[b], np.ascontiguousarray(A), p.u[b][order], p.l[b][order], sense]

    def forward(self):
        from daqp import solve

        tolerances = {"primal_tol": self.eps}
        for b, data in enumerate(self.data):
            self.results[b] = solve(*data, **tolerances)

    def point(self, result):
        y = np.empty(self.batch.m)
        y[self.order] = result[3]["lam"]
        return result[0], y


class ProxQp(Peer):
    """Bounds are rows: with ProxQP's own bounds its adjoint (0.8.0) reads beyond its memory."""

    package, name = "proxsuite", "ProxQP"
    gradient = True

    def convert(self, b):
        p, eq = self.batch, self.eq
        A, l, u = p.A[b], np.maximum(p.l[b], -1e20), np.minimum(p.u[b], 1e20)
        return [p.P[b], p.q[b], A[:eq], u[:eq], A[eq:], l[eq:], u[eq:]]

    def prepare(self):
        from proxsuite import proxqp  # an attribute of the extension, not a module

        super().prepare()
        p = self.batch
        self.solvers = [proxqp.dense.QP(p.n, self.eq, p.m - self.eq) for _ in range(self.count)]
        for qp in self.solvers:
            s = qp.settings
            s.eps_abs = s.eps_rel = s.eps_duality_gap_abs = s.eps_duality_gap_rel = self.eps
            s.check_duality_gap = True
            s.initial_guess = proxqp.InitialGuess.NO_INITIAL_GUESS
        self.weights = [np.r_[p.g[b], np.zeros(p.m)] for b in range(self.count)]
        self.compute_backward = proxqp.dense.compute_backward

    def forward(self):
        for qp, data in zip(self.solvers, self.data):
            qp.init(*data)
            qp.solve()
        self.results = [qp.results for qp in self.solvers]

    def backward(self):
        self.failed = []  # it refuses where it did not solve the problem
        for b, (qp, weights) in enumerate(zip(self.solvers, self.weights)):
            try:
                self.compute_backward(qp, weights, self.eps, 1e-6, 1e-6)
            except ValueError:
                self.failed.append(b)

    def point(self, result):
        return result.x, np.r_[result.y, result.z]

    def gradients(self):
        none = np.full(self.batch.n, np.nan)
        return np.array([
            none if b in self.failed else qp.model.backward_data.dL_dg
            for b, qp in enumerate(self.solvers)
        ])  # fmt: skip


class Piqp(Peer):
    package, name = "piqp", "PIQP"

    def convert(self, b):
        p, eq = self.batch, self.eq
        A, l, u = p.A[b], p.l[b], p.u[b]
        fortran = np.asfortranarray
        data = [fortran(p.P[b]), p.q[b], fortran(A[:eq]), u[:eq]]
        if self.bounds:
            return data + [None, None, None, l[eq:], u[eq:]]
        return data + [fortran(A[eq:]), None, u[eq:], None, None]

    def prepare(self):
        import piqp

        super().prepare()
        self.solvers = [piqp.DenseSolver() for _ in range(self.count)]
        for solver in self.solvers:
            solver.settings.eps_abs = solver.settings.eps_rel = self.eps
            solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = self.eps

    def forward(self):
        for solver, data in zip(self.solvers, self.data):
            solver.setup(*data)
            solver.solve()
        self.results = [solver.result for solver in self.solvers]

    def point(self, r):
        sides = r.z_bu - r.z_bl if self.bounds else r.z_u
        return r.x, np.r_[r.y, sides]


class Conic(Peer):
    """P x + q + G'z = 0, G x + s = h: equalities, upper sides, lower sides of bounds, the cone."""

    cones = True

    def conic(self, b):
        p, lin = self.batch, self.batch.linear
        A, l, u = p.A[b], p.l[b], p.u[b]
        low = slice(self.eq, lin if self.bounds else self.eq)
        G = np.vstack([A[:lin], -A[low], A[lin:]])
        return G, np.concatenate([u[:lin], -l[low], u[lin:]])

    def dual(self, z):
        lin, extra = self.batch.linear, self.batch.n if self.bounds else 0
        y = np.r_[z[:lin], z[lin + extra :]]
        if self.bounds:
            y[self.eq : lin] -= z[lin : lin + extra]
        return y

    def inequalities(self):
        return self.batch.linear - self.eq + (self.batch.n if self.bounds else 0)


class Clarabel(Conic):
    package, name = "clarabel", "Clarabel"

    def convert(self, b):
        import scipy.sparse as sp

        G, h = self.conic(b)
        return [sp.triu(sp.csc_matrix(self.batch.P[b])).tocsc(), self.batch.q[b],
                sp.csc_matrix(G), h]  # fmt: skip

    def prepare(self):
        import clarabel

        super().prepare()
        self.settings = s = clarabel.DefaultSettings()
        s.verbose = False
        s.max_threads = 1
        s.tol_gap_abs = s.tol_gap_rel = s.tol_feas = self.eps
        self.sets = [clarabel.ZeroConeT(self.eq)]
        if self.inequalities():
            self.sets.append(clarabel.NonnegativeConeT(self.inequalities()))
        if self.batch.cone:
            self.sets.append(clarabel.SecondOrderConeT(self.batch.cone))

    def forward(self):
        from clarabel import DefaultSolver

        for b, data in enumerate(self.data):
            self.results[b] = DefaultSolver(*data, self.sets, self.settings).solve()

    def point(self, result):
        return np.array(result.x), self.dual(np.array(result.z))


class MoreauInteriorPoint(Conic):
    package, name, method = "moreau", "Moreau, interior point", "ipm"
    gradient = True

    def prepare(self):
        import moreau
        import scipy.sparse as sp

        p, indices = self.batch, range(self.count)
        forms = [self.conic(b) for b in indices]
        in_P, in_G = p.P[0] != 0, forms[0][0] != 0  # one pattern for the batch
        P, G = sp.csr_matrix(in_P), sp.csr_matrix(in_G)
        self.P = np.array([p.P[b][in_P] for b in indices])
        self.G = np.array([G[in_G] for G, _ in forms])
        self.h = np.array([h for _, h in forms])
        self.q, self.g = p.q[: self.count], p.g[: self.count]
        cones = moreau.Cones(
            num_zero_cones=self.eq, num_nonneg_cones=self.inequalities(),
            so_cone_dims=[p.cone] if p.cone else [],
        )
        tight = {"tol_gap_abs": self.eps, "tol_gap_rel": self.eps, "tol_feas": self.eps}
        more = {"ipm_settings": moreau.IPMSettings(**tight)} if self.method == "ipm" else {}
        settings = moreau.Settings(
            solver=self.method, device="cpu", batch_size=self.count, enable_grad=True, **more
        )
        self.solver = moreau.CompiledSolver(
            p.n, len(self.h[0]), P.indptr, P.indices, G.indptr, G.indices, cones, settings,
        )

    def forward(self):
        self.solver.setup(self.P, self.G)
        self.solution = self.solver.solve(self.q, self.h)

    def backward(self):
        self.adjoint = self.solver.backward(self.g)

    def points(self):
        return self.solution.x, np.array([self.dual(z) for z in self.solution.z])

    def gradients(self):
        return self.adjoint["dq"]


class MoreauActiveSet(MoreauInteriorPoint):
    name, method = "Moreau, active set", "active_set"
    cones = False


class Osqp(Peer):
    """Polished, since its ADMM alone does not come near 1e-8 in reasonable time."""

    package, name = "osqp", "OSQP"
    gradient = True

    def convert(self, b):
        import scipy.sparse as sp

        p = self.batch
        return [sp.triu(sp.csc_matrix(p.P[b])).tocsc(), p.q[b], sp.csc_matrix(p.A[b]), p.l[b],
                p.u[b]]  # fmt: skip

    def forward(self):
        from osqp import OSQP

        self.solvers = [OSQP() for _ in range(self.count)]
        for b, (solver, data) in enumerate(zip(self.solvers, self.data)):
            solver.setup(
                *data, verbose=False, eps_abs=self.eps, eps_rel=self.eps, polishing=True,
                max_iter=20000,
            )
            self.results[b] = solver.solve(raise_error=False)

    def backward(self):
        self.adjoint = np.full((self.count, self.batch.n), np.nan)
        for b, solver in enumerate(self.solvers):
            try:
                solver.adjoint_derivative_compute(dx=self.batch.g[b])
                solver.adjoint_derivative_get_mat()
                self.adjoint[b] = solver.adjoint_derivative_get_vec()[0]
            except ValueError:  # not solved: no derivative
                pass

    def point(self, result):
        return result.x, result.y

    def gradients(self):
        return self.adjoint


ALL = [Daqp, ProxQp, Piqp, Clarabel, MoreauActiveSet, MoreauInteriorPoint, Osqp]
warnings.filterwarnings("ignore")  # of OSQP and Moreau about problems that they could not solve
