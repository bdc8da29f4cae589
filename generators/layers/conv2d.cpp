// conv2d: out(n, x, y) = bias(n) + sum over channels c and the kernel's places (i, j) of
// in(c, x stride + i dilation, y stride + j dilation) * kernel(n, c, i, j): a cross-correlation, as
// frameworks call convolution. With groups a filter sees the channels of its group alone. The
// kernel is stored [height][width][inputs of a group][filters], as Keras stores it. Padding puts a
// border of zeros around the image first.
#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "frontend/model_spec.h"
#include "layers/convolution.h"
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Inputs: image, kernel and, with a bias, the bias.
Shape conv2d_shape(const Graph& graph, const Node& node) {
    const Shape image = graph.shape_of(node.inputs[0]), kernel = graph.shape_of(node.inputs[1]);
    if (image.dims.size() != 3 || kernel.dims.size() != 4 ||
        kernel.dims[1] * groups_of(node) != image.dims[0] || kernel.dims[0] % groups_of(node) != 0)
        throw ModelError(
            node.location,
            "conv2d cannot read " + to_string(image) + " with a kernel of " + to_string(kernel),
            "the kernel needs one plane per channel", "an image in front");
    return shape_over(convolution_window(graph, node), kernel.dims[0], image.rows);
}

Func conv2d_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const Window window = convolution_window(context.graph, context.node);
    const std::vector<int>& kernel = context.graph.shape_of(context.node.inputs[1]).dims;
    const int dilation = window.dilation;
    const auto vars = index_vars(context.node.shape);
    const Var &n = vars[0], &x = vars[1], &y = vars[2], &row = vars[3];
    const RDom k(0, kernel[1], 0, window.width, 0, window.height, "k");
    const Expr channel = channel_of(context.node, kernel, n, k.x);
    Func out("conv2d");
    out(vars) = in.size() == 3 ? Expr(in[2](n)) : Expr(0.0f);
    out(vars) += in[0](channel, x * window.stride + k.y * dilation,
                       y * window.stride + k.z * dilation, row) *
                 in[1](n, k.x, k.y, k.z);
    return out;
}

void conv2d_reference(const Graph& graph, const Node& node, const std::vector<const Tensor64*>& in,
                      Tensor64& out) {
    const Window window = convolution_window(graph, node);
    const int filters = out.shape.dims[0], channels = in[1]->shape.dims[1];
    const int of_group = filters / groups_of(node);
    const auto sum = [&](int n, int x, int y, int row) {
        double total = in.size() == 3 ? in[2]->data[n] : 0;
        for (int j = 0; j < window.height; ++j)
            for (int i = 0; i < window.width; ++i)
                for (int c = 0; c < channels; ++c)
                    total += in[0]->data[element(in[0]->shape, n / of_group * channels + c,
                                                 x * window.stride + i * window.dilation,
                                                 y * window.stride + j * window.dilation, row)] *
                             in[1]->data[((j * window.width + i) * channels + c) * filters + n];
        return total;
    };
    size_t at = 0;
    for (int row = 0; row < out.rows; ++row)
        for (int y = 0; y < out.shape.dims[2]; ++y)
            for (int x = 0; x < out.shape.dims[1]; ++x)
                for (int n = 0; n < filters; ++n) out.data[at++] = sum(n, x, y, row);
}

std::vector<Edge> conv2d_gradient(Graph& graph, NodeId self, Edge adjoint);

}  // namespace

const Op& conv2d_op() {
    static const Op op = [] {
        Op conv = {"conv2d",         Pattern::convolution, conv2d_shape,
                   conv2d_algorithm, conv2d_gradient,      conv2d_reference};
        conv.seen = [](const Graph& graph, const Node& node) {
            return dims_seen(convolution_window(graph, node),
                             graph.shape_of(node.inputs[0]).dims[0]);
        };
        return conv;
    }();
    return op;
}

namespace {

// Those of the layer that its gradients share with it.
Attributes like_it(const Node& node, Attributes attributes) {
    for (const char* name : {groups_attribute, dilation_attribute})
        if (node.attributes.count(name)) attributes[name] = node.attributes.at(name);
    return attributes;
}

// Of the input: the adjoint, spread over the places that the window stood at and with a border of
// zeros, convolved with the kernel turned by half a turn.
Edge grad_input(Graph& graph, const Node& node, Edge adjoint) {
    const Window window = convolution_window(graph, node);
    const Shape image = graph.shape_of(node.inputs[0]);
    const Edge turned = add_for(graph, node, turn_kernel_op(), ".kernel_turned", {node.inputs[1]},
                                like_it(node, {}));
    const std::vector<long> places = {image.dims[1], image.dims[2]};
    const std::vector<long> before = {span(window.width, window.dilation) - 1,
                                      span(window.height, window.dilation) - 1};
    const Edge spread = add_for(
        graph, node, pad_op(), ".adjoint_spread", {adjoint},
        {{"before", before},
         {"step", static_cast<long>(window.stride)},
         {places_attribute, std::vector<long>{places[0] + before[0], places[1] + before[1]}}});
    return add_for(graph, node, conv2d_op(), ".grad_input", {spread, turned},
                   like_it(node, {{"stride", 1L}, {places_attribute, places}}));
}

std::vector<Edge> conv2d_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Shape kernel = graph.shape_of(node.inputs[1]);
    const Edge partial = add_for(
        graph, node, grad_kernel_op(), ".grad_kernel", {node.inputs[0], adjoint},
        like_it(node,
                {{"stride", node.attributes.at("stride")}, {"dims", as_attribute(kernel.dims)}}));
    std::vector<Edge> gradients = {
        grad_input(graph, node, adjoint),
        add_for(graph, node, sum_slices_op(), ".grad_kernel_sum", {partial})};
    if (node.inputs.size() == 3) {
        const Edge bias = add_for(graph, node, grad_bias_op(), ".grad_bias", {adjoint});
        gradients.push_back(add_for(graph, node, sum_slices_op(), ".grad_bias_sum", {bias}));
    }
    return gradients;
}

int conv2d_number(const LayerUse& use, const char* name) {
    return static_cast<int>(integer(use.attributes, name));
}

// Zeros around an image, {x, y}.
struct Border {
    std::vector<int> before = {0, 0}, behind = {0, 0};

    bool operator==(const Border&) const = default;
};

// So that `stride` divides the image into whole windows, out = ceil(in / stride), as Keras has it:
// half of them in front, the odd one behind.
Border border_for_same(const Shape& image, const std::vector<int>& window, int stride) {
    Border border;
    for (size_t axis = 0; axis < 2; ++axis) {
        const int extent = image.dims[axis + 1], out = (extent + stride - 1) / stride;
        const int zeros = std::max(0, (out - 1) * stride + window[axis] - extent);
        border.before[axis] = zeros / 2;
        border.behind[axis] = zeros - zeros / 2;
    }
    return border;
}

// "LEFT RIGHT TOP BOTTOM", or nothing if it is not that.
std::optional<Border> given_border(const std::string& padding) {
    constexpr int most = 255;
    std::istringstream text(padding);
    std::vector<int> zeros;
    for (std::string word; text >> word;) {
        int count = -1;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
        if (error != std::errc() || end != word.data() + word.size() || count < 0 || count > most)
            return std::nullopt;
        zeros.push_back(count);
    }
    if (zeros.size() != 4) return std::nullopt;
    return Border{{zeros[0], zeros[2]}, {zeros[1], zeros[3]}};
}

Border border_of(const LayerUse& use, const Shape& image, const std::vector<int>& window) {
    const auto& padding = std::get<std::string>(use.attributes.at("padding"));
    if (padding == "valid") return {};
    if (padding == "same") return border_for_same(image, window, conv2d_number(use, "stride"));
    if (const auto given = given_border(padding)) return *given;
    throw ModelError(use.location, "padding = \"" + padding + "\" is not known",
                     "conv2d pads with zeros or not at all",
                     "\"valid\", \"same\" or \"LEFT RIGHT TOP BOTTOM\", each from 0 to 255");
}

Edge pad_image(Graph& graph, const LayerUse& use, Edge image, const Border& border) {
    const Shape shape = graph.shape_of(image);
    std::vector<int> places;
    for (size_t axis = 0; axis < 2; ++axis)
        places.push_back(shape.dims[axis + 1] + border.before[axis] + border.behind[axis]);
    return {graph.add({&pad_op(),
                       use.name + ".pad",
                       {image},
                       {{"before", as_attribute(border.before)},
                        {"step", 1L},
                        {places_attribute, as_attribute(places)}},
                       {},
                       use.location})};
}

int conv2d_groups(const LayerUse& use, int channels) {
    const int given = conv2d_number(use, groups_attribute), groups = given ? given : channels;
    const int filters = conv2d_number(use, "filters");
    if (channels % groups == 0 && filters % groups == 0) return groups;
    throw ModelError(use.location,
                     fmt::format("{} groups of {} channels and {} filters would not be equal",
                                 groups, channels, filters),
                     "each group has as many channels, and as many filters",
                     "groups = 1, or another number that divides both");
}

Edge build_conv2d(Graph& graph, const LayerUse& use) {
    const long filters = integer(use.attributes, "filters");
    const int height = conv2d_number(use, "kernel"), given = conv2d_number(use, "kernel_width");
    const int width = given ? given : height, stride = conv2d_number(use, "stride");
    const int dilation = conv2d_number(use, dilation_attribute);
    const int wide = span(width, dilation), high = span(height, dilation);
    Edge image = image_for(graph, use, "conv2d");
    const Border border = border_of(use, graph.shape_of(image), {wide, high});
    if (border != Border{}) image = pad_image(graph, use, image, border);
    const Shape shape = graph.shape_of(image);
    const int groups = conv2d_groups(use, shape.dims[0]);
    std::vector<Edge> inputs = {
        image, parameter(graph, use.name + ".kernel",
                         {filters, shape.dims[0] / groups, width, height}, use.location)};
    if (std::get<bool>(use.attributes.at("bias")))
        inputs.push_back(parameter(graph, use.name + ".bias", {filters}, use.location));
    Attributes attributes{{"stride", static_cast<long>(stride)},
                          {places_attribute, all_places(use, "conv2d", shape, wide, high, stride)}};
    if (groups != 1) attributes[groups_attribute] = static_cast<long>(groups);
    if (dilation != 1) attributes[dilation_attribute] = static_cast<long>(dilation);
    return {graph.add({&conv2d_op(), use.name, inputs, attributes, {}, use.location})};
}

AttributeRule conv2d_width() {
    AttributeRule width{"kernel_width", AttributeType::integer, 0L, 0,
                        "of the window; 0: as wide as high"};
    width.maximum = 255;
    width.samples = {0L, 0L, 1L, 5L};
    return width;
}

}  // namespace

Layer conv2d_layer() {
    Layer layer{"conv2d", LayerKind::layer,
                "convolution: every filter sums a window of all channels times its weights"};
    AttributeRule filters{"filters", AttributeType::integer, std::nullopt, 1,
                          "channels that come out"};
    filters.maximum = 65536;
    filters.samples = {9L, 1L, 16L, 7L, 32L};
    AttributeRule kernel{"kernel", AttributeType::integer, std::nullopt, 1,
                         "height of the window, and its width"};
    kernel.maximum = 255;
    kernel.samples = {3L, 2L, 1L, 5L};
    AttributeRule stride{"stride", AttributeType::integer, 1L, 1, "pixels between windows"};
    stride.maximum = 255;
    stride.samples = {1L, 2L, 4L};  // Halide's derivative is wrong where windows of 3 touch
    AttributeRule padding{
        "padding", AttributeType::text, std::string("valid"), 0,
        "zeros around: \"valid\": none; \"same\": keeps sizes; or \"LEFT RIGHT TOP BOTTOM\""};
    padding.samples = {std::string("valid"), std::string("same"), std::string("1 2 0 3")};
    AttributeRule groups{
        groups_attribute, AttributeType::integer, 1L, 0,
        "that channels and filters are cut into; 0: each channel alone (depthwise)"};
    groups.maximum = 65536;
    AttributeRule dilation{dilation_attribute, AttributeType::integer, 1L, 1,
                           "pixels between those of a window"};
    dilation.maximum = 255;
    layer.attributes = {
        filters,
        kernel,
        conv2d_width(),
        stride,
        padding,
        groups,
        dilation,
        {"bias", AttributeType::boolean, true, 0, "add a trained constant to each filter"},
        {"activation", AttributeType::text, std::string("none"), 0, "a layer to apply to the sums"},
    };
    layer.reads_images = true;
    layer.build = build_conv2d;
    return layer;
}

}  // namespace siamc::compiler
