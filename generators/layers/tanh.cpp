// tanh, whose slope is 1 - tanh². Up to 0.625, where the quotient of exponentials would lose
// digits, it is the polynomial of tanhf in Moshier's Cephes library.
#include <cmath>

#include "layers/functions.h"

namespace siamc::compiler {

using Halide::Expr;

namespace {

Expr tanh_value(const Expr& x) {
    constexpr float small_bound = 0.625f;
    const Expr bounded = clamp(x, -small_bound, small_bound), z = bounded * bounded;
    const Expr small =
        bounded +
        bounded * z *
            (-3.33332819422e-1f +
             z * (1.33314422036e-1f +
                  z * (-5.37397155531e-2f + z * (2.06390887954e-2f - z * 5.70498872745e-3f))));
    const Expr sign = select(x < 0.0f, -1.0f, 1.0f);
    const Expr large = sign * (1.0f - 2.0f * Logistic(-2.0f * (sign * x)).value);
    return select(x > -small_bound && x < small_bound, small, large);
}

const Op& tanh_grad_op() {
    static const Op op =
        slope_op("tanh.grad", [](const Expr& y) { return (1.0f - y) * (1.0f + y); });
    return op;
}

const Op& tanh_op() {
    static const Op op = function_op("tanh", tanh_value, tanh_grad_op(), SlopeOf::result,
                                     [](double x) { return std::tanh(x); });
    return op;
}

}  // namespace

Layer tanh_layer() {
    return function_layer(tanh_op(), "the hyperbolic tangent");
}

}  // namespace siamc::compiler
