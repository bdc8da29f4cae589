#include "training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "core/error.h"

namespace siamc {

Semantics parse_semantics(const std::string& text) {
    if (text == "keras") return Semantics::keras;
    if (text == "pytorch") return Semantics::pytorch;
    fail(Exit::usage, "--semantics: no semantics '{}'\n  write: keras or pytorch", text);
}

namespace {

HyperParameters narrowed(std::initializer_list<double> values) {
    HyperParameters hyper{};
    std::transform(values.begin(), values.end(), hyper.begin(),
                   [](double value) { return static_cast<float>(value); });
    return hyper;
}

// rate, beta1, beta2, epsilon, root_scale
HyperParameters adam(bool keras, double rate, long step) {
    const double beta1 = 0.9, beta2 = 0.999;
    const auto t = static_cast<double>(step);
    const double correction1 = 1 - std::pow(beta1, t);
    const double root = std::sqrt(1 - std::pow(beta2, t));
    if (keras) return narrowed({rate * root / correction1, beta1, beta2, 1e-7, 1});
    return narrowed({rate / correction1, beta1, beta2, 1e-8, 1 / root});
}

}  // namespace

HyperParameters hyper_parameters(const std::string& optimizer, Semantics semantics, double rate,
                                 long step) {
    const bool keras = semantics == Semantics::keras;
    if (optimizer == "adam") return adam(keras, rate, step);
    // rate, rho, epsilon_inside, epsilon_outside
    if (optimizer == "rmsprop")
        return keras ? narrowed({rate, 0.9, 1e-7, 0}) : narrowed({rate, 0.99, 0, 1e-8});
    // momentum, gradient_scale, velocity_scale
    if (optimizer == "sgd") return keras ? narrowed({0.9, -rate, 1}) : narrowed({0.9, 1, -rate});
    fail(Exit::internal, "no hyper-parameters are known for optimizer '{}'", optimizer);
}

Optimizer::Optimizer(const Model& model, const std::string& name, Semantics semantics)
    : tables_(model.optimizer(name)), semantics_(semantics) {
    for (int m = 0; m < tables_.moments; ++m) moments_.push_back(model.flat_buffer());
}

Update Optimizer::next(double rate) {
    Update update = {tables_, hyper_parameters(tables_.name, semantics_, rate, ++steps_), {}};
    for (std::size_t m = 0; m < moments_.size(); ++m) update.moments[m] = moments_[m].data();
    return update;
}

void Optimizer::step(FloatBuffer& parameters, const FloatBuffer& gradient, double rate) {
    const Update update = next(rate);
    const int error = siamc_update(&tables_, update.hyper.data(), parameters.data(),
                                   gradient.data(), update.moments.data());
    if (error)
        fail(Exit::internal, "{}: a generated kernel failed with code {}", tables_.name, error);
}

}  // namespace siamc
