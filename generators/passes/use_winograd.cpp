#include <algorithm>

#include "layers/structural.h"
#include "layers/windows.h"
#include "layers/winograd.h"
#include "passes/passes.h"
#include "schedules/schedule.h"

namespace siamc {

namespace {

// What one transformed tile saves grows with channels times filters, what its transforms cost with
// their sum.
constexpr int least_channels = 16, least_filters = 16;

// A transformed tile of all channels has to fit the stack.
constexpr int most_channels = most_stack_bytes / (16 * 4);

// Its windows are 3 x 3 and touch, and every reader pools them by 2 x 2: a pooling window is then a
// tile's result.
bool fits(const Graph& graph, NodeId id) {
    const Node& node = graph[id];
    if (node.op->name != "conv2d" || integer(node.attributes, "stride") != 1) return false;
    const std::vector<int> kernel = graph.shape_of(node.inputs[1]).dims;
    if (kernel[2] != 3 || kernel[3] != 3) return false;
    if (kernel[1] < least_channels || kernel[1] > most_channels || kernel[0] < least_filters)
        return false;
    int readers = 0;
    for (const Node& reader : graph.nodes)
        for (Edge edge : reader.inputs) {
            if (edge.node != id) continue;
            if (reader.op->pattern != Pattern::pooling || !reader.op->seen) return false;
            const Window window = pooling_window(reader);
            if (window.width != 2 || window.stride != 2) return false;
            ++readers;
        }
    return readers > 0 && !std::count(graph.outputs.begin(), graph.outputs.end(), id);
}

}  // namespace

Graph use_winograd(const Graph& graph) {
    Graph result;
    result.name = graph.name;
    result.branches = graph.branches;
    std::vector<NodeId> moved;  // by old id
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        Node node = graph[id];
        for (Edge& edge : node.inputs) edge.node = moved[edge.node];
        if (fits(graph, id)) {
            node.inputs[1] = {result.add({&winograd_kernel_op(),
                                          node.name + ".kernel_transformed",
                                          {node.inputs[1]},
                                          {},
                                          {},
                                          node.location})};
            node.op = &winograd_op();
        }
        moved.push_back(result.add(std::move(node)));
    }
    for (NodeId id : graph.outputs) result.outputs.push_back(moved[id]);
    return result;
}

}  // namespace siamc
