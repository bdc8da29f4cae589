// Layers that apply a function of one number to every element.
#pragma once

#include <functional>
#include <string>

#include "layers/op.h"

namespace siamc::compiler {

using Function = std::function<Halide::Expr(const Halide::Expr&)>;

// What a slope is computed from: of the two, the result is the one that is kept in any case.
enum class SlopeOf { input, result };

// (input or result, adjoint) -> slope * adjoint.
Op slope_op(const std::string& name, const Function& slope);

// The operation; `slope` has to be made by slope_op and to outlive it.
Op function_op(const std::string& name, const Function& value, const Op& slope, SlopeOf of,
               const std::function<double(double)>& reference);

// The layer of such an operation, of its name.
Layer function_layer(const Op& op, const std::string& help);

// 1 / (1 + exp(-x)), and what it leaves of 1 without the cancellation of a difference. Beyond 80 on
// either side they keep what they have there, less than 2e-35 and 1, so that no exponential is
// infinite, nor its product with an argument: generated code may multiply in any order.
struct Logistic {
    explicit Logistic(const Halide::Expr& x);
    Halide::Expr value, rest;
};
constexpr float logistic_bound = 80.0f;

}  // namespace siamc::compiler
