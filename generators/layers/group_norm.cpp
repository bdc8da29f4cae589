// group_norm: the channels of an image are cut into groups of equal size; each number less the mean
// of its group over all pixels, over the group's deviation (Wu and He 2018); then each channel
// times gamma, plus beta. With a group for each channel it is instance normalisation.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "frontend/model_spec.h"
#include "layers/affine.h"
#include "layers/channel_mean.h"
#include "layers/convolution.h"
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

int group_size(const Node& node, int channels) {
    return channels / static_cast<int>(integer(node.attributes, groups_attribute));
}

// (a number a channel) -> for each channel, the mean of its group.
const Op& group_mean_op() {
    static const Op op = [] {
        Op mean = {"group_norm.group_mean",
                   Pattern::rowwise,
                   shape_of_first,
                   [](const AlgorithmContext& context) {
                       const int size = group_size(context.node, context.node.shape.dims[0]);
                       const Var c("c"), row("row");
                       const RDom of(0, size, "of");
                       Func out("group_mean");
                       out(c, row) = 0.0f;
                       out(c, row) += context.inputs[0](c / size * size + of, row) *
                                      (1.0f / static_cast<float>(size));
                       return out;
                   },
                   {},
                   [](const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                      Tensor64& out) {
                       const auto size = static_cast<size_t>(group_size(node, out.shape.dims[0]));
                       for (size_t i = 0; i < out.data.size(); ++i) {
                           double sum = 0;
                           for (size_t k = 0; k < size; ++k)
                               sum += in[0]->data[i / size * size + k];
                           out.data[i] = sum / static_cast<double>(size);
                       }
                   }};
        mean.through_memory = true;
        return mean;
    }();
    return op;
}

Edge group_mean(Graph& graph, const Node& node, const std::string& suffix, MeanOf of,
                std::vector<Edge> inputs) {
    const Edge each = channel_mean(graph, node, suffix, of, std::move(inputs));
    return add_for(graph, node, group_mean_op(), suffix + "_of_group", {each},
                   {{groups_attribute, node.attributes.at(groups_attribute)}});
}

// ---- the normal ---------------------------------------------------------------------------------

// (adjoint, normal, 1 / deviation, mean of adjoint, mean of adjoint * normal) -> of the image.
const Op& group_norm_grad_op() {
    static const Op op = {"group_norm.grad", Pattern::elementwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const auto vars = index_vars(context.node.shape);
                              const Var c = vars[0], row = vars[3];
                              const Expr rest =
                                  in[0](vars) - in[3](c, row) - in[1](vars) * in[4](c, row);
                              Func out("group_norm_grad");
                              // Strict: else LLVM adds up first what all pixels share.
                              out(vars) = in[2](c, row) * strict_float(rest);
                              return out;
                          }};
    return op;
}

std::vector<Edge> group_norm_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge mean = group_mean(graph, node, ".grad_mean", MeanOf::value, {adjoint});
    const Edge along = group_mean(graph, node, ".grad_along", MeanOf::product, {adjoint, {self}});
    return {add_for(graph, node, group_norm_grad_op(), ".grad",
                    {adjoint, {self}, node.inputs[2], mean, along}, node.attributes),
            Edge{}, Edge{}};
}

// From the image alone.
void group_norm_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                          Tensor64& out) {
    const Shape& image = out.shape;
    const int size = group_size(node, image.dims[0]), pixels = image.dims[1] * image.dims[2];
    for (int row = 0; row < out.rows; ++row)
        for (int first = 0; first < image.dims[0]; first += size) {
            double sum = 0, squares = 0;
            const auto each = [&](auto&& visit) {
                for (int p = 0; p < pixels; ++p)
                    for (int c = first; c < first + size; ++c)
                        visit(static_cast<size_t>((row * pixels + p) * image.dims[0] + c));
            };
            each([&](size_t i) { sum += in[0]->data[i]; });
            const double mean = sum / (size * pixels);
            each([&](size_t i) { squares += std::pow(in[0]->data[i] - mean, 2); });
            const double deviation =
                std::sqrt(squares / (size * pixels) + real(node.attributes, "epsilon"));
            each([&](size_t i) { out.data[i] = (in[0]->data[i] - mean) / deviation; });
        }
}

// (image, mean, 1 / deviation of its groups) -> the normal; its gradient is that by all ways.
const Op& group_norm_op() {
    static const Op op = [] {
        Op normal = {"group_norm",     Pattern::elementwise, shape_of_first,
                     normal_algorithm, group_norm_gradient,  group_norm_reference};
        normal.gradient_by_all_ways = true;
        return normal;
    }();
    return op;
}

Edge build_group_norm(Graph& graph, const LayerUse& use) {
    const Edge image = image_for(graph, use, "group_norm");
    const int channels = graph.shape_of(image).dims[0];
    Attributes attributes = use.attributes;
    long& groups = std::get<long>(attributes[groups_attribute]);
    if (groups == 0) groups = channels;
    if (channels % groups != 0)
        throw ModelError(
            use.location,
            fmt::format("{} groups of {} channels would not be equal", groups, channels),
            "each group has as many channels",
            fmt::format("groups = 1, 0 (each channel alone) or a divisor of {}", channels));
    const Node like{nullptr, use.name, {}, attributes, {}, use.location};
    const Edge mean = group_mean(graph, like, ".mean", MeanOf::value, {image});
    const Edge variance = group_mean(graph, like, ".variance", MeanOf::square, {image, mean});
    const Edge scale = inverse_deviation(graph, like, ".scale", variance);
    return affine(graph, use,
                  add_for(graph, like, group_norm_op(), "", {image, mean, scale}, attributes));
}

}  // namespace

Layer group_norm_layer() {
    Layer layer{"group_norm", LayerKind::layer,
                "each group of an image's channels less its mean, over its deviation; then times "
                "gamma, plus beta"};
    AttributeRule groups{groups_attribute, AttributeType::integer, std::nullopt, 0,
                         "how many the channels are cut into; 1: all together, 0: each alone"};
    groups.maximum = 65536;
    groups.samples = {1L, 0L};
    layer.attributes = {
        groups,
        {"epsilon", AttributeType::real, 1e-3, 1e-12, "added to the variance, as Keras does"}};
    layer.reads_images = true;
    layer.build = build_group_norm;
    return layer;
}

}  // namespace siamc::compiler
