// The register tiles that a kernel can be tried with.
#pragma once

#include "emit/kernel_generator.h"

namespace siamc {

// Of targets whose registers are alike: "avx512", "avx2", "sse41", "neon".
std::string target_family(const Halide::Target& target);

// The rule's own tile (all 0) first; nothing else if the kernel's schedule leaves nothing open.
std::vector<ScheduleParameters> candidates(const KernelTask& task, const Halide::Target& target);

}  // namespace siamc
