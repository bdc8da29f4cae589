// A plan in the making: what its steps know of it and ask of it. passes/plan.cpp cuts the batch and
// the calls into parts, passes/arena.cpp places tensors, passes/calls.cpp says what each call reads
// and writes.
#pragma once

#include "passes/plan.h"
#include "passes/share.h"

namespace siamc::compiler {

constexpr long most_bytes = (1L << 31) - 1;  // of a buffer
constexpr long line_bytes = 64;              // a cache line: tensors start on one

// Read by every slice, or task, whole.
inline bool is_undivided(Rows rows) {
    return rows == Rows::batch || rows == Rows::slices;
}

struct Planning {
    Program program;
    bool on_gpu = false;
    bool shared = false;  // tasks share the work on one image
    Sharing sharing = {};

    const Node& node(NodeId id) const { return program.graph[id]; }
    // The tensor whose memory a view shows.
    NodeId base(NodeId id) const { return base_of(program.graph, id); }
    // By slices run the kernels of that stage, unless tasks share a single row.
    bool by_slices(const Kernel& kernel) const {
        return stage_of(kernel) == Stage::slices && !shared;
    }
    // Reads parameters alone: an encoder runs it once for all images.
    bool is_prologue(size_t kernel) const {
        return stage_of(program.kernels[kernel]) == Stage::prologue;
    }
    // Read by the caller, perhaps under another shape.
    bool is_output(NodeId id) const;
    bool is_gradient(NodeId id) const { return !node(id).gradient_of.empty(); }
    bool in_arena(NodeId id) const;
    // Elements between the rows of a tensor.
    long row_stride(NodeId id) const;
};

// Places every tensor of the arena: program.arena and what the executor's own lists take.
void lay_out_arena(Planning& planning);

// program.calls, one a kernel, with what each reads and writes. Throws ModelError at the line of a
// layer whose tensors are larger than kernels reach.
void make_calls(Planning& planning, const ParameterLayout& parameters);

}  // namespace siamc::compiler
