#include "layers/winograd.h"

#include "layers/convolution.h"
#include "layers/roles.h"
#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

using At = std::function<Expr(int)>;  // the i-th number along an axis

// One of some values, by an index that schedules make constant.
Expr pick(const Expr& index, const std::vector<Expr>& values) {
    Expr picked = values.back();
    for (size_t i = values.size() - 1; i-- > 0;)
        picked = select(index == static_cast<int>(i), values[i], picked);
    return picked;
}

// The three transforms along one axis: of polynomials that are interpolated at 0, 1, -1 for 2
// results by 3 taps, at 2 and -2 too for 4 by 3, and at -1/2 too for 4 by 4 (of the points tried
// the one with the smallest error), and at infinity. Numbers at +p and -p share what is even and
// what is odd in p.
Expr transform_kernel(WinogradForm form, const Expr& u, const At& at) {
    if (form.taps == 4) {
        const Expr even1 = at(0) + at(2), odd1 = at(1) + at(3);
        const Expr even2 = at(0) + 4 * at(2), odd2 = 2 * at(1) + 8 * at(3);
        const Expr half = 8 * at(0) - 4 * at(1) + 2 * at(2) - at(3);
        return pick(u, {at(0) / 2, (even1 + odd1) / -9, (even1 - odd1) / 3, (even2 + odd2) / 60,
                        (even2 - odd2) / -36, half / -11.25f, at(3)});
    }
    if (form.results == 2)
        return pick(u, {at(0), 0.5f * (at(0) + at(2)) + 0.5f * at(1),
                        0.5f * (at(0) + at(2)) - 0.5f * at(1), at(2)});
    const Expr even1 = (at(0) + at(2)) / 6, odd1 = at(1) / 6;
    const Expr even2 = (at(0) + 4 * at(2)) / 24, odd2 = at(1) / 12;
    return pick(u, {at(0) * 0.25f, -even1 - odd1, odd1 - even1, even2 + odd2, even2 - odd2, at(2)});
}

// (x^2 - a) of the pixels from the i-th on.
Expr without_square(float a, int i, const At& at) {
    return at(i + 2) - a * at(i);
}

Expr transform_image(WinogradForm form, const Expr& u, const At& at) {
    if (form.taps == 4) {
        const auto outer = [&](int i) { return without_square(4, i, at); };
        const auto inner = [&](int i) { return without_square(1, i, at); };
        const auto both = [&](int i) { return outer(i + 2) - outer(i); };
        const Expr one0 = outer(2) + outer(1) / 2, one1 = outer(3) + outer(2) / 2;
        const Expr two0 = inner(2) + inner(1) / 2, two1 = inner(3) + inner(2) / 2;
        return pick(u, {both(1) + both(0) / 2, one1 + one0, one1 - one0, two1 + 2 * two0,
                        two1 - 2 * two0, both(1), both(2) + both(1) / 2});
    }
    if (form.results == 2)
        return pick(u, {at(0) - at(2), at(2) + at(1), at(2) - at(1), at(1) - at(3)});
    const Expr even1 = at(4) - 4 * at(2), odd1 = at(3) - 4 * at(1);
    const Expr even2 = at(4) - at(2), odd2 = 2 * (at(3) - at(1));
    return pick(u, {4 * at(0) - 5 * at(2) + at(4), even1 + odd1, even1 - odd1, even2 + odd2,
                    even2 - odd2, 4 * at(1) - 5 * at(3) + at(5)});
}

Expr transform_result(WinogradForm form, const Expr& i, const At& at) {
    const Expr even1 = at(1) + at(2), odd1 = at(1) - at(2);
    if (form.results == 2) return pick(i, {at(0) + even1, odd1 - at(3)});
    const Expr even2 = at(3) + at(4), odd2 = at(3) - at(4);
    if (form.taps == 4)
        return pick(i, {at(0) + even1 + even2 + at(5), odd1 + 2 * odd2 - at(5) / 2,
                        even1 + 4 * even2 + at(5) / 4, odd1 + 8 * odd2 - at(5) / 8 + at(6)});
    return pick(
        i, {at(0) + even1 + even2, odd1 + 2 * odd2, even1 + 4 * even2, odd1 + 8 * odd2 + at(5)});
}

// Filters behind the last are 0, and so is what a part has behind the kernel's edge.
Func kernel_algorithm(const AlgorithmContext& context) {
    const WinogradForm form = winograd_form(context.node);
    const int taps = form.taps;
    const Shape& kernel = context.graph.shape_of(context.node.inputs[0]);
    const int filters = kernel.dims[0], inputs = kernel.dims[1];
    const int line = winograd_parts(kernel, 2, taps),
              parts = line * winograd_parts(kernel, 3, taps);
    const Var lane("lane"), c("c"), u("u"), v("v"), block("block");
    const Expr n = block * filter_block + lane, part = parts > 1 ? c / inputs : 0;
    const Expr filter = filters % filter_block == 0 ? n : min(n, filters - 1);
    const auto inside = [](const Expr& at, int extent, int step) {
        return extent % step == 0 ? Halide::Internal::const_true() : at < extent;
    };
    const auto weight = [&](int i, int j) {
        const Expr x = part % line * taps + i, y = part / line * taps + j;
        const Expr at = context.inputs[0](filter, parts > 1 ? c % inputs : Expr(c),
                                          min(x, kernel.dims[2] - 1), min(y, kernel.dims[3] - 1));
        return select(inside(n, filters, filter_block) && inside(x, kernel.dims[2], taps) &&
                          inside(y, kernel.dims[3], taps),
                      at, 0.0f);
    };
    Func out = func_as(Role::winograd_kernel);
    out(lane, c, u, v, block) = transform_kernel(form, v, [&](int j) {
        return transform_kernel(form, u, [&](int i) { return weight(i, j); });
    });
    return out;
}

// Tile (tx, ty) of the image starts at pixel (results tx, results ty) and gives as many results a
// side. What the last ones have no pixels for is not wanted either: of pixels, the last counts.
Func winograd_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const std::vector<int>& image = context.graph.shape_of(context.node.inputs[0]).dims;
    const WinogradForm form = winograd_form(context.node);
    const int results = form.results;
    const auto vars = index_vars(context.node.shape);
    const Var &n = vars[0], &x = vars[1], &y = vars[2], &row = vars[3];
    const Var c("c"), part("part"), u("u"), v("v"), i("i"), j("j"), tx("tx"), ty("ty");
    const int weights = context.graph.shape_of(context.node.inputs[1]).dims[1];
    const int parts = weights / image[0];
    const auto parts_of_line = static_cast<int>(integer(context.node.attributes, parts_attribute));
    const RDom k(0, image[0], 0, parts, "k");
    Func line = func_as(Role::winograd_line), tile = func_as(Role::winograd_tile),
         sum = func_as(Role::winograd_sum), half = func_as(Role::winograd_half), out("winograd");
    const auto pixel = [&](const Expr& first, const Expr& at, int extent) {
        return min(first * results + at, extent - 1);
    };
    const Expr right = part % parts_of_line * form.taps, down = part / parts_of_line * form.taps;
    line(c, u, j, tx, ty, row, part) = transform_image(form, u, [&](int at) {
        return in[0](c, pixel(tx, right + at, image[1]), pixel(ty, down + j, image[2]), row);
    });
    tile(c, tx, ty, row, u, v, part) =
        transform_image(form, v, [&](int at) { return line(c, u, at, tx, ty, row, part); });
    sum(n, tx, ty, row, u, v) = 0.0f;
    sum(n, tx, ty, row, u, v) +=
        tile(k.x, tx, ty, row, u, v, k.y) *
        in[1](n % filter_block, k.y * image[0] + k.x, u, v, n / filter_block);
    half(n, i, v, tx, ty, row) =
        transform_result(form, i, [&](int at) { return sum(n, tx, ty, row, at, v); });
    const Expr result = transform_result(form, y % results, [&](int at) {
        return half(n, x % results, at, x / results, y / results, row);
    });
    out(vars) = in.size() == 3 ? result + in[2](n) : result;
    return out;
}

}  // namespace

WinogradForm winograd_form(const Node& node) {
    return {static_cast<int>(integer(node.attributes, results_attribute)),
            static_cast<int>(integer(node.attributes, taps_attribute))};
}

bool fits_winograd(const Shape& kernel) {
    const int filters = kernel.dims[0], channels = kernel.dims[1];
    return filters >= filter_block &&
           (channels <= most_ragged_channels || channels % filter_block == 0);
}

int winograd_parts(const Shape& kernel, int axis, int taps) {
    return (kernel.dims[axis] + taps - 1) / taps;
}

long winograd_tiles(const Shape& result, int results) {
    long tiles = 1;
    for (const int axis : {1, 2}) tiles *= (result.dims[axis] + results - 1) / results;
    return tiles;
}

const Op& winograd_kernel_op() {
    static const Op op = {
        "winograd_kernel", Pattern::parameter,
        [](const Graph& graph, const Node& node) {
            const Shape& kernel = graph.shape_of(node.inputs[0]);
            const WinogradForm form = winograd_form(node);
            const int blocks = (kernel.dims[0] + filter_block - 1) / filter_block;
            const int weights = kernel.dims[1] * winograd_parts(kernel, 2, form.taps) *
                                winograd_parts(kernel, 3, form.taps);
            return Shape{{filter_block, weights, form.side(), form.side(), blocks}, Rows::none};
        },
        kernel_algorithm};
    return op;
}

const Op& winograd_op() {
    static const Op op = {
        "winograd", Pattern::convolution,
        [](const Graph& graph, const Node& node) {
            const std::vector<int> places = integers(node.attributes, places_attribute);
            const auto filters = static_cast<int>(integer(node.attributes, filters_attribute));
            return Shape{{filters, places[0], places[1]}, graph.shape_of(node.inputs[0]).rows};
        },
        winograd_algorithm};
    return op;
}

}  // namespace siamc::compiler
