// What a kernel has to do at least, whatever its schedule.
#pragma once

#include "emit/kernel_generator.h"

namespace siamc::compiler {

struct KernelCost {
    double flops = 0;  // of sums of products, 2 a multiply-add; per-element work is not counted
    double bytes = 0;  // every operand once; of stored images only those that are looked up
};

// In a call with the task's usual number of tuples.
KernelCost cost_of(const KernelTask& task);

}  // namespace siamc::compiler
