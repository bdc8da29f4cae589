#include "layers/batch_total.h"

#include <algorithm>

#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Its gradient is batch_total_op's, by all ways.
const Op& slice_total_op() {
    static const Op op = {
        "batch_total.of_slice",
        Pattern::slice_sum,
        [](const Graph& graph, const Node& node) {
            return Shape{graph.shape_of(node.inputs[0]).dims, Rows::slice};
        },
        [](const AlgorithmContext& context) {
            const Var c("c"), slice("slice");
            const RDom row(0, context.image_rows, "row");
            Func out("slice_total");
            out(c, slice) = 0.0f;
            out(c, slice) += context.inputs[0](c, row);
            return out;
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            std::fill(out.data.begin(), out.data.end(), 0.0);
            for (std::size_t i = 0; i < in[0]->data.size(); ++i)
                out.data[i % out.data.size()] += in[0]->data[i];
        }};
    return op;
}

// (sums of all slices, the value) -> their sum, for each image. Of the value it is its own adjoint.
const Op& batch_total_op() {
    static const Op op = [] {
        Op total = {
            "batch_total",
            Pattern::rowwise,
            [](const Graph& graph, const Node& node) { return graph.shape_of(node.inputs[1]); },
            [](const AlgorithmContext& context) {
                const Var c("c"), row("row");
                const RDom slice(0, context.slices, "slice");
                Func out("batch_total");
                out(c, row) = 0.0f;
                out(c, row) += context.inputs[0](c, slice);
                return out;
            },
            [](Graph& graph, NodeId, Edge adjoint) {
                return std::vector<Edge>{Edge{}, batch_total(graph, adjoint)};
            },
            [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
                const auto size = static_cast<std::size_t>(out.shape.dims[0]);
                std::fill(out.data.begin(), out.data.end(), 0.0);
                for (std::size_t i = 0; i < out.data.size(); ++i)
                    for (std::size_t j = i % size; j < in[1]->data.size(); j += size)
                        out.data[i] += in[1]->data[j];
            }};
        total.through_memory = true;
        return total;
    }();
    return op;
}

}  // namespace

Edge batch_total(Graph& graph, Edge value) {
    const Node node = graph[value.node];
    const Edge of_slice = add_for(graph, node, slice_total_op(), ".of_slice", {value});
    return add_for(graph, node, batch_total_op(), ".of_batch", {across(graph, of_slice), value});
}

Edge slices_of_total(const Graph& graph, Edge total) {
    const Edge undivided = graph[total.node].inputs[0];
    return graph[undivided.node].inputs[0];
}

}  // namespace siamc::compiler
