// AdamW (Loshchilov and Hutter 2019): each step takes the rate times `decay` of every parameter off
// it, biases and normalisations too, as both packages do by themselves; then it is Adam's. Their
// decays differ: 0.004 and 0.01.
#include "optimizers/rule.h"

namespace siamc::compiler {

OptimizerRule adamw_optimizer() {
    OptimizerRule rule = adam_optimizer();
    const std::size_t decay = rule.hyper.size();
    const auto adam = rule.step;
    rule.name = "adamw";
    rule.hyper.emplace_back("decay");
    rule.formula = "p -= decay p; then as adam: " + rule.formula;
    rule.keras.push_back(rate_times(0.004));
    rule.pytorch.push_back(rate_times(0.01));
    rule.step = [adam, decay](const OptimizerState& at) {
        OptimizerState decayed = at;
        decayed.parameter -= at.hyper[decay] * at.parameter;
        return adam(decayed);
    };
    return rule;
}

}  // namespace siamc::compiler
