// Kernels compiled as siamc compiles them, linked into a shared object, and run where they can be.
#pragma once

#include <Halide.h>

#include <memory>
#include <string>
#include <vector>

#include "emit/kernel_generator.h"
#include "support/kernel_runner.h"
#include "support/scratch_folder.h"

namespace siamc::compiler::test {

using siamc::test::ScratchFolder;

struct KernelTargets {
    Halide::Target schedule;      // what the kernels are scheduled for
    Halide::Target instructions;  // what they are translated to, and run on
};

// Both this machine.
KernelTargets host_targets();

Halide::Target avx512_target();  // AVX-512 as all processors since Skylake have it
Halide::Target neon_target();
Halide::Target opencl_target();  // GPUs have kernels of other programs: Processor::gpu

// Every processor that there are schedules for, each with its own instructions where they can be
// run: by this processor, or by an emulator that is here. Where they cannot, in this machine's
// instructions: a schedule's loops and tails are the same.
std::vector<KernelTargets> tested_targets();

// What it takes to run the target's instructions and is not here: features of this processor, an
// emulator, a device; empty if they can be run.
std::string missing_here(const Halide::Target& target);

class KernelLibrary {
  public:
    // Throws std::runtime_error if the kernels cannot be linked or loaded.
    KernelLibrary(const std::vector<KernelTask>& tasks, const KernelTargets& targets);

    // Calls the kernel of tasks[index]; as KernelRunner::run.
    std::string run(size_t index, const Boxes& boxes) const {
        return runner_->run(symbols_.at(index), boxes);
    }

  private:
    ScratchFolder folder_;
    std::vector<std::string> symbols_;
    std::unique_ptr<KernelRunner> runner_;
};

// What the program's calls do, each kernel once per call.
std::vector<KernelTask> tasks_of(const Program& program, ScheduleChoice choice);

}  // namespace siamc::compiler::test
