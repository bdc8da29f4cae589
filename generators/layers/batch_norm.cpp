// batch_norm (Ioffe and Szegedy 2015): each channel less its mean, over its deviation; then times
// gamma, plus beta. In training, mean and variance are those of the batch: over the pixels of all
// images that its tuples show, an image as often as they show it. Each step moves the parameters
// NAME.mean and NAME.variance towards them, by 1 - momentum of the difference; these are what is
// used everywhere else.
//
// With the batch's normal y, weights w of the images and means over pixels, the gradient is
//   (dy - w (sum of mean(dy) + y sum of mean(dy y))) / sqrt(v + epsilon),
// sums over the batch's images.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "layers/affine.h"
#include "layers/batch_total.h"
#include "layers/channel_mean.h"
#include "layers/roles.h"
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// ---- in training: means over the batch ----------------------------------------------------------

// (a number a channel, weight of the image) -> their product.
const Op& weighed_op() {
    static const Op op = {
        "batch_norm.weighed",
        Pattern::rowwise,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const Var c("c"), row("row");
            Func out("weighed");
            out(c, row) = context.inputs[0](c, row) * context.inputs[1](row);
            return out;
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto channels = static_cast<size_t>(out.shape.dims[0]);
            for (size_t i = 0; i < out.data.size(); ++i)
                out.data[i] = in[0]->data[i] * in[1]->data[i / channels];
        }};
    return op;
}

Edge batch_mean(Graph& graph, const Node& node, const std::string& suffix, MeanOf of,
                std::vector<Edge> inputs, Edge weight) {
    const Edge each = channel_mean(graph, node, suffix, of, std::move(inputs));
    return batch_total(graph,
                       add_for(graph, node, weighed_op(), suffix + ".weighed", {each, weight}));
}

// (sums of the slices, parameter) -> what a step takes off the parameter.
const Op& running_step_op() {
    static const Op op = {
        "batch_norm.step", Pattern::sum_slices,
        [](const Graph& graph, const Node& node) {
            return Shape{graph.shape_of(node.inputs[0]).dims, Rows::none};
        },
        [](const AlgorithmContext& context) {
            const auto part = static_cast<float>(1 - real(context.node.attributes, "momentum"));
            const Var c("c");
            const RDom slice(0, context.slices, "slice");
            Func out("running_step");
            // A batch without tuples has no mean, and moves nothing.
            out(c) = select(context.slices > 0, part * context.inputs[1](c), 0.0f);
            out(c) += -part * context.inputs[0](c, slice);
            return out;
        }};
    return op;
}

// ---- the normal ---------------------------------------------------------------------------------

// Inputs of the normal.
constexpr size_t of_image = 0, of_mean = 1, of_scale = 2, of_weight = 3;

// (adjoint, normal, 1 / deviation, weight, sum of means of the adjoint, and of adjoint * normal)
const Op& batch_norm_grad_op() {
    static const Op op = {"batch_norm.grad", Pattern::elementwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const auto vars = index_vars(context.node.shape);
                              const Var c = vars[0], row = vars[3];
                              const Expr all = in[4](c, row) + in[1](vars) * in[5](c, row);
                              Func out("batch_norm_grad");
                              // Strict: else LLVM adds up first what all pixels share.
                              out(vars) =
                                  in[2](c, row) * strict_float(in[0](vars) - in[3](row) * all);
                              return out;
                          }};
    return op;
}

std::vector<Edge> batch_norm_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Edge sum =
        batch_total(graph, channel_mean(graph, node, ".grad_mean", MeanOf::value, {adjoint}));
    const Edge along = batch_total(
        graph, channel_mean(graph, node, ".grad_along", MeanOf::product, {adjoint, {self}}));
    return {add_for(graph, node, batch_norm_grad_op(), ".grad",
                    {adjoint, {self}, node.inputs[of_scale], node.inputs[of_weight], sum, along},
                    node.attributes),
            Edge{}, Edge{}, Edge{}};
}

// From the image and the weights alone.
void batch_norm_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                          Tensor64& out) {
    const auto channels = static_cast<size_t>(out.shape.dims[0]);
    const auto pixels = static_cast<size_t>(out.shape.dims[1] * out.shape.dims[2]);
    for (size_t c = 0; c < channels; ++c) {
        double mean = 0, variance = 0;
        const auto each = [&](auto&& visit) {
            for (size_t i = c; i < out.data.size(); i += channels)
                visit(i, in[of_weight]->data[i / channels / pixels] / static_cast<double>(pixels));
        };
        each([&](size_t i, double share) { mean += share * in[of_image]->data[i]; });
        each([&](size_t i, double share) {
            variance += share * std::pow(in[of_image]->data[i] - mean, 2);
        });
        const double deviation = std::sqrt(variance + real(node.attributes, "epsilon"));
        each([&](size_t i, double) { out.data[i] = (in[of_image]->data[i] - mean) / deviation; });
    }
}

// The batch's mean and variance move the parameters that bear their names.
std::vector<ParameterStep> batch_norm_steps(Graph& graph, NodeId self) {
    const Node node = graph[self];
    const long channels = node.shape.dims[0];
    const Edge mean = node.inputs[of_mean], scale = node.inputs[of_scale];
    const Edge variance = graph[scale.node].inputs[0];
    std::vector<ParameterStep> steps;
    for (const auto& [total, suffix, initial] :
         {std::tuple(mean, ".mean", 0.0), std::tuple(variance, ".variance", 1.0)}) {
        const Edge running = statistic(graph, node.name + suffix, channels, node.location, initial);
        steps.push_back(
            {running.node, add_for(graph, node, running_step_op(), suffix + std::string(".step"),
                                   {slices_of_total(graph, total), running},
                                   {{"momentum", node.attributes.at("momentum")}})});
    }
    return steps;
}

// (image, mean, 1 / deviation, weights of the images) -> the normal; its gradient is that by all
// ways.
const Op& batch_norm_op() {
    static const Op op = [] {
        Op normal = {"batch_norm",     Pattern::elementwise, shape_of_first,
                     normal_algorithm, batch_norm_gradient,  batch_norm_reference};
        normal.gradient_by_all_ways = true;
        normal.steps = batch_norm_steps;
        return normal;
    }();
    return op;
}

// A line of features is an image of one pixel.
Edge build_training(Graph& graph, const LayerUse& use, Edge value) {
    const std::vector<int> dims = graph.shape_of(value).dims;
    if (dims.size() == 1)
        value = reshape(graph, value, {dims[0], 1, 1}, use.name + ".image", use.location);
    const Node like{nullptr, use.name, {}, use.attributes, {}, use.location};
    const Edge weight = source_of_rows(graph, row_weight_op(), use);
    const Edge mean = batch_mean(graph, like, ".batch_mean", MeanOf::value, {value}, weight);
    const Edge variance =
        batch_mean(graph, like, ".batch_variance", MeanOf::square, {value, mean}, weight);
    const Edge scale = inverse_deviation(graph, like, ".scale", variance);
    const Edge normal = affine(
        graph, use,
        add_for(graph, like, batch_norm_op(), "", {value, mean, scale, weight}, use.attributes));
    return dims.size() == 1 ? reshape(graph, normal, dims, use.name + ".line", use.location)
                            : normal;
}

// ---- everywhere else ----------------------------------------------------------------------------

// (variance, gamma) -> the factor of each channel.
const Op& factor_op() {
    static const Op op = {
        "batch_norm.factor",
        Pattern::parameter,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const Var c("c");
            Func out = func_as(Role::each_parameter);
            const auto epsilon = static_cast<float>(real(context.node.attributes, "epsilon"));
            out(c) = context.inputs[1](c) / sqrt(context.inputs[0](c) + epsilon);
            return out;
        },
        {},
        [](const Graph&, const Node& node, const std::vector<const Tensor64*>& in, Tensor64& out) {
            for (size_t c = 0; c < out.data.size(); ++c)
                out.data[c] =
                    in[1]->data[c] / std::sqrt(in[0]->data[c] + real(node.attributes, "epsilon"));
        }};
    return op;
}

// (mean, factor, beta) -> what is added to each channel.
const Op& offset_op() {
    static const Op op = {
        "batch_norm.offset",
        Pattern::parameter,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const Var c("c");
            Func out = func_as(Role::each_parameter);
            out(c) = in[2](c) - in[0](c) * in[1](c);
            return out;
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            for (size_t c = 0; c < out.data.size(); ++c)
                out.data[c] = in[2]->data[c] - in[0]->data[c] * in[1]->data[c];
        }};
    return op;
}

Edge build_embedding_norm(Graph& graph, const LayerUse& use, Edge value) {
    const long channels = graph.shape_of(value).dims[0];
    const auto running = [&](const char* suffix, double initial) {
        return statistic(graph, use.name + suffix, channels, use.location, initial);
    };
    const Edge mean = running(".mean", 0), variance = running(".variance", 1);
    const AffineParameters trained = affine_parameters(graph, use, channels);
    const Node like{nullptr, use.name, {}, {}, {}, use.location};
    const Edge factor = add_for(graph, like, factor_op(), ".factor", {variance, trained.gamma},
                                {{"epsilon", use.attributes.at("epsilon")}});
    const Edge offset = add_for(graph, like, offset_op(), ".offset", {mean, factor, trained.beta});
    return scaled(graph, use, {value, factor, offset});
}

Edge build_batch_norm(Graph& graph, const LayerUse& use) {
    const bool line = graph.shape_of(use.inputs[0]).dims.size() == 1;
    const Edge value = line ? use.inputs[0] : image_for(graph, use, "batch_norm");
    return use.training ? build_training(graph, use, value)
                        : build_embedding_norm(graph, use, value);
}

}  // namespace

Layer batch_norm_layer() {
    Layer layer{"batch_norm", LayerKind::layer,
                "each channel less its mean over the batch, over its deviation; then times gamma, "
                "plus beta"};
    AttributeRule momentum{"momentum", AttributeType::real, 0.9, 0,
                           "how much of the means for embedding a step keeps"};
    momentum.maximum = 1;
    layer.attributes = {
        momentum,
        {"epsilon", AttributeType::real, 1e-3, 1e-12, "added to the variance, as Keras does"}};
    layer.reads_images = true;
    layer.build = build_batch_norm;
    return layer;
}

}  // namespace siamc::compiler
