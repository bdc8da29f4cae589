// Plans of some models, and what their calls touch.
#pragma once

#include <string>
#include <vector>

#include "passes/planning.h"

namespace siamc::compiler::test {

struct Planned {
    std::string what;
    Program program;
    ParameterLayout parameters;
};

// Of the shipped models and two odd ones, for batches of several sizes.
std::vector<Planned> plans();

// How a batch of so many tuples is cut, by the executor's own rule.
struct Slicing {
    int tuples, slice, count;
};

Slicing slicing_of(const Program& program, int tuples);
// Every number of whole register tiles that the program can be called with.
std::vector<Slicing> slicings_of(const Program& program);

inline bool by_slices(const Call& call) {
    return call.tasks == 0;
}

// Bytes [begin, end) that a task of a call may touch of an operand.
struct Range {
    long begin, end;
};

Range range_of(const Slicing& slicing, int branches, const Call& call, const Operand& operand,
               int task);

// visit(call, task, operand, range, whether it is written), for all of them.
template <typename Visit>
void for_each_access(const Program& program, const Slicing& slicing, Visit&& visit) {
    for (size_t c = 0; c < program.calls.size(); ++c) {
        const Call& call = program.calls[c];
        const int tasks = call.tasks ? call.tasks : slicing.count;
        const size_t inputs = program.kernels[static_cast<size_t>(call.kernel)].inputs.size();
        for (int task = 0; task < tasks; ++task)
            for (size_t i = 0; i < call.operands.size(); ++i)
                visit(static_cast<int>(c), task, call.operands[i],
                      range_of(slicing, program.graph.branches, call, call.operands[i], task),
                      i >= inputs);
    }
}

template <typename Visit>
void for_each_access(const Program& program, Visit&& visit) {
    for_each_access(program, slicing_of(program, program.batch), visit);
}

// Of the tensor that the node is or shows; nullptr if it does not lie in the arena.
const Placement* placement_of(const Program& program, NodeId id);

}  // namespace siamc::compiler::test
