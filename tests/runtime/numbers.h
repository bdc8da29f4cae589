// Of tests of metrics: numbers, and when two are the same.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

namespace siamc::test {

using Floats = std::vector<float>;

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float infinite = std::numeric_limits<float>::infinity();

inline bool close(double a, double b, double tolerance = 1e-12) {
    return std::abs(a - b) <= tolerance;
}

}  // namespace siamc::test
