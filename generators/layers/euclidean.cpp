// euclidean: D = |a - b|, with gradient 0 where a = b.
#include <cmath>

#include "layers/distance.h"
#include "layers/pairwise.h"

namespace siamc::compiler {

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

// (D, adjoint) -> adjoint / (2 D)
const Op& root_grad_op() {
    static const Op op = {
        "root.grad", Pattern::elementwise, shape_of_first, [](const AlgorithmContext& context) {
            const auto vars = index_vars(context.node.shape);
            const Halide::Expr d = context.inputs[0](vars);
            Func out("root_grad");
            out(vars) = select(d > 0.0f, 0.5f * context.inputs[1](vars) / max(d, 1e-30f), 0.0f);
            return out;
        }};
    return op;
}

// Of squared distances.
const Op& root_op() {
    static const Op op = {
        "root",
        Pattern::elementwise,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const auto vars = index_vars(context.node.shape);
            Func out("root");
            out(vars) = sqrt(context.inputs[0](vars));
            return out;
        },
        [](Graph& graph, NodeId self, Edge adjoint) -> std::vector<Edge> {
            return {add_for(graph, Node(graph[self]), root_grad_op(), ".grad", {{self}, adjoint})};
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            for (std::size_t i = 0; i < out.data.size(); ++i)
                out.data[i] = std::sqrt(in[0]->data[i]);
        }};
    return op;
}

}  // namespace

Layer euclidean_layer() {
    Layer layer = distance_layer("euclidean", "length of the difference; gradient 0 at distance 0",
                                 euclidean_op());
    layer.build_matrix = [](Graph& graph, const LayerUse& use) {
        return map_matrix(graph, use, root_op(), squared_distances(graph, use, use.inputs[0]));
    };
    return layer;
}

}  // namespace siamc::compiler
