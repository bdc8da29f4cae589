#include "layers/active.h"

#include "frontend/model_spec.h"
#include "layers/structural.h"

namespace siamc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

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
                       [](const AlgorithmContext& context) {
                           const auto vars = index_vars(context.node.shape);
                           const Func& x = context.inputs[0];
                           Expr any = x(vars[0] * zero_group, vars[1]) != 0.0f;
                           for (int i = 1; i < zero_group; ++i)
                               any = any || x(vars[0] * zero_group + i, vars[1]) != 0.0f;
                           Func out("activity");
                           out(vars) = Halide::cast<uint8_t>(any);
                           return out;
                       }};
        activity.type = ElementType::uint8;
        return activity;
    }();
    return op;
}

// A running count gives every flag its place. What is not set writes its place too, and the next
// that is set writes over it: no branch, so nothing to mispredict.
ActiveList active_list(const Func& flags, const Expr& size) {
    const Var j("j"), t("t");
    const RDom each(0, size, "each");
    Func ranks("active_ranks"), places("active_places"), counts("active_counts");
    ranks(j, t) = 0;
    ranks(each + 1, t) = ranks(each, t) + Halide::cast<int>(flags(each, t));
    places(j, t) = Halide::undef<int>();
    places(Halide::unsafe_promise_clamped(ranks(each, t), 0, size - 1), t) = each;
    counts(t) = ranks(size, t);
    return {places, counts};
}

}  // namespace siamc
