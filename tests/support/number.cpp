#include "support/number.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace siamc::compiler::test {

using Halide::Internal::IRNodeType;

namespace {

// A rounded result of numbers that were off by `error` together.
Number rounded(double value, double error) {
    return {value, error + std::abs(value), std::abs(value)};
}

Number divide(const Number& a, const Number& b) {
    const double quotient = a.value / b.value;
    return rounded(quotient, (a.error + std::abs(quotient) * b.error) / std::abs(b.value));
}

double floor_mod(double a, double b) {
    return a - b * std::floor(a / b);
}

}  // namespace

// Near 0 the root of an error is much larger than the error.
Number square_root(const Number& a) {
    const double root = std::sqrt(std::max(0.0, a.value));
    const double near_zero = std::sqrt(a.error / unit);
    return rounded(root, a.error == 0 ? 0 : std::min(near_zero, a.error / root));
}

// Halide's own exp is right to 6 units, those of GPUs are to 2 ulp.
Number exponential(const Number& a) {
    constexpr double off = 3;
    const double power = std::exp(a.value);
    return rounded(power, power * (a.error + off));
}

// Of positive numbers; Halide's own log is right to a few units too.
Number logarithm(const Number& a) {
    constexpr double off = 3;
    const double power = std::log(a.value);
    return rounded(power, a.error / a.value + off * std::abs(power));
}

// Rounded to the nearest half, of 11 bits; below 2^-14 they are multiples of 2^-24.
Number half(const Number& a) {
    int exponent;
    std::frexp(a.value, &exponent);
    const double last = std::ldexp(1.0, std::max(exponent - 11, -24));
    const double value = std::nearbyint(a.value / last) * last;
    return {value, a.error > 0 ? a.error + last / unit : 0, std::abs(value)};
}

// Modulo 2^32; numbers below that are exact in a double.
Number word_arithmetic(IRNodeType type, double a, double b) {
    const auto x = static_cast<std::uint32_t>(a), y = static_cast<std::uint32_t>(b);
    switch (type) {
        case IRNodeType::Add:
            return exact(x + y);
        case IRNodeType::Mul:
            return exact(x * y);
        default:
            throw std::logic_error("the interpreter adds and multiplies words alone");
    }
}

Number integer_arithmetic(IRNodeType type, double a, double b) {
    switch (type) {
        case IRNodeType::Add:
            return exact(a + b);
        case IRNodeType::Sub:
            return exact(a - b);
        case IRNodeType::Mul:
            return exact(a * b);
        case IRNodeType::Div:
            return exact(std::floor(a / b));
        case IRNodeType::Mod:
            return exact(floor_mod(a, b));
        case IRNodeType::Min:
            return exact(std::min(a, b));
        default:
            return exact(std::max(a, b));
    }
}

Number float_arithmetic(IRNodeType type, const Number& a, const Number& b) {
    const double either = std::max(a.error, b.error);
    switch (type) {
        case IRNodeType::Add:
            return rounded(a.value + b.value, a.error + b.error);
        case IRNodeType::Sub:
            return rounded(a.value - b.value, a.error + b.error);
        case IRNodeType::Mul:
            return rounded(a.value * b.value, std::abs(a.value) * b.error +
                                                  std::abs(b.value) * a.error +
                                                  unit * a.error * b.error);
        case IRNodeType::Div:
            return divide(a, b);
        case IRNodeType::Min:
            return {std::min(a.value, b.value), either, std::abs(a.value)};
        case IRNodeType::Max:
            return {std::max(a.value, b.value), either, std::abs(a.value)};
        default:
            throw std::logic_error("the interpreter knows no float mod");
    }
}

}  // namespace siamc::compiler::test
