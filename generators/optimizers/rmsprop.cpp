// RMSprop (Tieleman and Hinton 2012). Keras adds epsilon inside the root, PyTorch outside.
#include "optimizers/rule.h"

namespace siamc::compiler {

OptimizerRule rmsprop_optimizer() {
    return {"rmsprop",
            1,
            {"rate", "rho", "epsilon_inside", "epsilon_outside"},
            "v = rho v + (1 - rho) g^2; p -= rate g / (sqrt(v + epsilon_inside) + epsilon_outside)",
            {rate_times(1), fixed(0.9), fixed(1e-7), fixed(0)},
            {rate_times(1), fixed(0.99), fixed(0), fixed(1e-8)},
            [](const OptimizerState& at) -> std::vector<Halide::Expr> {
                const auto& [p, g, m, h] = at;
                const Halide::Expr v = h[1] * m[0] + (1.0f - h[1]) * g * g;
                return {p - h[0] * g / (sqrt(v + h[2]) + h[3]), v};
            }};
}

}  // namespace siamc::compiler
