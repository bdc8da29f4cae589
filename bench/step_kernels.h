// What each kernel takes within whole steps of training, among the others and on all threads.
#pragma once

#include <siamc/siamc.h>

#include <string>
#include <vector>

#include "machine/timing.h"

namespace siamc {

struct KernelTime {
    std::string name;
    bool of_loss;    // computes distances, the loss, or the loss's gradient of the embeddings
    double seconds;  // of a step, added up over the threads
};

struct StepTimes {
    double seconds;                   // a step, by the clock
    std::vector<KernelTime> kernels;  // in the order of their calls
};

// A loss and an optimiser again, with kernels that note how long they take. One at a time.
class ClockedStep {
  public:
    // std::length_error if there are more kernels than it has clocks.
    ClockedStep(const siamc_model& model, const siamc_loss& loss, const siamc_optimizer& optimizer);
    ClockedStep(const ClockedStep&) = delete;
    ClockedStep& operator=(const ClockedStep&) = delete;

    const siamc_loss& loss() const { return loss_; }
    const siamc_optimizer& optimizer() const { return optimizer_; }

    // Medians over the rounds, each of which takes `step` again and again; that has to be a step
    // with the loss and the optimiser above.
    StepTimes run(const Work& step, int rounds, double turn_seconds) const;

  private:
    // A program with calls of its own, each of which has a clock.
    struct Clocked {
        Clocked(const siamc_program& from, std::size_t first_clock);

        std::vector<siamc_call> calls;
        siamc_program program;
    };

    Clocked train_, update_;
    siamc_loss loss_;
    siamc_optimizer optimizer_;
    std::vector<KernelTime> kernels_;  // names, and what is the loss's
};

}  // namespace siamc
