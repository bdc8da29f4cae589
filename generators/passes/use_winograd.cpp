#include <algorithm>

#include "layers/convolution.h"
#include "layers/structural.h"
#include "layers/windows.h"
#include "layers/winograd.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

namespace {

// What one transformed tile saves grows with channels times filters, what its transforms cost with
// their sum.
constexpr int least_channels = 16, least_filters = 16;

// What has been measured; the schedule takes any number, block by block.
constexpr int most_channels = 256;

// Its windows are 3 x 3 and touch, and every reader pools them by 2 x 2: a pooling window is then a
// tile's result.
bool fits(const Graph& graph, NodeId id, const std::vector<NodeId>& readers) {
    const Node& node = graph[id];
    if (node.op != &conv2d_op() || integer(node.attributes, "stride") != 1 || !is_plain(node))
        return false;
    const std::vector<int> kernel = graph.shape_of(node.inputs[1]).dims;
    if (kernel[2] != 3 || kernel[3] != 3) return false;
    if (kernel[1] < least_channels || kernel[1] > most_channels || kernel[0] < least_filters)
        return false;
    const auto pools = [&](NodeId reader) {
        if (graph[reader].op->pattern != Pattern::pooling || !graph[reader].op->seen) return false;
        const Window window = pooling_window(graph[reader]);
        return window.width == 2 && window.stride == 2;
    };
    return !readers.empty() && std::all_of(readers.begin(), readers.end(), pools) &&
           !std::count(graph.outputs.begin(), graph.outputs.end(), id);
}

}  // namespace

Graph use_winograd(const Graph& graph) {
    const auto readers = readers_of(graph);
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto&) {
        if (fits(graph, id, readers[id])) {
            node.inputs[1] = add_for(result, node, winograd_kernel_op(), ".kernel_transformed",
                                     {node.inputs[1]});
            node.op = &winograd_op();
        }
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
