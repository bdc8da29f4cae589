#include "inspect/graph_boxes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "layers/op.h"
#include "layers/structural.h"

namespace siamc::compiler {

namespace {

constexpr size_t most_letters = 36;  // of a line

// Breaks at an underscore, dot or blank where one is near enough, else anywhere.
std::vector<std::string> wrap(std::string text) {
    std::vector<std::string> lines;
    while (text.size() > most_letters) {
        size_t end = text.find_last_of("_. ", most_letters - 1);
        end = end == text.npos || end < most_letters / 2 ? most_letters : end + 1;
        lines.push_back(text.substr(0, end));
        text.erase(0, end);
    }
    lines.push_back(text);
    return lines;
}

class BoxMaker {
  public:
    explicit BoxMaker(const Program& program) : graph_(program.graph) {
        for (const Node& node : graph_.nodes) {
            const auto behind = [&](Edge edge) { return after_loss_[edge.node]; };
            after_loss_.push_back(node.op == &weight_op() ||
                                  std::any_of(node.inputs.begin(), node.inputs.end(), behind));
        }
        box_of_.assign(graph_.nodes.size(), -1);
        for (size_t k = 0; k < program.kernels.size(); ++k)
            add(static_cast<int>(k), program.kernels[k].nodes, &program.kernels[k]);
        std::vector<bool> computed(graph_.nodes.size());
        for (const Kernel& kernel : program.kernels)
            for (NodeId id : kernel.nodes) computed[id] = true;
        for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes.size()); ++id)
            if (!computed[id]) add(-1, {id}, nullptr);
    }

    std::vector<Box> run() {
        std::sort(boxes_.begin(), boxes_.end(),
                  [](const Box& a, const Box& b) { return a.nodes[0].node < b.nodes[0].node; });
        for (size_t b = 0; b < boxes_.size(); ++b)
            for (const NodeLine& line : boxes_[b].nodes) box_of_[line.node] = static_cast<int>(b);
        place_rows();
        std::map<NodeId, Order> order;  // by first node
        for (const Box& box : boxes_) order[box.nodes[0].node] = order_of(box);
        std::sort(boxes_.begin(), boxes_.end(), [&](const Box& a, const Box& b) {
            return order.at(a.nodes[0].node) < order.at(b.nodes[0].node);
        });
        return boxes_;
    }

  private:
    using Order = std::tuple<NodeId, bool, NodeId>;

    // The way back leads up: what a kernel reads there stands below it.
    Order order_of(const Box& box) const {
        const NodeId first = box.nodes[0].node;
        if (box.column != Column::backward) return {first, false, first};
        return {-first_of_reader(box), box.kernel < 0, -first};
    }

    // The first node of the box, or of the first kernel that reads what is in no kernel.
    NodeId first_of_reader(const Box& box) const {
        const NodeId id = box.nodes[0].node;
        if (box.kernel >= 0) return id;
        auto first = static_cast<NodeId>(graph_.nodes.size());
        for (NodeId reader = id; reader < static_cast<NodeId>(graph_.nodes.size()); ++reader)
            for (Edge edge : graph_[reader].inputs)
                if (edge.node == id)
                    first = std::min(first, first_of_reader(boxes_[box_of_[reader]]));
        return first;
    }

    void add(int kernel, const std::vector<NodeId>& nodes, const Kernel* of) {
        Box box;
        box.kernel = kernel;
        size_t letters = 0;
        const auto wrapped = [&](const std::string& text) {
            const std::vector<std::string> lines = wrap(text);
            for (const std::string& line : lines) letters = std::max(letters, line.size());
            return lines;
        };
        if (of) box.title = wrapped(of->name);
        double y = box.title.empty() ? 0 : static_cast<double>(box.title.size()) * text_line + 8;
        for (NodeId id : nodes) {
            const Node& node = graph_[id];
            NodeLine line{id,
                          after_loss_[id],
                          wrapped(node.name),
                          wrapped(node.op->name + " " + to_string(node.shape)),
                          y,
                          0};
            const size_t lines = line.name.size() + line.what.size();
            line.height = static_cast<double>(lines) * text_line + 10;
            y += line.height;
            box.nodes.push_back(std::move(line));
        }
        box.height = y;
        box.width = static_cast<double>(letters) * letter_width + 32;
        box.column = column_of(nodes[0], of);
        boxes_.push_back(std::move(box));
    }

    Column column_of(NodeId first, const Kernel* kernel) const {
        const Node& node = graph_[first];
        if (node.op->pattern == Pattern::source && node.inputs.empty()) return Column::given;
        if (kernel && stage_of(*kernel) == Stage::prologue) return Column::given;
        if (!after_loss_[first]) return Column::forward;
        const bool sum = node.shape.rows == Rows::none || node.shape.rows == Rows::slice;
        return sum ? Column::weights : Column::backward;
    }

    // A layer's row is that of its forward box; what else has its place in the model file joins it.
    void place_rows() {
        std::map<std::pair<int, int>, int> row_of;  // by place
        const auto place_of = [&](NodeId id) {
            return std::pair(graph_[id].location.line, graph_[id].location.column);
        };
        int rows = 0;
        for (Box& box : boxes_) {
            if (box.column != Column::forward) continue;
            const auto [found, fresh] = row_of.emplace(place_of(box.nodes[0].node), rows);
            rows += fresh ? 1 : 0;
            box.row = found->second;
            for (const NodeLine& line : box.nodes) row_of.emplace(place_of(line.node), box.row);
        }
        for (Box& box : boxes_) {
            if (box.column == Column::forward) continue;
            const NodeId first = box.nodes[0].node;
            const auto found = row_of.find(place_of(first));
            const bool known = graph_[first].location.line > 0 && found != row_of.end();
            box.row = known ? found->second : -1;
        }
        // What has no place stands where it is first used, which on the way back is the lowest row.
        for (size_t b = boxes_.size(); b-- > 0;)
            if (boxes_[b].row < 0)
                boxes_[b].row =
                    row_of_readers(boxes_[b].nodes[0].node, boxes_[b].column == Column::backward);
    }

    int row_of_readers(NodeId id, bool lowest) const {
        int row = -1;
        for (NodeId reader = id; reader < static_cast<NodeId>(graph_.nodes.size()); ++reader)
            for (Edge edge : graph_[reader].inputs) {
                const int at = boxes_[box_of_[reader]].row;
                if (edge.node == id && at >= 0 && (row < 0 || (lowest ? at > row : at < row)))
                    row = at;
            }
        return std::max(row, 0);
    }

    const Graph& graph_;
    std::vector<bool> after_loss_;  // by node: belongs to the way back
    std::vector<int> box_of_;       // by node
    std::vector<Box> boxes_;
};

}  // namespace

std::vector<Box> boxes_of(const Program& program) {
    return BoxMaker(program).run();
}

}  // namespace siamc::compiler
