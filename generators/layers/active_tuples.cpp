#include "layers/active_tuples.h"

#include <stdexcept>

#include "layers/roles.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

Op list(std::string name, std::function<Shape(const Graph&, const Node&)> shape) {
    Op op{std::move(name), Pattern::source, std::move(shape)};
    op.type = ElementType::int32;
    return op;
}

Op list_of(std::string name, Rows rows) {
    return list(std::move(name), [rows](const Graph&, const Node&) { return Shape{{}, rows}; });
}

// What the executor lists is there, so it needs no clamp.
Expr listed(const Func& list, const Expr& at, const Expr& rows) {
    return Halide::unsafe_promise_clamped(list(at), 0, rows - 1);
}

Func active_algorithm(const AlgorithmContext& context) {
    const Var row("row");
    Expr active = Halide::cast<bool>(false);
    for (const Func& adjoint : context.inputs) active = active || adjoint(row) != 0.0f;
    Func out("active");
    out(row) = Halide::cast<int>(active);
    return out;
}

Func listed_algorithm(const AlgorithmContext& context) {
    const std::vector<Var> vars = index_vars(context.node.shape);
    const Var row = vars.back();
    const int tall = context.tile_rows;
    const Func& list = context.inputs[1];
    std::vector<Expr> index(vars.begin(), vars.end());
    const bool by_tile = context.node.attributes.count(lists_tiles) > 0;
    index.back() =
        by_tile ? listed(list, row / tall * tall, context.listed_rows - tall + 1) + row % tall
                : listed(list, row, context.listed_rows);
    Func out = by_tile ? func_as(Role::listed_tile) : func_as(Role::view, "listed");
    out(vars) = context.inputs[0](index);
    return out;
}

Func listed_activity_algorithm(const AlgorithmContext& context) {
    const int tall = context.tile_rows;
    const auto vars = index_vars(context.node.shape);
    const Var c = vars[0], tile("tile");
    Expr bits = Halide::cast<uint8_t>(0);
    for (int r = 0; r < tall; ++r) {
        const Expr image = listed(context.inputs[1], tile * tall + r, context.listed_rows);
        const Expr bit = Halide::cast<uint8_t>(1) << Halide::cast<uint8_t>(image % tall);
        bits = bits + select((context.inputs[0](c, image) & bit) != 0,
                             Halide::cast<uint8_t>(1 << r), Halide::cast<uint8_t>(0));
    }
    Func masks = func_as(Role::listed_masks), out("listed_activity");
    masks(c, tile) = bits;
    out(vars) = masks(c, vars[1] / tall);
    return out;
}

}  // namespace

const Op& active_op() {
    static const Op op = [] {
        Op active = {"active", Pattern::elementwise,
                     [](const Graph&, const Node&) {
                         return Shape{{}, Rows::tuple};
                     },
                     active_algorithm};
        active.type = ElementType::int32;
        return active;
    }();
    return op;
}

const Op& active_tuples_op() {
    static const Op op = list_of("active_tuples", Rows::active_tuple);
    return op;
}

const Op& active_places_op() {
    static const Op op = list("active_places", [](const Graph& graph, const Node&) {
        return Shape{{graph.branches}, Rows::active_tuple};
    });
    return op;
}

const Op& active_images_op() {
    static const Op op = list_of("active_images", Rows::active_image);
    return op;
}

const Op& summed_images_op() {
    static const Op op = list_of("summed_images", Rows::summed);
    return op;
}

const Op& summed_adjoints_op() {
    static const Op op = list_of("summed_adjoints", Rows::summed);
    return op;
}

const Op& listed_op() {
    static const Op op = {
        "listed", Pattern::pick,
        [](const Graph& graph, const Node& node) {
            return Shape{graph.shape_of(node.inputs[0]).dims, graph.shape_of(node.inputs[1]).rows};
        },
        listed_algorithm};
    return op;
}

const Op& listed_activity_op() {
    static const Op op = [] {
        Op activity = {"listed_activity", Pattern::rowwise,
                       [](const Graph& graph, const Node& node) {
                           return Shape{graph.shape_of(node.inputs[0]).dims,
                                        graph.shape_of(node.inputs[1]).rows};
                       },
                       listed_activity_algorithm};
        activity.type = ElementType::uint8;
        return activity;
    }();
    return op;
}

}  // namespace siamc::compiler
