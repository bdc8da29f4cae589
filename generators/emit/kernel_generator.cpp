#include "emit/kernel_generator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "layers/convolution.h"
#include "layers/pairwise.h"
#include "layers/roles.h"
#include "layers/structural.h"
#include "layers/winograd.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

Halide::Type halide_type(ElementType type) {
    switch (type) {
        case ElementType::uint8:
            return Halide::UInt(8);
        case ElementType::int32:
            return Halide::Int(32);
        case ElementType::float16:
            return Halide::Float(16);
        default:
            return Halide::Float(32);
    }
}

std::string identifier(std::string name) {
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

// Extents and strides are compile-time constants, all but the number of rows.
template <typename BufferParam>
void fix_shape(BufferParam& buffer, const Operand& operand, bool fixed_row, bool bounds = true) {
    for (size_t d = 0; d < operand.extent.size(); ++d) {
        auto dim = buffer.dim(static_cast<int>(d));
        dim.set_stride(operand.stride[d]);
        if (!bounds) continue;
        if (operand.extent[d] > 0)
            dim.set_bounds(
                0, d == 0 ? std::max(operand.extent[d], operand.readable) : operand.extent[d]);
        else if (fixed_row && operand.rows != Rows::dataset)
            dim.set_bounds(0, 1);
        else
            dim.set_min(0);
    }
}

template <typename BufferParam>
void estimate_shape(BufferParam& buffer, const std::vector<int>& estimate) {
    for (size_t d = 0; d < estimate.size(); ++d)
        buffer.dim(static_cast<int>(d)).set_estimate(0, estimate[d]);
}

}  // namespace

std::vector<int> extents(const KernelTask& task, const Operand& operand, int stored) {
    std::vector<int> result = operand.extent;
    for (int& extent : result)
        if (extent == 0)
            extent = operand.rows == Rows::dataset
                         ? stored
                         : row_count(operand.rows, task.graph->branches,
                                     operand.rows == Rows::batch ? task.batch : task.usual_tuples,
                                     task.usual_slices);
    return result;
}

KernelTask task_of(const Program& program, const Call& call) {
    KernelTask task;
    task.graph = &program.graph;
    task.kernel = &program.kernels[call.kernel];
    task.operands = call.operands;
    task.single_row = program.tuple_quantum == 1;
    task.fixed_row = program.batch == 1;
    const bool whole = stage_of(*task.kernel) == Stage::batch;
    task.batch = program.batch;
    task.usual_tuples = whole ? program.batch : program.slice_tuples;
    task.usual_slices = whole ? program.slices : 1;
    return task;
}

namespace {

// How a kernel reads rows that data name.
std::string picked(const Graph& graph, const Node& pick, std::map<NodeId, std::string>& names) {
    std::string text = pick.op->name + "[";
    for (Edge edge : pick.inputs)
        text += " " + (graph[edge.node].op->pattern == Pattern::pick
                           ? picked(graph, graph[edge.node], names)
                           : names[edge.node]);
    for (const auto& [key, value] : pick.attributes)
        text += std::visit([&](const auto& v) { return fmt::format(" {}", v); }, value);
    return text + "]";
}

}  // namespace

std::string signature(const KernelTask& task) {
    const Graph& graph = *task.graph;
    std::map<NodeId, std::string> names;
    for (size_t i = 0; i < task.kernel->inputs.size(); ++i)
        names[task.kernel->inputs[i]] = fmt::format("in{}", i);
    std::string text =
        fmt::format("{}{}\n", task.single_row ? "single" : "many", task.fixed_row ? " fixed" : "");
    for (const Operand& operand : task.operands)
        text += fmt::format("{}:{}/{}/{}/{};", static_cast<int>(operand.type),
                            fmt::join(operand.extent, ","), fmt::join(operand.stride, ","),
                            static_cast<int>(operand.rows), operand.readable);
    for (size_t i = 0; i < task.kernel->nodes.size(); ++i) {
        const Node& node = graph[task.kernel->nodes[i]];
        text += "\n" + node.op->name;
        for (const auto& [key, value] : node.attributes)
            text += std::visit([&, k = key](const auto& v) { return fmt::format(" {}={}", k, v); },
                               value);
        for (Edge edge : node.inputs) {
            const Node& read = graph[edge.node];
            text += " " + (read.op->pattern == Pattern::pick ? picked(graph, read, names)
                                                             : names[edge.node]);
        }
        names[task.kernel->nodes[i]] = fmt::format("v{}", i);
    }
    for (NodeId id : task.kernel->outputs) text += " -> " + names[id];
    return text;
}

// What comes out of a product's or convolution's registers is written together: the values before
// and after an elementwise layer, values and winners. (On a GPU a product has a launch for each.)
bool KernelGenerator::in_one_loop() const {
    const Pattern pattern = task_.kernel->pattern;
    const bool in_registers =
        pattern == Pattern::convolution ||
        ((pattern == Pattern::matmul || pattern == Pattern::elementwise) && !on_gpu());
    return in_registers && task_.kernel->outputs.size() > 1;
}

void KernelGenerator::configure() {
    const Graph& graph = *task_.graph;
    const size_t inputs = task_.kernel->inputs.size();
    if (in_one_loop()) {
        std::vector<Halide::Type> types;
        for (size_t i = inputs; i < task_.operands.size(); ++i)
            types.push_back(halide_type(task_.operands[i].type));
        const auto dims = static_cast<int>(task_.operands.back().extent.size());
        joint_output_ = add_output<Func>("out", types, dims);
    }
    for (size_t i = 0; i < task_.operands.size(); ++i) {
        const Operand& operand = task_.operands[i];
        const std::string& name = graph[operand.node].name;
        const auto dims = static_cast<int>(operand.extent.size());
        if (i < inputs)
            inputs_.push_back(
                add_input<Buffer<>>(fmt::format("{}_{}", word_of(Role::input), identifier(name)),
                                    halide_type(operand.type), dims));
        else if (!joint_output_)
            outputs_.push_back(
                add_output<Buffer<>>("out_" + identifier(name), halide_type(operand.type), dims));
    }
}

// A value from outside the kernel, indexed as its reader wants it.
Func KernelGenerator::reader(NodeId id) {
    const auto& inputs = task_.kernel->inputs;
    const auto position = std::find(inputs.begin(), inputs.end(), id) - inputs.begin();
    const Graph& graph = *task_.graph;
    const std::vector<Var> vars = index_vars(graph[id].shape);
    std::vector<Expr> index(vars.begin(), vars.end());
    Input<Buffer<>>& buffer = *inputs_[position];
    // Indices come from the caller: whatever they are, no kernel reads outside the stored images.
    if (graph[id].shape.rows == Rows::dataset) {
        const int last = buffer.dimensions() - 1;
        index.back() = clamp(index.back(), 0, buffer.dim(last).extent() - 1);
    }
    Func read = func_as(Role::view, identifier(graph[id].name));
    const Expr value = buffer(index);
    read(vars) = value.type() == Halide::Float(16) ? cast<float>(value) : value;
    return read;
}

// Rows of that kind in a call, as an input shows them; 0 if none does.
Expr KernelGenerator::rows_of(Rows kind) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
        if (task_.operands[i].rows != kind) continue;
        const Expr rows = inputs_[i]->dim(inputs_[i]->dimensions() - 1).extent();
        // Sums over images then need no guard at the end of a chunk.
        if (kind == Rows::batch) return rows / batch_quantum * batch_quantum;
        if (kind == Rows::summed) return rows / row_quantum * row_quantum;
        const bool whole_tiles = on_gpu() && kind == Rows::image;
        return whole_tiles ? rows / gpu_row_quantum * gpu_row_quantum : rows;
    }
    return 0;
}

// What images a node with such rows of its first input and of its result is about: all of them, or
// those that are listed.
Rows image_rows_of(Rows read, Rows result) {
    for (Rows rows : {read, result})
        if (rows == Rows::active_image || rows == Rows::summed) return rows;
    return Rows::image;
}

Func KernelGenerator::input(NodeId id, const std::map<NodeId, Func>& values) {
    const auto inside = values.find(id);
    if (inside != values.end()) return inside->second;
    const Op& op = *(*task_.graph)[id].op;
    return op.pattern == Pattern::pick ? op.algorithm(context_of(id, values)) : reader(id);
}

AlgorithmContext KernelGenerator::context_of(NodeId id, const std::map<NodeId, Func>& values) {
    const Graph& graph = *task_.graph;
    const Node& node = graph[id];
    const Rows first = node.inputs.empty() ? Rows::none : graph.shape_of(node.inputs[0]).rows;
    AlgorithmContext context{graph,
                             node,
                             {},
                             rows_of(image_rows_of(first, node.shape.rows)),
                             rows_of(first == Rows::active_tuple ? first : Rows::tuple),
                             rows_of(first == Rows::slices ? first : Rows::slice),
                             rows_of(Rows::batch),
                             rows_of(first),
                             task_.single_row ? 1 : row_quantum};
    for (Edge edge : graph[id].inputs) context.inputs.push_back(input(edge.node, values));
    return context;
}

// The kernel's nodes, with Funcs of their own.
KernelFuncs KernelGenerator::compute(const std::vector<NodeId>& results) {
    const Graph& graph = *task_.graph;
    KernelFuncs funcs;
    std::map<NodeId, Func> values;
    for (NodeId id : task_.kernel->nodes) {
        const AlgorithmContext context = context_of(id, values);
        values[id] = graph[id].op->algorithm(context);
        if (funcs.values.empty()) funcs.factors = context.inputs;
        funcs.values.push_back(values[id]);
        funcs.patterns.push_back(graph[id].op->pattern);
    }
    funcs.factors.resize(std::min<size_t>(funcs.factors.size(), 2));
    for (NodeId id : results) funcs.outputs.push_back(values[id]);
    if (graph[results[0]].shape.rows == Rows::image)
        for (NodeId id : task_.kernel->nodes)
            if (graph[id].op == &branch_grad_op()) funcs.rows_together = graph.branches;
    describe(funcs);
    return funcs;
}

void KernelGenerator::generate() {
    const Graph& graph = *task_.graph;
    const std::vector<NodeId>& results = task_.kernel->outputs;
    if (apart())
        for (NodeId id : results) launches_.push_back(compute({id}));
    else
        launches_.push_back(compute(results));
    for (size_t i = 0; i < outputs_.size(); ++i) {
        const Func value = apart() ? launches_[i].outputs[0] : launches_[0].outputs[i];
        const std::vector<Var> vars = value.args();
        if (graph[results[i]].op->pattern == Pattern::scatter)
            *outputs_[i] = value;
        else
            (*outputs_[i])(vars) = value(vars);
    }
    if (!joint_output_) return;
    const std::vector<Var> vars = launches_[0].outputs[0].args();
    std::vector<Expr> together;
    for (const Func& value : launches_[0].outputs) together.push_back(value(vars));
    (*joint_output_)(vars) = Halide::Tuple(together);
}

// What a schedule needs to know of the nodes.
void KernelGenerator::describe(KernelFuncs& funcs) const {
    const Graph& graph = *task_.graph;
    funcs.pattern = task_.kernel->pattern;
    funcs.single_row = task_.single_row;
    funcs.tile = task_.tile.parameters;
    const Node& first = graph[task_.kernel->nodes[0]];
    const std::vector<int>& dims = graph.shape_of(first.inputs[0]).dims;
    if (!dims.empty()) funcs.channels = dims[0];
    if (first.op->pattern == Pattern::convolution && first.attributes.count("stride"))
        funcs.stride = static_cast<int>(integer(first.attributes, "stride"));
    if (first.op->pattern == Pattern::convolution) {
        funcs.dilation = dilation_of(first);
        funcs.groups = groups_of(first);
        funcs.channels /= funcs.groups;
    }
    if (first.op == &winograd_op()) funcs.winograd = winograd_form(first);
    for (Edge edge : first.inputs) {
        const Shape shape = graph.shape_of(edge);
        funcs.reads_its_like |= shape == first.shape;
        if (shape.rows == Rows::none && shape.dims.size() == 4)
            funcs.taps = {shape.dims[2], shape.dims[3]};
    }
    if (first.op->pattern == Pattern::scatter && first.shape.rows == Rows::slice)
        funcs.taps = {first.shape.dims[1], first.shape.dims[2]};
    for (NodeId id : task_.kernel->nodes) {
        if (graph[id].op->pattern != Pattern::pooling || !graph[id].op->seen) continue;
        funcs.pool_window = static_cast<int>(integer(graph[id].attributes, "window"));
        funcs.pool_stride = static_cast<int>(integer(graph[id].attributes, "stride"));
    }
}

// Fixes the outputs' shapes and puts them in the place of the values that they show.
void KernelGenerator::place_outputs() {
    const size_t inputs = inputs_.size();
    for (KernelFuncs& launch : launches_) launch.outputs.clear();
    for (size_t i = 0; inputs + i < task_.operands.size(); ++i) {
        const Operand& operand = task_.operands[inputs + i];
        KernelFuncs& launch = launches_[apart() ? i : 0];
        std::vector<int> dims = operand.extent;
        if (operand.rows != Rows::none) dims.pop_back();
        launch.dims.push_back(dims);
        if (joint_output_) continue;
        fix_shape(*outputs_[i], operand, task_.fixed_row);
        launch.outputs.push_back(*outputs_[i]);
    }
    if (!joint_output_) return;
    const Func joint = *joint_output_;
    const auto buffers = joint.output_buffers();
    for (size_t i = 0; i < buffers.size(); ++i) {
        Halide::OutputImageParam buffer = buffers[i];
        fix_shape(buffer, task_.operands[inputs + i], task_.fixed_row, i == 0);
    }
    launches_[0].outputs.push_back(joint);
}

void KernelGenerator::schedule() {
    const size_t inputs = inputs_.size();
    for (size_t i = 0; i < inputs; ++i) fix_shape(*inputs_[i], task_.operands[i], task_.fixed_row);
    place_outputs();
    for (KernelFuncs& launch : launches_) {
        if (task_.choice == ScheduleChoice::tuned)
            compiler::schedule(launch, get_target());
        else if (task_.choice == ScheduleChoice::naive)
            schedule_naive(launch);
    }
    if (task_.choice == ScheduleChoice::automatic) estimate();
}

void KernelGenerator::estimate() {
    const size_t inputs = inputs_.size();
    constexpr int stored = 1024;  // images, of which a call reads a few
    const auto estimate = [&](size_t operand) {
        return extents(task_, task_.operands[operand], stored);
    };
    for (size_t i = 0; i < inputs; ++i) estimate_shape(*inputs_[i], estimate(i));
    for (size_t i = 0; i < outputs_.size(); ++i) estimate_shape(*outputs_[i], estimate(inputs + i));
    if (joint_output_) {
        Halide::OutputImageParam first = Func(*joint_output_).output_buffers()[0];
        estimate_shape(first, estimate(inputs));
    }
}

Halide::Module generate(const KernelTask& task, const Halide::GeneratorContext& context,
                        const std::string& function_name) {
    auto generator = KernelGenerator::create(context, "siamc_kernel", "siamc_kernel");
    generator->set_task(task);
    return generator->build_module(function_name);
}

}  // namespace siamc::compiler
