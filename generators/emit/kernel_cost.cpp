#include "emit/kernel_cost.h"

#include <algorithm>

#include "layers/active.h"
#include "layers/structural.h"
#include "passes/work.h"

namespace siamc::compiler {

namespace {

double rows_of(const Graph& graph, const Shape& shape, int tuples) {
    const int rows = row_count(shape.rows, graph.branches, tuples, 1);
    return std::max(rows, 1);
}

// Multiply-adds of one node over a batch, where `part` of its result is written. Sums over rows
// walk those of the adjoint.
double work_of(const Graph& graph, const Node& node, double part, int tuples) {
    const long work = multiply_adds(graph, node);
    if (work == 0) return 0;
    const bool sums = node.shape.rows == Rows::none || node.shape.rows == Rows::slice;
    const Shape walked = sums ? graph.shape_of(node.inputs[own_inputs(node) - 1]) : node.shape;
    return part * static_cast<double>(work) * rows_of(graph, walked, tuples);
}

}  // namespace

KernelCost cost_of(const KernelTask& task) {
    const Graph& graph = *task.graph;
    const auto bytes_of = [](ElementType type) { return static_cast<double>(element_bytes(type)); };
    KernelCost cost;
    double written = 1;  // share of the result
    int stored = 1;
    for (const Operand& operand : task.operands)
        if (graph[operand.node].op == &rows_op()) stored = graph.branches * task.usual_tuples;
    for (const Operand& operand : task.operands) {
        double elements = 1;
        for (int extent : extents(task, operand, stored)) elements *= extent;
        cost.bytes += elements * bytes_of(operand.type);
        const Shape& shape = graph[operand.node].shape;  // outputs come last
        written = 1;
        for (size_t d = 0; d < shape.dims.size(); ++d)
            written *= static_cast<double>(operand.extent[d]) / shape.dims[d];
    }
    for (NodeId id : task.kernel->nodes)
        cost.flops += 2 * work_of(graph, graph[id], written, task.usual_tuples);
    return cost;
}

}  // namespace siamc::compiler
