#include "layers/winners.h"

#include "layers/structural.h"
#include "layers/windows.h"

namespace siamc {

using Halide::Expr;

const Op& unpool_op() {
    static const Op op = {
        "max_pool.grad", Pattern::pixelwise,
        [](const Graph& graph, const Node& node) {
            const auto& dims = std::get<std::vector<long>>(node.attributes.at("dims"));
            return Shape{{dims.begin(), dims.end()}, graph.shape_of(node.inputs[0]).rows};
        },
        [](const AlgorithmContext& context) {
            return gather_windows(context, "max_pool_grad",
                                  [&](const std::vector<Expr>& at, const Expr& inside) {
                                      const Expr won = context.inputs[0](at) ==
                                                       Halide::cast<uint8_t>(inside);
                                      return select(won, context.inputs[1](at), 0.0f);
                                  });
        }};
    return op;
}

}  // namespace siamc
