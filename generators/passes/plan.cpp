#include "passes/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "abi/siamc/siamc.h"  // its limits
#include "frontend/model_spec.h"
#include "layers/pairwise.h"
#include "layers/structural.h"
#include "passes/planning.h"
#include "schedules/schedule.h"

namespace siamc::compiler {

namespace {

// Rows of a slice: its activations leave most of a 512 KiB L2 to the weights. A batch of 128 pairs
// or triplets makes eight slices, so that two, four or eight threads share it evenly.
constexpr int slice_rows = 32;

// A batch has at least so many slices, if it has as many register tiles (siamc_slice_tuples).
constexpr int least_slices = 8;

// A slice reads all weights: so many (4 MB) leave the caches on the way, and are worth reading for
// so many rows.
constexpr long large_weights = 1L << 20;
constexpr int worthwhile_rows = 16;

// Images that two tasks share at most, one after the other in each kernel: with as many as a
// register tile has rows, the usual programs do as well.
constexpr int most_shared = row_quantum - 1;

// Parts that the executor has room for, some of them for an optimiser (SIAMC_MAX_STAGES).
constexpr int most_parts = 24;
static_assert(most_parts <= SIAMC_MAX_STAGES);

// The executor finds a slice's images again in a table that is never more than half full.
static_assert(2 * most_slice_rows <= SIAMC_TABLE);
static_assert(most_slice_rows <= SIAMC_MAX_SLICE_IMAGES);

class Planner {
  public:
    Planner(const Graph& graph, const ParameterLayout& parameters, int batch, Processor processor)
        : parameters_(parameters) {
        planning_.on_gpu = processor == Processor::gpu;
        if (planning_.on_gpu)
            take_whole(graph, batch);
        else
            take_slices(graph, batch);
    }

    Program run() {
        lay_out_arena(planning_);
        make_calls(planning_, parameters_);
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
            planning_.sharing = share_images(graph, program_.kernels);
            planning_.shared = planning_.sharing.part.back() < most_parts;
        }
        if (!planning_.shared) program_.kernels = in_stages(fuse(graph, single_row));
        program_.tuple_quantum = single_row                       ? 1
                                 : has_rows(graph, {Rows::batch}) ? batch_quantum
                                                                  : row_quantum;
        program_.batch = planning_.shared ? most_shared : padded_batch(batch, graph.branches);
        program_.batch = static_cast<int>(round_up(program_.batch, program_.tuple_quantum));
        cut_into_slices();
    }

    // Of so many tuples or fewer, as siamc_slice_tuples does it.
    void cut_into_slices() {
        const auto whole = [](int tuples, int of) {
            return static_cast<int>(round_up(tuples, of) / of);
        };
        const int branches = program_.graph.branches, quantum = program_.tuple_quantum;
        const int most =
            branches == 1 ? slice_rows : static_cast<int>(round_up(slice_rows / branches, 8));
        const int enough = static_cast<int>(round_up(whole(worthwhile_rows, branches), quantum));
        const bool one_image = planning_.shared;  // whose tasks have a slice's memory each
        const int least = reads_large_weights() && !one_image ? std::min(most, enough) : 1;
        const auto evenly =
            static_cast<int>(round_up(whole(program_.batch, least_slices), quantum));
        program_.least_slice_tuples = least;
        program_.slice_tuples =
            std::min(program_.batch, planning_.shared ? most : std::clamp(evenly, least, most));
        if (program_.slice_tuples * branches > most_slice_rows)
            throw std::logic_error("plan: a slice has more rows than kernels hold");
        program_.slices =
            std::max({whole(program_.batch, program_.slice_tuples),
                      std::min(least_slices, whole(program_.batch, std::max(quantum, least))),
                      one_image ? image_tasks : 1});
    }

    bool reads_large_weights() const {
        const Graph& graph = program_.graph;
        return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
            return node.op->pattern == Pattern::matmul &&
                   graph.shape_of(node.inputs[1]).rows == Rows::none &&
                   graph.shape_of(node.inputs[1]).size() >= large_weights;
        });
    }

    static bool has_rows(const Graph& graph, std::initializer_list<Rows> kinds) {
        return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
            return std::count(kinds.begin(), kinds.end(), node.shape.rows) > 0;
        });
    }

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

    void divide_into_parts() {
        for (size_t k = 0; k < program_.kernels.size(); ++k) {
            const Kernel& kernel = program_.kernels[k];
            const bool begins =
                k == 0 || planning_.is_prologue(k) != planning_.is_prologue(k - 1) ||
                (planning_.shared ? planning_.sharing.part[k] != planning_.sharing.part[k - 1]
                                  : stage_of(kernel) != stage_of(program_.kernels[k - 1]) ||
                                        (stage_of(kernel) != Stage::batch &&
                                         kernel.phase != program_.kernels[k - 1].phase));
            if (begins) program_.parts.push_back({0, planning_.by_slices(kernel), 0});
            if (planning_.shared) program_.parts.back().tasks = program_.calls[k].tasks;
            Part& part = program_.parts.back();
            if (planning_.by_slices(kernel) && kernel.of_active && part.forward_calls == 0)
                part.forward_calls = part.calls;
            ++part.calls;
        }
    }

    // Layers that look across the batch take three parts each.
    void check_parts() const {
        if (program_.parts.size() <= SIAMC_MAX_STAGES) return;
        const auto& nodes = program_.graph.nodes;
        const auto last = std::find_if(nodes.rbegin(), nodes.rend(), [](const Node& any) {
            return any.op == &across_op() && any.location.line > 0;
        });
        throw ModelError(
            last == nodes.rend() ? SourceLocation{1, 1} : last->location,
            fmt::format("{} would take {} parts, one after the other", program_.graph.name,
                        program_.parts.size()),
            fmt::format("a program has at most {}; each batch_norm takes three", SIAMC_MAX_STAGES),
            "fewer layers that look across the batch, or group_norm");
    }

    void check_limits() const {
        check_parts();
        for (const Call& call : program_.calls)
            for (const Operand& operand : call.operands)
                if (operand.extent.size() > SIAMC_MAX_DIMS)
                    throw std::logic_error("plan: more dims than SIAMC_MAX_DIMS");
        if (planning_.on_gpu && program_.arena_bytes > most_bytes)
            throw ModelError({1, 1},
                             fmt::format("{} needs {} bytes on the device", program_.graph.name,
                                         program_.arena_bytes),
                             fmt::format("a device's buffer has at most {}", most_bytes),
                             "a smaller --batch, or fewer or smaller layers");
    }

    const ParameterLayout& parameters_;
    Planning planning_;
    Program& program_ = planning_.program;
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

}  // namespace siamc::compiler
