#include "layers/pairwise.h"
#include "layers/structural.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

namespace {

// What to read by a table of places becomes what to read by the row's number.
const Op& without_places(const Op& op) {
    if (&op == &pick_op()) return branch_op();
    if (&op == &pick_grad_op()) return branch_grad_op();
    if (&op == &shown_weight_op()) return branch_weight_op();
    return op;
}

}  // namespace

Graph lay_out_for_gpu(const Graph& graph) {
    return rewrite(graph, [&](Graph& result, NodeId, Node node, const auto&) {
        const Op& op = without_places(*node.op);
        if (&op != node.op) {
            node.op = &op;
            node.inputs.pop_back();  // the places
            node.attributes[branches_attribute] = static_cast<long>(graph.branches);
        }
        if (node.op == &gather_op()) node.attributes[element_by_element] = true;
        for (const Edge edge : node.inputs)
            if (result[edge.node].op == &ordinal_op()) node.attributes[of_one_slice] = true;
        node.attributes.erase(skips_columns);  // lists are made one after the other
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
