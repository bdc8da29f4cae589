#include "kernel_cost.h"

#include "layers/active.h"
#include "layers/structural.h"

namespace siamc {

namespace {

double rows_of(const Graph& graph, const Shape& shape, int tuples) {
    if (shape.rows == Rows::image) return static_cast<double>(graph.branches) * tuples;
    return shape.rows == Rows::tuple ? tuples : 1;
}

// Places of a layer's result that the same weights are applied to: 1, or the pixels of a
// convolution. Innermost are the units or channels.
double places(const Shape& result) {
    return result.dims.empty() ? 1 : static_cast<double>(result.size()) / result.dims[0];
}

// Multiply-adds of one node whose result has that many elements (a block of it, perhaps).
double multiply_adds(const Graph& graph, const Node& node, double elements, int tuples) {
    if (node.op->pattern == Pattern::matmul) {
        const double weights = static_cast<double>(graph.shape_of(node.inputs[1]).size());
        return weights * places(node.shape) * rows_of(graph, node.shape, tuples);
    }
    if (node.op->pattern == Pattern::batch_sum) {
        const Shape adjoint = graph.shape_of(node.inputs[own_inputs(node) - 1]);
        return elements * places(adjoint) * rows_of(graph, adjoint, tuples);
    }
    return 0;
}

}  // namespace

KernelCost cost_of(const KernelTask& task) {
    const Graph& graph = *task.graph;
    const auto bytes_of = [](ElementType type) { return type == ElementType::uint8 ? 1.0 : 4.0; };
    KernelCost cost;
    double written = 0;
    int stored = 1;
    for (const Operand& operand : task.operands)
        if (graph[operand.node].op == &rows_op())
            stored = operand.rows_per_tuple * task.usual_tuples;
    for (const Operand& operand : task.operands) {
        double elements = 1;
        for (int extent : extents(operand, task.usual_tuples, stored)) elements *= extent;
        cost.bytes += elements * bytes_of(operand.type);
        written = elements;  // outputs come last
    }
    for (NodeId id : task.kernel->nodes)
        cost.flops += 2 * multiply_adds(graph, graph[id], written, task.usual_tuples);
    return cost;
}

}  // namespace siamc
