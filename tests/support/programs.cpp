#include "support/programs.h"

#include "compile.h"
#include "frontend/graphs.h"
#include "passes/passes.h"

namespace siamc::compiler::test {

std::vector<PlannedProgram> programs_of(const ModelSpec& model, int batch, Processor processor,
                                        bool half_weights) {
    const ParameterLayout parameters = layout_of(model);
    const auto ignore = [](const auto&, const auto&, const auto&) {};
    std::vector<PlannedProgram> programs;
    for (const EntryPoint& entry : entry_points(model, batch, batch, half_weights))
        programs.push_back({entry.name, make_program(entry, parameters, processor, ignore)});
    return programs;
}

}  // namespace siamc::compiler::test
