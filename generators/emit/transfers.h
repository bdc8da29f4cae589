// How a program on a device gets its batch and gives its results without the host: both lie in
// tables for many steps. A batch is a range of the tables' tuples.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

#include "passes/plan.h"

namespace siamc::compiler {

// A function that copies on the device. It reads `inputs`, then the numbers `first` (of the tables'
// tuples), `count` (tuples) and `step` (of the table of hyper-parameters), and writes `outputs`.
// The last extent of a table is 0: it has as many rows as it has.
struct Transfer {
    struct Part {
        std::string name;
        Operand operand;
    };
    std::vector<Part> inputs, outputs;
    int branches = 1;
};

// Into the arena: rows, shifts, labels and weights of the batch, whole tiles of it. Tuples that pad
// it show its last image and weigh nothing.
Transfer load_of(const Program& program);

// From the arena: each output of the program, one below the other, to its tuple's line of the
// results.
Transfer store_of(const Program& program);

// The hyper-parameters of the step.
Transfer load_of_optimizer();

Halide::Module generate_transfer(const Transfer& transfer, const Halide::GeneratorContext& context,
                                 const std::string& function_name);

}  // namespace siamc::compiler
