// Adam (Kingma and Ba 2015). Its two moments are biased towards 0 at first: by 1 - beta1^t and
// 1 - beta2^t. Keras puts both corrections into the rate, PyTorch the second one beside the root.
#include "optimizers/rule.h"

namespace siamc::compiler {

OptimizerRule adam_optimizer() {
    constexpr double beta1 = 0.9, beta2 = 0.999;
    return {"adam",
            2,
            {"rate", "beta1", "beta2", "epsilon", "root_scale"},
            "m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); "
            "p -= rate m / (root_scale sqrt(v) + epsilon)",
            {{1, beta1, beta2, 1, -1, 1, 0}, fixed(beta1), fixed(beta2), fixed(1e-7), fixed(1)},
            {{1, beta1, 0, 1, -1, 0, 0},
             fixed(beta1),
             fixed(beta2),
             fixed(1e-8),
             {1, 0, beta2, 0, 0, -1, 0}},
            [](const OptimizerState& at) -> std::vector<Halide::Expr> {
                const auto& [p, g, m, h] = at;
                const Halide::Expr m1 = h[1] * m[0] + (1.0f - h[1]) * g;
                const Halide::Expr m2 = h[2] * m[1] + (1.0f - h[2]) * g * g;
                return {p - h[0] * m1 / (sqrt(m2) * h[4] + h[3]), m1, m2};
            }};
}

}  // namespace siamc::compiler
