// layer_norm (Ba, Kiros and Hinton 2016): y = (x - m) / sqrt(v + epsilon), with the mean m and the
// variance v of the row, then each feature times gamma, plus beta. Its gradient before that:
// (dy - mean(dy) - y mean(dy y)) / sqrt(v + epsilon).
#include <cmath>

#include "layers/affine.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// The row's values less their mean, and what they are multiplied by.
struct LayerNormRow {
    Func centered, scale;
};

Func layer_norm_mean(const Func& values, int size, const std::string& name) {
    const Var row("row");
    const RDom c(0, size, "c");
    Func sum(name + "_sum"), mean(name);
    sum(row) = 0.0f;
    sum(row) += values(c, row);
    mean(row) = sum(row) * (1.0f / static_cast<float>(size));
    return mean;
}

// The variance is that of what is centered: a difference of mean squares would lose all digits of
// a row that varies little.
LayerNormRow layer_norm_row(const AlgorithmContext& context) {
    const auto epsilon = static_cast<float>(real(context.node.attributes, "epsilon"));
    const int size = context.node.shape.dims[0];
    const Func& x = context.inputs[0];
    const Var c("c"), row("row");
    Func mean = layer_norm_mean(x, size, "mean");
    Func centered("centered"), scale("scale");
    centered(c, row) = x(c, row) - mean(row);
    Func square = dot(centered, centered, size, "square");
    scale(row) = 1.0f / sqrt(square(row) * (1.0f / static_cast<float>(size)) + epsilon);
    return {centered, scale};
}

Func layer_norm_algorithm(const AlgorithmContext& context) {
    const LayerNormRow normal = layer_norm_row(context);
    const Var c("c"), row("row");
    Func out("layer_norm");
    out(c, row) = normal.centered(c, row) * normal.scale(row);
    return out;
}

// (x, adjoint)
Func layer_norm_grad_algorithm(const AlgorithmContext& context) {
    const int size = context.node.shape.dims[0];
    const Func& dy = context.inputs[1];
    const LayerNormRow normal = layer_norm_row(context);
    const Var c("c"), row("row");
    Func mean = layer_norm_mean(dy, size, "adjoint_mean");
    Func along = dot(normal.centered, dy, size, "along");
    Func pull("pull"), out("layer_norm_grad");
    pull(row) =
        normal.scale(row) * normal.scale(row) * along(row) * (1.0f / static_cast<float>(size));
    out(c, row) =
        normal.scale(row) * (dy(c, row) - mean(row) - normal.centered(c, row) * pull(row));
    return out;
}

const Op& layer_norm_grad_op() {
    static const Op op = {"layer_norm.grad", Pattern::rowwise, shape_of_first,
                          layer_norm_grad_algorithm};
    return op;
}

std::vector<Edge> layer_norm_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    return {add_for(graph, node, layer_norm_grad_op(), ".grad", {node.inputs[0], adjoint},
                    node.attributes)};
}

void layer_norm_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                          Tensor64& out) {
    const size_t size = in[0]->shape.dims[0];
    for (int row = 0; row < out.rows; ++row) {
        const double* x = in[0]->data.data() + row * size;
        double sum = 0, squares = 0;
        for (size_t c = 0; c < size; ++c) sum += x[c], squares += x[c] * x[c];
        const double mean = sum / size, variance = squares / size - mean * mean;
        for (size_t c = 0; c < size; ++c)
            out.data[row * size + c] =
                (x[c] - mean) / std::sqrt(variance + real(node.attributes, "epsilon"));
    }
}

const Op& layer_norm_op() {
    static const Op op = {"layer_norm",         Pattern::rowwise,    shape_of_first,
                          layer_norm_algorithm, layer_norm_gradient, layer_norm_reference};
    return op;
}

}  // namespace

Layer layer_norm_layer() {
    Layer layer{"layer_norm", LayerKind::layer,
                "each row less its mean, over its deviation; then times gamma, plus beta"};
    layer.flat_input = true;
    layer.attributes = {
        {"epsilon", AttributeType::real, 1e-3, 1e-12, "added to the variance, as Keras does"}};
    layer.build = [](Graph& graph, const LayerUse& use) {
        const Edge normal{graph.add({&layer_norm_op(),
                                     use.name,
                                     use.inputs,
                                     {{"epsilon", use.attributes.at("epsilon")}},
                                     {},
                                     use.location})};
        return affine(graph, use, normal);
    };
    return layer;
}

}  // namespace siamc::compiler
