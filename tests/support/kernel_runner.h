// How the kernels of a shared object are called: by this processor, by an emulated one, on a
// device.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/box.h"

namespace siamc::compiler::test {

// What a kernel is called with, operand by operand.
using Boxes = std::vector<std::unique_ptr<Box>>;

class KernelRunner {
  public:
    virtual ~KernelRunner() = default;
    // Calls the kernel of that symbol; but on devices in a process of its own, so that one that
    // touches what it may not harms nobody. Returns "" if all was well, otherwise what became of
    // it. Throws std::runtime_error if there is no such kernel, or no such process.
    virtual std::string run(const std::string& symbol, const Boxes& boxes) = 0;
};

// On this processor. Throws std::runtime_error if the object cannot be loaded.
std::unique_ptr<KernelRunner> native_runner(const std::filesystem::path& object);

// On a 64-bit ARM that QEMU makes (emulator_is_here), as long as the object's file is there.
std::unique_ptr<KernelRunner> emulated_runner(const std::filesystem::path& object);

// On the device of the first OpenCL driver (opencl_is_here): a GPU, or a processor.
std::unique_ptr<KernelRunner> device_runner(const std::filesystem::path& object);

bool opencl_is_here();

// Whether this build found QEMU for 64-bit ARM, a compiler for it, and so has the kernel server.
bool emulator_is_here();

}  // namespace siamc::compiler::test
