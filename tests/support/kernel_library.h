// Kernels compiled as siamc compiles them, linked into a shared object and loaded.
#pragma once

#include <Halide.h>

#include <filesystem>
#include <string>
#include <vector>

#include "emit/kernel_generator.h"

namespace siamc::test {

struct KernelTargets {
    Halide::Target schedule;      // what the kernels are scheduled for
    Halide::Target instructions;  // what they are translated to
};

// Both this machine.
KernelTargets host_targets();

// A kernel: an argument per operand.
using KernelFunction = int (*)(void** arguments);

class KernelLibrary {
  public:
    // Throws std::runtime_error if the kernels cannot be linked or loaded.
    KernelLibrary(const std::vector<KernelTask>& tasks, const KernelTargets& targets);
    ~KernelLibrary();
    KernelLibrary(const KernelLibrary&) = delete;
    KernelLibrary& operator=(const KernelLibrary&) = delete;

    // Of tasks[index].
    KernelFunction function(size_t index) const { return functions_.at(index); }

  private:
    void link(const std::filesystem::path& folder, const std::vector<std::string>& objects);

    void* handle_ = nullptr;
    std::vector<KernelFunction> functions_;
};

// What the program's calls do, each kernel once per call.
std::vector<KernelTask> tasks_of(const Program& program, ScheduleChoice choice);

// The features of the target that this processor lacks, by name; empty if it can run it.
std::string missing_here(const Halide::Target& target);

}  // namespace siamc::test
