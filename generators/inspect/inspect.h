// siamc inspect: what the compiler makes of a model, as one HTML page that loads nothing.
#pragma once

#include <string>
#include <vector>

#include "compile.h"

namespace siamc::compiler {

// What one step of an entry point's way through the compiler left.
struct StepRecord {
    std::string step, entry;
    Graph graph;
    std::string text;
};

// Appends a record a step. The list must outlive the compilation.
Observer record_into(std::vector<StepRecord>& records);

// What kernels are held against: of one thread.
struct Machine {
    double gflops = 0;  // of multiply-adds, two operations each; 0: peak_gflops_of the variant
    double gbs = 20;    // at which operands are read and written: what one core gets from memory
};

// Of a core that starts two vector multiply-adds a cycle, at 3 GHz: 12 GFLOP/s a float.
double peak_gflops_of(const Halide::Target& target);

// The page of a library that compile_model made while the records were taken. `batch`: the most
// tuples of a training step.
std::string inspect_page(const Library& library, const std::vector<StepRecord>& records, int batch,
                         const Machine& machine);

}  // namespace siamc::compiler
