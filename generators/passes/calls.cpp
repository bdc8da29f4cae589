#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "abi/siamc/siamc.h"  // its limits
#include "frontend/model_spec.h"
#include "layers/active.h"
#include "layers/active_tuples.h"
#include "layers/structural.h"
#include "passes/planning.h"
#include "schedules/schedule.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

namespace {

// Blocks of weights hold whole groups of zeros.
static_assert(row_quantum % zero_group == 0);

// Weights in one block of a gradient: enough work for a task (about a million multiply-adds at 256
// rows), few enough that a handful of threads share a layer evenly.
constexpr long block_weights = 4096;

class CallMaker {
  public:
    CallMaker(Planning& planning, const ParameterLayout& parameters)
        : planning_(planning), parameters_(parameters) {}

    void run() {
        for (size_t k = 0; k < program().kernels.size(); ++k) call(static_cast<int>(k));
    }

  private:
    Program& program() { return planning_.program; }
    const Program& program() const { return planning_.program; }

    Operand whole(NodeId id, bool sliced) const {
        const Shape& shape = planning_.node(id).shape;
        Operand operand;
        operand.node = id;
        operand.type = planning_.node(planning_.base(id)).op->type;
        int stride = 1;
        for (int extent : shape.dims) {
            operand.extent.push_back(extent);
            operand.stride.push_back(stride);
            stride *= extent;
        }
        operand.rows = shape.rows;
        if (shape.rows != Rows::none) {
            stride = static_cast<int>(planning_.row_stride(planning_.base(id)));
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
        SourceLocation place = planning_.node(id).location;
        for (size_t i = 0; place.line == 0 && i < planning_.node(id).inputs.size(); ++i)
            place = place_of(planning_.node(id).inputs[i].node);
        return place;
    }

    // Kernels count elements and bytes of a buffer in ints.
    void check_reach(const Operand& operand, bool sliced) const {
        if (operand.rows == Rows::dataset) return;
        const int rows =
            std::max(1, row_count(operand.rows, program().graph.branches,
                                  sliced && operand.rows != Rows::batch ? program().slice_tuples
                                                                        : program().batch,
                                  program().slices));
        const long line = operand.rows == Rows::none ? planning_.node(operand.node).shape.size()
                                                     : operand.stride.back();
        if (line * element_bytes(operand.type) <= most_bytes / rows) return;
        const long most =
            sliced ? 0
                   : program().batch * (most_bytes / rows) / (line * element_bytes(operand.type));
        const bool trains =
            std::any_of(program().graph.outputs.begin(), program().graph.outputs.end(),
                        [&](NodeId id) { return planning_.is_gradient(id); });
        const long whole_tiles = most / gpu_row_quantum * gpu_row_quantum;
        throw ModelError(
            place_of(operand.node),
            fmt::format(
                "{} is too large for {} {}", planning_.node(operand.node).name, rows,
                operand.rows == Rows::slice || operand.rows == Rows::slices ? "slices" : "rows"),
            "a kernel reaches 2 GiB of a buffer; this has " + std::to_string(line) +
                " numbers a row",
            trains && whole_tiles > 0
                ? fmt::format("--batch {}, or a smaller layer here", whole_tiles)
                : std::string("a smaller layer here: fewer units or filters, larger strides"));
    }

    void locate(Operand& operand) const {
        const NodeId id = planning_.base(operand.node);
        if (planning_.node(id).shape.rows == Rows::dataset) {
            operand.space = Space::dataset;
        } else if (planning_.node(id).op == &parameter_op() || planning_.is_gradient(id)) {
            const bool gradient = planning_.is_gradient(id);
            const Node& node = planning_.node(id);
            operand.offset = slot_of(gradient ? node.gradient_of : node.name).offset * 4;
            operand.space = gradient ? Space::gradient : Space::parameters;
        } else {
            const auto& arena = program().arena;
            const auto found = std::find_if(arena.begin(), arena.end(),
                                            [&](const Placement& p) { return p.node == id; });
            operand.offset = found->offset + (found->per_slice ? program().slice_offset : 0);
            if (!found->per_slice) return;
            operand.task_stride = program().slice_bytes;
            operand.row_stride = 0;
        }
    }

    void call(int k) {
        const Kernel& kernel = program().kernels[k];
        const bool sliced = planning_.by_slices(kernel);
        Call call{k, sliced ? 0 : 1, {}};
        for (NodeId id : kernel.inputs) call.operands.push_back(whole(id, sliced));
        for (NodeId id : kernel.outputs) call.operands.push_back(whole(id, sliced));
        const int blocked = planning_.node(kernel.nodes[0]).op->blocked_input;
        if (planning_.shared)
            share(call, kernel);
        else if (blocked >= 0 && !planning_.on_gpu)
            split(call, planning_.node(kernel.nodes[0]));
        if (!planning_.on_gpu) allow_whole_vectors(call, kernel.inputs.size());
        program().calls.push_back(std::move(call));
    }

    // Of what a task reads: behind every tensor of arena and parameters lies other memory of
    // theirs.
    static void allow_whole_vectors(Call& call, size_t inputs) {
        for (size_t i = 0; i < inputs; ++i) {
            Operand& operand = call.operands[i];
            if (operand.space != Space::dataset && operand.extent[0] > 0)
                operand.readable = static_cast<int>(round_up(operand.extent[0], most_lanes));
        }
    }

    // Halves of the units or filters: of the result and of what belongs to it, kernel and bias.
    void share(Call& call, const Kernel& kernel) const {
        const Share share = planning_.sharing.share[static_cast<size_t>(call.kernel)];
        call.tasks = share == Share::alone ? 1 : image_tasks;
        for (Operand& operand : call.operands) {
            if (share != Share::divided) break;
            const bool result =
                std::count(kernel.outputs.begin(), kernel.outputs.end(), operand.node) > 0;
            if (!result && planning_.node(operand.node).shape.rows != Rows::none) continue;
            const size_t divided = divided_dimension(planning_.node(operand.node).shape);
            operand.extent[divided] /= image_tasks;
            operand.task_stride = static_cast<long>(operand.extent[divided]) *
                                  operand.stride[divided] * element_bytes(operand.type);
        }
    }

    // Blocks of the result's outermost dimension, equal in size.
    void split(Call& call, const Node& sum) const {
        NodeId blocked_input = sum.inputs[sum.op->blocked_input].node;
        if (planning_.node(blocked_input).op == &listed_op())
            blocked_input = planning_.node(blocked_input).inputs[0].node;
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
            } else if (planning_.node(operand.node).shape == sum.shape) {
                operand.extent[1] = block;
                operand.task_stride = static_cast<long>(block) * operand.stride[1] * 4;
            } else if (planning_.node(operand.node).op == &activity_op() ||
                       planning_.node(operand.node).op == &listed_activity_op()) {
                operand.extent[0] = block / zero_group;
                operand.task_stride = block / zero_group;
            }
    }

    Planning& planning_;
    const ParameterLayout& parameters_;
};

}  // namespace

void make_calls(Planning& planning, const ParameterLayout& parameters) {
    CallMaker(planning, parameters).run();
}

}  // namespace siamc::compiler
