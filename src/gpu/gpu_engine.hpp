/// \file
/// GpuEngine: a Solver's engine on a GPU. Host code that lays out memory and starts kernels;
/// nothing numerical. With pointers to the device's memory no call waits for the device, and its
/// outputs are there when the stream gets to them; arrays in the host's memory are copied, and
/// waited for, which
/// a CUDA graph cannot hold: they are refused while the stream is captured.
#pragma once

#include <initializer_list>
#include <vector>

#include "engine.hpp"
#include "gpu/memory.hpp"

namespace bpqp::gpu {

template <class R>
class GpuEngine : public Engine<R> {
 public:
  /// Throws InvalidArgument for settings that have no meaning on a GPU.
  GpuEngine(
      const Shape& shape, int capacity, const Settings& settings, std::unique_ptr<Runtime> runtime);
  /// Of one that is not made.
  static std::size_t bytes_needed(
      const Shape& shape, int capacity, const Settings& settings, std::unique_ptr<Runtime> runtime);

  void solve(const Problem<R>&, const Solution<R>&, Changed) override;
  void warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y) override;
  void backward(const SolutionGradient<R>&, const ProblemGradient<R>&) override;
  void adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d) override;
  void jvp(const ProblemTangent<R>&, const SolutionTangent<R>&) override;
  void differentiate(const KktPoint<R>&, Report*) override;
  const Report* reports() override;
  int batch() const override { return arguments_.batch.count; }
  std::size_t bytes() const override { return bytes_; }

 private:
  struct Counting {};
  GpuEngine(
      Counting, const Shape&, int capacity, const Settings&, std::unique_ptr<Runtime> runtime);

  /// Counters of a call, each set to zero before it.
  enum Counter : int { kNext = 0, kRest, kNextOfRest, kCounters };
  static constexpr bool kSingle = sizeof(R) == sizeof(float);

  /// What the device's memory holds, in the order of lay_out().
  struct Layout {
    core::Slot* slots;
    char* arrays;
    char* scratch;
    core::Condensed<double>* shared;
    double *wide_P, *wide_A;
    int* counters;  ///< [kCounters]
    int* rest;      ///< [capacity]
    char* grid;     ///< as lay_out_grid()
    int* cone_start;
    double* starts;
    std::int8_t* has_start;
    Report* reports;
  };
  Layout lay_out(core::Arena& arena) const;
  void upload();
  bool goes_plain(const Problem<R>& problem) const;
  /// Where the derivatives are taken; points from elsewhere are not relaxed.
  bool at_relaxed_points() const { return settings_.kappa > 0 && !attached_; }
  void prepare();
  /// An array of a call, by its name in the public headers.
  struct Named {
    const char* name;
    const void* data;
  };
  void refuse_in_capture(std::initializer_list<Named> arrays) const;
  void set_problem(const Problem<R>& problem);
  template <class View>
  static Reals in(Staging& staging, const View& v, std::int64_t size, int count);
  RealsOut out(R* data, std::int64_t size);
  const Plan& plan_of(Kernel kernel) const;
  void launch(Kernel kernel, int count);
  void launch_adjoint(int count);
  void finish(Report* reports);
  void queue_all(int count);

  Shape shape_;
  int capacity_;
  Settings settings_;
  std::unique_ptr<Runtime> runtime_;
  Plan plan_, rest_plan_;
  Plan shared_plan_, shared_adjoint_plan_;  ///< of batches that share P and A
  int teams_ = 0, slots_ = 0;
  std::size_t slot_bytes_ = 0, scratch_bytes_ = 0, bytes_ = 0;
  int linear_rows_ = 0;
  DeviceBlock memory_;
  Staging problem_;  ///< of the last solve, for the derivatives
  Staging staging_;  ///< of the call
  Layout at_{};
  Arguments arguments_;
  bool has_starts_ = false;
  bool attached_ = false;  ///< the slots' factors are those of points from elsewhere
  std::vector<Report> reports_;
};

/// A MatrixBatch or VectorBatch of so many problems, with so many entries each.
template <class R>
template <class View>
Reals GpuEngine<R>::in(Staging& staging, const View& v, std::int64_t size, int count) {
  const std::int64_t last = v.stride * (count - 1);
  return {staging.in(v.data, std::size_t(last + size)), v.stride};
}

}  // namespace bpqp::gpu
