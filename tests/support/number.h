// Numbers with a bound of their rounding, and what becomes of both.
#pragma once

#include <Halide.h>

#include <cmath>

namespace siamc::compiler::test {

// Unit roundoff of float: half of FLT_EPSILON, the stricter of what is called epsilon.
constexpr double unit = 0x1p-24;

// A number and what rounding each float operation could make of it: `error` bounds the difference
// of any order of evaluation to first order, in units of `unit`.
struct Number {
    double value = 0;
    double error = 0;
    double magnitude = 0;  // of a sum: of its terms
};

inline Number exact(double value) {
    return {value, 0, std::abs(value)};
}

// Of floats. Throws std::logic_error for what there is none of.
Number float_arithmetic(Halide::Internal::IRNodeType type, const Number& a, const Number& b);
Number square_root(const Number& a);
Number exponential(const Number& a);
Number logarithm(const Number& a);
// Rounded to the nearest half.
Number half(const Number& a);

Number integer_arithmetic(Halide::Internal::IRNodeType type, double a, double b);
// Of unsigned words of 32 bits: sums and products; std::logic_error for others.
Number word_arithmetic(Halide::Internal::IRNodeType type, double a, double b);

}  // namespace siamc::compiler::test
