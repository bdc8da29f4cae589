#include <map>

#include "layers/active.h"
#include "layers/structural.h"
#include "passes/passes.h"
#include "passes/plan.h"
#include "passes/rewrite.h"
#include "schedules/schedule.h"

namespace siamc::compiler {

namespace {

static_assert(row_quantum <= 8, "an activity is a byte, one bit a row");

// An image as stored, whatever its shape. Its scaling leaves zeros zero.
bool shows_image(const Graph& graph, NodeId id) {
    while (graph[id].op->pattern == Pattern::view) id = graph[id].inputs[0].node;
    return graph[id].op == &gather_op();
}

// Lists lie on the stack: of groups, and for a weight gradient of rows.
bool can_skip(const Graph& graph, const Node& node, int rows) {
    if (!node.op->can_skip_zeros || !shows_image(graph, node.inputs[0].node)) return false;
    const Shape x = graph.shape_of(node.inputs[0]);
    if (x.dims.size() != 1 || x.dims[0] % zero_group != 0) return false;
    return x.dims[0] / zero_group <= most_listed &&
           (node.op->pattern != Pattern::batch_sum || rows <= most_listed);
}

}  // namespace

Graph skip_zeros(const Graph& graph, int batch) {
    const int rows = graph.branches * padded_batch(batch, graph.branches);
    std::map<NodeId, NodeId> activity;  // by the new id of the image
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto&) {
        if (can_skip(graph, graph[id], rows)) {
            const Edge image = node.inputs[0];
            if (!activity.count(image.node))
                activity[image.node] =
                    result.add({&activity_op(), "activity", {image}, {}, {}, node.location});
            node.inputs.push_back({activity[image.node]});
            node.attributes[skips_zeros] = true;
        }
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
