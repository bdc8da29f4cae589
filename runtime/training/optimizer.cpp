#include "training/optimizer.h"

#include "core/error.h"

namespace siamc {

const std::vector<std::string>& known_optimizers() {
    static const std::vector<std::string> names = {
#define SIAMC_OPTIMIZER(name) #name,
#include "core/optimizers.def"
#undef SIAMC_OPTIMIZER
    };
    return names;
}

Semantics parse_semantics(const std::string& text) {
    if (text == "keras") return Semantics::keras;
    if (text == "pytorch") return Semantics::pytorch;
    fail(Exit::usage, "--semantics: no semantics '{}'\n  write: keras or pytorch", text);
}

HyperParameters hyper_parameters(const siamc_optimizer& optimizer, Semantics semantics, double rate,
                                 long step) {
    HyperParameters hyper{};
    siamc_fill_hyper(&optimizer, semantics == Semantics::pytorch ? SIAMC_PYTORCH : SIAMC_KERAS,
                     rate, step, hyper.data());
    return hyper;
}

Optimizer::Optimizer(const Model& model, const std::string& name, Semantics semantics)
    : tables_(model.optimizer(name)), semantics_(semantics) {
    for (int m = 0; m < tables_.moments; ++m) moments_.push_back(model.flat_buffer());
}

Update Optimizer::next(double rate) {
    Update update = {tables_, hyper_parameters(tables_, semantics_, rate, ++steps_), {}};
    for (std::size_t m = 0; m < moments_.size(); ++m) update.moments[m] = moments_[m].data();
    return update;
}

void Optimizer::step(FloatBuffer& parameters, const FloatBuffer& gradient, double rate) {
    const Update update = next(rate);
    siamc_trainer trainer{};
    trainer.optimizer = &tables_;
    trainer.buffers = {parameters.data(),
                       const_cast<float*>(gradient.data()),  // is only read
                       {update.moments[0], update.moments[1]},
                       nullptr};
    if (const int error = siamc_train(&trainer, nullptr, update.hyper.data(), nullptr))
        fail(Exit::internal, "{}: {} (code {})", tables_.name, siamc_error_text(error), error);
}

}  // namespace siamc
