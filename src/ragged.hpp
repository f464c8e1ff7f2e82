/// \file
/// Ragged: what a RaggedSolver does, with engines of any device.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "cpu/executor.hpp"
#include "engine.hpp"
#include "ragged_layout.hpp"

namespace bpqp {

template <class R>
class Ragged {
 public:
  using MakeEngine = std::function<std::unique_ptr<Engine<R>>(const Shape&, int, const Settings&)>;

  Ragged(const std::vector<Shape>& shapes, const Settings& settings, const MakeEngine& make);

  void solve(const RaggedProblem<R>&, const Solution<R>&, Changed);
  void warm_start(const R* x, const R* y);
  void backward(const RaggedSolutionGradient<R>&, const RaggedProblemGradient<R>&);
  void adjoint_solve(const R* g_x, const R* g_y, R* w, R* d);
  void jvp(const RaggedProblem<R>& tangent, const SolutionTangent<R>&);
  const Report* reports();
  std::size_t bytes() const;

  const std::vector<RaggedPlace>& places() const { return places_; }

 private:
  struct Part {
    RaggedPiece piece;
    std::unique_ptr<Engine<R>> engine;
  };
  /// body(part) for all, those that do not run alone side by side.
  template <class Body>
  void for_parts(const Body& body);
  void require_derivatives(const char* call) const;

  Settings settings_;
  std::vector<RaggedPlace> places_;
  cpu::Executor executor_;
  std::vector<Part> parts_;
  int alone_ = 0;  ///< parts that run alone, the first ones
  bool solved_ = false;
  std::vector<Report> reports_;
};

}  // namespace bpqp
