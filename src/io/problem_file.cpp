#include "io/problem_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <new>
#include <numeric>
#include <unistd.h>

#include <climits>

#include "io/json_fields.hpp"
#include "io/text_file.hpp"

namespace bpqp::io {
namespace {

constexpr double kSymmetry = 1e-9;  // of max|P|; DESIGN: beyond it P is a mistake, not rounding

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

std::string entry(const char* matrix, int i, int j) {
  return std::string(matrix) + "[" + std::to_string(i) + "][" + std::to_string(j) + "]";
}

// Half of the memory, because the solver needs at least as much again.
double memory_limit() {
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && size > 0 ? 0.5 * double(pages) * double(size) : 8e9;
}

void check_memory(const Field& root, const Shape& s) {
  const double bytes = 8.0 * s.n * (double(s.n) + s.m);
  if (bytes <= memory_limit()) return;
  root.fail(
      "n = " + std::to_string(s.n) + " and m = " + std::to_string(s.m) + ", which need " +
          digits(std::ceil(bytes / 1e8) / 10) + " GB as dense matrices",
      "at most " + digits(std::floor(memory_limit() / 1e8) / 10) + " GB on this machine");
}

std::string stem(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.substr(0, name.find(".json"));
}

// A matrix given as lists of entries (i, j, v), into dense row-major.
std::vector<double> read_matrix(const Field& field, int rows, int cols) {
  for (const auto& [key, size] : {std::pair{"rows", rows}, std::pair{"cols", cols}}) {
    if (field.has(key) && field.at(key).integer(0, INT_MAX) != size) {
      field.at(key).fail(std::to_string(field.at(key).integer(0, INT_MAX)), std::to_string(size));
    }
  }
  const auto v_size = field.at("v").array_size();
  const auto v = field.at("v").numbers(v_size, "");
  std::vector<double> dense(std::size_t(rows) * cols, 0.0);
  for (const char* key : {"i", "j"}) {
    if (field.at(key).array_size() != v_size) {
      field.at(key).fail(
          std::to_string(field.at(key).array_size()) + " indices",
          std::to_string(v_size) + ", as many as v has");
    }
  }
  if (v_size > 0 && dense.empty()) {
    field.at("v").fail(std::to_string(v_size) + " entries", "none, because m = 0");
  }
  const auto i = field.at("i").integers(0, rows - 1);
  const auto j = field.at("j").integers(0, cols - 1);
  for (std::size_t k = 0; k < v_size; ++k) {
    dense[std::size_t(i[k]) * cols + j[k]] += v[k];
  }
  return dense;
}

void check_symmetry(const Field& root, const std::vector<double>& P, int n) {
  double largest = 0, worst = 0;
  int at_i = 0, at_j = 0;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      const double p = P[std::size_t(i) * n + j];
      largest = std::max(largest, std::fabs(p));
      if (j >= i) continue;
      const double difference = std::fabs(p - P[std::size_t(j) * n + i]);
      if (difference > worst) worst = difference, at_i = j, at_j = i;
    }
  }
  if (worst <= kSymmetry * largest) return;
  root.at("P").fail(
      entry("P", at_i, at_j) + " = " + digits(P[std::size_t(at_i) * n + at_j]) + " and " +
          entry("P", at_j, at_i) + " = " + digits(P[std::size_t(at_j) * n + at_i]),
      "a symmetric matrix, both triangles given");
}

std::vector<int> read_cones(const Field& root, int m) {
  if (!root.has("cones")) return {};
  const auto cones = root.at("cones").integers(1, INT_MAX);
  long long sum = 0;
  for (const int size : cones) sum += size;
  if (sum > m) {
    root.at("cones").fail(
        "sizes that add up to " + std::to_string(sum), "at most m = " + std::to_string(m));
  }
  return cones;
}

std::vector<double> optional_numbers(
    const Field& field, const char* key, int size, const char* means) {
  if (!field.has(key)) return {};
  return field.at(key).numbers(size, means);
}

ExpectedAdjoint read_adjoint(const Field& field, int n, int m) {
  ExpectedAdjoint adjoint;
  adjoint.g = optional_numbers(field, "g", n, "n");
  adjoint.dq = optional_numbers(field, "dq", n, "n");
  adjoint.dlu = optional_numbers(field, "dlu", m, "m");
  if (field.has("dP")) adjoint.dP = field.at("dP").rows(n, n);
  if (field.has("dA")) adjoint.dA = field.at("dA").rows(m, n);
  return adjoint;
}

std::optional<Expected> read_expected(const Field& root, int n, int m) {
  if (!root.has("expect")) return std::nullopt;
  const Field field = root.at("expect");
  Expected expected;
  if (field.has("status")) expected.status = field.at("status").text();
  if (field.has("objective")) expected.objective = field.at("objective").number();
  if (field.has("tolerance")) expected.tolerance = field.at("tolerance").number();
  expected.x = optional_numbers(field, "x", n, "n");
  if (field.has("adjoint")) expected.adjoint = read_adjoint(field.at("adjoint"), n, m);
  return expected;
}

ProblemFile read_fields(const Field& root, const std::filesystem::path& path) {
  ProblemFile problem;
  problem.path = path;
  problem.name = root.has("name") ? root.at("name").text() : stem(path);
  Shape& s = problem.shape;
  s.n = root.at("n").integer(1, INT_MAX);
  s.m = root.at("m").integer(0, INT_MAX);
  s.cones = read_cones(root, s.m);
  check_memory(root, s);
  problem.q = root.at("q").numbers(s.n, "n");
  problem.l = root.at("l").numbers(s.m, "m");
  problem.u = root.at("u").numbers(s.m, "m");
  const int in_cones = std::accumulate(s.cones.begin(), s.cones.end(), 0);
  std::fill(problem.l.end() - in_cones, problem.l.end(), -kInfinity);
  problem.P = read_matrix(root.at("P"), s.n, s.n);
  check_symmetry(root, problem.P, s.n);
  problem.A = read_matrix(root.at("A"), s.m, s.n);
  if (root.has("r")) problem.r = root.at("r").number();
  problem.g = optional_numbers(root, "g", s.n, "n");
  problem.expect = read_expected(root, s.n, s.m);
  return problem;
}

}  // namespace

ProblemFile parse_problem(const std::string& text, const std::filesystem::path& path) {
  try {
    const auto json = parse_json(text, path.string());
    return read_fields(Field(json, path.string(), ""), path);
  } catch (const std::bad_alloc&) {
    throw FileError(path.string() + ": not enough memory for this problem");
  }
}

ProblemFile read_problem_file(const std::filesystem::path& path) {
  try {
    return parse_problem(read_text(path), path);
  } catch (const std::bad_alloc&) {
    throw FileError(path.string() + ": not enough memory for this file");
  }
}

}  // namespace bpqp::io
