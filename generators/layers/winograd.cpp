#include "layers/winograd.h"

#include "layers/roles.h"
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// One of four values, by an index that schedules make constant.
Expr pick(const Expr& index, const std::vector<Expr>& values) {
    Expr picked = values.back();
    for (size_t i = values.size() - 1; i-- > 0;)
        picked = select(index == static_cast<int>(i), values[i], picked);
    return picked;
}

// The three transforms along one axis; at(i) is the i-th number.
template <typename At>
Expr transform_kernel(const Expr& u, At&& at) {
    return pick(u, {at(0), 0.5f * (at(0) + at(1) + at(2)), 0.5f * (at(0) - at(1) + at(2)), at(2)});
}

template <typename At>
Expr transform_image(const Expr& u, At&& at) {
    return pick(u, {at(0) - at(2), at(1) + at(2), at(2) - at(1), at(1) - at(3)});
}

template <typename At>
Expr transform_result(const Expr& i, At&& at) {
    return select(i == 0, at(0) + at(1) + at(2), at(1) - at(2) - at(3));
}

Func kernel_algorithm(const AlgorithmContext& context) {
    const Var n("n"), c("c"), u("u"), v("v");
    Func out = func_as(Role::winograd_kernel);
    out(n, c, u, v) = transform_kernel(v, [&](int j) {
        return transform_kernel(u, [&](int i) { return context.inputs[0](n, c, i, j); });
    });
    return out;
}

// Tile (tx, ty) of the image is 4 x 4 pixels from (2 tx, 2 ty) on; it gives 2 x 2 results.
Func winograd_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const int channels = context.graph.shape_of(context.node.inputs[0]).dims[0];
    const auto vars = index_vars(context.node.shape);
    const Var &n = vars[0], &x = vars[1], &y = vars[2], &row = vars[3];
    const Var c("c"), u("u"), v("v"), tx("tx"), ty("ty");
    const RDom k(0, channels, "k");
    Func tile = func_as(Role::winograd_tile), sum = func_as(Role::winograd_sum), out("winograd");
    tile(c, u, v, tx, ty, row) = transform_image(v, [&](int j) {
        return transform_image(u, [&](int i) { return in[0](c, tx * 2 + i, ty * 2 + j, row); });
    });
    sum(n, u, v, tx, ty, row) = 0.0f;
    sum(n, u, v, tx, ty, row) += tile(k, u, v, tx, ty, row) * in[1](n, k, u, v);
    const Expr result = transform_result(y % 2, [&](int j) {
        return transform_result(x % 2, [&](int i) { return sum(n, i, j, x / 2, y / 2, row); });
    });
    out(vars) = in.size() == 3 ? result + in[2](n) : result;
    return out;
}

}  // namespace

const Op& winograd_kernel_op() {
    static const Op op = {"winograd_kernel", Pattern::parameter,
                          [](const Graph& graph, const Node& node) {
                              const Shape kernel = graph.shape_of(node.inputs[0]);
                              return Shape{{kernel.dims[0], kernel.dims[1], 4, 4}, Rows::none};
                          },
                          kernel_algorithm};
    return op;
}

const Op& winograd_op() {
    static const Op op = {
        "winograd", Pattern::convolution,
        [](const Graph& graph, const Node& node) {
            const std::vector<int> places = integers(node.attributes, places_attribute);
            return Shape{{graph.shape_of(node.inputs[1]).dims[0], places[0], places[1]},
                         graph.shape_of(node.inputs[0]).rows};
        },
        winograd_algorithm};
    return op;
}

}  // namespace siamc::compiler
