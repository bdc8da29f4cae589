#include "layers/winners.h"

#include "layers/roles.h"
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Shape slice_shape(const Graph&, const Node& node) {
    return {integers(node.attributes, "dims"), Rows::slice};
}

int attribute(const AlgorithmContext& context, const char* name) {
    return static_cast<int>(integer(context.node.attributes, name));
}

Func winner_algorithm(const AlgorithmContext& context) {
    const std::vector<Expr> pixels = window_pixels(context);
    Expr most = pixels[0], winner = Halide::cast<uint8_t>(0);
    for (size_t i = 1; i < pixels.size(); ++i) {
        winner = select(pixels[i] > most, Halide::cast<uint8_t>(static_cast<int>(i)), winner);
        most = max(most, pixels[i]);
    }
    Func out("winner");
    out(index_vars(context.node.shape)) = winner;
    return out;
}

// Where the convolution's window stood for the winner of a pooling window.
struct Place {
    Expr x, y;
};

Place place_of(const AlgorithmContext& context, const Expr& wx, const Expr& wy,
               const Expr& winner) {
    const Window pool = pooling_window(context.node);
    const int stride = attribute(context, "conv_stride");
    const Expr q = Halide::unsafe_promise_clamped(Halide::cast<int>(winner), 0, pool.area() - 1);
    return {(wx * pool.stride + q % pool.width) * stride,
            (wy * pool.stride + q / pool.width) * stride};
}

Func grad_input_won(const AlgorithmContext& context) {
    const Window pool = pooling_window(context.node);
    const Shape kernel = context.graph.shape_of(context.node.inputs[2]);
    const std::vector<int>& dims = context.node.shape.dims;
    const int wide = kernel.dims[2], high = kernel.dims[3];
    const Var c("c"), x("x"), y("y"), row("row");
    RDom k(0, wide, 0, high, 0, pool.places_x, 0, pool.places_y, 0, kernel.dims[1], "k");
    const Expr i = k[0], j = k[1], wx = k[2], wy = k[3], n = k[4];
    k.where(context.inputs[1](n, wx, wy, row) != 0.0f);
    const Place place = place_of(context, wx, wy, context.inputs[0](n, wx, wy, row));
    Func out("grad_input_won");
    out(c, x, y, row) = 0.0f;
    out(c, Halide::unsafe_promise_clamped(place.x + i, 0, dims[1] - 1),
        Halide::unsafe_promise_clamped(place.y + j, 0, dims[2] - 1), row) +=
        context.inputs[1](n, wx, wy, row) * context.inputs[2](c, n, wide - 1 - i, high - 1 - j);
    return out;
}

Func grad_kernel_by_place(const AlgorithmContext& context) {
    const Window pool = pooling_window(context.node);
    const int stride = attribute(context, "conv_stride");
    const Var n("n"), c("c"), i("i"), j("j"), slice("slice");
    const RDom at(0, pool.width, 0, pool.height, 0, pool.places_x, 0, pool.places_y, 0,
                  context.image_rows, "at");
    const Expr qx = at[0], qy = at[1], wx = at[2], wy = at[3], row = at[4];
    const Expr won =
        context.inputs[1](n, wx, wy, row) == Halide::cast<uint8_t>(qy * pool.width + qx);
    Func out("grad_kernel");
    out(n, c, i, j, slice) = 0.0f;
    out(n, c, i, j, slice) += select(won, context.inputs[2](n, wx, wy, row), 0.0f) *
                              context.inputs[0](c, (wx * pool.stride + qx) * stride + i,
                                                (wy * pool.stride + qy) * stride + j, row);
    return out;
}

Func grad_kernel_won(const AlgorithmContext& context) {
    const Window pool = pooling_window(context.node);
    const Shape image = context.graph.shape_of(context.node.inputs[0]);
    const int line = attribute(context, "line"), pixels = image.dims[1];
    const Var c("c"), i("i"), j("j"), n("n"), slice("slice"), row("row");
    const RDom w(0, pool.places_x, 0, pool.places_y, "w"), rows(0, context.image_rows, "rows");
    const Place place = place_of(context, w.x, w.y, context.inputs[1](n, w.x, w.y, row));
    const Expr pixel = place.y * line + place.x;
    Func image_sum = func_as(Role::image_sum), out("grad_kernel_won");
    image_sum(c, i, j, n, row) = 0.0f;
    image_sum(c, i, j, n, row) +=
        context.inputs[0](c, Halide::unsafe_promise_clamped(pixel, 0, pixels - 1) + j * line + i,
                          row) *
        context.inputs[2](n, w.x, w.y, row);
    out(c, i, j, n, slice) = 0.0f;
    out(c, i, j, n, slice) += image_sum(c, i, j, n, rows);
    return out;
}

}  // namespace

const Op& winner_op() {
    static const Op op = [] {
        Op winner = {"winner", Pattern::pooling, pooled_shape, winner_algorithm};
        winner.type = ElementType::uint8;
        winner.seen = seen_by_pooling;
        return winner;
    }();
    return op;
}

const Op& unpool_op() {
    static const Op op = {
        "max_pool.grad", Pattern::pixelwise, shape_of_dims, [](const AlgorithmContext& context) {
            return gather_windows(
                context, "max_pool_grad", [&](const std::vector<Expr>& at, const Expr& inside) {
                    const Expr won = context.inputs[0](at) == Halide::cast<uint8_t>(inside);
                    return select(won, context.inputs[1](at), 0.0f);
                });
        }};
    return op;
}

const Op& grad_input_won_op() {
    static const Op op = {"conv2d.grad_input_won", Pattern::scatter, shape_of_dims, grad_input_won};
    return op;
}

const Op& grad_kernel_by_place_op() {
    static const Op op = {"conv2d.grad_kernel_by_place", Pattern::slice_sum, slice_shape,
                          grad_kernel_by_place};
    return op;
}

const Op& grad_kernel_won_op() {
    static const Op op = {"conv2d.grad_kernel_won", Pattern::scatter, slice_shape, grad_kernel_won};
    return op;
}

const Op& sum_won_slices_op() {
    static const Op op = {
        "sum_won_slices", Pattern::sum_slices,
        [](const Graph& graph, const Node& node) {
            const Shape part = graph.shape_of(node.inputs[0]);
            return Shape{{part.dims[3], part.dims[0], part.dims[1], part.dims[2]}, Rows::none};
        },
        [](const AlgorithmContext& context) {
            const Var n("n"), c("c"), i("i"), j("j");
            const RDom slice(0, context.slices, "slice");
            Func out("sum_won_slices");
            out(n, c, i, j) = 0.0f;
            out(n, c, i, j) += context.inputs[0](c, i, j, n, slice);
            return out;
        }};
    return op;
}

}  // namespace siamc::compiler
