/// \file
/// The forward pass of a pack of small problems, one to a SIMD lane, all in step: what forward.hpp
/// does where all goes plainly. R is a pack (lanes.hpp); where one problem lists its active rows, a
/// pack lists those that any lane holds, and a lane that does not hold a listed row has a row of
/// the identity there (docs/math.md M63):
///
///   S_WW  ->  D S D + I - D,  D = diag(held)
///
/// With R = double it is the plain way of one problem on a GPU's team (gpu/solve_body.hpp).
///
/// Every lane computes what it would in any other company: it reads its own numbers alone, terms of
/// rows that it does not hold are zero, and once it has ended its steps are zero. Lanes that are
/// not plain (no convergence of block exchange, dependent rows, no solution, ...) are left to
/// solve_one.hpp, which starts them anew.
/// Reads: Condensed. Writes: WorkingSet, x, y. Next: lockstep_kkt.hpp.
#pragma once

#include "core/forward_sets.hpp"

namespace bpqp::core {

/// A lane that has not ended after so many passes, or rounds of exchange in one, is not plain.
constexpr int kLockstepPasses = 3;
constexpr int kLockstepRounds = 40;
/// Rounds of block exchange without success before a lane goes step by step.
constexpr int kChances = 3;

/// Per lane.
template <class R>
struct LockstepReport {
  Mask<R> plain;           ///< ended at a verified solution; all else is of no value where not
  Mask<R> differentiable;  ///< as in ForwardReport
  R exchanges;
  ResidualsOf<Wide<R>> residuals;
};

/// The report of a lane that ended, from its part of LockstepReport.
BPQP_HD inline ForwardReport lane_report(
    const Residuals& residuals, double exchanges, bool differentiable, const ForwardOptions& o) {
  ForwardReport r;
  r.method = Method::admm;
  r.residuals = residuals;
  r.status = status_of(residuals, o.eps_abs, o.eps_rel);
  r.exchanges = int(exchanges);
  r.verified = true;
  r.differentiable = differentiable;
  return r;
}

/// Where P and the rows are such that a lane may stay: P symmetric to the last bit and positive
/// definite, all numbers finite. Fills c.
template <class D, class R, Team T>
BPQP_STAGE Mask<R> condense_lanes(
    const T& team,
    const ProblemView<D>& p,
    int scaling_passes,
    const Condensed<R>& c,
    R* scratch_m,
    R* scratch_n) {
  const Mask<R> symmetric = load_hessian(team, p, c.L);
  const Mask<R> finite = equilibrate(team, p, c.L, c.scaling, scaling_passes, scratch_m, scratch_n);
  Wide<R> diagonal = 0;
  const auto pivots = factor_hessian(team, p, c, 0.0, diagonal);
  condense_rows(team, p, c);
  return symmetric & finite & safely_definite(pivots, diagonal);
}

template <class D, class R, Team T>
class Lockstep : private ForwardPoint<D, R, T> {
  using Point = ForwardPoint<D, R, T>;
  using Side = typename LaneTraits<R>::Side;

 public:
  using Point::Point;

  /// From x and y, of which those of rows at neither side are zero. `plain`: the lanes that take
  /// part.
  BPQP_STAGE LockstepReport<R> run(Mask<R> plain) {
    plain_ = plain;
    report_.exchanges = 0;
    start();
    Mask<R> going = plain;
    for (int pass = 0; pass < kLockstepPasses && any(going); ++pass) {
      linearise();
      for (int j : team_.items(p_.n)) s_.h[j] = select(going, s_.h[j], R(0));
      team_.sync();
      find_active_set(going);
      move_x();
      unscale_y();
      products();
      const auto residuals = core::residuals(team_, p_, x_, y_, s_.products);
      const Mask<R> ends = going & (residuals.worst_relative() <= R(kPolished));
      keep(ends, residuals);
      going = going & !ends & plain_;
    }
    plain_ = plain_ & !going;
    finish();
    return report_;
  }

 private:
  using Point::c_;
  using Point::linearise;
  using Point::move_x;
  using Point::o_;
  using Point::p_;
  using Point::rows_;
  using Point::s_;
  using Point::schur_;
  using Point::strict;
  using Point::team_;
  using Point::unscale_y;
  using Point::w_;
  using Point::x_;
  using Point::y_;
  using Point::y_start;

  BPQP_HD void products(bool origin = false) {
    kkt_products(team_, p_, true, origin, x_, y_, s_.products, s_.t);
  }

  BPQP_STAGE void start() {
    for (int i : team_.items(p_.m)) w_.y[i] = y_start(i);
    team_.sync();
    guess_sides(team_, p_.m, s_.l, s_.u, w_);
    unscale_y();
    // Without a start x and y are zero, and so are their products with P and A: nothing to read.
    Wide<R> largest = 0;
    for (int j : team_.items(p_.n)) largest = nan_max(largest, magnitude(Wide<R>(x_[j])));
    for (int i : team_.items(p_.m)) largest = nan_max(largest, magnitude(Wide<R>(y_[i])));
    products(!any(!(team_.max(largest) == Wide<R>(0))));
  }

  /// The rows that any lane holds. If there is no room for all, no lane is plain.
  BPQP_STAGE void list_rows() {
    const int count = list_where(
        team_, p_.m, [&](int i) { return any(w_.held(i) & plain_); },
        [&](int at, int i) {
          if (at < w_.capacity) w_.list[at] = i;
        });
    team_.sync();
    w_.size = count < w_.capacity ? count : w_.capacity;
    plain_ = plain_ & Mask<R>(count <= w_.capacity);
  }

  /// Towards the stationary point of the sets; in the lanes of `safely` no farther than the first
  /// inequality whose multiplier changes sign (docs/math.md M20), whose row then leaves. Returns
  /// where none did.
  BPQP_STAGE Mask<R> settle(Mask<R> open, Mask<R> safely) {
    R* d = s_.kkt.a;
    stationary_step(team_, w_, s_.v, s_.l, s_.u, d);
    R length = 1, blocks = R(-1);
    if (any(safely)) {
      for (int j : team_.items(w_.size)) {
        const int i = w_.list[j];
        const R slope = w_.side[i] * d[j], y = magnitude(w_.y[i]);
        const Mask<R> shorter = safely & (!rows_.equality(i)) & (y < -slope * length);
        length = select(shorter, -y / slope, length);
        blocks = select(shorter, R(i), blocks);
      }
      first_of(length, blocks, [this](R v) { return team_.min(v); });
    }
    for (int j : team_.items(w_.size)) d[j] = select(open, d[j] * length, R(0));
    team_.sync();
    full_step(team_, schur_, rows_, w_, s_.v, d);
    for (int j : team_.items(w_.size)) {
      const int i = w_.list[j];
      const Mask<R> leaves = open & (blocks == R(i));
      w_.y[i] = select(leaves, R(0), w_.y[i]);
      w_.side[i] = select(leaves, Side(0), w_.side[i]);
    }
    team_.sync();
    return blocks < R(0);
  }

  /// Of every lane's value and row (-1: none) the best value, by `best` over the team, and the
  /// first row that has it.
  template <class Best>
  BPQP_HD void first_of(R& value, R& row, const Best& best) const {
    const R most = best(value), none = R(p_.m);
    const R first = team_.min(select((value == most) & (row >= R(0)), row, none));
    value = most;
    row = select(first < none, first, R(-1));
  }

  /// What a round of block exchange would change.
  struct Differences {
    R count = 0;            ///< rows
    R held = 0;             ///< rows in the set after it
    R worst = 0, row = -1;  ///< of the rows that would join, that which is farthest off
  };

  /// Leaves the sides after it in s_.price.
  BPQP_STAGE Differences compare() const {
    Differences r;
    for (int i : team_.items(p_.m)) {
      const NextSide<R> next = next_side(rows_, w_, s_.v, i);
      s_.price[i] = next.side;
      const R distance = magnitude(next.excess) * s_.weight[i];
      const Mask<R> worst = distance > r.worst;
      r.count += select(next.differs, R(1), R(0));
      r.held += select(next.side != R(0), R(1), R(0));
      r.row = select(worst, R(i), r.row);
      r.worst = select(worst, distance, r.worst);
    }
    r.count = team_.sum(r.count), r.held = team_.sum(r.held);
    first_of(r.worst, r.row, [this](R v) { return team_.max(v); });
    return r;
  }

  /// Rows take the sides that compare() left: in the lanes of `all`, those that leave in the lanes
  /// of `leaving`, and the worst one in the lanes of `one`.
  BPQP_STAGE void exchange(
      Mask<R> open, Mask<R> all, Mask<R> leaving, Mask<R> one, const Differences& found) {
    for (int i : team_.items(p_.m)) {
      const Mask<R> moves =
          all | rows_.equality(i) | (leaving & w_.held(i)) | (one & (found.row == R(i)));
      w_.side[i] = select(open & moves, Side(s_.price[i]), w_.side[i]);
    }
    team_.sync();
  }

  /// Block exchange (exchange.hpp) in every lane that is going, until nothing differs. A lane in
  /// which kChances rounds in turn have not brought fewer differences than ever before, or whose
  /// set would have more rows than can be independent, goes on by the dual active-set method
  /// (dual_active_set.hpp): rows of wrong sign leave, then the worst row joins, or the first whose
  /// multiplier would change sign leaves, step by step.
  BPQP_STAGE void find_active_set(Mask<R> going) {
    Mask<R> open = going, safely(false);
    R least = R(p_.m + 1), chances = R(kChances);
    for (int round = 0; round < kLockstepRounds; ++round) {
      list_rows();
      plain_ = plain_ & (factor_listed(team_, schur_, w_, kDependent) | !open);
      release(team_, schur_, rows_, w_, s_.v, s_.list, s_.kkt.a);
      const Mask<R> arrived = settle(open, safely);
      const Differences found = compare();
      const Mask<R> better = found.count < least;
      least = select(better, found.count, least);
      chances = select(better, R(kChances), chances - R(1));
      const Mask<R> gives_up = (!safely) & ((chances < R(0)) | (found.held > R(p_.n)));
      exchange(open, !(safely | gives_up), gives_up, safely & arrived, found);
      safely = safely | gives_up;
      report_.exchanges += select(open, found.count, R(0));
      plain_ = plain_ & ((rows_.noise < R(kDrowned)) | (!arrived) | !open);
      open = open & plain_ & ((found.count > R(0)) | !arrived);
      if (!any(open)) return;
    }
    plain_ = plain_ & !open;
  }

  BPQP_STAGE void keep(Mask<R> ends, const ResidualsOf<Wide<R>>& now) {
    ResidualsOf<Wide<R>>& kept = report_.residuals;
    using Field = Wide<R> ResidualsOf<Wide<R>>::*;
    using Of = ResidualsOf<Wide<R>>;
    for (const Field f :
         {&Of::primal, &Of::dual, &Of::gap, &Of::primal_scale, &Of::dual_scale, &Of::gap_scale,
          &Of::objective})
      kept.*f = select(ends, now.*f, kept.*f);
  }

  /// As in forward.hpp; a lane whose rows are not clearly independent, or that has exchanged too
  /// many, is not plain.
  BPQP_STAGE void finish() {
    constexpr double kLimit = 1 / kIndependent;
    const auto growth = inverse_growth(team_, schur_, w_, s_.kkt.a, kLimit, 2);
    plain_ = plain_ & (growth < R(kClearly * kLimit)) &
             (report_.exchanges <= R(double(o_.max_exchanges)));
    report_.plain = plain_;
    report_.differentiable = plain_ & strict();
  }

  Mask<R> plain_;
  LockstepReport<R> report_;
};

}  // namespace bpqp::core
