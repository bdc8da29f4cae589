// squared_euclidean: D = |a - b|^2.
#include "layers/distance.h"
#include "layers/pairwise.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::Var;

namespace {

// (a, b, adjoint) -> gradient with respect to a: 2 adjoint (a - b).
const Op& squared_euclidean_grad_op() {
    static const Op op = {"squared_euclidean.grad", Pattern::rowwise, distance_grad_shape,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              Var c("c"), row("row");
                              Func out("squared_euclidean_grad");
                              out(c, row) = 2.0f * in[2](row) * (in[0](c, row) - in[1](c, row));
                              return out;
                          }};
    return op;
}

std::vector<Edge> squared_euclidean_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge a{graph.add({&squared_euclidean_grad_op(),
                            node.name + ".grad",
                            {node.inputs[0], node.inputs[1], adjoint},
                            {},
                            {},
                            node.location})};
    const Edge b{graph.add({&negate_op(), node.name + ".grad_other", {a}, {}, {}, node.location})};
    return {a, b};
}

const Op& squared_euclidean_op() {
    static const Op op = {
        "squared_euclidean",
        Pattern::rowwise,
        distance_shape,
        [](const AlgorithmContext& context) {
            const int size = context.graph.shape_of(context.node.inputs[0]).dims[0];
            return squared_distance(context.inputs[0], context.inputs[1], size);
        },
        squared_euclidean_gradient,
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const int size = in[0]->shape.dims[0];
            for (int row = 0; row < out.rows; ++row) {
                out.data[row] = 0;
                for (int c = row * size; c < (row + 1) * size; ++c)
                    out.data[row] +=
                        (in[0]->data[c] - in[1]->data[c]) * (in[0]->data[c] - in[1]->data[c]);
            }
        }};
    return op;
}

}  // namespace

Layer squared_euclidean_layer() {
    Layer layer =
        distance_layer("squared_euclidean", "sum of squared differences", squared_euclidean_op());
    layer.build_matrix = [](Graph& graph, const LayerUse& use) {
        return squared_distances(graph, use, use.inputs[0]);
    };
    return layer;
}

}  // namespace siamc::compiler
