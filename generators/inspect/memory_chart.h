// The arena of a program over its calls, as rectangles: bytes by calls.
#pragma once

#include <string>
#include <vector>

#include "passes/plan.h"

namespace siamc::compiler {

struct MemoryBox {
    std::string name;         // of the tensor
    int slice = -1;           // whose; -1: the whole batch's
    long begin = 0, end = 0;  // bytes of the arena
    int first_call = 0, last_call = 0;
};

// Every tensor's place, those of slices once a slice, and last the executor's note of the slices'
// first images.
std::vector<MemoryBox> memory_boxes(const Program& program);

}  // namespace siamc::compiler
