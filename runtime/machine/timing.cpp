#include "machine/timing.h"

#include <algorithm>

namespace siamc {

namespace {

constexpr double block_seconds = 100e-6;  // the clock's own 50 ns are then lost in the noise

double time_block(const Work& once, long calls) {
    const auto start = Clock::now();
    for (long i = 0; i < calls; ++i) once();
    return seconds_since(start);
}

}  // namespace

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double time_turn(const Work& once, double seconds) {
    const auto start = Clock::now();
    long warm_calls = 0;
    do {
        once();
        ++warm_calls;
    } while (seconds_since(start) < seconds / 5);
    const double per_call = seconds_since(start) / static_cast<double>(warm_calls);
    const long calls = std::max(1L, static_cast<long>(block_seconds / per_call));
    std::vector<double> blocks;
    const auto timed = Clock::now();
    do blocks.push_back(time_block(once, calls) / static_cast<double>(calls));
    while (seconds_since(timed) < seconds);
    return median(blocks);
}

std::vector<double> time_in_rounds(const std::vector<Work>& works, int rounds,
                                   double turn_seconds) {
    std::vector<std::vector<double>> turns(works.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t w = 0; w < works.size(); ++w)
            turns[w].push_back(time_turn(works[w], turn_seconds));
    std::vector<double> medians;
    for (std::vector<double>& times : turns) medians.push_back(median(times));
    return medians;
}

}  // namespace siamc
