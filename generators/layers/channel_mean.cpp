#include "layers/channel_mean.h"

#include <algorithm>
#include <cmath>

#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

MeanOf mean_of(const Node& node) {
    return static_cast<MeanOf>(integer(node.attributes, "of"));
}

// (image[, other]) -> the mean of each channel over the pixels.
Func channel_mean_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const Shape image = context.graph.shape_of(context.node.inputs[0]);
    const MeanOf of = mean_of(context.node);
    const Var c("c"), row("row");
    const RDom at(0, image.dims[1], 0, image.dims[2], "at");
    Expr value = in[0](c, at.x, at.y, row);
    if (of == MeanOf::square) value = (value - in[1](c, row)) * (value - in[1](c, row));
    if (of == MeanOf::product) value = value * in[1](c, at.x, at.y, row);
    Func sum("pixel_sum"), out("channel_mean");
    sum(c, row) = 0.0f;
    sum(c, row) += value;
    out(c, row) = sum(c, row) * (1.0f / static_cast<float>(image.dims[1] * image.dims[2]));
    return out;
}

void channel_mean_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                            Tensor64& out) {
    const Shape& image = in[0]->shape;
    const auto channels = static_cast<size_t>(image.dims[0]);
    const auto pixels = static_cast<size_t>(image.dims[1] * image.dims[2]);
    const MeanOf of = mean_of(node);
    std::fill(out.data.begin(), out.data.end(), 0.0);
    for (size_t i = 0; i < in[0]->data.size(); ++i) {
        const size_t to = i / (channels * pixels) * channels + i % channels;
        double value = in[0]->data[i];
        if (of == MeanOf::square) value = std::pow(value - in[1]->data[to], 2);
        if (of == MeanOf::product) value *= in[1]->data[i];
        out.data[to] += value / static_cast<double>(pixels);
    }
}

const Op& channel_mean_op() {
    static const Op op = {"channel_mean",
                          Pattern::pooling,
                          [](const Graph& graph, const Node& node) {
                              const Shape image = graph.shape_of(node.inputs[0]);
                              return Shape{{image.dims[0]}, image.rows};
                          },
                          channel_mean_algorithm,
                          {},
                          channel_mean_reference};
    return op;
}

const Op& inverse_deviation_op() {
    static const Op op = [] {
        Op inverse = {"inverse_deviation",
                      Pattern::rowwise,
                      shape_of_first,
                      [](const AlgorithmContext& context) {
                          const auto epsilon =
                              static_cast<float>(real(context.node.attributes, "epsilon"));
                          const Var c("c"), row("row");
                          Func out("inverse_deviation");
                          out(c, row) = 1.0f / sqrt(context.inputs[0](c, row) + epsilon);
                          return out;
                      },
                      {},
                      [](const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                         Tensor64& out) {
                          const double epsilon = real(node.attributes, "epsilon");
                          for (size_t i = 0; i < out.data.size(); ++i)
                              out.data[i] = 1 / std::sqrt(in[0]->data[i] + epsilon);
                      }};
        inverse.through_memory = true;
        return inverse;
    }();
    return op;
}

}  // namespace

Edge channel_mean(Graph& graph, const Node& node, const std::string& suffix, MeanOf of,
                  std::vector<Edge> inputs) {
    return add_for(graph, node, channel_mean_op(), suffix, std::move(inputs),
                   {{"of", static_cast<long>(of)}});
}

Edge inverse_deviation(Graph& graph, const Node& node, const std::string& suffix, Edge variance) {
    return add_for(graph, node, inverse_deviation_op(), suffix, {variance},
                   {{"epsilon", node.attributes.at("epsilon")}});
}

Func normal_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const auto vars = index_vars(context.node.shape);
    const Var c = vars[0], row = vars[3];
    Func out("normal");
    out(vars) = (in[0](vars) - in[1](c, row)) * in[2](c, row);
    return out;
}

}  // namespace siamc::compiler
