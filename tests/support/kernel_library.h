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
    // Whether the kernels run on a device, where run_on_device must call them.
    bool on_device() const { return on_device_; }
    // Calls the kernel with buffers of the host's memory: copies them to the device, and what it
    // wrote (the buffers from `inputs` on) back. 0, or an error code of Halide's.
    int run_on_device(size_t index, const std::vector<void*>& buffers, size_t inputs) const;

  private:
    void link(const std::filesystem::path& folder, const std::vector<std::string>& objects);
    void* symbol(const std::string& name) const;

    void* handle_ = nullptr;
    bool on_device_;
    std::vector<KernelFunction> functions_;
};

// What the program's calls do, each kernel once per call.
std::vector<KernelTask> tasks_of(const Program& program, ScheduleChoice choice);

// The features of the target that this processor lacks, by name; empty if it can run it.
std::string missing_here(const Halide::Target& target);

}  // namespace siamc::test
