#include <fmt/format.h>

#include <stdexcept>

#include "layers/structural.h"
#include "passes/passes.h"

namespace siamc::compiler {

namespace {

constexpr int shared = -1;    // depends on no branch: parameters, stored images, labels
constexpr int compared = -2;  // depends on several branches

// The one branch that each node depends on, or shared or compared.
std::vector<int> branches_of(const Graph& graph) {
    std::vector<int> branch_of;
    for (const Node& node : graph.nodes) {
        int branch = shared;
        if (node.attributes.count("branch"))
            branch = static_cast<int>(integer(node.attributes, "branch"));
        for (Edge edge : node.inputs) {
            const int other = branch_of[edge.node];
            if (branch == shared)
                branch = other;
            else if (other != shared && other != branch)
                branch = compared;
        }
        branch_of.push_back(branch);
    }
    return branch_of;
}

class Folder {
  public:
    explicit Folder(const Graph& graph) : old_(graph), branch_of_(branches_of(graph)) {
        folded_.name = graph.name;
        folded_.branches = graph.branches;
    }

    Graph run() {
        for (NodeId id = 0; id < static_cast<NodeId>(old_.nodes.size()); ++id) {
            if (branch_of_[id] <= 0)
                moved_.push_back(copy(id));
            else
                moved_.push_back(twin(id));
        }
        for (NodeId id : old_.outputs) folded_.outputs.push_back(moved_[id]);
        return folded_;
    }

  private:
    // Tuples of single images have their own weights.
    NodeId weight_of_rows() {
        const bool of_images = folded_.branches == 1;
        const Edge weight = tuple_weights(folded_, of_images);
        if (of_images) return weight.node;
        return folded_.add({&shown_weight_op(), row_weight_op().name, {weight, places(folded_)}});
    }

    NodeId copy(NodeId id) {
        if (old_[id].op == &row_weight_op()) return weight_of_rows();
        Node node = old_[id];
        node.attributes.erase("branch");
        for (Edge& edge : node.inputs) {
            const int branch = branch_of_[edge.node];
            const bool compares = branch_of_[id] == compared && branch >= 0;
            edge = {moved_[edge.node]};
            if (compares) edge = pick(folded_, edge, branch);
        }
        return folded_.add(std::move(node));
    }

    // The node of branch 0 that does the same with the same inputs.
    NodeId twin(NodeId id) {
        const Node& node = old_[id];
        for (NodeId other = 0; other < id; ++other)
            if (branch_of_[other] == 0 && same(node, old_[other])) return moved_[other];
        throw std::logic_error(
            fmt::format("fold_twins: {} has no counterpart in branch 0", node.name));
    }

    bool same(const Node& a, const Node& b) const {
        Attributes attributes_a = a.attributes, attributes_b = b.attributes;
        attributes_a.erase("branch");
        attributes_b.erase("branch");
        if (a.op != b.op || attributes_a != attributes_b || a.inputs.size() != b.inputs.size())
            return false;
        for (size_t i = 0; i < a.inputs.size(); ++i)
            if (moved_[a.inputs[i].node] != moved_[b.inputs[i].node]) return false;
        return true;
    }

    const Graph& old_;
    std::vector<int> branch_of_;
    std::vector<NodeId> moved_;  // by old id
    Graph folded_;
};

}  // namespace

Graph fold_twins(const Graph& graph) {
    return Folder(graph).run();
}

}  // namespace siamc::compiler
