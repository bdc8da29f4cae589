#include <fmt/format.h>

#include <algorithm>

#include "frontend/model_spec.h"
#include "layers/structural.h"
#include "passes/plan.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

namespace {

constexpr long boundary = 64;     // floats: 256 bytes
constexpr long line_floats = 16;  // a cache line
constexpr long most_parameters = 1L << 28;

std::optional<double> initial_of(const Node& node) {
    if (node.attributes.count("initial")) return real(node.attributes, "initial");
    if (node.shape.dims.size() < 2) return 0.0;
    return std::nullopt;
}

// Those that are not there yet.
void add_parameters(ParameterLayout& layout, const Graph& graph, bool statistics) {
    for (const Node& node : graph.nodes) {
        if (node.op != &parameter_op() || node.attributes.count(is_statistic) != statistics)
            continue;
        if (std::any_of(layout.slots.begin(), layout.slots.end(),
                        [&](const ParameterSlot& slot) { return slot.name == node.name; }))
            continue;
        layout.slots.push_back({node.name, node.shape.dims, layout.padded, initial_of(node)});
        layout.count += node.shape.size();
        layout.padded += round_up(node.shape.size(), boundary);
        if (layout.padded > most_parameters)
            throw ModelError(node.location,
                             fmt::format("{} brings the parameters to {}", node.name, layout.count),
                             fmt::format("a model has at most {}: 1 GiB", most_parameters),
                             "fewer units or filters, here or in front");
    }
}

}  // namespace

ParameterLayout lay_out_parameters(const std::vector<Graph>& model,
                                   const std::vector<Graph>& losses) {
    ParameterLayout layout;
    for (const Graph& graph : model) add_parameters(layout, graph, true);
    layout.statistics = layout.padded;
    for (const Graph& graph : model) add_parameters(layout, graph, false);
    layout.shared = layout.slots.size();
    for (const Graph& graph : losses) add_parameters(layout, graph, false);
    // Behind the last line of each, too, may be read what fills a vector.
    for (const ParameterSlot& slot : layout.slots) {
        const long line = slot.dims[0], numbers = Shape{slot.dims}.size();
        layout.padded =
            std::max(layout.padded, slot.offset + numbers - line + round_up(line, most_lanes));
    }
    const long trained = layout.padded - layout.statistics;
    layout.padded = layout.statistics + round_up(trained, optimizer_tasks * line_floats);
    return layout;
}

}  // namespace siamc::compiler
