#include "layers/active.h"

#include "frontend/model_spec.h"
#include "layers/roles.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Func activity_algorithm(const AlgorithmContext& context) {
    const auto vars = index_vars(context.node.shape);
    const Func& x = context.inputs[0];
    const Var tile("tile");
    Expr bits = Halide::cast<uint8_t>(0);
    for (int r = 0; r < context.tile_rows; ++r) {
        Expr any = Halide::cast<bool>(false);
        for (int i = 0; i < zero_group; ++i)
            any = any || x(vars[0] * zero_group + i, tile * context.tile_rows + r) != 0.0f;
        bits = bits + select(any, Halide::cast<uint8_t>(1 << r), Halide::cast<uint8_t>(0));
    }
    Func masks = func_as(Role::active_masks), out("activity");
    masks(vars[0], tile) = bits;
    out(vars) = masks(vars[0], vars[1] / context.tile_rows);
    return out;
}

// For each mask: the rows whose bits it has set, then anything, and at [tall] how many they are.
Halide::Buffer<int> rows_of_masks(int tall) {
    Halide::Buffer<int> listed({tall + 1, 1 << tall}, "rows_of_masks");
    listed.fill(0);
    for (int mask = 0; mask < 1 << tall; ++mask)
        for (int row = 0; row < tall; ++row)
            if (mask >> row & 1) listed(listed(tall, mask)++, mask) = row;
    return listed;
}

}  // namespace

const Op& activity_op() {
    static const Op op = [] {
        Op activity = {"activity", Pattern::rowwise,
                       [](const Graph& graph, const Node& node) {
                           const Shape x = graph.shape_of(node.inputs[0]);
                           if (x.dims.size() != 1 || x.dims[0] % zero_group != 0)
                               throw ModelError(node.location,
                                                "activity cannot group " + to_string(x),
                                                "groups are of four inputs", "whole groups");
                           return Shape{{x.dims[0] / zero_group}, x.rows};
                       },
                       activity_algorithm};
        activity.type = ElementType::uint8;
        return activity;
    }();
    return op;
}

// A running count gives every flag its place. What is not set writes its place too, and the next
// that is set writes over it: no branch, so nothing to mispredict.
ActiveList active_list(const Func& flags, int size) {
    const Var j("j"), t("t");
    const RDom each(0, size, "each");
    Func ranks = func_as(Role::active_ranks), places = func_as(Role::active_places),
         counts("counts");
    ranks(j, t) = 0;
    ranks(each + 1, t) = ranks(each, t) + Halide::cast<int>(flags(each, t) != 0);
    places(j, t) = Halide::undef<int>();
    places(Halide::unsafe_promise_clamped(ranks(each, t), 0, size - 1), t) = each;
    counts(t) = ranks(size, t);
    return {places, counts};
}

// The same a tile at a time: a table holds for each mask the rows that it lists. A tile writes as
// many places as it has rows, and the next writes over those it did not need.
ActiveList active_rows(const Func& masks, const Expr& tiles, int tall) {
    const Var j("j"), t("t");
    const RDom tile(0, tiles, "tile"), place(0, tall, 0, tiles, "place");
    const Halide::Buffer<int> listed = rows_of_masks(tall);
    Func ranks = func_as(Role::active_ranks), places = func_as(Role::active_places),
         counts("counts");
    const auto mask = [&](const Expr& at) {
        return Halide::unsafe_promise_clamped(Halide::cast<int>(masks(at, t)), 0, (1 << tall) - 1);
    };
    ranks(j, t) = 0;
    ranks(tile + 1, t) = ranks(tile, t) + listed(tall, mask(tile));
    places(j, t) = Halide::undef<int>();
    const Expr rank = Halide::unsafe_promise_clamped(ranks(place.y, t), 0, (tiles - 1) * tall);
    places(rank + place.x, t) = place.y * tall + listed(place.x, mask(place.y));
    counts(t) = ranks(tiles, t);
    return {places, counts};
}

}  // namespace siamc::compiler
