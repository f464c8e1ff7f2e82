/// \file
/// Small problems with known answers, as the JSON of a problem file.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace bpqp::test {

using nlohmann::json;

inline json entries(
    int rows, int cols, std::vector<int> i, std::vector<int> j, std::vector<double> v) {
  return {{"rows", rows}, {"cols", cols}, {"i", i}, {"j", j}, {"v", v}};
}

// minimise 1/2 |x|^2 - x0 - x1 + 5  subject to  x0 + x1 <= 1, x0 >= 0:  x = (1/2, 1/2), y = (1/2,
// 0).
inline json half() {
  return {{"name", "half"},  {"n", 2},
          {"m", 2},          {"P", entries(2, 2, {0, 1}, {0, 1}, {1, 1})},
          {"q", {-1, -1}},   {"A", entries(2, 2, {0, 0, 1}, {0, 1, 0}, {1, 1, 1})},
          {"l", {-1e30, 0}}, {"u", {1, 1e30}},
          {"r", 5}};
}

// minimise x  subject to  l <= x <= u.
inline json line(const std::string& name, double l, double u) {
  return {{"name", name}, {"n", 1},
          {"m", 1},       {"P", entries(1, 1, {}, {}, {})},
          {"q", {1}},     {"A", entries(1, 1, {0}, {0}, {1})},
          {"l", {l}},     {"u", {u}}};
}

// minimise 3 x0 + 4 x1  subject to  |x| <= 1:  x = -(3, 4)/5. l of a cone is not read, so it may be
// what elsewhere would be an equality.
inline json ball() {
  return {{"name", "ball"}, {"n", 2},
          {"m", 3},         {"P", entries(2, 2, {}, {}, {})},
          {"q", {3, 4}},    {"A", entries(3, 2, {1, 2}, {0, 1}, {-1, -1})},
          {"l", {1, 0, 0}}, {"u", {1, 0, 0}},
          {"cones", {3}}};
}

inline json with(json problem, const std::string& key, const json& value) {
  problem[key] = value;
  return problem;
}

}  // namespace bpqp::test
