// Gradient descent with momentum 0.9. Keras has the rate inside the moment, PyTorch outside.
#include "optimizers/rule.h"

namespace siamc::compiler {

OptimizerRule sgd_optimizer() {
    return {"sgd",
            1,
            {"momentum", "gradient_scale", "velocity_scale"},
            "v = momentum v + gradient_scale g; p += velocity_scale v",
            {fixed(0.9), rate_times(-1), fixed(1)},
            {fixed(0.9), fixed(1), rate_times(-1)},
            [](const OptimizerState& at) -> std::vector<Halide::Expr> {
                const auto& [p, g, m, h] = at;
                const Halide::Expr v = h[0] * m[0] + h[1] * g;
                return {p + h[2] * v, v};
            }};
}

}  // namespace siamc::compiler
