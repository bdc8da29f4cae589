// Halide algorithms evaluated point by point in double, without Halide's lowering, schedules or
// code generation: what generated code is compared with.
#pragma once

#include <Halide.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "layers/op.h"
#include "support/number.h"

namespace siamc::compiler::test {

// A tensor of numbers.
struct Bounded {
    Tensor64 tensor;
    std::vector<double> error;  // empty: exact
};

// How far a float result may be from a number: twice the bound, for rounding of the bound's own
// quantities. For a sum of k products of exact numbers, whatever their order, that is less than
// max(1e-5, 4 k unit sum |a b|), the most that a kernel may be off: the products' errors and those
// of k partial sums are at most (k + 1) unit sum |a b|, and the result is rounded once more. Where
// a kernel goes on with the sum, or rounding may turn a comparison, `error` says what that makes of
// it.
inline double tolerance(double value, double error) {
    return 2 * unit * (error + std::abs(value)) + 1e-30;
}

class Interpreter {
  public:
    // What the ImageParam of that name holds; the tensor must outlive the interpreter.
    void bind(const std::string& name, const Bounded& tensor) { images_[name] = &tensor; }

    // func(point). Throws std::logic_error naming what it does not know.
    Number evaluate(const Halide::Func& func, const std::vector<int>& point);

  private:
    // One Func at one point: the names its definition uses.
    struct Frame {
        std::vector<std::pair<const std::string*, Number>> variables;
        const Halide::Internal::Function* function = nullptr;
        const std::vector<int>* point = nullptr;
        Number current = {};  // what the updates have made so far
    };

    Number call(const Halide::Internal::Function& function, const std::vector<int>& point);
    bool takes_long(const Halide::Internal::Function& function);
    Number reduce(Frame& frame, const Halide::Internal::Function& function);
    void update(Frame& frame, const Halide::Internal::Definition& definition);
    Number accumulate(Frame& frame, const Halide::Expr& value);
    bool is_self(const Frame& frame, const Halide::Expr& e);

    Number number(Frame& frame, const Halide::Expr& e);
    Number variable(const Frame& frame, const std::string& name);
    Number let(Frame& frame, const Halide::Internal::Let& e);
    Number arithmetic(Frame& frame, const Halide::Expr& e);
    Number compare(Frame& frame, const Halide::Expr& e);
    Number select(Frame& frame, const Halide::Internal::Select& e);
    Number call(Frame& frame, const Halide::Internal::Call& e);
    Number load(Frame& frame, const Halide::Internal::Call& e);
    std::vector<int> point_of(Frame& frame, const std::vector<Halide::Expr>& args);

    std::map<std::string, const Bounded*> images_;
    // Of Funcs that take long: what is known of them, by Func and point.
    std::map<std::string, bool> takes_long_;
    std::map<std::string, std::map<std::vector<int>, Number>> known_;
};

}  // namespace siamc::compiler::test
