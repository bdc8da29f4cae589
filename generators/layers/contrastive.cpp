// contrastive: y D^2 + (1 - y) max(0, margin - D)^2; y = 1 for a pair of one class (Hadsell,
// Chopra and LeCun 2006, without the factor 1/2).
#include <algorithm>

#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

Shape contrastive_shape(const Graph&, const Node&) {
    return {{}, Rows::tuple};
}

// (D, y, adjoint) -> adjoint (2 y D - 2 (1 - y) max(0, margin - D))
const Op& contrastive_grad_op() {
    static const Op op = {
        "contrastive.grad", Pattern::elementwise, contrastive_shape,
        [](const AlgorithmContext& context) {
            const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
            const auto& in = context.inputs;
            Var row("row");
            const Expr d = in[0](row), y = in[1](row);
            Func out("contrastive_grad");
            out(row) = in[2](row) * 2.0f * select(y > 0.5f, d, -max(0.0f, margin - d));
            return out;
        }};
    return op;
}

std::vector<Edge> contrastive_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge d{graph.add({&contrastive_grad_op(),
                            node.name + ".grad",
                            {node.inputs[0], node.inputs[1], adjoint},
                            node.attributes,
                            {},
                            node.location})};
    return {d, Edge{}};
}

const Op& contrastive_op() {
    static const Op op = {
        "contrastive",
        Pattern::elementwise,
        contrastive_shape,
        [](const AlgorithmContext& context) {
            const auto margin = static_cast<float>(real(context.node.attributes, "margin"));
            Var row("row");
            const Expr d = context.inputs[0](row), y = context.inputs[1](row);
            const Expr short_of = max(0.0f, margin - d);
            Func out("contrastive");
            // Chosen, not weighted: the other label's term would leave its rounding behind.
            out(row) = select(y > 0.5f, d * d, short_of * short_of);
            return out;
        },
        contrastive_gradient,
        [](const Graph&, const Node& node, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const double margin = real(node.attributes, "margin");
            for (int row = 0; row < out.rows; ++row) {
                const double d = in[0]->data[row], y = in[1]->data[row];
                const double short_of = std::max(0.0, margin - d);
                out.data[row] = y * d * d + (1 - y) * short_of * short_of;
            }
        }};
    return op;
}

}  // namespace

Layer contrastive_layer() {
    Layer layer{"contrastive", LayerKind::loss,
                "pairs: y D^2 + (1 - y) max(0, margin - D)^2, y = 1 for one class"};
    layer.attributes = {{"margin", AttributeType::real, 1.0, 0,
                         "distance from which different images cost nothing"}};
    layer.sees = Sees::pairs;
    layer.build = [](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&contrastive_op(),
                               use.name,
                               use.inputs,
                               {{"margin", use.attributes.at("margin")}},
                               {},
                               use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
