#include <algorithm>
#include <map>
#include <stdexcept>

#include "layers/active.h"
#include "layers/active_tuples.h"
#include "layers/structural.h"
#include "passes/passes.h"

namespace siamc::compiler {

namespace {

class InactiveSkipper {
  public:
    // `scatter`: the node that adds up an image's adjoint.
    InactiveSkipper(const Graph& old, NodeId scatter)
        : old_(old), scatter_(scatter), moved_(old.nodes.size(), -1) {
        find_adjoints();
        find_backward();
        result_.name = old.name;
        result_.branches = old.branches;
    }

    Graph run() {
        const auto size = static_cast<NodeId>(old_.nodes.size());
        for (NodeId id = 0; id < size; ++id)
            if (!backward_[id]) move(id, old_[id].inputs);
        add_lists();
        for (NodeId id = 0; id < size; ++id)
            if (backward_[id]) move_backward(id);
        for (NodeId id : old_.outputs) result_.outputs.push_back(moved_[id]);
        return result_;
    }

  private:
    // What is made of the weight of the tuples: 0 where all adjoints before it are.
    void find_adjoints() {
        for (const Node& node : old_.nodes)
            is_adjoint_.push_back(node.op == &weight_op() ||
                                  std::any_of(node.inputs.begin(), node.inputs.end(),
                                              [&](Edge edge) { return is_adjoint_[edge.node]; }));
    }

    // The scatter, what distances pass on to it, and all that depends on it.
    void find_backward() {
        backward_.assign(old_.nodes.size(), false);
        backward_[scatter_] = true;
        for (NodeId id = scatter_; id >= 0; --id)
            for (Edge edge : old_[id].inputs)
                if (backward_[id] && passes_on(edge.node)) backward_[edge.node] = true;
        for (NodeId id = scatter_; id < static_cast<NodeId>(old_.nodes.size()); ++id)
            for (Edge edge : old_[id].inputs)
                if (backward_[edge.node]) backward_[id] = true;
    }

    // A gradient with respect to embeddings: more than a number a tuple.
    bool passes_on(NodeId id) const { return is_adjoint_[id] && !old_[id].shape.dims.empty(); }

    void move(NodeId id, const std::vector<Edge>& inputs) {
        Node node = old_[id];
        node.inputs.clear();
        for (Edge edge : inputs) node.inputs.push_back({moved_[edge.node]});
        moved_[id] = result_.add(std::move(node));
    }

    // What tells of a tuple: the adjoints that are a number each.
    void add_lists() {
        std::vector<Edge> adjoints;
        for (NodeId id = 0; id < static_cast<NodeId>(old_.nodes.size()); ++id)
            for (Edge edge : old_[id].inputs) {
                if (!backward_[id] || !is_adjoint_[edge.node] || backward_[edge.node]) continue;
                const Edge adjoint{moved_[edge.node]};
                if (!std::count(adjoints.begin(), adjoints.end(), adjoint))
                    adjoints.push_back(adjoint);
            }
        const Edge flags{result_.add({&active_op(), "active", adjoints, {}, {}, {}})};
        for (const Op* op : {&active_tuples_op(), &active_places_op(), &active_images_op(),
                             &summed_images_op(), &summed_adjoints_op()})
            lists_[op] = {result_.add({op, op->name, {flags}, {}, {}, {}})};
    }

    void move_backward(NodeId id) {
        Node node = old_[id];
        for (Edge& edge : node.inputs)
            edge = node.op->pattern == Pattern::batch_sum ? summed(edge, node) : read(edge);
        if (id == scatter_) {
            node.inputs.back() = lists_.at(&active_places_op());
            node.inputs.push_back(lists_.at(&active_images_op()));
        }
        moved_[id] = result_.add(std::move(node));
        const Rows rows = result_[moved_[id]].shape.rows;
        if (rows == Rows::image || rows == Rows::tuple)
            throw std::logic_error("skip_inactive: " + old_[id].name + " has a row for all");
    }

    // An input of a sum over the batch. What lists where a group of pixels is not zero looks up
    // rows one by one, whatever tile they are of.
    Edge summed(Edge old, const Node& sum) {
        const Edge edge{moved_[old.node]};
        const Rows rows = result_.shape_of(edge).rows;
        const bool by_tile = sum.op->blocked_input >= 0 && !sum.attributes.count(skips_zeros);
        if (rows == Rows::active_image) return listed(edge, summed_adjoints_op(), by_tile);
        if (rows != Rows::image) return edge;
        if (old_[old.node].op != &activity_op()) return listed(edge, summed_images_op());
        const Edge active = add_for(result_, old_[old.node], listed_activity_op(), ".listed",
                                    {edge, lists_.at(&active_images_op())});
        return listed(active, summed_adjoints_op());
    }

    // An input of any other backward node.
    Edge read(Edge old) {
        const Edge edge{moved_[old.node]};
        const Rows rows = result_.shape_of(edge).rows;
        if (rows == Rows::image) return listed(edge, active_images_op());
        if (rows != Rows::tuple) return edge;
        if (old_[old.node].op == &pick_op()) return picked(old_[old.node]);
        return listed(edge, active_tuples_op());
    }

    // Rows of an image tensor that active tuples show.
    Edge picked(const Node& pick) {
        const Edge places = listed({moved_[pick.inputs[1].node]}, active_tuples_op());
        return once(pick.name + ".active", [&](const std::string& name) {
            return Node{&pick_op(),      name, {{moved_[pick.inputs[0].node]}, places},
                        pick.attributes, {},   {}};
        });
    }

    Edge listed(Edge tensor, const Op& list, bool by_tile = false) {
        const Attributes attributes = by_tile ? Attributes{{lists_tiles, true}} : Attributes{};
        return once(
            result_[tensor.node].name + "." + list.name + (by_tile ? ".tiles" : ""),
            [&](const std::string& name) {
                return Node{&listed_op(), name, {tensor, lists_.at(&list)}, attributes, {}, {}};
            });
    }

    template <typename Make>
    Edge once(const std::string& name, Make&& make) {
        const NodeId known = result_.find(name);
        return known >= 0 ? Edge{known} : Edge{result_.add(make(name))};
    }

    const Graph& old_;
    NodeId scatter_;
    std::vector<bool> is_adjoint_, backward_;  // by old id
    std::vector<NodeId> moved_;                // by old id
    std::map<const Op*, Edge> lists_;
    Graph result_;
};

}  // namespace

Graph skip_inactive(const Graph& graph) {
    std::vector<NodeId> scatters;
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        if (graph[id].op == &across_op()) return graph;
        if (graph[id].op == &pick_grad_op()) scatters.push_back(id);
    }
    return scatters.size() == 1 ? InactiveSkipper(graph, scatters[0]).run() : graph;
}

}  // namespace siamc::compiler
