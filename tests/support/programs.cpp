#include "support/programs.h"

#include "graph/build.h"
#include "passes/passes.h"

namespace siamc::test {

std::vector<PlannedProgram> programs_of(const ModelSpec& model, int batch) {
    const ParameterLayout parameters = layout_of(model);
    std::vector<PlannedProgram> programs;
    const auto add = [&](const std::string& name, const Graph& graph, bool train, int most) {
        Graph folded = fold_twins(graph);
        if (train) folded = differentiate(folded);
        folded = skip_zeros(remove_unused(folded), most);
        programs.push_back({name, plan(folded, parameters, most)});
    };
    add("embed_one", build_embedding(model), false, 1);
    add("embed", build_embedding(model), false, batch);
    for (const LayerSpec& loss : model.losses) {
        add(loss.type, build_loss(model, loss), true, batch);
        add(loss.type + "_evaluation", build_evaluation(model, loss), false, batch);
    }
    return programs;
}

ParameterLayout layout_of(const ModelSpec& model) {
    return lay_out_parameters(fold_twins(build_embedding(model)));
}

}  // namespace siamc::test
