#include "training/schedule.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace siamc {

double RateSchedule::rate(long step, long steps) const {
    if (kind == Kind::constant) return peak;
    const double rising = warmup * static_cast<double>(steps);
    const double at = static_cast<double>(step) + 0.5;
    const auto between = [](double from, double to, double share) {
        return to + (from - to) * (1 + std::cos(std::numbers::pi * share)) / 2;
    };
    if (at < rising) return between(peak / 25, peak, at / rising);
    return between(peak, peak / 1e4, (at - rising) / (static_cast<double>(steps) - rising));
}

RateSchedule::Kind parse_schedule(const std::string& text) {
    if (text == "constant") return RateSchedule::Kind::constant;
    if (text == "one_cycle") return RateSchedule::Kind::one_cycle;
    fail(Exit::usage, "--schedule: no schedule '{}'\n  write: constant or one_cycle", text);
}

}  // namespace siamc
