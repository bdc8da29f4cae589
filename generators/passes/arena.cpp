#include <algorithm>

#include "layers/active_tuples.h"
#include "layers/structural.h"
#include "passes/planning.h"

namespace siamc::compiler {

namespace {

// Parts of buffers start on such a boundary in OpenCL (CL_DEVICE_MEM_BASE_ADDR_ALIGN, of which
// 128 bytes is the largest we know).
constexpr long part_bytes = 256;

class Arena {
  public:
    explicit Arena(Planning& planning) : planning_(planning) {}

    void run() {
        find_lives();
        place_batch_tensors();
        place_slice_tensors();
    }

  private:
    Program& program() { return planning_.program; }
    const Program& program() const { return planning_.program; }

    long boundary() const { return planning_.on_gpu ? part_bytes : line_bytes; }

    // Each task of a shared image has one of its own.
    bool is_doubled(NodeId id) const {
        for (size_t k = 0; planning_.shared && k < program().kernels.size(); ++k) {
            const std::vector<NodeId>& outputs = program().kernels[k].outputs;
            if (std::count(outputs.begin(), outputs.end(), id))
                return planning_.sharing.share[k] == Share::doubled;
        }
        return false;
    }

    void find_lives() {
        const auto last = static_cast<int>(program().kernels.size()) - 1;
        for (int k = 0; k <= last; ++k) {
            const Kernel& kernel = program().kernels[k];
            for (NodeId id : kernel.inputs)
                touch(planning_.base(id), k,
                      planning_.by_slices(kernel) && !is_undivided(planning_.node(id).shape.rows));
            for (NodeId id : kernel.outputs) touch(id, k, planning_.by_slices(kernel));
        }
        // What a prologue makes is still there for the next images.
        for (size_t k = 0; k < program().kernels.size() && planning_.is_prologue(k); ++k)
            for (NodeId id : program().kernels[k].outputs)
                for (Placement& tensor : program().arena)
                    if (tensor.node == id) tensor.first_call = 0, tensor.last_call = last;
        // What the caller writes before or reads after the calls is there all the time.
        for (Placement& tensor : program().arena) {
            const bool is_source = planning_.node(tensor.node).op->pattern == Pattern::source;
            if (is_source) tensor.first_call = 0;
            if (planning_.is_output(tensor.node)) tensor.last_call = last;
            // The executor reads the flags of a slice when its forward calls are through.
            const bool flags = planning_.node(tensor.node).op == &active_op();
            if (is_source || flags || planning_.is_output(tensor.node)) tensor.per_slice = false;
        }
    }

    void touch(NodeId id, int k, bool within_slice) {
        if (!planning_.in_arena(id)) return;
        auto found = std::find_if(program().arena.begin(), program().arena.end(),
                                  [&](const Placement& p) { return p.node == id; });
        if (found == program().arena.end()) {
            program().arena.push_back({id, true, 0, 0, k, k});
            found = program().arena.end() - 1;
        }
        found->last_call = k;
        if (!within_slice && !is_doubled(id)) found->per_slice = false;
    }

    long bytes(NodeId id, int tuples) const {
        const int rows = row_count(planning_.node(id).shape.rows, program().graph.branches, tuples,
                                   program().slices);
        const long elements =
            rows ? rows * planning_.row_stride(id) : planning_.node(id).shape.size();
        return elements * element_bytes(planning_.node(id).op->type);
    }

    void place_batch_tensors() {
        long end = 0;
        for (Placement& tensor : program().arena) {
            if (tensor.per_slice) continue;
            tensor.offset = end;
            tensor.bytes = bytes(tensor.node, program().batch);
            end = round_up(end + tensor.bytes, boundary());
        }
        program().slice_offset = end;
    }

    // Largest first, each at the lowest offset where it meets no tensor that lives beside it.
    void place_slice_tensors() {
        std::vector<Placement*> order, placed;
        for (Placement& tensor : program().arena) {
            if (!tensor.per_slice) continue;
            tensor.bytes = round_up(bytes(tensor.node, program().slice_tuples), boundary());
            order.push_back(&tensor);
        }
        std::stable_sort(order.begin(), order.end(),
                         [](auto* a, auto* b) { return a->bytes > b->bytes; });
        for (Placement* tensor : order) {
            for (bool moved = true; moved;) {
                moved = false;
                for (const Placement* other : placed) {
                    const bool together = tensor->first_call <= other->last_call &&
                                          other->first_call <= tensor->last_call;
                    const bool overlap = tensor->offset < other->offset + other->bytes &&
                                         other->offset < tensor->offset + tensor->bytes;
                    if (together && overlap) {
                        tensor->offset = other->offset + other->bytes;
                        moved = true;
                    }
                }
            }
            placed.push_back(tensor);
            program().slice_bytes = std::max(program().slice_bytes, tensor->offset + tensor->bytes);
        }
        program().first_images = program().slice_offset + program().slices * program().slice_bytes;
        program().active_counts =
            program().first_images + round_up((program().slices + 1) * 4L, line_bytes);
        program().arena_bytes =
            program().active_counts + round_up(program().slices * 4L, line_bytes);
    }

    Planning& planning_;
};

}  // namespace

bool Planning::is_output(NodeId id) const {
    const auto& outputs = program.graph.outputs;
    return std::any_of(outputs.begin(), outputs.end(),
                       [&](NodeId output) { return base(output) == id; });
}

bool Planning::in_arena(NodeId id) const {
    return node(id).op != &parameter_op() && node(id).shape.rows != Rows::dataset &&
           !is_gradient(id);
}

// Rows a multiple of 256 bytes apart would share a few sets of the first cache; one line more
// spreads them. What the caller reads stays dense.
long Planning::row_stride(NodeId id) const {
    const long size = node(id).shape.size();
    const bool dense = !in_arena(id) || is_output(id) || on_gpu;
    const long bytes = size * element_bytes(node(id).op->type);
    return dense || bytes % 256 != 0 ? size : size + line_bytes / element_bytes(node(id).op->type);
}

void lay_out_arena(Planning& planning) {
    Arena(planning).run();
}

}  // namespace siamc::compiler
