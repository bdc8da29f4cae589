#include "layers/windows.h"

#include <fmt/format.h>

#include "frontend/model_spec.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// The layer's attributes `window` and `stride` (0: the window's size) as a pooling node has them.
Attributes pooling_attributes(const LayerUse& use, const std::string& layer, const Shape& image) {
    const long window = integer(use.attributes, "window");
    const long given = integer(use.attributes, "stride"), stride = given ? given : window;
    const auto size = static_cast<int>(window);
    return {
        {"window", window},
        {"stride", stride},
        {places_attribute, all_places(use, layer, image, size, size, static_cast<int>(stride))}};
}

std::vector<AttributeRule> pooling_rules() {
    AttributeRule window{"window", AttributeType::integer, 2L, 1, "its width and height"};
    window.maximum = 15;  // a pixel's number in its window is a byte
    window.samples = {2L, 3L, 1L};
    AttributeRule stride{"stride", AttributeType::integer, 0L, 0, "pixels apart; 0: the window"};
    stride.maximum = 255;
    stride.samples = {0L, 1L, 2L, 3L};
    return {window, stride};
}

}  // namespace

Window pooling_window(const Node& node) {
    const auto size = static_cast<int>(integer(node.attributes, "window"));
    const std::vector<int> places = integers(node.attributes, places_attribute);
    return {size, size, static_cast<int>(integer(node.attributes, "stride")), places[0], places[1]};
}

Shape shape_over(const Window& window, int channels, Rows rows) {
    return {{channels, window.places_x, window.places_y}, rows};
}

std::vector<int> dims_seen(const Window& window, int channels) {
    return {channels, (window.places_x - 1) * window.stride + span(window.width, window.dilation),
            (window.places_y - 1) * window.stride + span(window.height, window.dilation)};
}

Edge image_for(Graph& graph, const LayerUse& use, const std::string& layer) {
    Edge image = use.inputs[0];
    Shape shape = graph.shape_of(image);
    if (shape.dims.size() == 2)
        image = reshape(graph, image, {1, shape.dims[0], shape.dims[1]}, use.name + ".image",
                        use.location);
    shape = graph.shape_of(image);
    if (shape.dims.size() != 3)
        throw ModelError(use.location, layer + " cannot read " + to_string(shape),
                         "it reads the pixels of an image", "it before any dense or flatten");
    return image;
}

std::vector<long> all_places(const LayerUse& use, const std::string& layer, const Shape& image,
                             int width, int height, int stride) {
    if (image.dims[1] < width || image.dims[2] < height)
        throw ModelError(use.location,
                         fmt::format("{}'s window of {} x {} does not fit", layer, width, height),
                         fmt::format("the image here is {} x {}", image.dims[1], image.dims[2]),
                         "a smaller window, or fewer layers in front");
    return {(image.dims[1] - width) / stride + 1, (image.dims[2] - height) / stride + 1};
}

Shape pooled_shape(const Graph& graph, const Node& node) {
    const Shape image = graph.shape_of(node.inputs[0]);
    return shape_over(pooling_window(node), image.dims[0], image.rows);
}

std::vector<int> seen_by_pooling(const Graph& graph, const Node& node) {
    return dims_seen(pooling_window(node), graph.shape_of(node.inputs[0]).dims[0]);
}

std::vector<Expr> window_pixels(const AlgorithmContext& context) {
    const Window window = pooling_window(context.node);
    const auto vars = index_vars(context.node.shape);
    std::vector<Expr> all;
    for (int y = 0; y < window.height; ++y)
        for (int x = 0; x < window.width; ++x)
            all.push_back(context.inputs[0](vars[0], vars[1] * window.stride + x,
                                            vars[2] * window.stride + y, vars[3]));
    return all;
}

void reduce_windows(const Node& node, const Tensor64& image, Tensor64& out,
                    const std::function<double(const std::vector<double>&)>& reduce) {
    const Window window = pooling_window(node);
    const std::vector<int>& dims = out.shape.dims;
    std::vector<double> seen(static_cast<size_t>(window.area()));
    size_t at = 0;
    for (int row = 0; row < out.rows; ++row)
        for (int y = 0; y < dims[2]; ++y)
            for (int x = 0; x < dims[1]; ++x)
                for (int c = 0; c < dims[0]; ++c) {
                    for (int q = 0; q < window.area(); ++q)
                        seen[q] =
                            image.data[element(image.shape, c, x * window.stride + q % window.width,
                                               y * window.stride + q / window.width, row)];
                    out.data[at++] = reduce(seen);
                }
}

Layer pooling_layer(const Op& op, const std::string& help) {
    Layer layer{op.name, LayerKind::layer, help};
    layer.attributes = pooling_rules();
    layer.reads_images = true;
    layer.build = [&op](Graph& graph, const LayerUse& use) {
        const Edge image = image_for(graph, use, op.name);
        return Edge{graph.add({&op,
                               use.name,
                               {image},
                               pooling_attributes(use, op.name, graph.shape_of(image)),
                               {},
                               use.location})};
    };
    return layer;
}

Func gather_windows(const AlgorithmContext& context, const std::string& name,
                    const std::function<Expr(const std::vector<Expr>&, Expr)>& share) {
    const Window window = pooling_window(context.node);
    const std::vector<Var> vars = index_vars(context.node.shape);
    const Var &c = vars[0], &x = vars[1], &y = vars[2], &row = vars[3];
    const int wide = (window.width + window.stride - 1) / window.stride;
    Expr sum = 0.0f;
    for (int j = 0; j < wide; ++j)
        for (int i = 0; i < wide; ++i) {
            const Expr wx = x / window.stride - i, wy = y / window.stride - j;
            const Expr ix = x - wx * window.stride, iy = y - wy * window.stride;
            const Expr sees = wx >= 0 && wx < window.places_x && ix < window.width && wy >= 0 &&
                              wy < window.places_y && iy < window.height;
            const std::vector<Expr> at = {c, clamp(wx, 0, window.places_x - 1),
                                          clamp(wy, 0, window.places_y - 1), row};
            sum = sum + select(sees, share(at, iy * window.width + ix), 0.0f);
        }
    Func out(name);
    out(vars) = sum;
    return out;
}

}  // namespace siamc::compiler
