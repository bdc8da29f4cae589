// Compiled kernels run on guarded memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/evaluate.h"
#include "support/kernel_library.h"

namespace siamc::compiler::test {

struct Findings {
    long compared = 0;                // numbers
    std::vector<std::string> faults;  // at most a few per kernel, each with the kernel's name
};

// Runs every call of the program, every task of it, with each buffer against a page that may not be
// touched: first the page after its last byte, then the page before its first. Inputs are exact;
// outputs must be within the bounds of their rounding, and nothing else may be written.
// library: its task first + i is that of the program's call i.
Findings check_kernels(const Program& program, const ProgramValues& values,
                       const KernelLibrary& library, size_t first = 0);

// The program as its kernels compute it: the value of every source and of every kernel's outputs.
std::map<NodeId, Tensor64> run_kernels(const Program& program,
                                       const std::map<NodeId, Tensor64>& sources,
                                       const RowCounts& rows, const KernelLibrary& library);

}  // namespace siamc::compiler::test
