// AdamW (Loshchilov and Hutter 2019): Adam, and each step takes the rate times `decay` of every
// parameter off it, biases and normalisations too, as both packages do by themselves. Their decays
// differ: 0.004 and 0.01.
#include "optimizers/rule.h"

namespace siamc {

OptimizerRule adamw_optimizer() {
    constexpr double beta1 = 0.9, beta2 = 0.999;
    return {"adamw",
            2,
            {"rate", "beta1", "beta2", "epsilon", "root_scale", "decay"},
            "m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); "
            "p -= decay p + rate m / (root_scale sqrt(v) + epsilon)",
            {{1, beta1, beta2, 1, -1, 1, 0},
             fixed(beta1),
             fixed(beta2),
             fixed(1e-7),
             fixed(1),
             rate_times(0.004)},
            {{1, beta1, 0, 1, -1, 0, 0},
             fixed(beta1),
             fixed(beta2),
             fixed(1e-8),
             {1, 0, beta2, 0, 0, -1, 0},
             rate_times(0.01)},
            [](const OptimizerState& at) -> std::vector<Halide::Expr> {
                const auto& [p, g, m, h] = at;
                const Halide::Expr m1 = h[1] * m[0] + (1.0f - h[1]) * g;
                const Halide::Expr m2 = h[2] * m[1] + (1.0f - h[2]) * g * g;
                return {p - (h[5] * p + h[0] * m1 / (sqrt(m2) * h[4] + h[3])), m1, m2};
            }};
}

}  // namespace siamc
