#include "layers/roles.h"
#include "layers/structural.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

namespace {

using Halide::Func;

// Fewer weights are in the first cache anyway.
constexpr long least_halved = 4096;

// (parameter) -> the same rounded to halves; what reads it reads floats.
const Op& halved_op() {
    static const Op op = [] {
        Op halved = {"halved", Pattern::parameter, shape_of_first,
                     [](const AlgorithmContext& context) {
                         const auto vars = index_vars(context.node.shape);
                         Func out = func_as(Role::each_parameter);
                         out(vars) = Halide::cast(Halide::Float(16), context.inputs[0](vars));
                         return out;
                     }};
        halved.type = ElementType::float16;
        return halved;
    }();
    return op;
}

bool is_halved(const Graph& graph, const Node& node) {
    const bool multiplies =
        node.op->pattern == Pattern::matmul || node.op->pattern == Pattern::convolution;
    return multiplies && graph.shape_of(node.inputs[1]).size() >= least_halved;
}

}  // namespace

Graph halve_weights(const Graph& graph) {
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto&) {
        if (is_halved(graph, graph[id]))
            node.inputs[1] = add_for(result, node, halved_op(), ".halved", {node.inputs[1]});
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
