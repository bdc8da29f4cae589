#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace siamc {
namespace {

// 1, 2 or 5 times a power of ten: the smallest step that isn't below `least`.
double round_step(double least) {
    const double power = std::pow(10, std::floor(std::log10(least)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= least * (1 - 1e-9)) return factor * power;
    }
    return 10 * power;
}

std::string label(double value, double step) {
    const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
    if (decimals > 4 || step >= 1e6) return fmt::format("{:.3g}", value);
    return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

Axis round_axis(double low, double high, int count) {
    const double step = round_step((high - low) / count);
    const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
    Axis axis;
    axis.low = first * step;
    axis.high = last * step;
    for (double i = first; i <= last; ++i) {
        axis.ticks.push_back(i * step);
        axis.labels.push_back(label(i == 0 ? 0 : i * step, step));
    }
    return axis;
}

Axis epoch_axis(int epochs, int count) {
    Axis axis;
    axis.low = epochs == 1 ? 0.5 : 1;
    axis.high = epochs == 1 ? 1.5 : epochs;
    const int step =
        static_cast<int>(round_step(std::max(1.0, static_cast<double>(epochs) / count)));
    axis.ticks.push_back(1);
    for (int tick = step == 1 ? 2 : step; tick <= epochs; tick += step) axis.ticks.push_back(tick);
    for (const double tick : axis.ticks) axis.labels.push_back(fmt::format("{}", tick));
    return axis;
}

}  // namespace siamc
