#include "kernel_cost.h"

#include "layers/active.h"
#include "layers/structural.h"
#include "passes/work.h"

namespace siamc {

namespace {

double rows_of(const Graph& graph, const Shape& shape, int tuples) {
    if (shape.rows == Rows::image) return static_cast<double>(graph.branches) * tuples;
    return shape.rows == Rows::tuple ? tuples : 1;
}

// Places of a layer's result that the same weights are applied to: 1, or the pixels of an image.
double places(const Shape& result) {
    return result.dims.empty() ? 1 : static_cast<double>(result.size()) / result.dims[0];
}

// Multiply-adds of one node over a batch, where `part` of its result is written. Gradients of a
// kernel have the adjoint as their last input; those that follow winners have a pooled one.
double work_of(const Graph& graph, const Node& node, double part, int tuples) {
    const Pattern pattern = node.op->pattern;
    if (pattern == Pattern::matmul || pattern == Pattern::convolution)
        return part * static_cast<double>(multiply_adds(graph, node)) *
               rows_of(graph, node.shape, tuples);
    if (pattern == Pattern::scatter && node.shape.rows == Rows::image) {
        const Shape adjoint = graph.shape_of(node.inputs[1]);
        return static_cast<double>(graph.shape_of(node.inputs[2]).size()) * places(adjoint) *
               rows_of(graph, adjoint, tuples);
    }
    const bool sums = pattern == Pattern::batch_sum || pattern == Pattern::slice_sum ||
                      pattern == Pattern::scatter;
    if (!sums || node.shape.dims.size() < 2) return 0;
    const Shape adjoint = graph.shape_of(node.inputs[own_inputs(node) - 1]);
    return part * static_cast<double>(node.shape.size()) * places(adjoint) *
           rows_of(graph, adjoint, tuples);
}

}  // namespace

KernelCost cost_of(const KernelTask& task) {
    const Graph& graph = *task.graph;
    const auto bytes_of = [](ElementType type) { return type == ElementType::uint8 ? 1.0 : 4.0; };
    KernelCost cost;
    double written = 1;  // share of the result
    int stored = 1;
    for (const Operand& operand : task.operands)
        if (graph[operand.node].op == &rows_op())
            stored = operand.rows_per_tuple * task.usual_tuples;
    for (const Operand& operand : task.operands) {
        double elements = 1;
        for (int extent : extents(operand, task.usual_tuples, stored)) elements *= extent;
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

}  // namespace siamc
