#include "emit/transfers.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "abi/siamc/siamc.h"
#include "layers/hash.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace {

constexpr int copy_threads = 128;

Transfer::Part table(const std::string& name, Space space, ElementType type, int line) {
    Operand operand;
    operand.space = space;
    operand.type = type;
    operand.extent = {line, 0};
    operand.stride = {1, line};
    if (line == 1) operand.extent = {0}, operand.stride = {1};
    return {name, operand};
}

Transfer::Part in_arena(const Program& program, const Placement& tensor) {
    const Node& node = program.graph[tensor.node];
    Operand operand;
    operand.type = node.op->type;
    operand.rows = node.shape.rows;
    operand.offset = tensor.offset;
    // A row as one line, whatever its shape: what is loaded and stored lies dense.
    const auto size = static_cast<int>(node.shape.size());
    if (!node.shape.dims.empty()) operand.extent = {size}, operand.stride = {1};
    operand.extent.push_back(0);
    operand.stride.push_back(size);
    std::string name = node.name;
    std::replace(name.begin(), name.end(), '.', '_');
    return {name, operand};
}

Transfer::Part hyper() {
    Operand operand;
    operand.space = Space::hyper;
    operand.extent = {SIAMC_HYPERPARAMETERS};
    operand.stride = {1};
    return {"hyper", operand};
}

class TransferGenerator : public Halide::Generator<TransferGenerator> {
  public:
    void set(const Transfer& transfer) { transfer_ = transfer; }

    void configure() {
        for (const Transfer::Part& part : transfer_.inputs)
            inputs_[part.name] =
                add_input<Buffer<>>("in_" + part.name, type_of(part), dims_of(part));
        first_ = add_input<int32_t>("first");
        count_ = add_input<int32_t>("count");
        step_ = add_input<int32_t>("step");
        for (const Transfer::Part& part : transfer_.outputs)
            outputs_.push_back(
                add_output<Buffer<>>("out_" + part.name, type_of(part), dims_of(part)));
    }

    void generate() {
        for (size_t i = 0; i < outputs_.size(); ++i)
            if (transfer_.outputs[i].operand.space == Space::results)
                store(*outputs_[i]);
            else
                load(transfer_.outputs[i].name, *outputs_[i]);
    }

    void schedule() {
        for (const Transfer::Part& part : transfer_.inputs) fix(*inputs_[part.name], part.operand);
        for (size_t i = 0; i < outputs_.size(); ++i) {
            fix(*outputs_[i], transfer_.outputs[i].operand);
            Func out = *outputs_[i];
            Var block("block"), thread("thread");
            if (transfer_.outputs[i].operand.space == Space::results)
                out.gpu_blocks(tuple_in_)  // of nothing: else the host would have to write it
                    .update()
                    .allow_race_conditions()
                    .split(line_, block, thread, copy_threads, TailStrategy::GuardWithIf)
                    .reorder(thread, block, tuple_.x)
                    .gpu_blocks(block, tuple_.x)
                    .gpu_threads(thread);
            else
                out.gpu_tile(out.args().back(), block, thread, copy_threads,
                             TailStrategy::GuardWithIf);
        }
    }

  private:
    static Halide::Type type_of(const Transfer::Part& part) {
        return part.operand.type == ElementType::int32 ? Halide::Int(32) : Halide::Float(32);
    }
    static int dims_of(const Transfer::Part& part) {
        return static_cast<int>(part.operand.extent.size());
    }

    template <typename BufferParam>
    static void fix(BufferParam& buffer, const Operand& operand) {
        for (size_t d = 0; d < operand.extent.size(); ++d) {
            auto dim = buffer.dim(static_cast<int>(d));
            dim.set_stride(operand.stride[d]);
            if (operand.extent[d] > 0)
                dim.set_bounds(0, operand.extent[d]);
            else
                dim.set_min(0);
        }
    }

    // Row r of the batch in the table; of one that pads it, the last.
    Expr row_of(const Expr& r) const {
        const Expr first = *first_, count = *count_;
        return first * transfer_.branches + min(r, count * transfer_.branches - 1);
    }

    // As siamc_noise; the step's seed is its number.
    Expr noise_of(const Expr& at) const {
        const auto bits = [](const Expr& x) { return Halide::cast<std::uint32_t>(x); };
        const Input<Buffer<>>&rows = *inputs_.at("rows"), &shifts = *inputs_.at("shifts");
        Expr x = hashed(bits(*step_));
        for (const Expr& mixed : {Expr(rows(at)), Expr(shifts(0, at)), Expr(shifts(1, at))})
            x = hashed(x ^ bits(mixed));
        return Halide::cast<std::int32_t>(x);
    }

    void load(const std::string& name, Func out) {
        const Var i("i"), row("row");
        const Expr first = *first_, count = *count_, step = *step_;
        if (name == "rows")
            out(row) = (*inputs_["rows"])(row_of(row));
        else if (name == "shifts")
            out(i, row) = (*inputs_["shifts"])(i, row_of(row));
        else if (name == "label")
            out(row) = select(row < count, (*inputs_["label"])(min(first + row, first + count - 1)),
                              -1.0f);
        else if (name == "weight")
            out(row) = select(row < count, 1.0f / count, 0.0f);
        else if (name == "ordinal")
            out(row) = row;  // the batch is one slice
        else if (name == "noise")
            out(row) = noise_of(row_of(row));
        else if (name == "hyper")
            out(i) = (*inputs_["hyper"])(i, step);
        else
            throw std::logic_error(name + ": no table holds it");
    }

    void store(Func out) {
        tuple_ = RDom(0, Expr(*count_), "tuple");
        Expr value = 0.0f;
        int line = 0;
        for (const Transfer::Part& part : transfer_.inputs) {
            const Input<Buffer<>>& in = *inputs_[part.name];
            const bool wide = part.operand.extent.size() > 1;
            const int lines = wide ? part.operand.extent[0] : 1;
            const Expr here = wide ? in(clamp(line_ - line, 0, lines - 1), tuple_) : in(tuple_);
            value = select(line_ >= line, here, value);
            line += lines;
        }
        out(line_, tuple_in_) = Halide::undef<float>();
        out(line_, Expr(*first_) + tuple_) = value;
    }

    Transfer transfer_;
    Var line_{"line"}, tuple_in_{"at"};
    RDom tuple_;
    std::map<std::string, Input<Buffer<>>*> inputs_;
    Input<int32_t>*first_ = nullptr, *count_ = nullptr, *step_ = nullptr;
    std::vector<Output<Buffer<>>*> outputs_;
};

}  // namespace

Transfer load_of(const Program& program) {
    static const std::map<std::string, Transfer::Part> tables = {
        {"rows", table("rows", Space::rows_table, ElementType::int32, 1)},
        {"shifts", table("shifts", Space::shifts_table, ElementType::int32, 2)},
        {"label", table("label", Space::labels_table, ElementType::float32, 1)}};
    Transfer transfer;
    transfer.branches = program.graph.branches;
    for (const Placement& tensor : program.arena) {
        if (program.graph[tensor.node].op->pattern != Pattern::source) continue;
        transfer.outputs.push_back(in_arena(program, tensor));
        const auto found = tables.find(transfer.outputs.back().name);
        if (found != tables.end()) transfer.inputs.push_back(found->second);
    }
    return transfer;
}

Transfer store_of(const Program& program) {
    Transfer transfer;
    int lines = 0;
    for (NodeId id : program.graph.outputs)
        for (const Placement& tensor : program.arena)
            if (tensor.node == base_of(program.graph, id)) {
                transfer.inputs.push_back(in_arena(program, tensor));
                lines += static_cast<int>(program.graph[id].shape.size());
            }
    transfer.outputs = {table("results", Space::results, ElementType::float32, lines)};
    if (lines == 1) {  // still a line per tuple
        transfer.outputs[0].operand.extent = {1, 0};
        transfer.outputs[0].operand.stride = {1, 1};
    }
    return transfer;
}

Transfer load_of_optimizer() {
    Transfer transfer;
    transfer.inputs = {
        table("hyper", Space::hyper_table, ElementType::float32, SIAMC_HYPERPARAMETERS)};
    transfer.outputs = {hyper()};
    return transfer;
}

Halide::Module generate_transfer(const Transfer& transfer, const Halide::GeneratorContext& context,
                                 const std::string& function_name) {
    auto generator = TransferGenerator::create(context, "siamc_transfer", "siamc_transfer");
    generator->set(transfer);
    return generator->build_module(function_name);
}

}  // namespace siamc::compiler
