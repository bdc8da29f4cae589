// gelu: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))), the form of Hendrycks and Gimpel 2016
// that needs no error function: PyTorch's approximate="tanh", Keras' approximate=True. It is at
// most 5e-4 from the form with one. Since (1 + tanh(u)) / 2 is the logistic function of 2 u, it is
// computed as x times that, which loses no digits where tanh is near -1.
#include <cmath>

#include "layers/functions.h"

namespace siamc::compiler {

using Halide::Expr;

namespace {

constexpr float gelu_cubic = 0.044715f;
constexpr float gelu_scale = 1.5957691216f;  // 2 sqrt(2 / pi)

// From here on gelu is x, and 0 on the other side, to float's precision; x³ of more may be none.
constexpr float gelu_bound = 9.5f;

Logistic gelu_gate(const Expr& bounded) {
    return Logistic(gelu_scale * bounded * (1.0f + gelu_cubic * bounded * bounded));
}

Expr gelu_value(const Expr& x) {
    return max(x, -gelu_bound) * gelu_gate(clamp(x, -gelu_bound, gelu_bound)).value;
}

Expr gelu_slope(const Expr& x) {
    const Expr bounded = clamp(x, -gelu_bound, gelu_bound);
    const Logistic gate = gelu_gate(bounded);
    const Expr inner = gelu_scale * bounded * (1.0f + 3 * gelu_cubic * bounded * bounded);
    return gate.value * (1.0f + inner * gate.rest);
}

double gelu_reference(double x) {
    const double pi = std::acos(-1.0);
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
}

const Op& gelu_grad_op() {
    static const Op op = slope_op("gelu.grad", gelu_slope);
    return op;
}

const Op& gelu_op() {
    static const Op op =
        function_op("gelu", gelu_value, gelu_grad_op(), SlopeOf::input, gelu_reference);
    return op;
}

}  // namespace

Layer gelu_layer() {
    return function_layer(gelu_op(), "x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))");
}

}  // namespace siamc::compiler
