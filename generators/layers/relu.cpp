// relu: max(0, x), with gradient 0 at 0.
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Func;

namespace {

Func relu_algorithm(const AlgorithmContext& context) {
    const auto vars = index_vars(context.node.shape);
    const Halide::Expr x = context.inputs[0](vars);
    Func out("relu");
    out(vars) = select(x > 0.0f, x, 0.0f);
    return out;
}

// (relu's result, adjoint): the result is positive exactly where the input is, so the input need
// not be kept.
const Op& relu_grad_op() {
    static const Op op = {
        "relu.grad", Pattern::elementwise, shape_of_first, [](const AlgorithmContext& context) {
            const auto vars = index_vars(context.node.shape);
            Func out("relu_grad");
            out(vars) = select(context.inputs[0](vars) > 0.0f, context.inputs[1](vars), 0.0f);
            return out;
        }};
    return op;
}

std::vector<Edge> relu_gradient(Graph& graph, NodeId self, Edge adjoint) {
    return {{graph.add({&relu_grad_op(),
                        graph[self].name + ".grad",
                        {{self}, adjoint},
                        {},
                        {},
                        graph[self].location})}};
}

void relu_reference(const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                    Tensor64& out) {
    for (size_t i = 0; i < out.data.size(); ++i)
        out.data[i] = in[0]->data[i] > 0 ? in[0]->data[i] : 0;
}

const Op& relu_op() {
    static const Op op = [] {
        Op relu = {"relu",         Pattern::elementwise, shape_of_first,
                   relu_algorithm, relu_gradient,        relu_reference};
        relu.commutes_with_max = true;
        return relu;
    }();
    return op;
}

}  // namespace

Layer relu_layer() {
    Layer layer{"relu", LayerKind::layer, "max(0, x); the gradient at 0 is 0"};
    layer.build = [](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&relu_op(), use.name, use.inputs, {}, {}, use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
