// weighted_l1: D = sum over c of w(c) |a(c) - b(c)| with trained weights w (Koch, Zemel and
// Salakhutdinov 2015, there before a sigmoid); `weighted_l1.kernel`, at first 1 / numbers of an
// embedding, the mean difference. Weights may become negative, and with them D.
//
// Embeddings are multiplied by the weights one by one, so their gradient is a sum over images as
// that of any layer; then w |a - b| = sign(w) |w a - w b|. A weight of exactly 0 has no gradient.
#include <cmath>

#include "layers/affine.h"
#include "layers/distance.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

constexpr const char* weights_name = "weighted_l1.kernel";

Edge weights_of(Graph& graph, const LayerUse& use, Edge embedding) {
    const long size = graph.shape_of(embedding).size();
    return parameter(graph, weights_name, {size}, use.location, 1.0 / static_cast<double>(size));
}

Expr sign_of_weight(const Func& weights, const Expr& c) {
    return select(weights(c) < 0.0f, -1.0f, 1.0f);
}

// (a, b, weights, adjoint), both embeddings weighted -> of a: adjoint sign(w) sign(a - b).
const Op& weighted_l1_grad_op() {
    static const Op op = {"weighted_l1.grad", Pattern::rowwise, distance_grad_shape,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const Var c("c"), row("row");
                              const Expr a = in[0](c, row), b = in[1](c, row);
                              Func out("weighted_l1_grad");
                              out(c, row) = in[3](row) * sign_of_weight(in[2], c) *
                                            select(a > b, 1.0f, a < b, -1.0f, 0.0f);
                              return out;
                          }};
    return op;
}

std::vector<Edge> weighted_l1_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge a = add_for(graph, node, weighted_l1_grad_op(), ".grad",
                           {node.inputs[0], node.inputs[1], node.inputs[2], adjoint});
    return {a, add_for(graph, node, negate_op(), ".grad_other", {a}), {}};
}

const Op& weighted_l1_op() {
    static const Op op = {
        "weighted_l1",
        Pattern::rowwise,
        distance_shape,
        [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const int size = context.graph.shape_of(context.node.inputs[0]).dims[0];
            const Var row("row");
            const RDom c(0, size, "c");
            Func out("weighted_l1");
            out(row) = 0.0f;
            out(row) += sign_of_weight(in[2], c) * abs(in[0](c, row) - in[1](c, row));
            return out;
        },
        weighted_l1_gradient,
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const std::size_t size = in[2]->data.size();
            std::fill(out.data.begin(), out.data.end(), 0.0);
            for (std::size_t i = 0; i < in[0]->data.size(); ++i)
                out.data[i / size] += (in[2]->data[i % size] < 0 ? -1 : 1) *
                                      std::abs(in[0]->data[i] - in[1]->data[i]);
        }};
    return op;
}

}  // namespace

Layer weighted_l1_layer() {
    Layer layer = distance_layer("weighted_l1",
                                 "sum of absolute differences times trained weights; tuples alone",
                                 weighted_l1_op());
    layer.prepare = [](Graph& graph, const LayerUse& use) {
        const Edge x = use.inputs[0];
        return scaled(graph, use, {x, weights_of(graph, use, x)});
    };
    layer.build = [](Graph& graph, const LayerUse& use) {
        const Edge weights = weights_of(graph, use, use.inputs[0]);
        return Edge{graph.add({&weighted_l1_op(),
                               use.name,
                               {use.inputs[0], use.inputs[1], weights},
                               {},
                               {},
                               use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
