// The register tiles that a kernel can be tried with.
#pragma once

#include "emit/kernel_generator.h"

namespace siamc::compiler {

// The rule's own tile (all 0) first; nothing else if the kernel's schedule leaves nothing open.
std::vector<ScheduleParameters> candidates(const KernelTask& task, const Halide::Target& target);

}  // namespace siamc::compiler
