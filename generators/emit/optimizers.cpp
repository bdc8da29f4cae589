#include "emit/optimizers.h"

namespace siamc {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

class OptimizerGenerator : public Halide::Generator<OptimizerGenerator> {
  public:
    void set(const OptimizerRule& rule, int floats) {
        rule_ = rule;
        floats_ = floats;
    }

    void configure() {
        const Halide::Type type = Halide::Float(32);
        parameters_ = add_input<Buffer<>>("parameters", type, 1);
        gradient_ = add_input<Buffer<>>("gradient", type, 1);
        for (int m = 0; m < rule_.moments; ++m)
            moments_.push_back(add_input<Buffer<>>("moment" + std::to_string(m + 1), type, 1));
        hyper_ = add_input<Buffer<>>("hyper", type, 1);
        updated_ = add_output<Func>("updated", std::vector(1 + rule_.moments, type), 1);
    }

    // New parameters and moments are one tuple, so that each element is read for the last time
    // before any of them is written.
    void generate() {
        const Expr p = (*parameters_)(i_), g = (*gradient_)(i_);
        std::vector<Expr> h, m;
        for (size_t k = 0; k < rule_.hyper.size(); ++k) h.push_back((*hyper_)(static_cast<int>(k)));
        for (auto* moment : moments_) m.push_back((*moment)(i_));
        if (rule_.name == "adam") {
            const Expr m1 = h[1] * m[0] + (1.0f - h[1]) * g;
            const Expr m2 = h[2] * m[1] + (1.0f - h[2]) * g * g;
            (*updated_)(i_) = Halide::Tuple(p - h[0] * m1 / (sqrt(m2) * h[4] + h[3]), m1, m2);
        } else if (rule_.name == "rmsprop") {
            const Expr v = h[1] * m[0] + (1.0f - h[1]) * g * g;
            (*updated_)(i_) = Halide::Tuple(p - h[0] * g / (sqrt(v + h[2]) + h[3]), v);
        } else if (rule_.name == statistics_rule().name) {
            (*updated_)(i_) = p - g;
        } else {
            const Expr v = h[0] * m[0] + h[1] * g;
            (*updated_)(i_) = Halide::Tuple(p + h[2] * v, v);
        }
    }

    // No tail: shifting the last vector inwards would update some parameters twice.
    void schedule() {
        const int width = get_target().natural_vector_size<float>();
        hyper_->dim(0).set_bounds(0, 8);
        Func updated = *updated_;
        updated.output_buffers()[0].dim(0).set_bounds(0, floats_);
        Var block("block"), thread("thread");
        if (get_target().has_gpu_feature())
            updated.gpu_tile(i_, block, thread, 128, Halide::TailStrategy::RoundUp);
        else
            updated.vectorize(i_, width, Halide::TailStrategy::RoundUp);
    }

  private:
    OptimizerRule rule_;
    int floats_ = 0;
    Var i_{"i"};
    Input<Buffer<>>*parameters_ = nullptr, *gradient_ = nullptr, *hyper_ = nullptr;
    std::vector<Input<Buffer<>>*> moments_;
    Output<Func>* updated_ = nullptr;
};

// A constant, and a multiple of the rate.
constexpr siamc_hyper_rule fixed(double value) {
    return {value, 0, 0, 0, 0, 0, 0};
}
constexpr siamc_hyper_rule rate_times(double value) {
    return {value, 0, 0, 1, 0, 0, 0};
}

// Adam's two moments are biased towards 0 at first: by 1 - beta1^t and 1 - beta2^t (Kingma and Ba
// 2015). Keras puts both corrections into the rate, PyTorch the second one beside the root.
OptimizerRule adam() {
    constexpr double beta1 = 0.9, beta2 = 0.999;
    return {"adam",
            2,
            {"rate", "beta1", "beta2", "epsilon", "root_scale"},
            "m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); "
            "p -= rate m / (root_scale sqrt(v) + epsilon)",
            {{1, beta1, beta2, 1, -1, 1, 0}, fixed(beta1), fixed(beta2), fixed(1e-7), fixed(1)},
            {{1, beta1, 0, 1, -1, 0, 0},
             fixed(beta1),
             fixed(beta2),
             fixed(1e-8),
             {1, 0, beta2, 0, 0, -1, 0}}};
}

OptimizerRule rmsprop() {
    return {"rmsprop",
            1,
            {"rate", "rho", "epsilon_inside", "epsilon_outside"},
            "v = rho v + (1 - rho) g^2; p -= rate g / (sqrt(v + epsilon_inside) + epsilon_outside)",
            {rate_times(1), fixed(0.9), fixed(1e-7), fixed(0)},
            {rate_times(1), fixed(0.99), fixed(0), fixed(1e-8)}};
}

OptimizerRule sgd() {
    return {"sgd",
            1,
            {"momentum", "gradient_scale", "velocity_scale"},
            "v = momentum v + gradient_scale g; p += velocity_scale v",
            {fixed(0.9), rate_times(-1), fixed(1)},
            {fixed(0.9), fixed(1), rate_times(-1)}};
}

}  // namespace

const std::vector<OptimizerRule>& optimizer_rules() {
    static const std::vector<OptimizerRule> rules = {adam(), rmsprop(), sgd()};
    return rules;
}

const OptimizerRule& statistics_rule() {
    static const OptimizerRule rule = {"statistics", 0, {}, "p -= g", {}, {}};
    return rule;
}

Halide::Module generate_optimizer(const OptimizerRule& rule, int floats,
                                  const Halide::GeneratorContext& context,
                                  const std::string& function_name) {
    auto generator = OptimizerGenerator::create(context, "siamc_optimizer", "siamc_optimizer");
    generator->set(rule, floats);
    return generator->build_module(function_name);
}

}  // namespace siamc
