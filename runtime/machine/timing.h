// How everything here is timed: medians of blocks of calls, in turns, warm.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

namespace siamc {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of a non-empty list; of two in the middle the mean.
double median(std::vector<double> values);

using Work = std::function<void()>;

// One turn: `once` is called for a fifth of `seconds` to warm up, then timed for `seconds` in
// blocks that are long enough for the clock. The median block's seconds per call.
double time_turn(const Work& once, double seconds);

// Seconds per call of each work, in `rounds` rounds in which each has a turn, so that what slows
// the machine for a while slows all alike. The medians over the rounds.
std::vector<double> time_in_rounds(const std::vector<Work>& works, int rounds, double turn_seconds);

}  // namespace siamc
