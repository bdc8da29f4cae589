#include "passes/share.h"

#include <algorithm>
#include <set>

#include "layers/convolution.h"
#include "layers/op.h"
#include "passes/work.h"

namespace siamc::compiler {

namespace {

// Multiply-adds of an image from which on two threads share it: several microseconds' work on one
// of them, since to hand it over takes one, and on processors whose cores are far apart five.
constexpr long least_shared = 1000000;

// Of a kernel from which on it is divided: less is done twice.
constexpr long least_divided = 300000;

// Units or filters of each task: a vector at the least.
constexpr int least_units = 16;

class Sharer {
  public:
    Sharer(const Graph& graph, const std::vector<Kernel>& kernels)
        : graph_(graph), kernels_(kernels) {
        sharing_.part.resize(kernels.size());
        for (const Kernel& kernel : kernels)
            sharing_.share.push_back(is_heavy(kernel) ? Share::divided : Share::doubled);
        // Parameters that divided kernels alone read, as the transformed kernel of a convolution,
        // and what these in turn are made of.
        for (size_t k = kernels.size(); k-- > 0;)
            if (kernels[k].pattern == Pattern::parameter && halves(kernels[k]) &&
                all_readers(k, [&](size_t r) { return sharing_.share[r] == Share::divided; }))
                sharing_.share[k] = Share::divided;
    }

    Sharing run() {
        do assign_parts();
        while (single_out());
        return sharing_;
    }

  private:
    const Node& first(const Kernel& kernel) const { return graph_[kernel.nodes[0]]; }

    bool halves(const Kernel& kernel) const {
        const Shape& shape = first(kernel).shape;
        if (shape.dims.empty()) return false;
        const size_t divided = divided_dimension(shape);
        const int units = shape.dims[divided] * (divided > 0 ? shape.dims[0] : 1);
        return units % (image_tasks * least_units) == 0;
    }

    bool is_heavy(const Kernel& kernel) const {
        const bool product =
            kernel.pattern == Pattern::matmul || kernel.pattern == Pattern::convolution;
        return product && groups_of(first(kernel)) == 1 && halves(kernel) &&
               reads_one_image(kernel) && multiply_adds(graph_, first(kernel)) >= least_divided;
    }

    // Of what is added to the result, a task would have to read its half.
    bool reads_one_image(const Kernel& kernel) const {
        return std::count_if(kernel.inputs.begin(), kernel.inputs.end(),
                             [&](NodeId id) { return graph_[id].shape.rows != Rows::none; }) == 1;
    }

    bool reads(const Kernel& kernel, NodeId id) const {
        return std::any_of(kernel.inputs.begin(), kernel.inputs.end(),
                           [&](NodeId input) { return base_of(graph_, input) == id; });
    }

    template <typename Test>
    bool all_readers(size_t k, Test&& test) const {
        for (size_t r = 0; r < kernels_.size(); ++r)
            for (NodeId id : kernels_[k].outputs)
                if (reads(kernels_[r], id) && !test(r)) return false;
        return true;
    }

    // A divided kernel reads its own half of what is divided for it, and may read it at once.
    bool has_to_wait(size_t k, const std::set<NodeId>& written) const {
        return std::any_of(written.begin(), written.end(), [&](NodeId id) {
            const bool own_half =
                graph_[id].shape.rows == Rows::none && sharing_.share[k] == Share::divided;
            return reads(kernels_[k], id) && !own_half;
        });
    }

    void assign_parts() {
        std::set<NodeId> written;  // in this part, and not by each task for itself
        int part = 0;
        for (size_t k = 0; k < kernels_.size(); ++k) {
            const bool after_alone = k > 0 && sharing_.share[k - 1] == Share::alone;
            if (k > 0 &&
                (has_to_wait(k, written) || sharing_.share[k] == Share::alone || after_alone)) {
                ++part;
                written.clear();
            }
            sharing_.part[k] = part;
            if (sharing_.share[k] != Share::doubled)
                written.insert(kernels_[k].outputs.begin(), kernels_[k].outputs.end());
        }
    }

    // A parameter of which a divided kernel reads its half.
    bool is_read_by_halves(size_t k) const {
        return kernels_[k].pattern == Pattern::parameter &&
               !all_readers(k, [&](size_t r) { return sharing_.share[r] != Share::divided; });
    }

    // What is wanted in a later part, or by the caller, has to be in one place. True if that
    // changed anything.
    bool single_out() {
        for (size_t k = 0; k < kernels_.size(); ++k) {
            if (sharing_.share[k] != Share::doubled) continue;
            const auto& outputs = kernels_[k].outputs;
            const bool wanted = std::any_of(outputs.begin(), outputs.end(), [&](NodeId id) {
                return std::any_of(graph_.outputs.begin(), graph_.outputs.end(),
                                   [&](NodeId output) { return base_of(graph_, output) == id; });
            });
            const bool in_part =
                all_readers(k, [&](size_t r) { return sharing_.part[r] == sharing_.part[k]; });
            if (in_part && !wanted && !is_read_by_halves(k)) continue;
            sharing_.share[k] = Share::alone;
            return true;
        }
        return false;
    }

    const Graph& graph_;
    const std::vector<Kernel>& kernels_;
    Sharing sharing_;
};

}  // namespace

bool is_worth_sharing(const Graph& graph) {
    return multiply_adds(graph) >= least_shared;
}

Sharing share_images(const Graph& graph, const std::vector<Kernel>& kernels) {
    return Sharer(graph, kernels).run();
}

}  // namespace siamc::compiler
