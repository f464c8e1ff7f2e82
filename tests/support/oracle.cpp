#include "support/oracle.hpp"

#include <algorithm>
#include <cmath>

namespace bpqp::test {
namespace {

/// Keeps a NaN, which std::max may drop.
Long larger(Long a, Long b) {
  return (b > a || b != b) ? b : a;
}

Long norm(const LongVector& v) {
  Long most = 0;
  for (Long e : v) most = larger(most, std::fabs(e));
  return most;
}

/// Projection of v [d] on the second-order cone, first entry t.
LongVector project_on_cone(const LongVector& v) {
  Long tail = 0;
  for (std::size_t i = 1; i < v.size(); ++i) tail += v[i] * v[i];
  tail = std::sqrt(tail);
  if (tail <= v[0]) return v;
  LongVector s(v.size(), 0);
  if (tail <= -v[0]) return s;
  s[0] = (v[0] + tail) / 2;
  for (std::size_t i = 1; i < v.size(); ++i) s[i] = v[i] * s[0] / tail;
  return s;
}

Long distance_to_cone(const LongVector& v) {
  const LongVector s = project_on_cone(v);
  Long most = 0;
  for (std::size_t i = 0; i < v.size(); ++i) most = larger(most, std::fabs(v[i] - s[i]));
  return most;
}

int rows_without_cones(const DenseProblem& p) {
  int rows = p.m;
  for (int d : p.cones) rows -= d;
  return rows;
}

LongVector times_P(const DenseProblem& p, const LongVector& x) {
  LongVector out(x.size(), 0);
  if (p.P.empty()) return out;
  for (int i = 0; i < p.n; ++i)
    for (int j = 0; j < p.n; ++j) out[std::size_t(i)] += Long(p.p(i, j)) * x[std::size_t(j)];
  return out;
}

LongVector times_A(const DenseProblem& p, const LongVector& x) {
  LongVector out(std::size_t(p.m), 0);
  for (int i = 0; i < p.m; ++i)
    for (int j = 0; j < p.n; ++j) out[std::size_t(i)] += Long(p.row(i)[j]) * x[std::size_t(j)];
  return out;
}

LongVector times_A_transposed(const DenseProblem& p, const LongVector& y) {
  LongVector out(std::size_t(p.n), 0);
  for (int i = 0; i < p.m; ++i)
    for (int j = 0; j < p.n; ++j) out[std::size_t(j)] += Long(p.row(i)[j]) * y[std::size_t(i)];
  return out;
}

Long dot(const LongVector& a, const LongVector& b) {
  Long sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// s: A x projected on the sides and cones.
LongVector project_rows(const DenseProblem& p, const LongVector& Ax) {
  LongVector s = Ax;
  int i = 0;
  for (; i < rows_without_cones(p); ++i) {
    const auto k = std::size_t(i);
    if (p.has_lower(i) && s[k] < Long(p.l[k])) s[k] = p.l[k];
    if (p.has_upper(i) && s[k] > Long(p.u[k])) s[k] = p.u[k];
  }
  for (int d : p.cones) {
    LongVector v;
    for (int k = i; k < i + d; ++k) v.push_back(Long(p.u[std::size_t(k)]) - Ax[std::size_t(k)]);
    v = project_on_cone(v);
    for (int k = 0; k < d; ++k)
      s[std::size_t(i + k)] = Long(p.u[std::size_t(i + k)]) - v[std::size_t(k)];
    i += d;
  }
  return s;
}

struct Support {
  Long h = 0;           ///< support function of the rows' set at y, absent sides left out
  Long wrong_side = 0;  ///< what had to be left out
};

Support support(const DenseProblem& p, const LongVector& y) {
  Support out;
  int i = 0;
  for (; i < rows_without_cones(p); ++i) {
    const auto k = std::size_t(i);
    const bool up = y[k] > 0;
    if (up ? p.has_upper(i) : p.has_lower(i))
      out.h += y[k] * Long(up ? p.u[k] : p.l[k]);
    else
      out.wrong_side = larger(out.wrong_side, std::fabs(y[k]));
  }
  for (int d : p.cones) {
    LongVector v(y.begin() + i, y.begin() + i + d);
    out.wrong_side = larger(out.wrong_side, distance_to_cone(v));
    for (int k = i; k < i + d; ++k) out.h += y[std::size_t(k)] * Long(p.u[std::size_t(k)]);
    i += d;
  }
  return out;
}

}  // namespace

Long KktErrors::worst() const {
  return larger(larger(primal_relative(), dual_relative()), gap_relative());
}

template <class R>
KktErrors kkt_errors(const DenseProblem& p, const R* x_in, const R* y_in) {
  const LongVector x(x_in, x_in + p.n), y(y_in, y_in + p.m);
  const LongVector q(p.q.begin(), p.q.end());
  const LongVector Px = times_P(p, x), Ax = times_A(p, x), Aty = times_A_transposed(p, y);
  const LongVector s = project_rows(p, Ax);
  const Support h = support(p, y);
  const Long xPx = dot(x, Px), qx = dot(q, x);
  KktErrors e;
  for (std::size_t i = 0; i < s.size(); ++i) e.primal = larger(e.primal, std::fabs(Ax[i] - s[i]));
  for (std::size_t j = 0; j < x.size(); ++j)
    e.dual = larger(e.dual, std::fabs(Px[j] + q[j] + Aty[j]));
  e.dual += h.wrong_side;
  e.gap = std::fabs(xPx + qx + h.h);
  e.primal_scale = larger(norm(Ax), norm(s));
  e.dual_scale = larger(larger(norm(Px), norm(q)), norm(Aty));
  e.gap_scale = larger(larger(std::fabs(xPx), std::fabs(qx)), std::fabs(h.h));
  e.objective = xPx / 2 + qx;
  return e;
}

template KktErrors kkt_errors(const DenseProblem&, const float*, const float*);
template KktErrors kkt_errors(const DenseProblem&, const double*, const double*);
template KktErrors kkt_errors(const DenseProblem&, const Long*, const Long*);

PrimalCertificate primal_certificate(const DenseProblem& p, const double* y_in) {
  const LongVector y(y_in, y_in + p.m);
  const Support h = support(p, y);
  return {h.h, norm(times_A_transposed(p, y)), h.wrong_side};
}

DualCertificate dual_certificate(const DenseProblem& p, const double* d_in) {
  const LongVector d(d_in, d_in + p.n), q(p.q.begin(), p.q.end());
  const LongVector Ad = times_A(p, d);
  DualCertificate out{dot(q, d), norm(times_P(p, d)), 0};
  int i = 0;
  for (; i < rows_without_cones(p); ++i) {
    const Long v = Ad[std::size_t(i)];
    if (v != v || (p.has_upper(i) && v > 0) || (p.has_lower(i) && v < 0))
      out.rows = larger(out.rows, std::fabs(v));
  }
  for (int size : p.cones) {
    LongVector v;
    for (int k = i; k < i + size; ++k) v.push_back(-Ad[std::size_t(k)]);
    out.rows = larger(out.rows, distance_to_cone(v));
    i += size;
  }
  return out;
}

}  // namespace bpqp::test
