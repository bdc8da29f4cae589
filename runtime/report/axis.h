// Axes with round numbers on them.
#pragma once

#include <string>
#include <vector>

namespace siamc {

// A range of values on a range of pixels, either way round.
struct Axis {
    double low = 0, high = 1;         // values, low < high
    double from = 0, to = 1;          // their places
    std::vector<double> ticks;        // ascending, within the range
    std::vector<std::string> labels;  // of the ticks, all with the same number of decimals

    double place(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

// About `count` ticks at round numbers; the range grows to the ticks around low … high. low < high.
Axis round_axis(double low, double high, int count);

// 1 … epochs, ticks at whole numbers. One epoch stands in the middle.
Axis epoch_axis(int epochs, int count);

}  // namespace siamc
