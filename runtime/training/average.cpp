#include "training/average.h"

#include <cmath>

#include "core/error.h"

namespace siamc {

// The weights' weights add up to (1 - decay^step) / (1 - decay), the newest one's is 1.
float Averaging::pull(long step) const {
    return static_cast<float>((1 - decay) /
                              -std::expm1(static_cast<double>(step) * std::log(decay)));
}

Averaging::Kind parse_average(const std::string& text) {
    if (text == "none") return Averaging::Kind::none;
    if (text == "ema") return Averaging::Kind::ema;
    fail(Exit::usage, "--average: no average '{}'\n  write: none or ema", text);
}

void pull_average(FloatBuffer& average, const FloatBuffer& weights, float pull) {
    float* const mean = average.data();
    const float* const now = weights.data();
    for (std::size_t i = 0; i < average.size(); ++i) mean[i] += pull * (now[i] - mean[i]);
}

}  // namespace siamc
