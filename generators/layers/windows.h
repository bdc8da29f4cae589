// What layers that slide a window over an image share. An image has dims [channels width height];
// the window visits every `stride`-th place at which it lies inside ("valid").
#pragma once

#include <string>
#include <vector>

#include "layers/op.h"

namespace siamc::compiler {

// Attribute of a windowed node, {x, y}: the places that its window visits. The layer starts with
// all of them; passes/trim.cpp leaves out what nobody reads.
constexpr const char* places_attribute = "places";

struct Window {
    int width, height, stride;
    int places_x, places_y;
    int dilation = 1;  // pixels between its pixels

    int area() const { return width * height; }
};

// Pixels from the first to the last of a window of so many, both counted.
inline int span(int pixels, int dilation) {
    return (pixels - 1) * dilation + 1;
}

// Attributes "window" (width and height) and "stride".
Window pooling_window(const Node& node);

// The result of sliding it over an image of `channels`.
Shape shape_over(const Window& window, int channels, Rows rows);

// Dims of the part of an image that the window sees from its places.
std::vector<int> dims_seen(const Window& window, int channels);

// The use's input as an image: one without channels gets one. Throws ModelError if it is none.
Edge image_for(Graph& graph, const LayerUse& use, const std::string& layer);

// {x, y}: at how many places a window lies inside the image. Throws ModelError if there are none.
std::vector<long> all_places(const LayerUse& use, const std::string& layer, const Shape& image,
                             int width, int height, int stride);

// Of every pooling operation: its result's shape, the part of the image that it reads, what its
// window at (x, y) sees, row by row.
Shape pooled_shape(const Graph& graph, const Node& node);
std::vector<int> seen_by_pooling(const Graph& graph, const Node& node);
std::vector<Halide::Expr> window_pixels(const AlgorithmContext& context);

// Reference implementations: out is reduce() of what each window sees.
void reduce_windows(const Node& node, const Tensor64& image, Tensor64& out,
                    const std::function<double(const std::vector<double>&)>& reduce);

// The layer of a pooling operation, of its name.
Layer pooling_layer(const Op& op, const std::string& help);

// The gradient of pooling, without scatter: each pixel sums over the windows that see it. What a
// window gives it is share(at, inside): `at` is the window's index, as the result has it, and
// `inside` the pixel's number in the window, row by row.
Halide::Func gather_windows(const AlgorithmContext& context, const std::string& name,
                            const std::function<Halide::Expr(const std::vector<Halide::Expr>& at,
                                                             Halide::Expr inside)>& share);

// Sums of elements (c, x, y): what reference implementations index with.
inline size_t element(const Shape& shape, int c, int x, int y, int row) {
    const size_t width = static_cast<size_t>(shape.dims[1]), height = shape.dims[2];
    return ((row * height + y) * width + x) * shape.dims[0] + c;
}

}  // namespace siamc::compiler
