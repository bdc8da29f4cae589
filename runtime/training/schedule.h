// The learning rate over a run.
#pragma once

#include <string>

namespace siamc {

struct RateSchedule {
    enum class Kind { constant, one_cycle };

    Kind kind = Kind::constant;
    double peak = 0.001;  // the constant rate, or the highest
    // Of a one-cycle run, the share in which the rate rises.
    double warmup = 0.3;

    // The rate of step `step` of `steps`, counted from 0. One cycle (Smith and Topin 2017): along
    // half a cosine from peak / 25 up to the peak, then along another down to peak / 10,000.
    double rate(long step, long steps) const;
};

// usage unless it is "constant" or "one_cycle".
RateSchedule::Kind parse_schedule(const std::string& text);

}  // namespace siamc
