#include "support/interpreter.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace siamc::compiler::test {

using Halide::Expr;
using Halide::Internal::Definition;
using Halide::Internal::Function;
using Halide::Internal::IRNodeType;
namespace ir = Halide::Internal;

namespace {

template <typename Node>
const Node& as(const Expr& e) {
    return *e.as<Node>();
}

template <typename Node>
std::pair<Expr, Expr> sides(const Expr& e) {
    return {as<Node>(e).a, as<Node>(e).b};
}

std::pair<Expr, Expr> operands(const Expr& e) {
    switch (e.node_type()) {
        case IRNodeType::Add:
            return sides<ir::Add>(e);
        case IRNodeType::Sub:
            return sides<ir::Sub>(e);
        case IRNodeType::Mul:
            return sides<ir::Mul>(e);
        case IRNodeType::Div:
            return sides<ir::Div>(e);
        case IRNodeType::Mod:
            return sides<ir::Mod>(e);
        case IRNodeType::Min:
            return sides<ir::Min>(e);
        case IRNodeType::Max:
            return sides<ir::Max>(e);
        case IRNodeType::EQ:
            return sides<ir::EQ>(e);
        case IRNodeType::NE:
            return sides<ir::NE>(e);
        case IRNodeType::LT:
            return sides<ir::LT>(e);
        case IRNodeType::LE:
            return sides<ir::LE>(e);
        case IRNodeType::GT:
            return sides<ir::GT>(e);
        case IRNodeType::GE:
            return sides<ir::GE>(e);
        case IRNodeType::And:
            return sides<ir::And>(e);
        default:
            return sides<ir::Or>(e);
    }
}

bool holds(IRNodeType type, double a, double b) {
    switch (type) {
        case IRNodeType::EQ:
            return a == b;
        case IRNodeType::NE:
            return a != b;
        case IRNodeType::LT:
            return a < b;
        case IRNodeType::LE:
            return a <= b;
        case IRNodeType::GT:
            return a > b;
        case IRNodeType::GE:
            return a >= b;
        case IRNodeType::And:
            return a != 0 && b != 0;
        default:
            return a != 0 || b != 0;
    }
}

}  // namespace

Number Interpreter::evaluate(const Halide::Func& func, const std::vector<int>& point) {
    return call(func.function(), point);
}

Number Interpreter::call(const Function& function, const std::vector<int>& point) {
    Frame frame;
    frame.function = &function;
    frame.point = &point;
    for (size_t d = 0; d < point.size(); ++d)
        frame.variables.push_back({&function.args()[d], exact(point[d])});
    if (!takes_long(function)) return number(frame, function.values()[0]);
    const auto& known = known_[function.name()];
    const auto found = known.find(point);
    if (found != known.end()) return found->second;
    const Number result = function.has_update_definition() ? reduce(frame, function)
                                                           : number(frame, function.values()[0]);
    known_[function.name()].emplace(point, result);
    return result;
}

// Sums, and what reads other Funcs often.
bool Interpreter::takes_long(const Function& function) {
    const auto [known, is_new] = takes_long_.emplace(function.name(), true);
    if (is_new && !function.has_update_definition()) {
        struct Calls : ir::IRVisitor {
            int count = 0;
            void visit(const ir::Call* call) override {
                count += call->call_type == ir::Call::Halide;
                IRVisitor::visit(call);
            }
        } calls;
        function.values()[0].accept(&calls);
        constexpr int many = 3;
        known->second = calls.count > many;
    }
    return known->second;
}

Number Interpreter::reduce(Frame& frame, const Function& function) {
    frame.current = number(frame, function.values()[0]);
    for (const Definition& definition : function.updates()) update(frame, definition);
    return frame.current;
}

// The update at every point of its domain, the first reduction variable innermost.
void Interpreter::update(Frame& frame, const Definition& definition) {
    const auto& domain = definition.schedule().rvars();
    const size_t outer = frame.variables.size();
    std::vector<double> last;
    for (const auto& r : domain) {
        const double min = number(frame, r.min).value, extent = number(frame, r.extent).value;
        if (extent <= 0) return;
        frame.variables.push_back({&r.var, exact(min)});
        last.push_back(min + extent - 1);
    }
    const Expr& where = definition.predicate();  // undefined: everywhere
    for (bool more = true; more;) {
        const bool applies = !where.defined() || number(frame, where).value != 0;
        if (applies && point_of(frame, definition.args()) == *frame.point)
            frame.current = accumulate(frame, definition.values()[0]);
        more = false;
        for (size_t r = 0; r < domain.size() && !more; ++r) {
            Number& variable = frame.variables[outer + r].second;
            more = variable.value < last[r];
            variable = more ? exact(variable.value + 1) : number(frame, domain[r].min);
        }
    }
    frame.variables.resize(outer);
}

// One more term of a sum. The bound holds for any order of the terms, since each partial sum is
// counted with the sizes of its terms.
Number Interpreter::accumulate(Frame& frame, const Expr& value) {
    const auto* add = value.as<ir::Add>();
    if (!add || !(is_self(frame, add->a) || is_self(frame, add->b))) return number(frame, value);
    const Number term = number(frame, is_self(frame, add->a) ? add->b : add->a);
    const double magnitude = frame.current.magnitude + std::abs(term.value);
    return {frame.current.value + term.value, frame.current.error + term.error + magnitude,
            magnitude};
}

bool Interpreter::is_self(const Frame& frame, const Expr& e) {
    const auto* call = e.as<ir::Call>();
    return call && call->call_type == ir::Call::Halide && call->name == frame.function->name();
}

Number Interpreter::number(Frame& frame, const Expr& e) {
    switch (e.node_type()) {
        case IRNodeType::IntImm:
            return exact(static_cast<double>(as<ir::IntImm>(e).value));
        case IRNodeType::UIntImm:
            return exact(static_cast<double>(as<ir::UIntImm>(e).value));
        case IRNodeType::FloatImm:
            return exact(as<ir::FloatImm>(e).value);
        case IRNodeType::Variable:
            return variable(frame, as<ir::Variable>(e).name);
        case IRNodeType::Let:
            return let(frame, as<ir::Let>(e));
        case IRNodeType::Cast: {
            const Number value = number(frame, as<ir::Cast>(e).value);
            if (e.type() == Halide::Float(16)) return half(value);
            if (value.error > 0 && as<ir::Cast>(e).value.type().is_bool())
                return {value.value, 1 / unit, 1};  // a flag that rounding could turn over
            if (e.type().is_uint() && e.type().bits() == 32)
                return exact(static_cast<std::uint32_t>(static_cast<std::int64_t>(value.value)));
            const bool truncates =
                e.type().is_int_or_uint() && !as<ir::Cast>(e).value.type().is_int_or_uint();
            return truncates ? exact(std::trunc(value.value)) : value;
        }
        case IRNodeType::Select:
            return select(frame, as<ir::Select>(e));
        case IRNodeType::Call:
            return call(frame, as<ir::Call>(e));
        case IRNodeType::Not: {
            const Number a = number(frame, as<ir::Not>(e).a);
            return {a.value == 0 ? 1.0 : 0.0, a.error, 1};
        }
        case IRNodeType::Add:
        case IRNodeType::Sub:
        case IRNodeType::Mul:
        case IRNodeType::Div:
        case IRNodeType::Mod:
        case IRNodeType::Min:
        case IRNodeType::Max:
            return arithmetic(frame, e);
        case IRNodeType::EQ:
        case IRNodeType::NE:
        case IRNodeType::LT:
        case IRNodeType::LE:
        case IRNodeType::GT:
        case IRNodeType::GE:
        case IRNodeType::And:
        case IRNodeType::Or:
            return compare(frame, e);
        default: {
            std::ostringstream text;
            text << "the interpreter does not know " << e.node_type() << ": " << e;
            throw std::logic_error(text.str());
        }
    }
}

Number Interpreter::variable(const Frame& frame, const std::string& name) {
    for (auto known = frame.variables.rbegin(); known != frame.variables.rend(); ++known)
        if (*known->first == name) return known->second;
    throw std::logic_error("the interpreter knows no variable " + name);
}

Number Interpreter::let(Frame& frame, const ir::Let& e) {
    frame.variables.push_back({&e.name, number(frame, e.value)});
    const Number body = number(frame, e.body);
    frame.variables.pop_back();
    return body;
}

Number Interpreter::arithmetic(Frame& frame, const Expr& e) {
    const auto [left, right] = operands(e);
    const Number a = number(frame, left), b = number(frame, right);
    if (e.type().is_uint() && e.type().bits() == 32)
        return word_arithmetic(e.node_type(), a.value, b.value);
    return e.type().is_float() ? float_arithmetic(e.node_type(), a, b)
                               : integer_arithmetic(e.node_type(), a.value, b.value);
}

// 0 or 1; with an error where rounding could turn it.
Number Interpreter::compare(Frame& frame, const Expr& e) {
    const auto [left, right] = operands(e);
    const Number a = number(frame, left), b = number(frame, right);
    const bool logic = e.node_type() == IRNodeType::And || e.node_type() == IRNodeType::Or;
    const double error = a.error + b.error;
    const bool sure =
        logic ? error == 0 : error == 0 || std::abs(a.value - b.value) > 4 * unit * error;
    return {holds(e.node_type(), a.value, b.value) ? 1.0 : 0.0, sure ? 0.0 : 1.0, 1};
}

// Only the chosen side is evaluated, unless rounding could choose the other.
Number Interpreter::select(Frame& frame, const ir::Select& e) {
    const Number condition = number(frame, e.condition);
    Number chosen = number(frame, condition.value != 0 ? e.true_value : e.false_value);
    if (condition.error == 0) return chosen;
    const Number other = number(frame, condition.value != 0 ? e.false_value : e.true_value);
    chosen.error += other.error + std::abs(chosen.value - other.value) / unit;
    return chosen;
}

Number Interpreter::call(Frame& frame, const ir::Call& e) {
    if (e.call_type == ir::Call::Image) return load(frame, e);
    if (e.call_type == ir::Call::Halide) {
        const std::vector<int> point = point_of(frame, e.args);
        if (e.name != frame.function->name()) return call(Function(e.func), point);
        if (point != *frame.point) throw std::logic_error(e.name + ": reads itself elsewhere");
        return frame.current;
    }
    const bool passes =
        e.is_intrinsic(ir::Call::likely) || e.is_intrinsic(ir::Call::unsafe_promise_clamped);
    if (passes) return number(frame, e.args[0]);
    using Bits = long (*)(long, long);
    const std::pair<ir::Call::IntrinsicOp, Bits> on_bits[] = {
        {ir::Call::bitwise_and, [](long a, long b) { return a & b; }},
        {ir::Call::bitwise_xor, [](long a, long b) { return a ^ b; }},
        {ir::Call::shift_left, [](long a, long b) { return a << b; }},
        {ir::Call::shift_right, [](long a, long b) { return a >> b; }}};
    for (const auto& [intrinsic, compute] : on_bits)
        if (e.is_intrinsic(intrinsic))
            return {static_cast<double>(compute(static_cast<long>(number(frame, e.args[0]).value),
                                                static_cast<long>(number(frame, e.args[1]).value))),
                    0};
    const std::pair<ir::Call::IntrinsicOp, IRNodeType> strict[] = {
        {ir::Call::strict_add, IRNodeType::Add},
        {ir::Call::strict_sub, IRNodeType::Sub},
        {ir::Call::strict_mul, IRNodeType::Mul}};
    for (const auto& [intrinsic, type] : strict)
        if (e.is_intrinsic(intrinsic))
            return float_arithmetic(type, number(frame, e.args[0]), number(frame, e.args[1]));
    if (e.is_intrinsic(ir::Call::abs)) {
        Number magnitude = number(frame, e.args[0]);
        magnitude.value = std::abs(magnitude.value);
        return magnitude;
    }
    if (e.name == "sqrt_f32") return square_root(number(frame, e.args[0]));
    if (e.name == "exp_f32") return exponential(number(frame, e.args[0]));
    if (e.name == "log_f32") return logarithm(number(frame, e.args[0]));
    throw std::logic_error("the interpreter does not know " + e.name);
}

Number Interpreter::load(Frame& frame, const ir::Call& e) {
    const auto found = images_.find(e.name);
    if (found == images_.end()) throw std::logic_error("no tensor bound to " + e.name);
    const Bounded& bounded = *found->second;
    const std::vector<int> point = point_of(frame, e.args);
    std::vector<int> extents = bounded.tensor.shape.dims;
    if (bounded.tensor.shape.rows != Rows::none) extents.push_back(bounded.tensor.rows);
    size_t index = 0, stride = 1;
    for (size_t d = 0; d < extents.size(); ++d) {
        if (point.at(d) < 0 || point[d] >= extents[d])
            throw std::logic_error(e.name + " is read outside its bounds");
        index += static_cast<size_t>(point[d]) * stride;
        stride *= static_cast<size_t>(extents[d]);
    }
    const double value = bounded.tensor.data.at(index);
    return {value, bounded.error.empty() ? 0 : bounded.error.at(index), std::abs(value)};
}

std::vector<int> Interpreter::point_of(Frame& frame, const std::vector<Expr>& args) {
    std::vector<int> point;
    for (const Expr& arg : args) point.push_back(static_cast<int>(number(frame, arg).value));
    return point;
}

}  // namespace siamc::compiler::test
