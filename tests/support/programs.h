// The programs of a model as compile_model makes them, but for batches of any size.
#pragma once

#include <string>
#include <vector>

#include "frontend/model_spec.h"
#include "passes/plan.h"

namespace siamc::compiler::test {

struct PlannedProgram {
    std::string name;
    Program program;
};

// embed_one, embed, and a training and an evaluation program for each loss, for at most `batch`
// tuples (embed_one: 1). `half_weights`: of embed_one and embed.
std::vector<PlannedProgram> programs_of(const ModelSpec& model, int batch,
                                        Processor processor = Processor::cpu,
                                        bool half_weights = false);

}  // namespace siamc::compiler::test
