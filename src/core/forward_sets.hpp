/// \file
/// How a pass finds the active set of the constraint-space problem (docs/math.md sections 4, 5): a
/// guess by ADMM, block exchange, and the dual active-set method from what they leave.
#pragma once

#include "core/ascent.hpp"
#include "core/forward_point.hpp"

namespace bpqp::core {

/// ADMM iterations before the first guess of the active set, and the accuracy that ends them early.
constexpr int kGuessIterations = 10;
constexpr double kGuessEps = 1e-3;
/// Coordinate ascent precedes the dual active-set method where it pays: from kAscentRows rows on of
/// which at most 1 in kAscentShare is an equality and at least as many are violated, in no more
/// than 3/2 n rows (beyond that too many join that depend on each other). It ends after kSweeps
/// sweeps, or when one changes no row. Measured on box, portfolio, mpc and dense rows, n 16 to 200:
/// where it pays it saves a third to two thirds of the time, elsewhere it costs up to as much. With
/// more equalities and from kBlockRows rows on, block exchange goes first: its few factors then
/// cost less than a pass over S per exchange (qp, 2000 rows: half the time; 1000: as much).
constexpr int kAscentRows = 32, kAscentShare = 4, kSweeps = 20;
constexpr int kBlockRows = 1000;
/// Block exchange is given up after this many rounds, or when a round exchanges no fewer rows.
constexpr int kBlockRounds = 10;
/// Rounding in the activities (scaled) beyond which a set that seems right proves nothing.
constexpr double kDrowned = 1e-4;
/// mu over the largest S_ii, once the active-set method has lost its way kLosses times.
constexpr int kLosses = 3;
constexpr double kDualProximal = 1e-10;

/// What the sides at the start of find_active_set() are.
enum class First : int {
  none = 0,  ///< those of the pass before, the factor theirs
  dual,      ///< new, with multipliers that raise the dual: the dual active-set method's start
  guess      ///< new, and likely to be nearly right: block exchange tries first
};

template <class D, class R, Team T>
class ForwardSets : protected ForwardPoint<D, R, T> {
  using Point = ForwardPoint<D, R, T>;

 public:
  using Point::Point;

 protected:
  using Point::c_;
  using Point::o_;
  using Point::p_;
  using Point::report_;
  using Point::rows_;
  using Point::s_;
  using Point::schur_;
  using Point::team_;
  using Point::w_;
  using Point::x_;

  /// ADMM from (x, y): its multipliers into w.y, v following, and the sides that they suggest.
  BPQP_STAGE void guess() {
    no_iterations_ = p_.m == 0;
    if (p_.m == 0) return;
    const AdmmState<R>& a = s_.admm;
    if (report_.iterations == 0) {
      for (int i : team_.items(p_.m)) {
        const R v = s_.v[i];
        a.z[i] = v < s_.l[i] ? s_.l[i] : v > s_.u[i] ? s_.u[i] : v;
        a.y[i] = w_.y[i];
      }
      team_.sync();
      rho_ = o_.rho > 0 ? o_.rho : starting_rho(team_, s_.diagonal, p_.m);
    }
    const int left = o_.max_iter - report_.iterations;
    const int wanted = o_.polish ? guess_iterations_ : left;
    const AdmmReport r = c_.S ? run_z_form(wanted < left ? wanted : left)
                              : run_x_form(wanted < left ? wanted : left);
    report_.iterations += r.iterations;
    no_iterations_ = r.iterations == 0;
    if (guess_iterations_ < o_.max_iter) guess_iterations_ *= 5;
    guess_eps_ *= 0.1;
    if (r.finite) take_multipliers(a.y);
  }

  /// The set of a start from nothing: the equalities, and where it pays what a few sweeps of ascent
  /// add.
  BPQP_STAGE First start_set() {
    double equalities = 0, violated = 0;
    if (p_.m >= kAscentRows) {
      for (int i : team_.items(p_.m)) {
        equalities += rows_.equality(i);
        violated += s_.v[i] > s_.highest[i] || s_.v[i] < s_.lowest[i];
      }
      equalities = team_.sum(equalities), violated = team_.sum(violated);
    }
    const bool few = kAscentShare * equalities <= p_.m;
    const bool ascent = c_.S && p_.m >= kAscentRows && 2 * p_.m <= 3 * p_.n && few &&
                        kAscentShare * violated >= p_.m;
    for (int sweep = 0; ascent && sweep < kSweeps; ++sweep)
      if (ascent_sweep(team_, schur_, rows_, w_, s_.v) == 0) break;
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
    return !few && p_.m >= kBlockRows ? First::guess : First::dual;
  }

  /// Exchanges until KKT holds on all rows of the constraint-space problem. False: infeasible, and
  /// w.change holds the ray.
  BPQP_STAGE bool find_active_set(First first) {
    verified_ = false;
    lost_ = false;
    if (!o_.polish) return true;
    if (first == First::guess && exchange_blocks()) return true;
    if (first != First::none) {
      rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a);
      release(team_, schur_, rows_, w_, s_.v, s_.list, s_.kkt.a);
    }
    const int left = most_exchanges() - report_.exchanges, fair = 50 + 4 * (p_.n + p_.m);
    const DualReport dual = dual_active_set(
        team_, schur_, rows_, w_, s_.v, {s_.kkt.a, s_.price},
        schur_.mu > 0 || left < fair ? left : fair);
    report_.exchanges += dual.exchanges;
    verified_ = dual.outcome == DualOutcome::optimal;
    lost_ = !verified_ || drowned();
    if (lost_ && ++losses_ >= kLosses) regularise();
    return dual.outcome != DualOutcome::infeasible;
  }

  /// From an interior point few exchanges are needed, or none help; and where the interior point
  /// method waits, it is the quicker way beyond about this many.
  BPQP_STAGE int most_exchanges() const {
    const int size = p_.n + p_.m;
    const int most = interior_                        ? 50 + size / 10
                     : o_.method == Method::automatic ? 100 + size / 2
                                                      : o_.max_exchanges;
    return most < o_.max_exchanges ? most : o_.max_exchanges;
  }

  BPQP_HD double dual_proximal() const { return kDualProximal * abs_max(team_, s_.diagonal, p_.m); }

  bool verified_ = false;       ///< KKT holds on the working set in the constraint-space problem
  bool lost_ = false;           ///< the active-set method gave up: more ADMM before the next try
  bool no_iterations_ = false;  ///< ADMM could do nothing
  bool interior_ = false;       ///< started from there: nothing but the end is wanted

 private:
  /// Rounds of block exchange while they help; whether they end in a verified set.
  BPQP_STAGE bool exchange_blocks() {
    for (int round = 0, previous = p_.m + 1; round < kBlockRounds && !verified_; ++round) {
      const int exchanged = exchange_once();
      if (exchanged >= previous) break;
      previous = exchanged;
    }
    return verified_ && !drowned();
  }
  BPQP_STAGE int exchange_once() {
    const int exchanged = exchange_round(team_, schur_, rows_, w_, s_.v, s_.list, s_.kkt.a);
    report_.exchanges += exchanged;
    verified_ = exchanged == 0;
    return exchanged;
  }

  /// c = v + S y: the activities at y = 0.
  BPQP_STAGE AdmmReport run_z_form(int budget) {
    product(team_, c_.S, p_.m, p_.m, p_.m, w_.y, s_.c);
    for (int i : team_.items(p_.m)) s_.c[i] += s_.v[i];
    team_.sync();
    const ZForm<R> op{p_.m, c_.S, s_.c, s_.admm_factor, s_.admm_operator, s_.kkt.a, s_.kkt.r_y};
    return admm(
        team_, op, s_.admm, s_.l, s_.u, p_.m, rho_, o_.alpha, o_.adaptive_rho, guess_eps_, budget,
        p_.cones);
  }

  /// L^-1 b = L'x + h + Y y, in x's scaled units.
  BPQP_STAGE AdmmReport run_x_form(int budget) {
    const int n = p_.n;
    for (int j : team_.items(n)) s_.kkt.r_x[j] = x_[j] / c_.scaling.D[j];
    product(team_, c_.Y, n, p_.m, n, w_.y, s_.t);
    for (int j : team_.items(n))
      s_.t[j] += s_.h[j] + dot(c_.L + std::size_t(j) * n + j, s_.kkt.r_x + j, n - j);
    team_.sync();
    const XForm<R> op{n,        p_.m,        c_.Y, s_.t, s_.admm_operator, s_.admm_factor,
                      s_.kkt.a, s_.kkt.spare};
    return admm(
        team_, op, s_.admm, s_.l, s_.u, p_.m, rho_, o_.alpha, o_.adaptive_rho, guess_eps_, budget,
        p_.cones);
  }

  /// w.y = y_new, v and the sides following.
  BPQP_STAGE void take_multipliers(const R* y_new) {
    const int count = list_where(
        team_, p_.m, [&](int i) { return !(y_new[i] == w_.y[i]); },
        [&](int at, int i) {
          s_.list[at] = i;
          s_.kkt.a[at] = y_new[i] - w_.y[i];
        });
    team_.sync();
    change_multipliers(team_, schur_, w_, s_.list, count, s_.kkt.a, s_.v);
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
  }

  /// Rounding hides violations: the multipliers have run off along nearly dependent rows.
  BPQP_HD bool drowned() const { return rows_.noise > kDrowned; }

  /// From here on the dual is proximal too (S + mu I, centre y of each pass): no row then depends
  /// on others, and no tie is exact. The passes become the proximal method of multipliers, whose
  /// steps in y tend to the certificate where there is no solution (Banjac et al. 2019).
  BPQP_STAGE void regularise() {
    if (schur_.mu == 0) schur_.mu = dual_proximal();
  }

  double rho_ = 0;
  double guess_eps_ = kGuessEps;
  int guess_iterations_ = kGuessIterations;
  int losses_ = 0;
};

}  // namespace bpqp::core
