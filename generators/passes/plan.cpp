#include "passes/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

#include "abi/siamc/siamc.h"  // its limits
#include "frontend/model_spec.h"
#include "layers/active.h"
#include "layers/active_tuples.h"
#include "layers/pairwise.h"
#include "layers/structural.h"
#include "passes/share.h"
#include "schedules/schedule.h"

namespace siamc {

namespace {

constexpr long most_bytes = (1L << 31) - 1;  // of a buffer

constexpr long line_bytes = 64;  // a cache line: tensors start on one

// Parts of buffers start on such a boundary in OpenCL (CL_DEVICE_MEM_BASE_ADDR_ALIGN, of which
// 128 bytes is the largest we know).
constexpr long part_bytes = 256;

// Rows of a slice: its activations leave most of a 512 KiB L2 to the weights. A batch of 128 pairs
// or triplets makes eight slices, so that two, four or eight threads share it evenly.
constexpr int slice_rows = 32;

// A batch has at least so many slices, if it has as many register tiles (siamc_slice_tuples).
constexpr int least_slices = 8;

// Images that two tasks share at most, one after the other in each kernel: with as many as a
// register tile has rows, the usual programs do as well.
constexpr int most_shared = row_quantum - 1;

// Parts that the executor has room for, some of them for an optimiser (SIAMC_MAX_STAGES).
constexpr int most_parts = 24;
static_assert(most_parts <= SIAMC_MAX_STAGES);

// The executor finds a slice's images again in a table that is never more than half full.
static_assert(2 * most_slice_rows <= SIAMC_TABLE);
static_assert(most_slice_rows <= SIAMC_MAX_SLICE_IMAGES);

// Blocks of weights hold whole groups of zeros.
static_assert(row_quantum % zero_group == 0);

// Weights in one block of a gradient: enough work for a task (about a million multiply-adds at 256
// rows), few enough that a handful of threads share a layer evenly.
constexpr long block_weights = 4096;

long element_bytes(ElementType type) {
    return type == ElementType::uint8 ? 1 : 4;
}

class Planner {
  public:
    Planner(const Graph& graph, const ParameterLayout& parameters, int batch, Processor processor)
        : parameters_(parameters), on_gpu_(processor == Processor::gpu) {
        if (on_gpu_)
            take_whole(graph, batch);
        else
            take_slices(graph, batch);
    }

    Program run() {
        find_lives();
        place_batch_tensors();
        place_slice_tensors();
        for (size_t k = 0; k < program_.kernels.size(); ++k) call(static_cast<int>(k));
        divide_into_parts();
        check_limits();
        return program_;
    }

  private:
    void take_whole(const Graph& graph, int batch) {
        program_.graph = graph;
        program_.kernels = in_stages(fuse(graph, false));
        program_.tuple_quantum = gpu_row_quantum;
        program_.batch = static_cast<int>(round_up(batch, gpu_row_quantum));
        program_.slice_tuples = program_.batch;
        program_.slices = 1;
    }

    void take_slices(const Graph& graph, int batch) {
        const bool single_row =
            batch == 1 && graph.branches == 1 && !has_rows(graph, {Rows::batch, Rows::slices});
        program_.graph = graph;
        if (single_row && is_worth_sharing(graph)) {
            program_.kernels = in_stages(fuse(graph, false));
            sharing_ = share_images(graph, program_.kernels);
            shared_ = sharing_.part.back() < most_parts;
        }
        if (!shared_) program_.kernels = in_stages(fuse(graph, single_row));
        program_.tuple_quantum = single_row                       ? 1
                                 : has_rows(graph, {Rows::batch}) ? batch_quantum
                                                                  : row_quantum;
        program_.batch = shared_ ? most_shared : padded_batch(batch, graph.branches);
        program_.batch = static_cast<int>(round_up(program_.batch, program_.tuple_quantum));
        const int most = std::max(1, static_cast<int>(round_up(slice_rows / graph.branches, 8)));
        program_.slice_tuples = std::min(program_.batch, graph.branches == 1 ? slice_rows : most);
        if (program_.slice_tuples * graph.branches > most_slice_rows)
            throw std::logic_error("plan: a slice has more rows than kernels hold");
        const auto whole = [](int tuples, int of) {
            return static_cast<int>(round_up(tuples, of) / of);
        };
        program_.slices =
            std::max(whole(program_.batch, program_.slice_tuples),
                     std::min(least_slices, whole(program_.batch, program_.tuple_quantum)));
    }

    static bool is_undivided(Rows rows) { return rows == Rows::batch || rows == Rows::slices; }

    static bool has_rows(const Graph& graph, std::initializer_list<Rows> kinds) {
        return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
            return std::count(kinds.begin(), kinds.end(), node.shape.rows) > 0;
        });
    }

    const Node& node(NodeId id) const { return program_.graph[id]; }

    // Prologue, slices, batch: and of those the gradients in the order of the parameters, as the
    // optimiser's tasks are. A thread then updates about what it has just summed.
    static std::vector<Kernel> in_stages(std::vector<Kernel> kernels) {
        std::stable_sort(kernels.begin(), kernels.end(), [](const Kernel& a, const Kernel& b) {
            return std::tuple(stage_of(a), a.phase, a.of_active) <
                   std::tuple(stage_of(b), b.phase, b.of_active);
        });
        const auto sums = std::find_if(kernels.begin(), kernels.end(), [](const Kernel& kernel) {
            return stage_of(kernel) == Stage::batch;
        });
        std::reverse(sums, kernels.end());
        return kernels;
    }

    // The tensor whose memory a view shows.
    NodeId base(NodeId id) const { return base_of(program_.graph, id); }

    // Read by the caller, perhaps under another shape.
    bool is_output(NodeId id) const {
        const auto& outputs = program_.graph.outputs;
        return std::any_of(outputs.begin(), outputs.end(),
                           [&](NodeId output) { return base(output) == id; });
    }

    // By slices run the kernels of that stage, unless tasks share a single row.
    bool by_slices(const Kernel& kernel) const {
        return stage_of(kernel) == Stage::slices && !shared_;
    }

    // Reads parameters alone: an encoder runs it once for all images.
    bool is_prologue(size_t k) const { return stage_of(program_.kernels[k]) == Stage::prologue; }

    void divide_into_parts() {
        for (size_t k = 0; k < program_.kernels.size(); ++k) {
            const Kernel& kernel = program_.kernels[k];
            const bool begins = k == 0 || is_prologue(k) != is_prologue(k - 1) ||
                                (shared_ ? sharing_.part[k] != sharing_.part[k - 1]
                                         : stage_of(kernel) != stage_of(program_.kernels[k - 1]) ||
                                               (stage_of(kernel) != Stage::batch &&
                                                kernel.phase != program_.kernels[k - 1].phase));
            if (begins) program_.parts.push_back({0, by_slices(kernel), 0});
            if (shared_) program_.parts.back().tasks = program_.calls[k].tasks;
            Part& part = program_.parts.back();
            if (by_slices(kernel) && kernel.of_active && part.forward_calls == 0)
                part.forward_calls = part.calls;
            ++part.calls;
        }
    }

    // Each task of a shared image has one of its own.
    bool is_doubled(NodeId id) const {
        for (size_t k = 0; shared_ && k < program_.kernels.size(); ++k) {
            const std::vector<NodeId>& outputs = program_.kernels[k].outputs;
            if (std::count(outputs.begin(), outputs.end(), id))
                return sharing_.share[k] == Share::doubled;
        }
        return false;
    }

    bool is_gradient(NodeId id) const { return node(id).name.rfind("grad.", 0) == 0; }

    bool in_arena(NodeId id) const {
        return node(id).op != &parameter_op() && node(id).shape.rows != Rows::dataset &&
               !is_gradient(id);
    }

    void find_lives() {
        const auto last = static_cast<int>(program_.kernels.size()) - 1;
        for (int k = 0; k <= last; ++k) {
            const Kernel& kernel = program_.kernels[k];
            for (NodeId id : kernel.inputs)
                touch(base(id), k, by_slices(kernel) && !is_undivided(node(id).shape.rows));
            for (NodeId id : kernel.outputs) touch(id, k, by_slices(kernel));
        }
        // What a prologue makes is still there for the next images.
        for (size_t k = 0; k < program_.kernels.size() && is_prologue(k); ++k)
            for (NodeId id : program_.kernels[k].outputs)
                for (Placement& tensor : program_.arena)
                    if (tensor.node == id) tensor.first_call = 0, tensor.last_call = last;
        // What the caller writes before or reads after the calls is there all the time.
        for (Placement& tensor : program_.arena) {
            const bool is_source = node(tensor.node).op->pattern == Pattern::source;
            if (is_source) tensor.first_call = 0;
            if (is_output(tensor.node)) tensor.last_call = last;
            // The executor reads the flags of a slice when its forward calls are through.
            const bool flags = node(tensor.node).op == &active_op();
            if (is_source || flags || is_output(tensor.node)) tensor.per_slice = false;
        }
    }

    void touch(NodeId id, int k, bool within_slice) {
        if (!in_arena(id)) return;
        auto found = std::find_if(program_.arena.begin(), program_.arena.end(),
                                  [&](const Placement& p) { return p.node == id; });
        if (found == program_.arena.end()) {
            program_.arena.push_back({id, true, 0, 0, k, k});
            found = program_.arena.end() - 1;
        }
        found->last_call = k;
        if (!within_slice && !is_doubled(id)) found->per_slice = false;
    }

    // Elements between the rows of a tensor. Rows a multiple of 256 bytes apart would share a few
    // sets of the first cache; one line more spreads them. What the caller reads stays dense.
    long row_stride(NodeId id) const {
        const long size = node(id).shape.size();
        const bool dense = !in_arena(id) || is_output(id) || on_gpu_;
        const long bytes = size * element_bytes(node(id).op->type);
        return dense || bytes % 256 != 0 ? size
                                         : size + line_bytes / element_bytes(node(id).op->type);
    }

    long bytes(NodeId id, int tuples) const {
        const int rows =
            row_count(node(id).shape.rows, program_.graph.branches, tuples, program_.slices);
        const long elements = rows ? rows * row_stride(id) : node(id).shape.size();
        return elements * element_bytes(node(id).op->type);
    }

    void place_batch_tensors() {
        long end = 0;
        for (Placement& tensor : program_.arena) {
            if (tensor.per_slice) continue;
            tensor.offset = end;
            tensor.bytes = bytes(tensor.node, program_.batch);
            end = round_up(end + tensor.bytes, boundary());
        }
        program_.slice_offset = end;
    }

    // Largest first, each at the lowest offset where it meets no tensor that lives beside it.
    void place_slice_tensors() {
        std::vector<Placement*> order, placed;
        for (Placement& tensor : program_.arena) {
            if (!tensor.per_slice) continue;
            tensor.bytes = round_up(bytes(tensor.node, program_.slice_tuples), boundary());
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
            program_.slice_bytes = std::max(program_.slice_bytes, tensor->offset + tensor->bytes);
        }
        program_.first_images = program_.slice_offset + program_.slices * program_.slice_bytes;
        program_.active_counts =
            program_.first_images + round_up((program_.slices + 1) * 4L, line_bytes);
        program_.arena_bytes = program_.active_counts + round_up(program_.slices * 4L, line_bytes);
    }

    Operand whole(NodeId id, bool sliced) const {
        const Shape& shape = node(id).shape;
        Operand operand;
        operand.node = id;
        operand.type = node(base(id)).op->type;
        int stride = 1;
        for (int extent : shape.dims) {
            operand.extent.push_back(extent);
            operand.stride.push_back(stride);
            stride *= extent;
        }
        operand.rows = shape.rows;
        if (shape.rows != Rows::none) {
            stride = static_cast<int>(row_stride(base(id)));
            operand.extent.push_back(0);
            operand.stride.push_back(stride);
        }
        const bool divided = shape.rows == Rows::image || shape.rows == Rows::tuple ||
                             shape.rows == Rows::slice || shape.rows == Rows::active_tuple ||
                             shape.rows == Rows::active_image;
        if (sliced && divided)
            operand.row_stride = static_cast<long>(stride) * element_bytes(operand.type);
        check_reach(operand, sliced);
        locate(operand);
        return operand;
    }

    const ParameterSlot& slot_of(const std::string& name) const {
        for (const ParameterSlot& slot : parameters_.slots)
            if (slot.name == name) return slot;
        throw std::logic_error("plan: the layout has no parameter " + name);
    }

    // The line of the model that a node comes of, or one that it reads.
    SourceLocation place_of(NodeId id) const {
        SourceLocation place = node(id).location;
        for (size_t i = 0; place.line == 0 && i < node(id).inputs.size(); ++i)
            place = place_of(node(id).inputs[i].node);
        return place;
    }

    // Kernels count elements and bytes of a buffer in ints.
    void check_reach(const Operand& operand, bool sliced) const {
        if (operand.rows == Rows::dataset) return;
        const int rows =
            std::max(1, row_count(operand.rows, program_.graph.branches,
                                  sliced && operand.rows != Rows::batch ? program_.slice_tuples
                                                                        : program_.batch,
                                  program_.slices));
        const long line =
            operand.rows == Rows::none ? node(operand.node).shape.size() : operand.stride.back();
        if (line * element_bytes(operand.type) <= most_bytes / rows) return;
        const long most =
            sliced ? 0
                   : program_.batch * (most_bytes / rows) / (line * element_bytes(operand.type));
        const bool trains =
            std::any_of(program_.graph.outputs.begin(), program_.graph.outputs.end(),
                        [&](NodeId id) { return is_gradient(id); });
        const long whole_tiles = most / gpu_row_quantum * gpu_row_quantum;
        throw ModelError(
            place_of(operand.node),
            fmt::format(
                "{} is too large for {} {}", node(operand.node).name, rows,
                operand.rows == Rows::slice || operand.rows == Rows::slices ? "slices" : "rows"),
            "a kernel reaches 2 GiB of a buffer; this has " + std::to_string(line) +
                " numbers a row",
            trains && whole_tiles > 0
                ? fmt::format("--batch {}, or a smaller layer here", whole_tiles)
                : std::string("a smaller layer here: fewer units or filters, larger strides"));
    }

    void check_limits() const {
        for (const Call& call : program_.calls)
            for (const Operand& operand : call.operands)
                if (operand.extent.size() > SIAMC_MAX_DIMS)
                    throw std::logic_error("plan: more dims than SIAMC_MAX_DIMS");
        if (on_gpu_ && program_.arena_bytes > most_bytes)
            throw ModelError({1, 1},
                             fmt::format("{} needs {} bytes on the device", program_.graph.name,
                                         program_.arena_bytes),
                             fmt::format("a device's buffer has at most {}", most_bytes),
                             "a smaller --batch, or fewer or smaller layers");
    }

    void locate(Operand& operand) const {
        const NodeId id = base(operand.node);
        if (node(id).shape.rows == Rows::dataset) {
            operand.space = Space::dataset;
        } else if (node(id).op == &parameter_op() || is_gradient(id)) {
            const std::string name = is_gradient(id) ? node(id).name.substr(5) : node(id).name;
            operand.offset = slot_of(name).offset * 4;
            operand.space = is_gradient(id) ? Space::gradient : Space::parameters;
        } else {
            const auto& arena = program_.arena;
            const auto found = std::find_if(arena.begin(), arena.end(),
                                            [&](const Placement& p) { return p.node == id; });
            operand.offset = found->offset + (found->per_slice ? program_.slice_offset : 0);
            if (!found->per_slice) return;
            operand.task_stride = program_.slice_bytes;
            operand.row_stride = 0;
        }
    }

    void call(int k) {
        const Kernel& kernel = program_.kernels[k];
        const bool sliced = by_slices(kernel);
        Call call{k, sliced ? 0 : 1, {}};
        for (NodeId id : kernel.inputs) call.operands.push_back(whole(id, sliced));
        for (NodeId id : kernel.outputs) call.operands.push_back(whole(id, sliced));
        if (shared_) return share(std::move(call), kernel);
        const int blocked = node(kernel.nodes[0]).op->blocked_input;
        if (blocked >= 0 && !on_gpu_) split(call, node(kernel.nodes[0]));
        program_.calls.push_back(std::move(call));
    }

    // Halves of the units or filters lie in the first dimension of the result and of what belongs
    // to it: kernel and bias.
    void share(Call call, const Kernel& kernel) {
        const Share share = sharing_.share[static_cast<size_t>(call.kernel)];
        call.tasks = share == Share::alone ? 1 : image_tasks;
        for (Operand& operand : call.operands) {
            if (share != Share::divided) break;
            const bool result =
                std::count(kernel.outputs.begin(), kernel.outputs.end(), operand.node) > 0;
            if (!result && node(operand.node).shape.rows != Rows::none) continue;
            operand.extent[0] /= image_tasks;
            operand.task_stride = operand.extent[0] * element_bytes(operand.type);
        }
        program_.calls.push_back(std::move(call));
    }

    // Blocks of the result's outermost dimension, equal in size.
    void split(Call& call, const Node& sum) const {
        NodeId blocked_input = sum.inputs[sum.op->blocked_input].node;
        if (node(blocked_input).op == &listed_op())
            blocked_input = node(blocked_input).inputs[0].node;
        Operand& result = call.operands.back();
        const int depth = result.extent[1];
        int block = 1;
        for (int divisor = 1; divisor <= depth; ++divisor)
            if (depth % divisor == 0 &&
                divisor * static_cast<long>(result.extent[0]) <= block_weights &&
                (divisor % row_quantum == 0 || block % row_quantum != 0))
                block = divisor;
        if (block < row_quantum) block = depth;
        call.tasks = depth / block;
        result.extent[1] = block;
        result.task_stride = static_cast<long>(block) * result.stride[1] * 4;
        for (Operand& operand : call.operands)
            if (operand.node == blocked_input) {
                operand.extent[0] = block;
                operand.task_stride = static_cast<long>(block) * 4;
            } else if (node(operand.node).shape == sum.shape) {
                operand.extent[1] = block;
                operand.task_stride = static_cast<long>(block) * operand.stride[1] * 4;
            } else if (node(operand.node).op == &activity_op() ||
                       node(operand.node).op == &listed_activity_op()) {
                operand.extent[0] = block / zero_group;
                operand.task_stride = block / zero_group;
            }
    }

    long boundary() const { return on_gpu_ ? part_bytes : line_bytes; }

    const ParameterLayout& parameters_;
    bool on_gpu_;
    bool shared_ = false;  // tasks share the work on one image
    Sharing sharing_;
    Program program_;
};

}  // namespace

int row_count(Rows kind, int branches, int tuples, int slices) {
    switch (kind) {
        case Rows::image:
        case Rows::batch:
        case Rows::active_image:
        case Rows::summed:
            return branches * tuples;
        case Rows::tuple:
        case Rows::active_tuple:
            return tuples;
        case Rows::slice:
        case Rows::slices:
            return slices;
        default:
            return 0;
    }
}

int padded_batch(int batch, int branches) {
    return batch == 1 && branches == 1 ? 1 : static_cast<int>(round_up(batch, row_quantum));
}

Program plan(const Graph& graph, const ParameterLayout& parameters, int batch,
             Processor processor) {
    return Planner(graph, parameters, batch, processor).run();
}

std::string to_string(const Program& program) {
    std::string text = fmt::format(
        "arena of {}: {} bytes for {} tuples in slices of {} ({} bytes each)\n", program.graph.name,
        program.arena_bytes, program.batch, program.slice_tuples, program.slice_bytes);
    for (const Placement& tensor : program.arena) {
        std::string life(program.calls.size(), '.');
        for (int k = tensor.first_call; k <= tensor.last_call; ++k) life[k] = '#';
        text += fmt::format("{:>10} {:>10} {} {}  {}\n", tensor.offset, tensor.bytes,
                            tensor.per_slice ? "slice" : "batch", life,
                            program.graph[tensor.node].name);
    }
    for (const Call& call : program.calls)
        text += fmt::format("call {} x {}\n", program.kernels[call.kernel].name,
                            call.tasks ? std::to_string(call.tasks) : "slices");
    return text;
}

}  // namespace siamc
