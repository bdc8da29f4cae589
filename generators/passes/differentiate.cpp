#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "frontend/model_spec.h"
#include "layers/structural.h"
#include "passes/passes.h"

namespace siamc::compiler {

namespace {

class Differentiator {
  public:
    explicit Differentiator(const Graph& graph)
        : graph_(graph), contributions_(graph.nodes.size()) {
        for (const Node& node : graph_.nodes) {
            const auto trained = [&](Edge edge) { return trained_[edge.node]; };
            trained_.push_back(node.op == &parameter_op() ||
                               std::any_of(node.inputs.begin(), node.inputs.end(), trained));
        }
    }

    Graph run() {
        const auto last = static_cast<NodeId>(graph_.nodes.size()) - 1;
        const bool of_images = graph_.shape_of({graph_.outputs.at(0)}).rows == Rows::image;
        const Edge weight = tuple_weights(graph_, of_images);
        contributions_[graph_.outputs.at(0)] = {{weight, rows_as_they_are}};
        std::vector<std::pair<NodeId, NodeId>> gradients;  // parameter, its gradient
        for (NodeId id = last; id >= 0; --id) {
            if (!trained_[id] || contributions_[id].empty()) continue;
            const Edge adjoint = sum_of_contributions(id);
            if (graph_[id].op == &parameter_op())
                gradients.push_back({id, adjoint.node});
            else
                propagate(id, adjoint);
        }
        for (NodeId id = 0; id <= last; ++id) {
            if (!graph_[id].op->steps) continue;
            for (const ParameterStep& step : graph_[id].op->steps(graph_, id))
                gradients.push_back({step.parameter, step.amount.node});
        }
        std::sort(gradients.begin(), gradients.end());
        for (auto [parameter, gradient] : gradients) {
            graph_[gradient].gradient_of = graph_[parameter].name;
            graph_[gradient].name = "grad." + graph_[parameter].name;
            graph_.outputs.push_back(gradient);
        }
        return graph_;
    }

  private:
    static constexpr int rows_as_they_are = -1;

    struct Contribution {
        Edge adjoint;
        int branch;  // of tuples, where the value was picked for them
    };

    void propagate(NodeId id, Edge adjoint) {
        const Op& op = *graph_[id].op;
        if (&op == &pick_op()) {
            const Node& pick = graph_[id];
            const auto branch = static_cast<int>(integer(pick.attributes, "branch"));
            contributions_[pick.inputs[0].node].push_back({adjoint, branch});
            return;
        }
        if (!op.gradient)
            throw ModelError(graph_[id].location, "cannot train through " + op.name,
                             "this operation has no gradient",
                             "another layer, or put it after the last trained one");
        const std::vector<Edge> gradients = op.gradient(graph_, id, adjoint);
        const std::vector<Edge> inputs = graph_[id].inputs;
        if (gradients.size() != inputs.size())
            throw std::logic_error(op.name + ": its gradient rule forgets an input");
        for (size_t i = 0; i < inputs.size(); ++i)
            if (gradients[i].node >= 0 && trained_[inputs[i].node])
                contributions_[inputs[i].node].push_back({gradients[i], rows_as_they_are});
    }

    std::optional<Edge> sum(NodeId id, int branch) {
        std::optional<Edge> total;
        for (const Contribution& contribution : contributions_[id]) {
            if (contribution.branch != branch) continue;
            if (!total)
                total = contribution.adjoint;
            else
                total = add_for(graph_, graph_[id], add_op(), ".adjoint",
                                {*total, contribution.adjoint});
        }
        return total;
    }

    // An image's adjoint adds up what comes from all places at which tuples show it.
    Edge sum_of_contributions(NodeId id) {
        const bool picked = contributions_[id].front().branch != rows_as_they_are;
        for (const Contribution& contribution : contributions_[id])
            if ((contribution.branch != rows_as_they_are) != picked)
                throw std::logic_error(graph_[id].name + ": read both whole and by branches");
        if (!picked) return *sum(id, rows_as_they_are);
        std::vector<Edge> inputs;
        for (int branch = 0; branch < graph_.branches; ++branch) {
            const std::optional<Edge> adjoint = sum(id, branch);
            if (!adjoint) throw std::logic_error(graph_[id].name + ": a branch has no gradient");
            inputs.push_back(*adjoint);
        }
        inputs.push_back({graph_.find(places_op().name)});
        return add_for(graph_, graph_[id], pick_grad_op(), ".adjoint", inputs);
    }

    Graph graph_;
    std::vector<bool> trained_;  // by id of the forward nodes: depends on a parameter
    std::vector<std::vector<Contribution>> contributions_;
};

}  // namespace

Graph differentiate(const Graph& graph) {
    return Differentiator(graph).run();
}

}  // namespace siamc::compiler
