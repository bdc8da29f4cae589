// The line that tells how training goes: rewritten in place on a terminal and never wider than it,
// one line an epoch elsewhere. It goes to stderr; stdout is for data.
#pragma once

#include <chrono>
#include <string>

#include "training/trainer.h"

namespace siamc {

// The line after a step, in at most `width` columns: with less room the bar goes first, then the
// accuracy, then the time left, then the loss; what is still too long is cut. `left`: seconds.
std::string progress_text(const Progress& progress, int epochs, double left, std::size_t width);

// The line after an epoch, likewise.
std::string epoch_text(const EpochRow& row, int epochs, std::size_t width);

class ProgressLine {
  public:
    // `quiet`: nothing at all is shown.
    ProgressLine(int epochs, bool quiet);

    void step(const Progress& progress);
    void epoch(const EpochRow& row);

  private:
    int epochs_;
    bool quiet_, terminal_;
    std::chrono::steady_clock::time_point start_, shown_;
};

}  // namespace siamc
