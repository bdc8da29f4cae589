// silu: x s with s = 1 / (1 + exp(-x)), also called swish (Hendrycks and Gimpel 2016, Ramachandran
// et al. 2017). Its slope is s (1 + x (1 - s)).
#include <cmath>

#include "layers/functions.h"

namespace siamc::compiler {

using Halide::Expr;

namespace {

// Where the logistic function stays what it is, what it is multiplied with has to stay as well.
Expr silu_value(const Expr& x) {
    return max(x, -logistic_bound) * Logistic(x).value;
}

Expr silu_slope(const Expr& x) {
    const Logistic s(x);
    return s.value * (1.0f + clamp(x, -logistic_bound, logistic_bound) * s.rest);
}

const Op& silu_grad_op() {
    static const Op op = slope_op("silu.grad", silu_slope);
    return op;
}

const Op& silu_op() {
    static const Op op = function_op("silu", silu_value, silu_grad_op(), SlopeOf::input,
                                     [](double x) { return x / (1 + std::exp(-x)); });
    return op;
}

}  // namespace

Layer silu_layer() {
    return function_layer(silu_op(), "x / (1 + exp(-x)), also called swish");
}

}  // namespace siamc::compiler
