#include <algorithm>

#include "layers/affine.h"
#include "layers/roles.h"
#include "layers/structural.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

namespace {

using Halide::Func;
using Halide::Var;

// (kernel or bias [filters ...], factors[, offsets]) -> each filter's numbers times its factor,
// plus its offset.
const Op& scale_filters_op() {
    static const Op op = {
        "scale_filters",
        Pattern::parameter,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const auto vars = index_vars(context.node.shape);
            Func out = func_as(Role::each_parameter);
            const Halide::Expr product = in[0](vars) * in[1](vars[0]);
            out(vars) = in.size() > 2 ? product + in[2](vars[0]) : product;
            return out;
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto filters = static_cast<size_t>(out.shape.dims[0]);
            for (size_t i = 0; i < out.data.size(); ++i)
                out.data[i] = in[0]->data[i] * in[1]->data[i % filters] +
                              (in.size() > 2 ? in[2]->data[i % filters] : 0);
        }};
    return op;
}

// A product or convolution with parameters, which nobody reads but this.
bool folds_into(const Graph& graph, const Node& affine,
                const std::vector<std::vector<NodeId>>& readers) {
    const NodeId source = affine.inputs[0].node;
    const Node& sums = graph[source];
    const bool of_parameters =
        sums.op->pattern == Pattern::matmul || sums.op->pattern == Pattern::convolution;
    return of_parameters && readers[source].size() == 1 &&
           !std::count(graph.outputs.begin(), graph.outputs.end(), source);
}

}  // namespace

Graph fold_affine(const Graph& graph) {
    const auto readers = readers_of(graph);
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto& moved) {
        if (node.op != &affine_op() || !folds_into(graph, graph[id], readers))
            return result.add(std::move(node));
        const NodeId source = graph[id].inputs[0].node;
        Node sums = graph[source];
        for (Edge& edge : sums.inputs) edge.node = moved[edge.node];
        sums.name = node.name;
        const Edge factors = node.inputs[1];
        const bool biased = sums.inputs.size() > 2, shifts = node.inputs.size() > 2;
        sums.inputs[1] =
            add_for(result, sums, scale_filters_op(), ".scaled_kernel", {sums.inputs[1], factors});
        if (biased) {
            std::vector<Edge> inputs = {sums.inputs[2], factors};
            if (shifts) inputs.push_back(node.inputs[2]);
            sums.inputs[2] = add_for(result, sums, scale_filters_op(), ".scaled_bias", inputs);
        } else if (shifts) {
            sums.inputs.push_back(node.inputs[2]);
        }
        return result.add(std::move(sums));
    });
}

}  // namespace siamc::compiler
