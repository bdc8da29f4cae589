#include "emit/program_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "layers/active_tuples.h"
#include "layers/sources.h"

namespace siamc::compiler {

namespace {

// The tables hold these as numbers.
static_assert(static_cast<int>(Rows::none) == SIAMC_FIXED &&
              static_cast<int>(Rows::image) == SIAMC_IMAGES &&
              static_cast<int>(Rows::tuple) == SIAMC_TUPLES &&
              static_cast<int>(Rows::dataset) == SIAMC_STORED &&
              static_cast<int>(Rows::slice) == SIAMC_SLICES &&
              static_cast<int>(Rows::batch) == SIAMC_BATCH_IMAGES &&
              static_cast<int>(Rows::slices) == SIAMC_ALL_SLICES &&
              static_cast<int>(Rows::active_tuple) == SIAMC_ACTIVE_TUPLES &&
              static_cast<int>(Rows::active_image) == SIAMC_ACTIVE_IMAGES &&
              static_cast<int>(Rows::summed) == SIAMC_SUMMED);
static_assert(static_cast<int>(Space::arena) == SIAMC_ARENA &&
              static_cast<int>(Space::parameters) == SIAMC_PARAMETERS &&
              static_cast<int>(Space::gradient) == SIAMC_GRADIENT &&
              static_cast<int>(Space::dataset) == SIAMC_DATASET &&
              static_cast<int>(Space::hyper) == SIAMC_HYPER &&
              static_cast<int>(Space::rows_table) == SIAMC_INDICES_TABLE &&
              static_cast<int>(Space::shifts_table) == SIAMC_SHIFTS_TABLE &&
              static_cast<int>(Space::labels_table) == SIAMC_LABELS_TABLE &&
              static_cast<int>(Space::hyper_table) == SIAMC_HYPER_TABLE &&
              static_cast<int>(Space::results) == SIAMC_RESULTS);

siamc_operand operand_of(const Operand& operand) {
    static const struct {
        std::uint8_t code, bits;
    } types[] = {{halide_type_float, 32},
                 {halide_type_uint, 8},
                 {halide_type_int, 32},
                 {halide_type_float, 16}};
    require_limit(operand.extent.size() <= SIAMC_MAX_DIMS, "SIAMC_MAX_DIMS");
    siamc_operand result = {};
    result.space = static_cast<std::uint8_t>(operand.space);
    result.type_code = types[static_cast<int>(operand.type)].code;
    result.type_bits = types[static_cast<int>(operand.type)].bits;
    result.dimensions = static_cast<std::uint8_t>(operand.extent.size());
    result.axis = static_cast<std::uint8_t>(operand.rows);
    std::copy(operand.extent.begin(), operand.extent.end(), result.extent);
    std::copy(operand.stride.begin(), operand.stride.end(), result.stride);
    result.offset = operand.offset;
    result.task_stride = operand.task_stride;
    result.row_stride = operand.row_stride;
    return result;
}

long arena_offset(const Program& program, const std::string& name) {
    for (const Placement& tensor : program.arena)
        if (program.graph[tensor.node].name == name) return tensor.offset;
    return -1;
}

// Of one stored image or embedding.
long stored_bytes(const Program& program) {
    for (const Call& call : program.calls)
        for (const Operand& operand : call.operands)
            if (operand.space == Space::dataset)
                return operand.stride.back() * element_bytes(operand.type);
    return 0;
}

// The first parts that hold nothing but what reads parameters alone.
int prologue_parts(const Program& program) {
    int parts = 0;
    std::size_t call = 0;
    for (const Part& part : program.parts) {
        for (int c = 0; c < part.calls; ++c, ++call)
            if (stage_of(program.kernels[static_cast<std::size_t>(program.calls[call].kernel)]) !=
                Stage::prologue)
                return parts;
        ++parts;
    }
    return parts;
}

// Classes are counted as floats are: up to 2^24. 0: the labels are none.
std::int32_t classes_of(const Graph& graph) {
    for (const Node& node : graph.nodes)
        if (node.op == &class_op())
            return node.attributes.count(classes_attribute)
                       ? static_cast<std::int32_t>(integer(node.attributes, classes_attribute))
                       : 1 << 24;
    return 0;
}

// Offsets where the caller's tuples go, and the outputs; gradients have a place of their own.
void fill_places(const Program& program, siamc_program& table, std::vector<std::string>& outputs) {
    table.first_images_offset = program.first_images;
    table.indices_offset = arena_offset(program, "rows");
    table.shifts_offset = arena_offset(program, "shifts");
    table.members_offset = arena_offset(program, "places");
    table.label_offset = arena_offset(program, "label");
    table.sample_weight_offset = arena_offset(program, "weight");
    table.ordinals_offset = arena_offset(program, "ordinal");
    table.noise_offset = arena_offset(program, noise_op().name);
    table.classes = classes_of(program.graph);
    table.active_counts_offset = program.active_counts;
    table.active_offset = arena_offset(program, "active");
    table.active_tuples_offset = arena_offset(program, active_tuples_op().name);
    table.active_places_offset = arena_offset(program, active_places_op().name);
    table.active_images_offset = arena_offset(program, active_images_op().name);
    table.summed_images_offset = arena_offset(program, summed_images_op().name);
    table.summed_adjoints_offset = arena_offset(program, summed_adjoints_op().name);
    for (NodeId id : program.graph.outputs) {
        const Node& node = program.graph[id];
        const long offset = arena_offset(program, program.graph[base_of(program.graph, id)].name);
        if (offset < 0) continue;
        require_limit(outputs.size() < SIAMC_MAX_OUTPUTS, "SIAMC_MAX_OUTPUTS");
        table.outputs[outputs.size()] = {nullptr, offset, node.shape.size()};
        outputs.push_back(node.name);
    }
    table.output_count = static_cast<std::int32_t>(outputs.size());
}

}  // namespace

void require_limit(bool holds, const char* limit) {
    if (!holds) throw std::logic_error(fmt::format("tables: more than {} holds", limit));
}

// One function for each variant.
void ProgramTables::point_to_kernel(std::size_t call, const std::string& kernel) {
    std::size_t at = call + offsetof(siamc_call, kernel);
    for (const Variant& variant : library_.target.variants) {
        data_.point(at, symbol_of(library_, kernel, variant) + "_argv");
        at += sizeof(siamc_kernel);
    }
    data_.point_to_text(call + offsetof(siamc_call, name), kernel);
}

std::size_t ProgramTables::add_calls(const NamedProgram& named) {
    const std::vector<Call>& calls = named.program.calls;
    std::vector<siamc_call> list(calls.size());
    std::vector<siamc_operand> operands;
    std::vector<std::size_t> first;
    for (std::size_t c = 0; c < calls.size(); ++c) {
        require_limit(calls[c].operands.size() <= SIAMC_MAX_OPERANDS, "SIAMC_MAX_OPERANDS");
        list[c].operand_count = static_cast<std::int32_t>(calls[c].operands.size());
        list[c].tasks = calls[c].tasks;
        first.push_back(operands.size());
        for (const Operand& operand : calls[c].operands) operands.push_back(operand_of(operand));
    }
    const std::size_t at = data_.add(list), operands_at = data_.add(operands);
    for (std::size_t c = 0; c < calls.size(); ++c) {
        const std::size_t call = at + c * sizeof(siamc_call);
        point_to_kernel(call, named.kernels[c]);
        data_.point(call + offsetof(siamc_call, operands),
                    operands_at + first[c] * sizeof(siamc_operand));
    }
    return at;
}

std::size_t ProgramTables::add_stages(const Program& program) {
    std::vector<siamc_stage> stages;
    for (const Part& part : program.parts)
        stages.push_back({part.calls, part.by_slices, part.tasks, part.forward_calls});
    require_limit(stages.size() <= SIAMC_MAX_STAGES, "SIAMC_MAX_STAGES");
    return data_.add(stages);
}

std::size_t ProgramTables::add(const NamedProgram& named) {
    const Program& program = named.program;
    std::vector<std::string> outputs;
    siamc_program table = {};
    table.branches = program.graph.branches;
    table.batch = program.batch;
    table.slice_tuples = program.slice_tuples;
    table.tuple_quantum = program.tuple_quantum;
    table.least_slice_tuples = program.least_slice_tuples;
    table.arena_bytes = program.arena_bytes;
    table.stored_bytes = stored_bytes(program);
    table.multiply_adds = program.multiply_adds;
    table.stage_count = static_cast<std::int32_t>(program.parts.size());
    table.prologue_stages = prologue_parts(program);
    table.reads_parameters = reads_parameters(program);
    fill_places(program, table, outputs);
    const std::size_t calls = add_calls(named), stages = add_stages(program);
    const std::size_t at = place(named.name, table, calls, stages);
    for (std::size_t o = 0; o < outputs.size(); ++o)
        data_.point_to_text(at + offsetof(siamc_program, outputs) + o * sizeof(siamc_output) +
                                offsetof(siamc_output, name),
                            outputs[o]);
    if (on_device(library_.target)) {
        data_.point(at + offsetof(siamc_program, load), add_transfer(named.name + "__load"));
        data_.point(at + offsetof(siamc_program, store), add_transfer(named.name + "__store"));
    }
    return at;
}

std::size_t ProgramTables::place(const std::string& name, const siamc_program& table,
                                 std::size_t calls, std::size_t stages) {
    const std::size_t at = data_.add(table);
    data_.point_to_text(at + offsetof(siamc_program, name), name);
    data_.point(at + offsetof(siamc_program, library), shared_);
    data_.point(at + offsetof(siamc_program, calls), calls);
    data_.point(at + offsetof(siamc_program, stages), stages);
    return at;
}

std::size_t ProgramTables::add_transfer(const std::string& name) {
    const std::vector<NamedTransfer> all = transfers_of(library_);
    const auto found = std::find_if(all.begin(), all.end(), [&](const NamedTransfer& any) {
        return any.name == library_.name + "__" + name;
    });
    std::vector<siamc_operand> operands;
    for (const auto* parts : {&found->transfer.inputs, &found->transfer.outputs})
        for (const Transfer::Part& part : *parts) operands.push_back(operand_of(part.operand));
    siamc_transfer table = {};
    table.inputs = static_cast<std::int32_t>(found->transfer.inputs.size());
    table.outputs = static_cast<std::int32_t>(found->transfer.outputs.size());
    const std::size_t at = data_.add(table);
    data_.point(at + offsetof(siamc_transfer, kernel),
                symbol_of(library_, found->name, library_.target.variants[0]) + "_argv");
    data_.point_to_text(at + offsetof(siamc_transfer, name), found->name);
    data_.point(at + offsetof(siamc_transfer, operands), data_.add(operands));
    return at;
}

std::vector<siamc_operand> ProgramTables::optimizer_operands(const OptimizerRule& rule,
                                                             const Stretch& stretch) const {
    std::vector<siamc_operand> operands;
    const auto add = [&](int space, int extent, long stride) {
        siamc_operand operand = {};
        operand.space = static_cast<std::uint8_t>(space);
        operand.type_code = halide_type_float;
        operand.type_bits = 32;
        operand.dimensions = 1;
        operand.extent[0] = extent;
        operand.stride[0] = 1;
        operand.task_stride = stride;
        if (space != SIAMC_HYPER) operand.offset = stretch.first * 4L;
        operands.push_back(operand);
    };
    const auto add_state = [&](bool written) {
        const auto add_block = [&](int space) { add(space, stretch.floats, stretch.floats * 4L); };
        add_block(SIAMC_PARAMETERS);
        if (!written) add_block(SIAMC_GRADIENT);
        for (int m = 0; m < rule.moments; ++m) add_block(SIAMC_MOMENT1 + m);
    };
    add_state(false);
    add(SIAMC_HYPER, SIAMC_HYPERPARAMETERS, 0);
    add_state(true);
    return operands;
}

std::size_t ProgramTables::add_update_calls(
    const std::vector<std::pair<const OptimizerRule*, Stretch>>& updates) {
    std::vector<siamc_call> calls(updates.size());
    std::vector<std::vector<siamc_operand>> operands;
    for (std::size_t u = 0; u < updates.size(); ++u) {
        const auto& [rule, stretch] = updates[u];
        operands.push_back(optimizer_operands(*rule, stretch));
        calls[u].operand_count = static_cast<std::int32_t>(operands[u].size());
        calls[u].tasks = stretch.tasks;
    }
    const std::size_t all = data_.add(calls);
    for (std::size_t u = 0; u < updates.size(); ++u) {
        const std::size_t at = all + u * sizeof(siamc_call);
        point_to_kernel(at, optimizer_kernel(library_, *updates[u].first));
        data_.point(at + offsetof(siamc_call, operands), data_.add(operands[u]));
    }
    return all;
}

std::size_t ProgramTables::add_optimizer_program(const OptimizerRule& rule) {
    const long statistics = library_.parameters.statistics;
    std::vector<std::pair<const OptimizerRule*, Stretch>> updates = {
        {&rule, {statistics, optimizer_block(library_), optimizer_tasks_of(library_)}}};
    if (statistics > 0)
        updates.push_back({&statistics_rule(), {0, static_cast<int>(statistics), 1}});
    const std::size_t calls = add_update_calls(updates);
    siamc_program program = {};
    program.tuple_quantum = 1;
    program.stage_count = 1;
    program.first_images_offset = program.indices_offset = program.shifts_offset = -1;
    program.members_offset = program.label_offset = program.sample_weight_offset = -1;
    program.ordinals_offset = program.noise_offset = -1;
    const std::size_t stages =
        data_.add(siamc_stage{static_cast<std::int32_t>(updates.size()), 0, 0, 0});
    const std::size_t at = place(rule.name, program, calls, stages);
    if (on_device(library_.target))
        data_.point(at + offsetof(siamc_program, load), add_transfer("optimizer__load"));
    return at;
}

std::size_t ProgramTables::add_optimizers() {
    const std::vector<OptimizerRule>& rules = optimizer_rules();
    std::vector<siamc_optimizer> list(rules.size());
    for (std::size_t o = 0; o < rules.size(); ++o) {
        list[o].hyper_count = static_cast<std::int32_t>(rules[o].hyper.size());
        list[o].moments = rules[o].moments;
    }
    const std::size_t all = data_.add(list);
    for (std::size_t o = 0; o < rules.size(); ++o) {
        const std::size_t at = all + o * sizeof(siamc_optimizer);
        std::vector<siamc_hyper_rule> hyper = rules[o].keras; /* SIAMC_KERAS, SIAMC_PYTORCH */
        hyper.insert(hyper.end(), rules[o].pytorch.begin(), rules[o].pytorch.end());
        require_limit(rules[o].hyper.size() <= SIAMC_HYPERPARAMETERS &&
                          hyper.size() == 2 * rules[o].hyper.size(),
                      "SIAMC_HYPERPARAMETERS");
        data_.point_to_text(at + offsetof(siamc_optimizer, name), rules[o].name);
        data_.point(at + offsetof(siamc_optimizer, program), add_optimizer_program(rules[o]));
        data_.point(at + offsetof(siamc_optimizer, rules), data_.add(hyper));
    }
    return all;
}

}  // namespace siamc::compiler
