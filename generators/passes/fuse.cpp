#include "passes/fuse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "abi/siamc/siamc.h"  // SIAMC_MAX_OPERANDS
#include "layers/active.h"
#include "layers/convolution.h"
#include "layers/dense.h"
#include "layers/structural.h"
#include "layers/winograd.h"

namespace siamc::compiler {

namespace {

// Shows another node's memory, under another shape or row by row.
bool shows(const Node& node) {
    return node.op->pattern == Pattern::view || node.op->pattern == Pattern::pick;
}

bool computes(const Node& node) {
    return node.op->pattern != Pattern::source && !shows(node);
}

// The largest of its inputs', and one more where it looks across the batch. What is made of
// parameters counts how often that has happened; all else finds it done.
std::vector<int> phases_of(const Graph& graph) {
    std::vector<int> phases;
    for (const Node& node : graph.nodes) {
        const bool made = node.op->pattern == Pattern::parameter;
        int phase = 0;
        for (Edge edge : node.inputs) {
            const bool of_made = graph[edge.node].op->pattern == Pattern::parameter;
            if (made || !of_made) phase = std::max(phase, phases[edge.node] + (made && of_made));
        }
        const bool source =
            !node.inputs.empty() && graph[node.inputs[0].node].op->pattern == Pattern::source;
        phases.push_back(phase + (node.op == &across_op() && !source));
    }
    return phases;
}

// What reads a list of active tuples or images, or depends on such.
std::vector<bool> of_active_tuples(const Graph& graph) {
    std::vector<bool> active;
    for (const Node& node : graph.nodes) {
        bool reads = !node.inputs.empty() && node.op->pattern == Pattern::source;
        for (Edge edge : node.inputs) reads = reads || active[edge.node];
        active.push_back(reads);
    }
    return active;
}

class Fuser {
  public:
    Fuser(const Graph& graph, bool single_row)
        : graph_(graph),
          single_row_(single_row),
          readers_(readers_of(graph)),
          phases_(phases_of(graph)),
          of_active_(of_active_tuples(graph)) {}

    std::vector<Kernel> run() {
        do place_all();
        while (split_largest());
        return kernels_;
    }

  private:
    void place_all() {
        kernels_.clear();
        kernel_of_.clear();
        for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes.size()); ++id) {
            kernel_of_.push_back(computes(graph_[id]) ? place(id) : -1);
            if (shows(graph_[id])) kernel_of_[id] = kernel_of_[graph_[id].inputs[0].node];
        }
        for (size_t k = 0; k < kernels_.size(); ++k) connect(static_cast<int>(k));
    }

    // A kernel with more operands than the executor has room for loses its last node. True if there
    // was one.
    bool split_largest() {
        for (const Kernel& kernel : kernels_) {
            if (kernel.inputs.size() + kernel.outputs.size() <= SIAMC_MAX_OPERANDS) continue;
            if (kernel.nodes.size() == 1)
                throw std::logic_error(kernel.name + ": more operands than SIAMC_MAX_OPERANDS");
            starts_.insert(kernel.nodes.back());
            return true;
        }
        return false;
    }

    int place(NodeId id) {
        int latest = -1;
        for (Edge edge : graph_[id].inputs) latest = std::max(latest, kernel_of_[edge.node]);
        if (of_active_[id]) latest = std::max(latest, first_of_active(id));
        if (latest < 0 || starts_.count(id) || !joins(id, latest)) {
            latest = static_cast<int>(kernels_.size());
            kernels_.push_back(
                {"", graph_[id].op->pattern, {}, {}, {}, phases_[id], of_active_[id]});
        }
        kernels_[latest].nodes.push_back(id);
        return latest;
    }

    // The kernel that reads tuples that have just been listed, if this node does so too; else -1.
    int first_of_active(NodeId id) const {
        for (size_t k = 0; k < kernels_.size(); ++k)
            if (kernels_[k].of_active)
                return graph_[kernels_[k].nodes[0]].shape.rows == graph_[id].shape.rows
                           ? static_cast<int>(k)
                           : -1;
        return -1;
    }

    bool joins(NodeId id, int k) const {
        const Node& node = graph_[id];
        const Kernel& kernel = kernels_[k];
        if (kernel.phase != phases_[id] || kernel.of_active != of_active_[id]) return false;
        // What branches are compared by is rounded to memory first: in registers, a product could
        // be fused into the difference of two embeddings and leave a distance between equal images.
        for (Edge edge : node.inputs) {
            const Op& read = *graph_[edge.node].op;
            if (kernel_of_[edge.node] == k && (shows(graph_[edge.node]) || read.through_memory ||
                                               read.pattern == Pattern::scatter))
                return false;
        }
        if (kernel.pattern == Pattern::convolution) return continues_convolution(id, k);
        const bool by_row = node.op->pattern == Pattern::rowwise;
        if (kernel.pattern == Pattern::rowwise && node.op == &pick_grad_op()) return true;
        if (!by_row && node.op->pattern != Pattern::elementwise) return false;
        if (kernel.pattern == Pattern::rowwise) return true;
        if (kernel.pattern == Pattern::elementwise) return !by_row && continues_image(id, k);
        if (kernel.pattern != Pattern::matmul) return false;
        if (!continues_product(id, k)) return false;
        return !by_row || (single_row_ && only_reader(id, k) &&
                           !graph_[kernel.nodes[0]].attributes.count(skips_zeros));
    }

    // Pooling joins where no other kernel wants what is not pooled: that then never reaches memory.
    bool continues_convolution(NodeId id, int k) const {
        const Node& node = graph_[id];
        const auto inside = [&](NodeId other) { return kernel_of_[other] == k; };
        if (node.op->pattern == Pattern::pooling) {
            const NodeId source = node.inputs[0].node;
            return inside(source) && fits_tiles(node, k) && only_pooled(source) &&
                   pools_only(k, source) && stays_inside(k, source);
        }
        return node.op->pattern == Pattern::elementwise &&
               std::all_of(node.inputs.begin(), node.inputs.end(),
                           [&](Edge edge) { return graph_[edge.node].shape == node.shape; });
    }

    // Overlapping windows would compute what they share once for each of them; and none may lie in
    // two of Winograd's tiles.
    bool fits_tiles(const Node& pooling, int k) const {
        if (!pooling.op->seen) return false;
        const long window = integer(pooling.attributes, "window");
        const long stride = integer(pooling.attributes, "stride");
        const Node& first = graph_[kernels_[k].nodes[0]];
        return stride >= window &&
               (first.op != &winograd_op() || winograd_form(first).results % stride == 0);
    }

    // What the kernel pools so far is the same.
    bool pools_only(int k, NodeId source) const {
        const std::vector<NodeId>& nodes = kernels_[k].nodes;
        return std::all_of(nodes.begin(), nodes.end(), [&](NodeId id) {
            return graph_[id].op->pattern != Pattern::pooling ||
                   graph_[id].inputs[0].node == source;
        });
    }

    // Nobody but pooling of `source` wants what the kernel has not pooled: no gradient reads it.
    bool stays_inside(int k, NodeId source) const {
        return std::all_of(kernels_[k].nodes.begin(), kernels_[k].nodes.end(), [&](NodeId id) {
            const bool pooled = graph_[id].op->pattern == Pattern::pooling ||
                                !(graph_[id].shape == graph_[source].shape);
            if (pooled) return true;
            const auto& readers = readers_[id];
            return !std::count(graph_.outputs.begin(), graph_.outputs.end(), id) &&
                   std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
                       const bool placed = reader < static_cast<NodeId>(kernel_of_.size());
                       return placed
                                  ? kernel_of_[reader] == k && computes(graph_[reader])
                                  : id == source && graph_[reader].op->pattern == Pattern::pooling;
                   });
        });
    }

    // Every reader is a window like every other.
    bool only_pooled(NodeId source) const {
        const auto& readers = readers_[source];
        const Node& first = graph_[readers[0]];
        return !std::count(graph_.outputs.begin(), graph_.outputs.end(), source) &&
               std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
                   return graph_[reader].op->pattern == Pattern::pooling &&
                          graph_[reader].attributes == first.attributes;
               });
    }

    // Of normalised images, which are too large to go through memory more often than they have to.
    bool continues_image(NodeId id, int k) const {
        const Node& first = graph_[kernels_[k].nodes[0]];
        return first.op != &gather_op() && first.shape.dims.size() == 3 &&
               graph_[id].shape == first.shape;
    }

    // Same rows, same extents.
    bool continues_product(NodeId id, int k) const {
        return graph_[id].shape == graph_[kernels_[k].nodes[0]].shape;
    }

    bool only_reader(NodeId id, int k) const {
        for (Edge edge : graph_[id].inputs) {
            if (kernel_of_[edge.node] != k) continue;
            const auto& readers = readers_[edge.node];
            if (std::any_of(readers.begin(), readers.end(), [&](NodeId r) { return r != id; }))
                return false;
        }
        return true;
    }

    void connect(int k) {
        Kernel& kernel = kernels_[k];
        for (NodeId id : kernel.nodes) {
            for (Edge edge : graph_[id].inputs) read(kernel, k, edge.node);
            const auto& readers = readers_[id];
            const bool wanted = std::count(graph_.outputs.begin(), graph_.outputs.end(), id) ||
                                std::any_of(readers.begin(), readers.end(), [&](NodeId reader) {
                                    return kernel_of_[reader] != k || !computes(graph_[reader]);
                                });
            if (wanted) kernel.outputs.push_back(id);
        }
        kernel.name = name_of(kernel);
    }

    void read(Kernel& kernel, int k, NodeId id) {
        if (graph_[id].op->pattern == Pattern::pick) {
            for (Edge edge : graph_[id].inputs) read(kernel, k, edge.node);
            return;
        }
        const bool inside = kernel_of_[id] == k && computes(graph_[id]);
        const bool known = std::count(kernel.inputs.begin(), kernel.inputs.end(), id);
        if (!inside && !known) kernel.inputs.push_back(id);
    }

    // "s2" where windows are not one pixel apart, "g4" of groups, "d2" where pixels are not.
    static std::string stride_of(const Node& convolution) {
        std::string text;
        for (const auto& [name, letter] :
             {std::pair{"stride", 's'}, std::pair{groups_attribute, 'g'},
              std::pair{dilation_attribute, 'd'}}) {
            const auto found = convolution.attributes.find(name);
            if (found != convolution.attributes.end() && std::get<long>(found->second) != 1)
                text += fmt::format("{}{}", letter, std::get<long>(found->second));
        }
        return text;
    }

    // The outer of the dims, outermost first: 4 8 8 is 8x8x4.
    static std::string by_x(const std::vector<int>& dims, size_t count) {
        const std::vector<int> outer(dims.rbegin(), dims.rbegin() + static_cast<long>(count));
        return fmt::format("{}", fmt::join(outer, "x"));
    }

    // Of a convolution: filters, inputs, width and height; of Winograd's those of a tile.
    std::vector<int> kernel_dims(const Node& convolution) const {
        std::vector<int> dims = graph_.shape_of(convolution.inputs[1]).dims;
        dims[0] = convolution.shape.dims[0];
        dims.resize(4);
        return dims;
    }

    // "dense_784x64_relu": the layers met, the first with its extents; "__grad..." says which
    // gradient it is.
    std::string name_of(const Kernel& kernel) const {
        const Node& first = graph_[kernel.nodes[0]];
        std::vector<std::string> layers;
        std::string gradient;
        for (NodeId id : kernel.nodes) {
            const std::string& op = graph_[id].op->name;
            const std::string layer = op.substr(0, op.find('.'));
            const bool plumbing =
                layer == "negate" || layer == "add" || layer == "pick" || layer == "branch";
            if (op.find('.') != std::string::npos) gradient = "__" + op.substr(op.find('.') + 1);
            if (plumbing || std::count(layers.begin(), layers.end(), layer)) continue;
            layers.push_back(layer);
        }
        std::string extents;
        if (first.op->pattern == Pattern::matmul || first.op == &dense_grad_input_op())
            extents =
                fmt::format("_{}x{}", graph_.shape_of(first.inputs[0]).size(), first.shape.size());
        else if (first.op->pattern == Pattern::convolution)
            extents = fmt::format("_{}__{}{}", by_x(graph_.shape_of(first.inputs[0]).dims, 3),
                                  by_x(kernel_dims(first), 4), stride_of(first));
        else if (first.shape.dims.size() >= 4)
            extents = fmt::format("_{}", by_x(first.shape.dims, 4));
        else if (first.shape.dims.size() == 2 && first.shape.rows == Rows::none)
            extents = fmt::format("_{}x{}", first.shape.dims[1], first.shape.dims[0]);
        else
            extents = fmt::format("_{}", first.shape.size());
        if (!layers.empty()) layers[0] += extents;
        return fmt::format("{}{}", fmt::join(layers, "_"), gradient);
    }

    const Graph& graph_;
    bool single_row_;
    std::vector<std::vector<NodeId>> readers_;  // by node
    std::vector<int> phases_;                   // by node
    std::vector<bool> of_active_;               // by node
    std::vector<int> kernel_of_;                // by node; of a view: that of its base
    std::set<NodeId> starts_;                   // a kernel, whatever they could join
    std::vector<Kernel> kernels_;
};

}  // namespace

NodeId base_of(const Graph& graph, NodeId id) {
    while (graph[id].op->pattern == Pattern::view) id = graph[id].inputs[0].node;
    return id;
}

Stage stage_of(const Kernel& kernel) {
    switch (kernel.pattern) {
        case Pattern::parameter:
            return Stage::prologue;
        case Pattern::batch_sum:
        case Pattern::sum_slices:
            return Stage::batch;
        default:
            return Stage::slices;
    }
}

std::vector<Kernel> fuse(const Graph& graph, bool single_row) {
    return Fuser(graph, single_row).run();
}

std::string to_string(const Graph& graph, const std::vector<Kernel>& kernels) {
    static const char* const stages[] = {"prologue", "slices", "batch"};
    const auto names = [&](const std::vector<NodeId>& ids) {
        std::vector<std::string> list;
        for (NodeId id : ids) list.push_back(graph[id].name);
        return fmt::format("{}", fmt::join(list, " "));
    };
    std::string text = fmt::format("kernels of {}\n", graph.name);
    for (const Kernel& kernel : kernels)
        text += fmt::format("{} ({})\n    computes {}\n    reads    {}\n    writes   {}\n",
                            kernel.name, stages[static_cast<int>(stage_of(kernel))],
                            names(kernel.nodes), names(kernel.inputs), names(kernel.outputs));
    return text;
}

}  // namespace siamc::compiler
