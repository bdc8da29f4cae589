#include "emit/optimizers.h"

namespace siamc::compiler {

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
        const std::vector<Expr> next = rule_.step({p, g, m, h});
        (*updated_)(i_) = next.size() > 1 ? Halide::Tuple(next) : Halide::Tuple(next[0]);
    }

    // No tail: shifting the last vector inwards would update some parameters twice.
    void schedule() {
        const int width = get_target().natural_vector_size<float>();
        hyper_->dim(0).set_bounds(0, 8);
        Func updated = *updated_;
        updated.output_buffers()[0].dim(0).set_bounds(0, floats_);
        Var block("block"), thread("thread");
        if (get_target().has_gpu_feature())
            updated.gpu_tile(i_, block, thread, 128,
                             floats_ % 128 == 0 ? Halide::TailStrategy::RoundUp
                                                : Halide::TailStrategy::GuardWithIf);
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

}  // namespace

const std::vector<OptimizerRule>& optimizer_rules() {
    static const std::vector<OptimizerRule> rules = {
#define SIAMC_OPTIMIZER(name) name##_optimizer(),
#include "core/optimizers.def"
#undef SIAMC_OPTIMIZER
    };
    return rules;
}

const OptimizerRule& statistics_rule() {
    static const OptimizerRule rule = {
        "statistics", 0, {}, "p -= g", {}, {}, [](const OptimizerState& at) {
            return std::vector<Expr>{at.parameter - at.gradient};
        }};
    return rule;
}

Halide::Module generate_optimizer(const OptimizerRule& rule, int floats,
                                  const Halide::GeneratorContext& context,
                                  const std::string& function_name) {
    auto generator = OptimizerGenerator::create(context, "siamc_optimizer", "siamc_optimizer");
    generator->set(rule, floats);
    return generator->build_module(function_name);
}

}  // namespace siamc::compiler
