#include "layers/functions.h"

#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;

Op slope_op(const std::string& name, const Function& slope) {
    return {name, Pattern::elementwise, shape_of_first, [slope](const AlgorithmContext& context) {
                const auto vars = index_vars(context.node.shape);
                Func out("slope");
                out(vars) = slope(context.inputs[0](vars)) * context.inputs[1](vars);
                return out;
            }};
}

Op function_op(const std::string& name, const Function& value, const Op& slope, SlopeOf of,
               const std::function<double(double)>& reference) {
    Op op{name, Pattern::elementwise, shape_of_first};
    op.algorithm = [value](const AlgorithmContext& context) {
        const auto vars = index_vars(context.node.shape);
        Func out("function");
        out(vars) = value(context.inputs[0](vars));
        return out;
    };
    op.gradient = [&slope, of](Graph& graph, NodeId self, Edge adjoint) -> std::vector<Edge> {
        const Node node = graph[self];
        const Edge at = of == SlopeOf::input ? node.inputs[0] : Edge{self};
        return {add_for(graph, node, slope, ".grad", {at, adjoint})};
    };
    op.reference = [reference](const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                               Tensor64& out) {
        for (size_t i = 0; i < out.data.size(); ++i) out.data[i] = reference(in[0]->data[i]);
    };
    return op;
}

Layer function_layer(const Op& op, const std::string& help) {
    Layer layer{op.name, LayerKind::layer, help};
    layer.build = [&op](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&op, use.name, use.inputs, {}, {}, use.location})};
    };
    return layer;
}

Logistic::Logistic(const Expr& x) {
    const Expr power = exp(clamp(-x, -logistic_bound, logistic_bound));
    value = 1.0f / (1.0f + power);
    rest = power * value;
}

}  // namespace siamc::compiler
