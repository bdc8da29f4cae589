// sigmoid: y = 1 / (1 + exp(-x)), whose slope is y (1 - y).
#include <cmath>

#include "layers/functions.h"

namespace siamc::compiler {

namespace {

const Op& sigmoid_grad_op() {
    static const Op op =
        slope_op("sigmoid.grad", [](const Halide::Expr& y) { return y * (1.0f - y); });
    return op;
}

const Op& sigmoid_op() {
    static const Op op = function_op(
        "sigmoid", [](const Halide::Expr& x) { return Logistic(x).value; }, sigmoid_grad_op(),
        SlopeOf::result, [](double x) { return 1 / (1 + std::exp(-x)); });
    return op;
}

}  // namespace

Layer sigmoid_layer() {
    return function_layer(sigmoid_op(), "1 / (1 + exp(-x))");
}

}  // namespace siamc::compiler
