/// \file
/// Problem files: one JSON object, plain or gzip (.json, .json.gz).
///
///   {"name": "two", "n": 2, "m": 1,
///    "P": {"rows": 2, "cols": 2, "i": [0, 1], "j": [0, 1], "v": [1, 1]}, "q": [-1, -1],
///    "A": {"rows": 1, "cols": 2, "i": [0, 0], "j": [0, 1], "v": [1, 1]}, "l": [-1e30], "u": [1]}
///
///   minimise 1/2 x'P x + q'x + r   subject to  l <= A x <= u
///
/// n, m, P, q, A, l, u are required. P (the full symmetric matrix) and A are lists of entries,
/// counted from 0; entries given twice add up. Sides at or beyond +-1e30 are infinite. Optional:
/// name (else the file's), r (else 0), cones (sizes of the second-order cones on the last rows, in
/// order; there u - A x is in the cone), g (the weights of the gradient, n numbers), and expect
/// (what is known of the answer: status, objective, tolerance, x, adjoint). Other fields are
/// ignored.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bpqp/problem.hpp"

namespace bpqp::io {

/// The gradient of g'x that a file expects; what is not given is empty.
struct ExpectedAdjoint {
  std::vector<double> g;    ///< [n]
  std::vector<double> dq;   ///< [n]
  std::vector<double> dlu;  ///< [m] dl + du
  std::vector<double> dP;   ///< [n x n] row-major, symmetric
  std::vector<double> dA;   ///< [m x n] row-major
};

/// What a file says of its own answer.
struct Expected {
  std::string status;               ///< "solved", ..., several with | where each is right
  std::optional<double> objective;  ///< with r
  std::optional<double> tolerance;  ///< absolute, of the objective
  std::vector<double> x;            ///< [n], only where it is unique; else empty
  std::optional<ExpectedAdjoint> adjoint;
};

/// One problem; matrices dense and row-major, as the library takes them.
struct ProblemFile {
  std::filesystem::path path;
  std::string name;
  Shape shape;
  std::vector<double> P;  ///< [n x n] as given: symmetric to 1e-9 max|P|
  std::vector<double> q;  ///< [n]
  std::vector<double> A;  ///< [m x n]
  std::vector<double>
      l;  ///< [m], infinite sides as given; -1e30 in rows of cones, whatever is given
  std::vector<double> u;  ///< [m]
  double r = 0;           ///< constant of the objective
  std::vector<double> g;  ///< [n], or empty
  std::optional<Expected> expect;
};

/// Reads and checks a file. Throws FileError with one line that names file, field, what was given
/// and what was expected.
ProblemFile read_problem_file(const std::filesystem::path& path);

/// The same from text; `path` is for the messages and the default name.
ProblemFile parse_problem(const std::string& text, const std::filesystem::path& path);

}  // namespace bpqp::io
