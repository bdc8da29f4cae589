// triplet: max(0, D(anchor, positive) - D(anchor, negative) + margin) (Schroff, Kalenichenko and
// Philbin 2015). The gradient is 0 where the loss is 0.
#include <algorithm>

#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

Shape triplet_shape(const Graph&, const Node&) {
    return {{}, Rows::tuple};
}

// (D(a, p), D(a, n), adjoint) -> gradient with respect to D(a, p); that of D(a, n) is its negative.
const Op& triplet_grad_op() {
    static const Op op = {
        "triplet.grad", Pattern::elementwise, triplet_shape, [](const AlgorithmContext& context) {
            const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
            const auto& in = context.inputs;
            Var row("row");
            Func out("triplet_grad");
            out(row) = select(in[0](row) - in[1](row) + margin > 0.0f, in[2](row), 0.0f);
            return out;
        }};
    return op;
}

std::vector<Edge> triplet_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge positive{graph.add({&triplet_grad_op(),
                                   node.name + ".grad",
                                   {node.inputs[0], node.inputs[1], adjoint},
                                   node.attributes,
                                   {},
                                   node.location})};
    const Edge negative{
        graph.add({&negate_op(), node.name + ".grad_negative", {positive}, {}, {}, node.location})};
    return {positive, negative};
}

const Op& triplet_op() {
    static const Op op = {
        "triplet",
        Pattern::elementwise,
        triplet_shape,
        [](const AlgorithmContext& context) {
            const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
            Var row("row");
            Func out("triplet");
            out(row) = max(0.0f, context.inputs[0](row) - context.inputs[1](row) + margin);
            return out;
        },
        triplet_gradient,
        [](const Graph&, const Node& node, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const double margin = real(node.attributes, "margin");
            for (int row = 0; row < out.rows; ++row)
                out.data[row] = std::max(0.0, in[0]->data[row] - in[1]->data[row] + margin);
        }};
    return op;
}

}  // namespace

Layer triplet_layer() {
    Layer layer{"triplet", LayerKind::loss,
                "triplets: max(0, D(anchor, positive) - D(anchor, negative) + margin)"};
    layer.attributes = {
        {"margin", AttributeType::real, 1.0, 0, "how much nearer the positive has to be"}};
    layer.sees = Sees::triplets;
    layer.build = [](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&triplet_op(),
                               use.name,
                               use.inputs,
                               {{"margin", use.attributes.at("margin")}},
                               {},
                               use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
