#include "layers/structural.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

Graph lay_out_for_gpu(const Graph& graph) {
    return rewrite(graph, [](Graph& result, NodeId, Node node, const auto&) {
        if (node.op == &gather_op()) node.attributes[element_by_element] = true;
        if (node.op == &pick_op() || node.op == &pick_grad_op()) {
            node.op = node.op == &pick_op() ? &branch_op() : &branch_grad_op();
            node.inputs.pop_back();  // the places
        }
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
