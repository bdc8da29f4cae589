// The optimisers' update of the flat parameter buffer, as Halide generators.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

#include "optimizers/rule.h"

namespace siamc::compiler {

// Every optimiser of optimizers.def, in its order.
const std::vector<OptimizerRule>& optimizer_rules();
// What every optimiser does with statistics: takes off them what the gradient says.
const OptimizerRule& statistics_rule();

// The update of `floats` consecutive parameters, a multiple of 16. Arguments of the function:
// parameters, gradient, moments, hyper, then the new parameters and moments, which may be (and in
// a program are) the same memory as the old ones.
Halide::Module generate_optimizer(const OptimizerRule& rule, int floats,
                                  const Halide::GeneratorContext& context,
                                  const std::string& function_name);

}  // namespace siamc::compiler
