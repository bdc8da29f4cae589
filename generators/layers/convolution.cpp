#include "layers/convolution.h"

#include <algorithm>

#include "layers/roles.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Shape pad_shape(const Graph& graph, const Node& node) {
    const Shape image = graph.shape_of(node.inputs[0]);
    const std::vector<int> places = integers(node.attributes, places_attribute);
    return {{image.dims[0], places[0], places[1]}, image.rows};
}

// The pixel of the image that comes to place `at` of the result, and whether there is one.
struct Origin {
    Expr pixel, exists;
};

Origin origin(const Node& node, int axis, int extent, const Expr& at) {
    const int before = integers(node.attributes, "before")[axis];
    const auto step = static_cast<int>(integer(node.attributes, "step"));
    const Expr pixel = (at - before) / step;
    return {clamp(pixel, 0, extent - 1),
            at >= before && pixel < extent && (at - before) % step == 0};
}

Func pad_algorithm(const AlgorithmContext& context) {
    const Node& node = context.node;
    const Shape image = context.graph.shape_of(node.inputs[0]);
    const auto vars = index_vars(node.shape);
    const Origin x = origin(node, 0, image.dims[1], vars[1]);
    const Origin y = origin(node, 1, image.dims[2], vars[2]);
    Func out("pad");
    out(vars) =
        select(x.exists && y.exists, context.inputs[0](vars[0], x.pixel, y.pixel, vars[3]), 0.0f);
    return out;
}

void pad_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                   Tensor64& out) {
    const std::vector<int> before = integers(node.attributes, "before"), &dims = in[0]->shape.dims;
    const auto step = static_cast<int>(integer(node.attributes, "step"));
    std::fill(out.data.begin(), out.data.end(), 0.0);
    for (int row = 0; row < out.rows; ++row)
        for (int y = 0; y < dims[2]; ++y)
            for (int x = 0; x < dims[1]; ++x) {
                const int to_x = before[0] + x * step, to_y = before[1] + y * step;
                if (to_x >= out.shape.dims[1] || to_y >= out.shape.dims[2]) continue;
                for (int c = 0; c < dims[0]; ++c)
                    out.data[element(out.shape, c, to_x, to_y, row)] =
                        in[0]->data[element(in[0]->shape, c, x, y, row)];
            }
}

// (adjoint of a padded image) -> of the image; attributes "before", "dims". Only for step 1.
const Op& crop_op() {
    static const Op op = {
        "pad.grad", Pattern::pixelwise, shape_of_dims, [](const AlgorithmContext& context) {
            const Shape padded = context.graph.shape_of(context.node.inputs[0]);
            const std::vector<int> before = integers(context.node.attributes, "before");
            const auto vars = index_vars(context.node.shape);
            const Expr x = vars[1] + before[0], y = vars[2] + before[1];
            Func out("crop");
            out(vars) = select(x < padded.dims[1] && y < padded.dims[2],
                               context.inputs[0](vars[0], min(x, padded.dims[1] - 1),
                                                 min(y, padded.dims[2] - 1), vars[3]),
                               0.0f);
            return out;
        }};
    return op;
}

std::vector<Edge> pad_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    const Shape image = graph.shape_of(node.inputs[0]);
    return {
        add_for(graph, node, crop_op(), ".grad", {adjoint},
                {{"before", node.attributes.at("before")}, {"dims", as_attribute(image.dims)}})};
}

Shape sum_shape(const Graph&, const Node& node) {
    return {integers(node.attributes, "dims"), Rows::slice};
}

int one_if_absent(const Node& node, const char* attribute) {
    const auto found = node.attributes.find(attribute);
    return found == node.attributes.end() ? 1 : static_cast<int>(std::get<long>(found->second));
}

Func grad_kernel_algorithm(const AlgorithmContext& context) {
    const Shape adjoint = context.graph.shape_of(context.node.inputs[1]);
    const auto stride = static_cast<int>(integer(context.node.attributes, "stride"));
    const int dilation = dilation_of(context.node);
    const Var n("n"), c("c"), i("i"), j("j"), slice("slice");
    const RDom at(0, adjoint.dims[1], 0, adjoint.dims[2], 0, context.image_rows, "at");
    const Expr channel = channel_of(context.node, context.node.shape.dims, n, c);
    Func out("grad_kernel");
    out(n, c, i, j, slice) = 0.0f;
    out(n, c, i, j, slice) += context.inputs[0](channel, at.x * stride + i * dilation,
                                                at.y * stride + j * dilation, at.z) *
                              context.inputs[1](n, at.x, at.y, at.z);
    return out;
}

// The same, image by image: what one adds is summed in registers while its pixels are close by.
Func grad_kernel_by_image_algorithm(const AlgorithmContext& context) {
    const Shape adjoint = context.graph.shape_of(context.node.inputs[1]);
    const auto stride = static_cast<int>(integer(context.node.attributes, "stride"));
    const int dilation = dilation_of(context.node);
    const Var n("n"), c("c"), i("i"), j("j"), row("row"), slice("slice");
    const RDom at(0, adjoint.dims[1], 0, adjoint.dims[2], "at");
    const RDom image(0, context.image_rows, "image");
    const Expr channel = channel_of(context.node, context.node.shape.dims, n, c);
    Func pixel_sum = func_as(Role::pixel_sum), out("grad_kernel_by_image");
    pixel_sum(n, c, i, j, row) = 0.0f;
    pixel_sum(n, c, i, j, row) += context.inputs[0](channel, at.x * stride + i * dilation,
                                                    at.y * stride + j * dilation, row) *
                                  context.inputs[1](n, at.x, at.y, row);
    out(n, c, i, j, slice) = 0.0f;
    out(n, c, i, j, slice) += pixel_sum(n, c, i, j, image);
    return out;
}

Func grad_bias_algorithm(const AlgorithmContext& context) {
    const Shape adjoint = context.graph.shape_of(context.node.inputs[0]);
    const Var n("n"), slice("slice");
    const RDom at(0, adjoint.dims[1], 0, adjoint.dims[2], 0, context.image_rows, "at");
    Func out("grad_bias");
    out(n, slice) = 0.0f;
    out(n, slice) += context.inputs[0](n, at.x, at.y, at.z);
    return out;
}

}  // namespace

int groups_of(const Node& convolution) {
    return one_if_absent(convolution, groups_attribute);
}

int dilation_of(const Node& convolution) {
    return one_if_absent(convolution, dilation_attribute);
}

Expr channel_of(const Node& convolution, const std::vector<int>& kernel, const Expr& filter,
                const Expr& input) {
    const int groups = groups_of(convolution);
    if (groups == 1) return input;
    const int filters = kernel[0] / groups, channels = kernel[1];
    if (filters == 1 && channels == 1)
        return filter;  // not a division for the compiler to see through
    // Behind the last filter, where vectors stick out, is no further group.
    return min(filter / filters, groups - 1) * channels + input;
}

Window convolution_window(const Graph& graph, const Node& node) {
    const Shape kernel = graph.shape_of(node.inputs[1]);
    const std::vector<int> places = integers(node.attributes, places_attribute);
    return {kernel.dims[2], kernel.dims[3], static_cast<int>(integer(node.attributes, "stride")),
            places[0],      places[1],      dilation_of(node)};
}

const Op& pad_op() {
    static const Op op = [] {
        Op pad = {"pad", Pattern::pixelwise, pad_shape, pad_algorithm, pad_gradient, pad_reference};
        pad.seen = [](const Graph& graph, const Node& node) {
            const Shape image = graph.shape_of(node.inputs[0]);
            const std::vector<int> before = integers(node.attributes, "before");
            const auto step = static_cast<int>(integer(node.attributes, "step"));
            std::vector<int> dims = image.dims;
            for (int axis = 0; axis < 2; ++axis) {
                const int behind = node.shape.dims[axis + 1] - before[axis];
                dims[axis + 1] = std::clamp((behind + step - 1) / step, 1, dims[axis + 1]);
            }
            return dims;
        };
        return pad;
    }();
    return op;
}

const Op& turn_kernel_op() {
    static const Op op = {"conv2d.turn_kernel", Pattern::parameter,
                          [](const Graph& graph, const Node& node) {
                              Shape shape = graph.shape_of(node.inputs[0]);
                              const int groups = groups_of(node);
                              shape.dims[0] = graph.shape_of(node.inputs[0]).dims[1] * groups;
                              shape.dims[1] = graph.shape_of(node.inputs[0]).dims[0] / groups;
                              return shape;
                          },
                          [](const AlgorithmContext& context) {
                              const std::vector<int>& dims = context.node.shape.dims;
                              const int groups = groups_of(context.node);
                              const int inputs = dims[0] / groups, filters = dims[1];
                              const Var c("c"), n("n"), i("i"), j("j");
                              const bool whole = groups == 1;
                              const Expr filter = whole ? n : c / inputs * filters + n;
                              const Expr input = whole ? c : c % inputs;
                              Func out("turn_kernel");
                              out(c, n, i, j) = context.inputs[0](filter, input, dims[2] - 1 - i,
                                                                  dims[3] - 1 - j);
                              return out;
                          }};
    return op;
}

const Op& grad_kernel_op() {
    static const Op op = {"conv2d.grad_kernel", Pattern::slice_sum, sum_shape,
                          grad_kernel_algorithm};
    return op;
}

const Op& grad_kernel_by_image_op() {
    static const Op op = {"conv2d.grad_kernel_by_image", Pattern::scatter, sum_shape,
                          grad_kernel_by_image_algorithm};
    return op;
}

const Op& grad_bias_op() {
    static const Op op = {"conv2d.grad_bias", Pattern::slice_sum,
                          [](const Graph& graph, const Node& node) {
                              return Shape{{graph.shape_of(node.inputs[0]).dims[0]}, Rows::slice};
                          },
                          grad_bias_algorithm};
    return op;
}

const Op& sum_slices_op() {
    static const Op op = {"sum_slices", Pattern::sum_slices,
                          [](const Graph& graph, const Node& node) {
                              return Shape{graph.shape_of(node.inputs[0]).dims, Rows::none};
                          },
                          [](const AlgorithmContext& context) {
                              const auto vars = index_vars(context.node.shape);
                              const RDom slice(0, context.slices, "slice");
                              std::vector<Expr> index(vars.begin(), vars.end());
                              index.emplace_back(slice);
                              Func out("sum_slices");
                              out(vars) = 0.0f;
                              out(vars) += context.inputs[0](index);
                              return out;
                          }};
    return op;
}

}  // namespace siamc::compiler
