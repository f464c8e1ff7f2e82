#include "solver_cache.hpp"

#include <algorithm>
#include <utility>

namespace bpqp::python {

SolverCache& SolverCache::instance() {
  static SolverCache* const cache = new SolverCache;  // never freed: threads may outlast main
  return *cache;
}

SolverCache::Lease SolverCache::take(const std::string& key, int batch, const Make& make) {
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t at = 0; at < solvers_.size(); ++at) {
      CachedSolver& solver = *solvers_[at];
      if (solver.busy_ || solver.key_ != key || (solver.number_ != 0 && !solver.differentiated))
        continue;
      if (solver.capacity() < batch) {  // the batches have grown
        drop(at--);
        continue;
      }
      solver.busy_ = true;
      solver.number_ = 0;
      solver.differentiated = false;
      return {this, &solver};
    }
  }
  std::unique_ptr<CachedSolver> made = make();
  made->key_ = key;
  made->busy_ = true;
  CachedSolver* const solver = made.get();
  const std::lock_guard lock(mutex_);
  ++made_;
  solvers_.push_back(std::move(made));
  return {this, solver};
}

SolverCache::Lease SolverCache::find(const std::string& key, std::uint64_t number) {
  std::unique_lock lock(mutex_);
  while (number != 0) {
    const auto found = std::ranges::find_if(
        solvers_, [&](const auto& s) { return s->number_ == number && s->key_ == key; });
    if (found == solvers_.end()) break;
    if (!(*found)->busy_) {
      (*found)->busy_ = true;
      return {this, found->get()};
    }
    given_back_.wait(lock);  // and look again: it may have been dropped
  }
  return {};
}

void SolverCache::give_back(CachedSolver& solver) {
  {
    const std::lock_guard lock(mutex_);
    bytes_ -= solver.counted_;
    solver.counted_ = solver.bytes();
    bytes_ += solver.counted_;
    solver.busy_ = false;
    const auto at =
        std::ranges::find_if(solvers_, [&](const auto& s) { return s.get() == &solver; });
    std::rotate(at, at + 1, solvers_.end());
    trim();
  }
  given_back_.notify_all();
}

void SolverCache::drop(std::size_t at) {
  bytes_ -= solvers_[at]->counted_;
  solvers_.erase(solvers_.begin() + std::ptrdiff_t(at));
}

void SolverCache::trim() {
  std::size_t kept = 0;
  for (const auto& s : solvers_) kept += s->number_ != 0;
  // The last stays: a batch larger than the limit can be differentiated too.
  for (std::size_t at = 0; at + 1 < solvers_.size();) {
    const CachedSolver& solver = *solvers_[at];
    const bool too_many = kept > most_solves_ && solver.number_ != 0;
    if (solver.busy_ || !(too_many || bytes_ > most_bytes_)) {
      ++at;
      continue;
    }
    kept -= solver.number_ != 0;
    drop(at);
  }
}

std::uint64_t SolverCache::next_number() {
  const std::lock_guard lock(mutex_);
  return ++numbers_;
}

void SolverCache::name(const Lease& lease, std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  (*lease).number_ = number;
}

void SolverCache::limit(std::size_t solves, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  most_solves_ = solves;
  most_bytes_ = bytes;
  trim();
}

std::size_t SolverCache::solves() const {
  const std::lock_guard lock(mutex_);
  return std::size_t(
      std::ranges::count_if(solvers_, [](const auto& s) { return s->number_ != 0; }));
}

std::size_t SolverCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::uint64_t SolverCache::made() const {
  const std::lock_guard lock(mutex_);
  return made_;
}

std::uint64_t SolverCache::repeated() const {
  const std::lock_guard lock(mutex_);
  return repeated_;
}

void SolverCache::count_repeated() {
  const std::lock_guard lock(mutex_);
  ++repeated_;
}

}  // namespace bpqp::python
