// Solvers for compiled programs, which hand on arrays alone: a solve leaves a number, by which its
// derivatives find the Solver with the factors. Used from any thread.
//
// Nobody tells when a number will not be asked for any more. So Solvers are kept up to a limit;
// what has been dropped is solved again by whoever asks, and a Solver whose solve has been
// differentiated is the first to be used for another.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace bpqp::python {

/// A Solver of either type, with what it refers to.
struct CachedSolver {
  virtual ~CachedSolver() = default;
  virtual int capacity() const = 0;
  virtual std::size_t bytes() const = 0;

  bool differentiated = false;  ///< set by who has its lease

 private:
  friend class SolverCache;
  std::string key_;           ///< type, shape and settings
  std::uint64_t number_ = 0;  ///< of its solve; 0: nothing to be found again
  bool busy_ = false;
  std::size_t counted_ = 0;  ///< bytes as added to the sum
};

class SolverCache {
 public:
  using Make = std::function<std::unique_ptr<CachedSolver>()>;

  /// A Solver for one caller, until it goes: then it is back here.
  class Lease {
   public:
    Lease() = default;
    Lease(SolverCache* cache, CachedSolver* solver) : cache_(cache), solver_(solver) {}
    Lease(Lease&& other) noexcept : cache_(other.cache_), solver_(other.solver_) {
      other.solver_ = nullptr;
    }
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (solver_) cache_->give_back(*solver_);
    }
    explicit operator bool() const { return solver_ != nullptr; }
    CachedSolver& operator*() const { return *solver_; }

   private:
    SolverCache* cache_ = nullptr;
    CachedSolver* solver_ = nullptr;
  };

  /// The one of the process, which outlives every thread that may still call.
  static SolverCache& instance();

  /// A Solver of this key for `batch` problems whose last solve nobody is likely to ask for, else a
  /// new one, of make().
  Lease take(const std::string& key, int batch, const Make& make);
  /// The one that holds solve `number`, waited for while another caller has it; empty if it is
  /// gone.
  Lease find(const std::string& key, std::uint64_t number);

  std::uint64_t next_number();
  /// By this number the leased Solver's solve is found from now on; 0: it is not.
  void name(const Lease& lease, std::uint64_t number);
  /// Solves that are kept at most, and bytes of all Solvers that nobody uses just now. The last one
  /// given back always stays.
  void limit(std::size_t solves, std::size_t bytes);
  std::size_t solves() const;      ///< kept now
  std::size_t bytes() const;       ///< of all Solvers
  std::uint64_t made() const;      ///< Solvers so far
  std::uint64_t repeated() const;  ///< solves so far that were asked for and gone
  void count_repeated();

 private:
  void give_back(CachedSolver& solver);
  void drop(std::size_t at);
  void trim();

  mutable std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<CachedSolver>> solvers_;  ///< longest unused first
  std::size_t bytes_ = 0;
  std::size_t most_solves_ = 256, most_bytes_ = std::size_t(512) << 20;
  std::uint64_t numbers_ = 0, made_ = 0, repeated_ = 0;
};

}  // namespace bpqp::python
