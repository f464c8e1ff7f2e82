#include "ragged_layout.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>

#include "cpu/executor.hpp"
#include "cpu_engine.hpp"
#include "validate.hpp"

namespace bpqp {
namespace {

/// Pieces that each thread finds, at least, if they are equal: they are not, and threads that have
/// none left wait.
constexpr int kPiecesPerThread = 8;
/// Sizes of pieces are multiples of it, so that packs are full at every instruction level.
constexpr int kMostLanes = 8;

void validate_shapes(const std::vector<Shape>& shapes) {
  if (shapes.empty()) throw InvalidArgument("shapes: expected at least one, got none");
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    try {
      validate(shapes[i], 1, Settings());
    } catch (const InvalidArgument& e) {
      throw InvalidArgument("shapes[" + std::to_string(i) + "]: " + e.what());
    }
  }
}

/// The problems of each shape, shapes in the order of their first problems.
std::vector<std::vector<int>> groups_of(const std::vector<Shape>& shapes) {
  std::map<std::tuple<int, int, std::vector<int>>, std::size_t> known;
  std::vector<std::vector<int>> groups;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Shape& s = shapes[i];
    const auto [group, fresh] = known.try_emplace({s.n, s.m, s.cones}, groups.size());
    if (fresh) groups.emplace_back();
    groups[group->second].push_back(int(i));
  }
  return groups;
}

/// The place behind `count` problems of the shape.
RaggedPlace after(RaggedPlace at, const Shape& shape, int count) {
  const std::int64_t n = shape.n, m = shape.m;
  at.index += count;
  at.P += count * n * n, at.A += count * m * n, at.x += count * n, at.y += count * m;
  return at;
}

double work_of(const Shape& shape) {
  const double n = shape.n, m = shape.m;
  return n * n * n / 6 + n * m * (n + m) / 2 + 1;
}

}  // namespace

std::vector<RaggedPlace> ragged_places(const std::vector<Shape>& shapes) {
  validate_shapes(shapes);
  std::vector<RaggedPlace> places(shapes.size() + 1);
  RaggedPlace next;
  for (const std::vector<int>& group : groups_of(shapes))
    for (int i : group) {
      places[std::size_t(i)] = next;
      next = after(next, shapes[std::size_t(i)], 1);
    }
  places.back() = next;
  return places;
}

void validate(const std::vector<Shape>& shapes, const Settings& s) {
  validate_shapes(shapes);
  validate(Shape{1, 0}, 1, s);
  const auto refuse = [](bool given, const char* setting, const char* expected, const char* got) {
    if (given)
      throw InvalidArgument(
          std::string(setting) + ": expected " + expected +
          " in a RaggedSolver, whose groups are solved apart, got " + got);
  };
  refuse(s.time_limit > 0, "time_limit", "0", std::to_string(s.time_limit).c_str());
  refuse(bool(s.progress), "progress", "none", "a function");
  refuse(bool(s.log), "log", "none", "a function");
}

std::vector<RaggedPiece> ragged_pieces(const std::vector<Shape>& shapes, const Settings& settings) {
  const int threads = settings.device == Device::cuda ? 1 : cpu::threads_of(settings.threads);
  double all = 0;
  for (const Shape& shape : shapes) all += work_of(shape);
  const double most = all / (kPiecesPerThread * threads);  // of a piece
  std::vector<RaggedPiece> pieces;
  RaggedPlace next;
  for (const std::vector<int>& group : groups_of(shapes)) {
    const Shape& shape = shapes[std::size_t(group[0])];
    const double work = work_of(shape);
    const int problems = int(group.size());
    const bool alone = threads == 1 || (worth_tiles(shape) && problems < threads);
    const double wanted = std::ceil(most / work / kMostLanes) * kMostLanes;
    const int size = alone ? problems : int(std::min(double(problems), wanted));
    for (int first = 0; first < problems; first += size) {
      const int count = std::min(size, problems - first);
      pieces.push_back({shape, count, next, alone, count * work});
      next = after(next, shape, count);
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const RaggedPiece& a, const RaggedPiece& b) {
    return a.alone != b.alone ? a.alone : a.work > b.work;
  });
  return pieces;
}

Settings settings_of(const RaggedPiece& piece, const Settings& settings) {
  Settings of = settings;
  if (!piece.alone) of.threads = 1;
  return of;
}

}  // namespace bpqp
