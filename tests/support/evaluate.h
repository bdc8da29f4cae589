// Nodes and whole programs in double.
#pragma once

#include <map>
#include <vector>

#include "passes/plan.h"
#include "support/interpreter.h"

namespace siamc::compiler::test {

// How many rows there are of each kind.
struct RowCounts {
    int tuples = 0;
    int branches = 1;
    int dataset = 0;
    int tile = 1;  // rows of a register tile
    // Of a backward pass that skips tuples without a gradient; -1: all.
    int active_tuples = -1, active_images = -1;

    int of(Rows rows) const;
};

Tensor64 make_tensor(const Shape& shape, const RowCounts& rows);

// A node's algorithm on its own: an ImageParam per input, dims innermost first, then rows.
struct Algorithm {
    std::vector<Halide::ImageParam> params;
    std::vector<Halide::Func> inputs;
    Halide::Func result;
};

// `rows`: of the whole batch.
Algorithm algorithm_of(const Graph& graph, NodeId id, const RowCounts& rows);

// The node's value from those of its inputs, by its algorithm; views and `rows` as they are.
Bounded evaluate(const Graph& graph, NodeId id, const std::map<NodeId, Bounded>& values,
                 const RowCounts& rows);

// Adds the values of views and picks whose inputs are there.
void add_shown(const Graph& graph, std::map<NodeId, Bounded>& values, const RowCounts& rows);

// The node's value by its reference implementation. Throws std::logic_error if it has none.
Tensor64 evaluate_reference(const Graph& graph, NodeId id, const std::map<NodeId, Tensor64>& values,
                            const RowCounts& rows);

// A program in double, kernel by kernel. Between kernels values are rounded to float, as memory
// rounds them, so each kernel can be judged by itself.
class ProgramValues {
  public:
    // `sources`: a value for every source of the program's graph, exact in its type.
    ProgramValues(const Program& program, const std::map<NodeId, Tensor64>& sources,
                  const RowCounts& rows);

    // What kernels read.
    const Tensor64& stored(NodeId id) const { return stored_.at(id).tensor; }
    // What a kernel must write.
    const Bounded& expected(NodeId id) const { return expected_.at(id); }
    const RowCounts& rows() const { return rows_; }

  private:
    void run(const Graph& graph, const Kernel& kernel);

    std::map<NodeId, Bounded> stored_, expected_;
    RowCounts rows_;
};

}  // namespace siamc::compiler::test
