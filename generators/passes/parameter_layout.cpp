#include <fmt/format.h>

#include "frontend/model_spec.h"
#include "layers/structural.h"
#include "passes/plan.h"

namespace siamc {

namespace {

constexpr long boundary = 64;     // floats: 256 bytes
constexpr long line_floats = 16;  // a cache line
constexpr long most_parameters = 1L << 28;

}  // namespace

ParameterLayout lay_out_parameters(const Graph& graph) {
    ParameterLayout layout;
    for (const Node& node : graph.nodes) {
        if (node.op != &parameter_op()) continue;
        layout.slots.push_back({node.name, node.shape.dims, layout.padded});
        layout.count += node.shape.size();
        layout.padded += round_up(node.shape.size(), boundary);
        if (layout.padded > most_parameters)
            throw ModelError(node.location,
                             fmt::format("{} brings the parameters to {}", node.name, layout.count),
                             fmt::format("a model has at most {}: 1 GiB", most_parameters),
                             "fewer units or filters, here or in front");
    }
    layout.padded = round_up(layout.padded, optimizer_tasks * line_floats);
    return layout;
}

}  // namespace siamc
