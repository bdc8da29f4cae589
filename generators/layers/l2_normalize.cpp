// l2_normalize: y = x / sqrt(max(x . x, epsilon)). Where x . x <= epsilon the embedding is dead
// (all zero, in practice): its gradient is 0 by definition, not 1 / sqrt(epsilon) times the
// adjoint, which would wreck the weights in one step.
#include <cmath>

#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::Var;

namespace {

Func inverse_norm(const Func& square, float epsilon) {
    Var row("row");
    Func inverse("inverse_norm");
    inverse(row) = 1.0f / sqrt(max(square(row), epsilon));
    return inverse;
}

Func l2_normalize_algorithm(const AlgorithmContext& context) {
    const auto epsilon = static_cast<float>(real(context.node.attributes, "epsilon"));
    const Func& x = context.inputs[0];
    Var c("c"), row("row");
    Func inverse = inverse_norm(dot(x, x, context.node.shape.dims[0], "square"), epsilon);
    Func out("l2_normalize");
    out(c, row) = x(c, row) * inverse(row);
    return out;
}

// (x, adjoint): r (dy - y (y . dy)) with r = 1 / |x|, y = r x. No power of r above the second,
// which alone is a float for all lengths that have a square: r^3 would be 0 from 1e13 on.
Func l2_normalize_grad_algorithm(const AlgorithmContext& context) {
    const auto epsilon = static_cast<float>(real(context.node.attributes, "epsilon"));
    const int size = context.node.shape.dims[0];
    const Func &x = context.inputs[0], &dy = context.inputs[1];
    Var c("c"), row("row");
    Func square = dot(x, x, size, "square");
    Func along = dot(x, dy, size, "along");
    Func inverse = inverse_norm(square, epsilon);
    Func scale("scale"), pull("pull");
    scale(row) = select(square(row) > epsilon, inverse(row), 0.0f);
    pull(row) = inverse(row) * (inverse(row) * along(row));
    Func out("l2_normalize_grad");
    out(c, row) = scale(row) * (dy(c, row) - pull(row) * x(c, row));
    return out;
}

Shape l2_normalize_shape(const Graph& graph, const Node& node) {
    return {{static_cast<int>(graph.shape_of(node.inputs[0]).size())},
            graph.shape_of(node.inputs[0]).rows};
}

const Op& l2_normalize_grad_op() {
    static const Op op = {"l2_normalize.grad", Pattern::rowwise, shape_of_first,
                          l2_normalize_grad_algorithm};
    return op;
}

std::vector<Edge> l2_normalize_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    return {{graph.add({&l2_normalize_grad_op(),
                        node.name + ".grad",
                        {node.inputs[0], adjoint},
                        node.attributes,
                        {},
                        node.location})}};
}

void l2_normalize_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                            Tensor64& out) {
    const double epsilon = real(node.attributes, "epsilon");
    const int size = out.shape.dims[0];
    for (int row = 0; row < out.rows; ++row) {
        double square = 0;
        for (int c = 0; c < size; ++c)
            square += in[0]->data[row * size + c] * in[0]->data[row * size + c];
        for (int c = 0; c < size; ++c)
            out.data[row * size + c] =
                in[0]->data[row * size + c] / std::sqrt(std::max(square, epsilon));
    }
}

const Op& l2_normalize_op() {
    static const Op op = {"l2_normalize",         Pattern::rowwise,      l2_normalize_shape,
                          l2_normalize_algorithm, l2_normalize_gradient, l2_normalize_reference};
    return op;
}

}  // namespace

Layer l2_normalize_layer() {
    Layer layer{"l2_normalize", LayerKind::layer,
                "scales each embedding to length 1; one that is all zero stays so, gradient 0"};
    layer.flat_input = true;
    layer.attributes = {
        {"epsilon", AttributeType::real, 1e-12, 1e-30, "squared lengths below this count as this"}};
    layer.build = [](Graph& graph, const LayerUse& use) {
        return Edge{graph.add({&l2_normalize_op(),
                               use.name,
                               use.inputs,
                               {{"epsilon", use.attributes.at("epsilon")}},
                               {},
                               use.location})};
    };
    return layer;
}

}  // namespace siamc::compiler
