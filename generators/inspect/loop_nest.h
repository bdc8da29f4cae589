#pragma once

#include <string>

#include "emit/kernel_generator.h"

namespace siamc::compiler {

// The loops of a kernel as its schedule has them for the target, one a line, as Halide's
// print_loop_nest shows them, less the numbers that Halide gives to split variables.
std::string loop_nest(const KernelTask& task, const Halide::Target& target);

}  // namespace siamc::compiler
