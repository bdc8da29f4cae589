// euclidean: D = |a - b|, with gradient 0 where a = b.
#include <cmath>

#include "layers/distance.h"

namespace siamc {

using Halide::Func;
using Halide::Var;

namespace {

// (a, b, D, adjoint) -> gradient with respect to a: adjoint (a - b) / D.
const Op& euclidean_grad_op() {
    static const Op op = {"euclidean.grad", Pattern::rowwise, distance_grad_shape,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              Var c("c"), row("row");
                              Func scale("scale"), out("euclidean_grad");
                              // max() keeps the quotient finite on the side that select() drops.
                              scale(row) = select(in[2](row) > 0.0f,
                                                  in[3](row) / max(in[2](row), 1e-30f), 0.0f);
                              out(c, row) = scale(row) * (in[0](c, row) - in[1](c, row));
                              return out;
                          }};
    return op;
}

std::vector<Edge> euclidean_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge a{graph.add({&euclidean_grad_op(),
                            node.name + ".grad",
                            {node.inputs[0], node.inputs[1], {self}, adjoint},
                            {},
                            {},
                            node.location})};
    const Edge b{graph.add({&negate_op(), node.name + ".grad_other", {a}, {}, {}, node.location})};
    return {a, b};
}

const Op& euclidean_op() {
    static const Op op = {
        "euclidean",
        Pattern::rowwise,
        distance_shape,
        [](const AlgorithmContext& context) {
            const int size = context.graph.shape_of(context.node.inputs[0]).dims[0];
            Var row("row");
            Func square = squared_distance(context.inputs[0], context.inputs[1], size);
            Func out("euclidean");
            out(row) = sqrt(square(row));
            return out;
        },
        euclidean_gradient,
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const int size = in[0]->shape.dims[0];
            for (int row = 0; row < out.rows; ++row) {
                double sum = 0;
                for (int c = row * size; c < (row + 1) * size; ++c)
                    sum += (in[0]->data[c] - in[1]->data[c]) * (in[0]->data[c] - in[1]->data[c]);
                out.data[row] = std::sqrt(sum);
            }
        }};
    return op;
}

}  // namespace

Layer euclidean_layer() {
    return distance_layer("euclidean", "length of the difference; gradient 0 at distance 0",
                          euclidean_op());
}

}  // namespace siamc
