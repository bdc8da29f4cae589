// Memory to call a kernel with.
#pragma once

#include <Halide.h>

#include <memory>
#include <vector>

#include "emit/kernel_generator.h"

namespace siamc::compiler {

// Buffers for a call with the task's usual number of tuples, inputs filled with numbers that are
// the same for the same task, outputs with NaN.
class KernelBuffers {
  public:
    explicit KernelBuffers(const KernelTask& task);
    KernelBuffers(const KernelBuffers&) = delete;
    KernelBuffers& operator=(const KernelBuffers&) = delete;

    // The kernel's arguments, in its order.
    const void* const* arguments() const { return arguments_.data(); }

    // Floats of all outputs.
    long output_floats() const;
    // The outputs one after the other, without the gaps between rows.
    std::vector<float> outputs() const;
    // The largest difference of an output from `reference` (as outputs() gives it), relative to the
    // largest magnitude in that output's reference. NaN if anything is.
    double error_against(const float* reference) const;

  private:
    struct Box {
        std::vector<int> extents, strides;
        std::unique_ptr<std::uint8_t[]> memory;
        std::uint8_t* data = nullptr;
        halide_buffer_t buffer = {};
        std::vector<halide_dimension_t> dims;
    };

    void add(const KernelTask& task, std::size_t operand);
    static std::vector<float> values_of(const Box& box);
    static float value_of(const Box& box, long element);

    std::vector<std::unique_ptr<Box>> boxes_;
    std::vector<const void*> arguments_;
    std::size_t inputs_;
};

}  // namespace siamc::compiler
