// Compiled without -fsanitize=thread, as lane_scheduler.cpp: the operations of a warp read what its
// lanes gave without a barrier.
#include "support/emulated_thread.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/fiber.hpp"

namespace bpqp::test {

namespace {

struct EmulatedBlock {
  explicit EmulatedBlock(std::size_t shared) : memory(shared) {}
  GuardedMemory memory;
  int running = 0;  ///< threads that have not returned
  char ended = 0;   ///< tag of an edge
};

}  // namespace

/// What runs clusters, one after another: a host thread's.
struct EmulatedCluster {
  const LaunchShape* shape;
  const std::function<void(const EmulatedThread&)>* body;
  int first_block;
  EmulatedBlock* blocks[16];
  std::vector<std::unique_ptr<EmulatedBlock>> owned;
  LaneScheduler scheduler;
  int failed_at;             ///< place in the agenda, with `error`
  std::exception_ptr error;  ///< here until all host threads have ended: freeing it is no race then
};

namespace {

enum Level : int { warp = 0, block, cluster };

void shuffle_lanes(Lane* const* lanes, int count) {
  for (int i = 0; i < count; ++i) lanes[i]->taken[0] = lanes[lanes[i]->source]->given[0];
}

void ballot_lanes(Lane* const* lanes, int count) {
  unsigned votes = 0;
  for (int i = 0; i < count; ++i) votes |= unsigned(lanes[i]->given[0]) << i;
  for (int i = 0; i < count; ++i) lanes[i]->taken[0] = votes;
}

void multiply_add_lanes(Lane* const* lanes, int count) {
  for (int i = 0; i < count; ++i)
    for (int e = 0; e < 2; ++e) {
      const int row = i / 4, column = 2 * (i % 4) + e;
      double sum = lanes[i]->given[2 + e];
      for (int k = 0; k < 4; ++k)
        sum += lanes[4 * row + k]->given[0] * lanes[4 * column + k]->given[1];
      lanes[i]->taken[e] = sum;
    }
}

constexpr Operation kSyncWarp{"sync_warp()", true, nullptr};
constexpr Operation kSyncBlock{"sync_block()", true, nullptr};
constexpr Operation kSyncCluster{"sync_cluster()", true, nullptr};
constexpr Operation kShuffle{"shuffle()", false, shuffle_lanes};
constexpr Operation kShuffleXor{"shuffle_xor()", false, shuffle_lanes};
constexpr Operation kBallot{"ballot()", false, ballot_lanes};
constexpr Operation kMultiplyAdd{"multiply_add()", false, multiply_add_lanes};

double take_from(Lane& lane, const Operation& operation, double v, int source) {
  if (source < 0 || source >= gpu::kWarp)
    throw std::out_of_range(
        std::string(operation.name) + ": no lane " + std::to_string(source) + " in a warp");
  lane.given[0] = v;
  lane.source = source;
  meet(lane, Level::warp, operation);
  return lane.taken[0];
}

void run_thread(Lane& lane, void* argument) {
  auto& all = *static_cast<EmulatedCluster*>(argument);
  (*all.body)(EmulatedThread(lane, all));
  EmulatedBlock& own = *all.blocks[lane.rank / all.shape->threads];
  if (all.shape->cluster == 1) return;
  // Neighbours that still use the memory race with its end, threads of the block do not.
  release_edge(&own.ended);
  if (--own.running > 0) return;
  acquire_edge(&own.ended);
  own.memory.end();
}

void run_cluster(EmulatedCluster& all, int number, std::uint64_t seed) {
  const LaunchShape& shape = *all.shape;
  const int lanes = shape.cluster * shape.threads;
  all.first_block = number * shape.cluster;
  for (int b = 0; b < shape.cluster; ++b) {
    all.blocks[b]->memory.begin();
    all.blocks[b]->running = shape.threads;
  }
  // No seed but 0 may become 0, lanes in their order.
  const std::uint64_t own_seed = seed ? random_number(seed, std::uint64_t(number)) | 1 : 0;
  all.scheduler.run(
      {lanes,
       {gpu::kWarp, shape.threads, lanes},
       own_seed,
       run_thread,
       &all,
       shape.threads,
       all.first_block});
  for (int b = 0; b < shape.cluster; ++b) all.blocks[b]->memory.check(all.first_block + b);
}

/// Clusters in the order of the launch, and how far it got.
struct Agenda {
  std::vector<int> clusters;
  std::uint64_t seed;
  int next;       ///< place to be dealt
  int failed_at;  ///< the first place with an exception; later ones need not begin
};

std::vector<int> order_clusters(int count, std::uint64_t seed) {
  std::vector<int> order(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) order[std::size_t(i)] = i;
  if (seed != 0)
    for (int i = count - 1; i > 0; --i) {
      const auto j = random_number(~seed, std::uint64_t(i)) % std::uint64_t(i + 1);
      std::swap(order[std::size_t(i)], order[j]);
    }
  return order;
}

/// A host thread's clusters: that at its own place, so that every one has some, then the next.
/// Built-ins, because std::atomic's functions might be another file's, instrumented.
void run_clusters(Agenda& agenda, EmulatedCluster& all, int place) {
  while (place < int(agenda.clusters.size())) {
    if (__atomic_load_n(&agenda.failed_at, __ATOMIC_RELAXED) < place) return;
    try {
      run_cluster(all, agenda.clusters[std::size_t(place)], agenda.seed);
    } catch (...) {
      all.failed_at = place;
      all.error = std::current_exception();
      int first = __atomic_load_n(&agenda.failed_at, __ATOMIC_RELAXED);
      while (place < first &&
             !__atomic_compare_exchange_n(
                 &agenda.failed_at, &first, place, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      }
      return;
    }
    place = __atomic_fetch_add(&agenda.next, 1, __ATOMIC_RELAXED);
  }
}

void check_shape(const LaunchShape& shape, int host_threads) {
  if (shape.threads < gpu::kWarp || shape.threads > 1024 || shape.threads % gpu::kWarp != 0)
    throw std::invalid_argument("threads: expected a multiple of 32 in 32 ... 1024");
  if (shape.cluster < 1 || shape.cluster > 16)
    throw std::invalid_argument("cluster: expected 1 ... 16");
  if (shape.blocks < 1 || shape.blocks % shape.cluster != 0)
    throw std::invalid_argument("blocks: expected a positive multiple of cluster");
  if (host_threads < 1) throw std::invalid_argument("host_threads: expected at least 1");
}

}  // namespace

void EmulatedThread::launch(
    const LaunchShape& shape,
    std::uint64_t seed,
    const std::function<void(const EmulatedThread&)>& body,
    int host_threads) {
  check_shape(shape, host_threads);
  const int clusters = shape.blocks / shape.cluster;
  const int workers = std::min(host_threads, clusters);
  Agenda agenda{order_clusters(clusters, seed), seed, workers, clusters};
  std::vector<std::unique_ptr<EmulatedCluster>> all;
  for (int w = 0; w < workers; ++w) {
    all.push_back(std::make_unique<EmulatedCluster>());
    all.back()->shape = &shape;
    all.back()->body = &body;
    for (int b = 0; b < shape.cluster; ++b) {
      all.back()->owned.push_back(std::make_unique<EmulatedBlock>(shape.shared));
      all.back()->blocks[b] = all.back()->owned.back().get();
    }
  }
  if (workers == 1)
    run_clusters(agenda, *all[0], 0);
  else {
    std::vector<std::thread> threads;
    for (int w = 0; w < workers; ++w) {
      EmulatedCluster& own = *all[std::size_t(w)];
      threads.emplace_back([&agenda, &own, w] { run_clusters(agenda, own, w); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (const auto& own : all)
    if (own->error && own->failed_at == agenda.failed_at) std::rethrow_exception(own->error);
}

EmulatedThread::EmulatedThread(Lane& lane, const EmulatedCluster& all)
    : lane_(&lane),
      cluster_(&all),
      index_(lane.rank % all.shape->threads),
      block_(all.first_block + lane.rank / all.shape->threads),
      shared_(all.blocks[lane.rank / all.shape->threads]->memory.data()) {}

void EmulatedThread::sync_warp() const {
  meet(*lane_, Level::warp, kSyncWarp);
}

void EmulatedThread::sync_block() const {
  meet(*lane_, Level::block, kSyncBlock);
}

void EmulatedThread::sync_grid() const {
  if (cluster_->shape->cluster != cluster_->shape->blocks)
    throw std::logic_error("sync_grid(): the blocks of this launch do not run together");
  sync_cluster();
}

void EmulatedThread::sync_cluster() const {
  meet(*lane_, Level::cluster, kSyncCluster);
}

double EmulatedThread::shuffle(double v, int lane) const {
  return take_from(*lane_, kShuffle, v, lane);
}

double EmulatedThread::shuffle_xor(double v, int bits) const {
  return take_from(*lane_, kShuffleXor, v, (index_ % gpu::kWarp) ^ bits);
}

unsigned EmulatedThread::ballot(bool v) const {
  lane_->given[0] = v;
  meet(*lane_, Level::warp, kBallot);
  return unsigned(lane_->taken[0]);
}

gpu::Pair EmulatedThread::multiply_add(double a, double b, gpu::Pair c) const {
  Lane& lane = *lane_;
  lane.given[0] = a;
  lane.given[1] = b;
  lane.given[2] = c.first;
  lane.given[3] = c.second;
  meet(lane, Level::warp, kMultiplyAdd);
  return {lane.taken[0], lane.taken[1]};
}

int EmulatedThread::cluster_rank() const {
  return block_ - cluster_->first_block;
}

int EmulatedThread::cluster_size() const {
  return cluster_->shape->cluster;
}

char* EmulatedThread::cluster_shared(int rank) const {
  if (rank < 0 || rank >= cluster_size())
    throw std::out_of_range("cluster_shared: no rank " + std::to_string(rank) + " in the cluster");
  return cluster_->blocks[rank]->memory.data();
}

}  // namespace bpqp::test
