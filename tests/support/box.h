// One buffer of one task of a kernel: a box of a tensor, in memory that holds no byte more.
#pragma once

#include <Halide.h>

#include <array>
#include <vector>

#include "passes/plan.h"
#include "support/evaluate.h"
#include "support/guarded_memory.h"

namespace siamc::compiler::test {

using siamc::test::Against;
using siamc::test::GuardedMemory;

class Box {
  public:
    // What the operand shows of the tensor in that task. Holds no values yet: all bits are set.
    Box(const Operand& operand, const Tensor64& tensor, int task, Against side);

    // visit(point, element in memory, index in the tensor) for every element.
    template <typename Visit>
    void for_each(Visit&& visit) const {
        std::vector<int> point(extent_.size());
        for (bool more = true; more;) {
            long here = 0, there = 0;
            for (size_t d = 0; d < point.size(); ++d) {
                here += static_cast<long>(point[d]) * operand_.stride[d];
                there += (start_[d] + static_cast<long>(point[d])) * tensor_stride_[d];
            }
            visit(point, memory_.data() + here * element_bytes_, static_cast<size_t>(there));
            more = false;
            for (size_t d = 0; d < point.size() && !more; ++d) {
                more = ++point[d] < extent_[d];
                if (!more) point[d] = 0;
            }
        }
    }

    void fill(const Tensor64& tensor);
    void read_into(Tensor64& tensor) const;
    // The number that an element holds.
    double value(const uint8_t* element) const;
    // Every element still is what fill() made it.
    bool holds(const Tensor64& tensor) const;
    const GuardedMemory& memory() const { return memory_; }

    // The buffer's description; valid as long as the box.
    halide_buffer_t* buffer();

  private:
    const Operand& operand_;
    long element_bytes_;
    std::vector<int> extent_, start_;
    std::vector<long> tensor_stride_;
    GuardedMemory memory_;
    halide_buffer_t buffer_ = {};
    std::array<halide_dimension_t, 8> dims_;
};

}  // namespace siamc::compiler::test
