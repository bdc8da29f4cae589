// A moving average of the weights over a run's steps. Steps of one size circle around where they
// tend to; their average lies nearer to it than any of them (Polyak and Juditsky 1992).
#pragma once

#include <string>

#include "core/buffer.h"

namespace siamc {

struct Averaging {
    enum class Kind { none, ema };

    Kind kind = Kind::none;
    double decay = 0.999;  // what a step leaves of the weight of those before; above 0, below 1

    // The share of the way that the average goes towards the weights after step `step` of the run,
    // counted from 1: it then is the mean of all weights since step 1, each weighted by `decay` to
    // the number of steps since. So what the run began with does not count.
    float pull(long step) const;
};

// usage unless it is "none" or "ema".
Averaging::Kind parse_average(const std::string& text);

// Moves the average towards the weights, element by element.
void pull_average(FloatBuffer& average, const FloatBuffer& weights, float pull);

}  // namespace siamc
