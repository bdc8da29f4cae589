#include <algorithm>
#include <optional>

#include "layers/windows.h"
#include "passes/passes.h"

namespace siamc::compiler {

namespace {

// Elementwise operations of one image pass on what is wanted of them.
bool passes_on(const Graph& graph, const Node& node) {
    return node.op->pattern == Pattern::elementwise && !node.op->seen && node.inputs.size() == 1 &&
           node.shape == graph.shape_of(node.inputs[0]);
}

class Trimmer {
  public:
    explicit Trimmer(const Graph& graph) : graph_(graph), wanted_(graph.nodes.size()) {}

    Graph run() {
        for (NodeId id : graph_.outputs) want(id, graph_[id].shape.dims);
        for (auto id = static_cast<NodeId>(graph_.nodes.size()) - 1; id >= 0; --id) ask_inputs(id);
        Graph trimmed;
        trimmed.name = graph_.name;
        trimmed.branches = graph_.branches;
        trimmed.outputs = graph_.outputs;
        for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes.size()); ++id)
            trimmed.add(resized(id));
        return trimmed;
    }

  private:
    void want(NodeId id, const std::vector<int>& dims) {
        std::vector<int>& wanted = wanted_[id];
        if (wanted.empty()) wanted = dims;
        for (size_t d = 0; d < dims.size(); ++d) wanted[d] = std::max(wanted[d], dims[d]);
    }

    void ask_inputs(NodeId id) {
        const Node node = resized(id);
        for (size_t i = 0; i < node.inputs.size(); ++i) {
            const NodeId input = node.inputs[i].node;
            if (i == 0 && node.op->seen)
                want(input, node.op->seen(graph_, node));
            else if (passes_on(graph_, node))
                want(input, wanted_[id]);
            else
                want(input, graph_[input].shape.dims);
        }
    }

    // The node over only those of its places that are wanted.
    Node resized(NodeId id) const {
        Node node = graph_[id];
        const auto places = node.attributes.find(places_attribute);
        const std::vector<int>& wanted = wanted_[id];
        if (places == node.attributes.end() || wanted.empty()) return node;
        places->second = std::vector<long>{wanted[1], wanted[2]};
        node.shape.dims = wanted;
        return node;
    }

    const Graph& graph_;
    std::vector<std::vector<int>> wanted_;  // dims, by node; empty: nothing yet
};

}  // namespace

Graph trim(const Graph& graph) {
    return Trimmer(graph).run();
}

}  // namespace siamc::compiler
