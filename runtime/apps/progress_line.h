// The line that tells how training goes: rewritten in place on a terminal, one line an epoch
// elsewhere. It goes to stderr; stdout is for data.
#pragma once

#include <chrono>

#include "training/trainer.h"

namespace siamc {

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
