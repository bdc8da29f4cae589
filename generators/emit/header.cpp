// The C header of a generated library: constants for its users, tables for siamc_abi.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "abi/siamc_abi.h"
#include "emit/library.h"

namespace siamc {

namespace {

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return std::isalnum(c) ? static_cast<char>(std::toupper(c)) : '_';
    });
    return text;
}

std::string join_ints(const std::vector<int>& values) {
    return fmt::format("{}", fmt::join(values, ", "));
}

// The tables hold these as numbers.
static_assert(static_cast<int>(Rows::none) == SIAMC_NO_ROWS &&
              static_cast<int>(Rows::image) == SIAMC_IMAGE_ROWS &&
              static_cast<int>(Rows::tuple) == SIAMC_TUPLE_ROWS &&
              static_cast<int>(Rows::dataset) == SIAMC_STORED_ROWS &&
              static_cast<int>(Rows::slice) == SIAMC_SLICE_ROWS);

std::string variants_text(const Library& library) {
    if (library.target.variants.size() > SIAMC_MAX_VARIANTS)
        throw std::logic_error(library.target.name + ": more variants than a call has kernels");
    constexpr int words = (Halide::Target::FeatureEnd + 63) / 64;
    const std::string& model = library.name;
    std::string features, table;
    for (const Variant& variant : library.target.variants) {
        std::vector<std::uint64_t> bits(words);
        for (int f = 0; f < Halide::Target::FeatureEnd; ++f)
            if (variant.target.has_feature(static_cast<Halide::Target::Feature>(f)))
                bits[static_cast<size_t>(f / 64)] |= std::uint64_t{1} << f % 64;
        features += fmt::format("static const uint64_t {}_{}_features[] = {{{}}};\n", model,
                                variant.name, fmt::join(bits, ", "));
        table += fmt::format("    {{\"{0}\", \"{1}\", {2}_{0}_features}},\n", variant.name,
                             variant.target.to_string(), model);
    }
    return fmt::format(
        "{0}static const siamc_variant {1}_variant_list[] = {{\n{2}}};\n"
        "static int32_t {1}_chosen;\n"
        "static const siamc_variants {1}_variants = {{{3}, {4}, {1}_variant_list, &{1}_chosen}};\n"
        "\n",
        features, model, table, library.target.variants.size(), words);
}

std::string operand_text(const Operand& operand) {
    static const char* const codes[] = {"2, 32", "1, 8", "0, 32"};  // float32, uint8, int32
    return fmt::format("    {{{}, {}, {}, {}, {{{}}}, {{{}}}, {}, {}, {}}},\n",
                       static_cast<int>(operand.space), codes[static_cast<int>(operand.type)],
                       operand.extent.size(), static_cast<int>(operand.rows),
                       join_ints(operand.extent), join_ints(operand.stride), operand.offset,
                       operand.task_stride, operand.row_stride);
}

long arena_offset(const Program& program, const std::string& name) {
    for (const Placement& tensor : program.arena)
        if (program.graph[tensor.node].name == name) return tensor.offset;
    return -1;
}

// Of one stored image or embedding.
long dataset_row_bytes(const Program& program) {
    for (const Call& call : program.calls)
        for (const Operand& operand : call.operands)
            if (operand.space == Space::dataset)
                return operand.stride.back() * (operand.type == ElementType::uint8 ? 1L : 4L);
    return 0;
}

// Where the caller's tuples go, in the order of siamc_program.
std::string sources_text(const Program& program) {
    return fmt::format("{}, {}, {}, {}, {}, {}", program.first_images,
                       arena_offset(program, "rows"), arena_offset(program, "shifts"),
                       arena_offset(program, "places"), arena_offset(program, "label"),
                       arena_offset(program, "weight"));
}

std::string outputs_text(const Program& program) {
    std::vector<std::string> outputs;
    for (NodeId id : program.graph.outputs) {
        const Node& node = program.graph[id];
        const long offset = arena_offset(program, program.graph[base_of(program.graph, id)].name);
        if (offset < 0) continue;  // gradients have a place of their own
        outputs.push_back(fmt::format("{{\"{}\", {}, {}}}", node.name, offset, node.shape.size()));
    }
    return fmt::format("{{{}}}, {}", fmt::join(outputs, ", "), outputs.size());
}

// One function for each variant.
std::string functions_text(const Library& library, const std::string& kernel) {
    std::vector<std::string> functions;
    for (const Variant& variant : library.target.variants)
        functions.push_back(symbol_of(kernel, variant) + "_argv");
    return fmt::format("{{{}}}", fmt::join(functions, ", "));
}

bool on_device(const Library& library) {
    return !device_of(library.target).empty();
}

std::string transfers_text(const Library& library) {
    std::string text;
    for (const auto& [name, transfer] : transfers_of(library)) {
        std::string operands;
        for (const auto* parts : {&transfer.inputs, &transfer.outputs})
            for (const Transfer::Part& part : *parts) operands += operand_text(part.operand);
        const std::string function = symbol_of(name, library.target.variants[0]) + "_argv";
        text += fmt::format(
            "int {1}(void **arguments);\n"
            "static const siamc_operand {0}_operands[] = {{\n{2}}};\n"
            "static const siamc_transfer {0} = {{{1}, \"{0}\", {0}_operands, {3}, {4}}};\n\n",
            name, function, operands, transfer.inputs.size(), transfer.outputs.size());
    }
    return text;
}

// Its load and its store.
std::string program_transfers(const Library& library, const std::string& program) {
    if (!on_device(library)) return "NULL, NULL";
    return fmt::format("&{0}__{1}__load, &{0}__{1}__store", library.name, program);
}

std::string program_text(const Library& library, const NamedProgram& named) {
    const Program& program = named.program;
    const std::string prefix = library.name + "_" + named.name;
    std::string operands, calls;
    long next = 0;
    for (size_t c = 0; c < program.calls.size(); ++c) {
        const Call& call = program.calls[c];
        for (const Operand& operand : call.operands) operands += operand_text(operand);
        calls += fmt::format("    {{{0}, \"{1}\", {2}_operands + {3}, {4}, {5}}},\n",
                             functions_text(library, named.kernels[c]), named.kernels[c], prefix,
                             next, call.operands.size(), call.tasks);
        next += static_cast<long>(call.operands.size());
    }
    std::vector<std::string> stages;
    for (const Part& part : program.parts)
        stages.push_back(fmt::format("{{{}, {}, {}}}", part.calls, static_cast<int>(part.by_slices),
                                     part.tasks));
    return fmt::format(
        "static const siamc_operand {0}_operands[] = {{\n{1}}};\n"
        "static const siamc_call {0}_calls[] = {{\n{2}}};\n"
        "static const siamc_stage {0}_stages[] = {{{13}}};\n"
        "static const siamc_program {0}_program = {{\n"
        "    \"{3}\", &{15}_variants, {4}, {5}, {6}, {7}, {8}, {9}, {10},\n    {11}, "
        "{0}_calls, {0}_stages, {12}, {14}, {16}}};\n\n",
        prefix, operands, calls, named.name, program.graph.branches, program.batch,
        program.slice_tuples, program.tuple_quantum, program.arena_bytes,
        dataset_row_bytes(program), sources_text(program), program.multiply_adds, stages.size(),
        fmt::join(stages, ", "), outputs_text(program), library.name,
        program_transfers(library, named.name));
}

std::string optimizers_text(const Library& library) {
    const std::string& model = library.name;
    const int block = optimizer_block(library);
    const std::string load =
        on_device(library) ? fmt::format("&{}__optimizer__load", model) : "NULL";
    std::string text, table;
    for (const OptimizerRule& rule : optimizer_rules()) {
        const std::string prefix = model + "_" + rule.name;
        std::string operands;
        const auto add = [&](const char* space, long extent, long stride) {
            operands += fmt::format("    {{{}, 2, 32, 1, 0, {{{}}}, {{1}}, 0, {}, 0}},\n", space,
                                    extent, stride);
        };
        const auto add_moments = [&] {
            for (int m = 1; m <= rule.moments; ++m)
                add(fmt::format("SIAMC_MOMENT{}", m).c_str(), block, block * 4L);
        };
        add("SIAMC_PARAMETERS", block, block * 4L);
        add("SIAMC_GRADIENT", block, block * 4L);
        add_moments();
        add("SIAMC_HYPER", 8, 0);
        add("SIAMC_PARAMETERS", block, block * 4L);
        add_moments();
        text += fmt::format(
            "/* {0}: {1}\n * hyper: {2} */\n"
            "static const siamc_operand {3}_operands[] = {{\n{4}}};\n"
            "static const siamc_call {3}_calls[] = {{\n"
            "    {{{8}, \"{5}\", {3}_operands, {6}, {7}}}}};\n"
            "static const siamc_stage {3}_stages[] = {{{{1, 0, 0}}}};\n"
            "static const siamc_program {3}_program = {{\n"
            "    \"{0}\", &{9}_variants, 0, 0, 0, 1, 0, 0, -1, -1, -1, -1, -1, -1, 0, {3}_calls, "
            "{3}_stages, 1,\n"
            "    {{{{NULL, 0, 0}}}}, 0, {10}, NULL}};\n\n",
            rule.name, rule.formula, fmt::join(rule.hyper, ", "), prefix, operands,
            optimizer_kernel(library, rule), 4 + 2 * rule.moments, optimizer_tasks_of(library),
            functions_text(library, optimizer_kernel(library, rule)), model, load);
        table += fmt::format("    {{\"{}\", &{}_program, {}}},\n", rule.name, prefix, rule.moments);
    }
    return text + fmt::format("static const siamc_optimizer {}_optimizers[] = {{\n{}}};\n\n", model,
                              table);
}

std::string constants_text(const Library& library, long arena_bytes) {
    const std::string prefix = upper(library.name);
    std::string text = fmt::format(
        "#define {0}_PARAMETERS {1}\n#define {0}_PARAMETER_FLOATS {2} /* of the flat buffer */\n"
        "#define {0}_EMBEDDING {3}\n#define {0}_ARENA_BYTES {4}\n",
        prefix, library.parameters.count, library.parameters.padded, library.embedding_size,
        arena_bytes);
    for (const ParameterSlot& slot : library.parameters.slots)
        text += fmt::format("#define {}_{}_OFFSET {} /* floats */\n", prefix, upper(slot.name),
                            slot.offset);
    return text + "\n";
}

std::string parameters_text(const Library& library) {
    std::string text =
        fmt::format("static const siamc_parameter {}_parameters[] = {{\n", library.name);
    for (const ParameterSlot& slot : library.parameters.slots) {
        const std::vector<int> shape(slot.dims.rbegin(), slot.dims.rend());
        text += fmt::format("    {{\"{}\", {}, {{{}}}, {}}},\n", slot.name, slot.offset,
                            join_ints(shape), shape.size());
    }
    return text + "};\n\n";
}

std::string losses_text(const Library& library) {
    const std::string& model = library.name;
    std::string text = fmt::format("static const siamc_loss {}_losses[] = {{\n", model);
    for (const LayerSpec& loss : library.model.losses)
        text +=
            fmt::format("    {{\"{0}\", &{1}_{0}_program, &{1}_{0}_evaluation_program, {2}f}},\n",
                        loss.type, model, fmt::format("{:#}", real(loss.attributes, "margin")));
    return text + "};\n\n";
}

std::string model_text(const Library& library, long arena_bytes) {
    const ModelSpec& model = library.model;
    const std::string device = device_of(library.target);
    const std::string on =
        device.empty() ? "NULL, NULL" : fmt::format("\"{0}\", halide_{0}_device_interface", device);
    long bytes = 1;
    for (int extent : model.input.shape) bytes *= extent;
    return fmt::format(
        "static const siamc_model {0}_model = {{\n"
        "    SIAMC_ABI_VERSION, \"{13}\", \"{1}\", \"{2}\", \"{15}\", &{0}_variants,\n"
        "    {{{3}}}, {4}, {5}, {6}, {7}, {8}, {9},\n"
        "    {0}_parameters, {10}, &{0}_embed_one_program, &{0}_embed_program,\n"
        "    {0}_losses, {11}, {0}_optimizers, {12}, {14}}};\n\n",
        library.name, library.target.name, library.hash, join_ints(model.input.shape),
        model.input.shape.size(), bytes, library.embedding_size, library.parameters.count,
        library.parameters.padded, arena_bytes, library.parameters.slots.size(),
        model.losses.size(), optimizer_rules().size(), model.name, on,
        parameter_hash(library.parameters));
}

// Entry points under the model's own name, for callers in plain C.
std::string entry_points_text(const Library& library) {
    const std::string& model = library.name;
    std::string text = fmt::format(
        "/* Embeddings of the stored images named by rows[0 .. n - 1]: out is [n][{1}]. arena: "
        "{2}\n"
        " * bytes, aligned to SIAMC_ALIGNMENT, as for all functions below. */\n"
        "static inline int {0}_embed(const float *parameters, const uint8_t *images,\n"
        "                           int32_t stored, const int32_t *rows, int32_t n, float *out,\n"
        "                           void *arena) {{\n"
        "    return siamc_embed(&{0}_model, parameters, images, stored, rows, n, out, arena);\n"
        "}}\n\n",
        model, library.embedding_size, upper(model) + "_ARENA_BYTES");
    int index = 0;
    for (const LayerSpec& loss : library.model.losses) {
        text += fmt::format(
            "/* Mean loss of a batch of images and its gradient. */\n"
            "static inline int {0}_{1}_gradient(const float *parameters, const uint8_t *images,\n"
            "    int32_t stored, const siamc_batch *batch, float *gradient, void *arena,\n"
            "    siamc_results *results) {{\n"
            "    return siamc_gradient(&{0}_losses[{2}], parameters, images, stored, batch,\n"
            "                          gradient, arena, results);\n"
            "}}\n\n"
            "/* Mean loss and distances of a batch of stored embeddings. */\n"
            "static inline int {0}_{1}_evaluate(const float *embeddings, int32_t stored,\n"
            "    const siamc_batch *batch, void *arena, siamc_results *results) {{\n"
            "    return siamc_evaluate(&{0}_losses[{2}], embeddings, stored, batch, arena,\n"
            "                          results);\n"
            "}}\n\n",
            model, loss.type, index++);
    }
    index = 0;
    for (const OptimizerRule& rule : optimizer_rules())
        text += fmt::format(
            "static inline int {0}_{1}(const float hyper[SIAMC_HYPERPARAMETERS],\n"
            "    float *parameters, const float *gradient,\n"
            "    float *const moments[SIAMC_MAX_MOMENTS]) {{\n"
            "    return siamc_update(&{0}_optimizers[{2}], hyper, parameters, gradient, moments);\n"
            "}}\n\n",
            model, rule.name, index++);
    return text;
}

}  // namespace

std::string emit_header(const Library& library) {
    const std::string guard = "SIAMC_GENERATED_" + upper(library.name) + "_H";
    long arena_bytes = 0;
    for (const NamedProgram& named : library.programs)
        arena_bytes = std::max(arena_bytes, named.program.arena_bytes);
    std::string text = fmt::format(
        "/* Generated by siamc from the model \"{0}\" for {1}. Do not edit.\n"
        " * Link lib{0}.a, threads, dl and m. */\n"
        "#ifndef {2}\n#define {2}\n\n#include \"{4}\"\n\n"
        "#if SIAMC_ABI_VERSION != {3}\n#error \"siamc_abi.h is not the one that belongs to this "
        "header: take both from one release\"\n#endif\n\n"
        "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n",
        library.name, library.target.name, guard, SIAMC_ABI_VERSION,
        on_device(library) ? "siamc_device.h" : "siamc_run.h");
    text += constants_text(library, arena_bytes);
    for (const Variant& variant : library.target.variants) {
        for (const auto& [name, kernel] : library.kernels)
            text += fmt::format("int {}_argv(void **arguments);\n", symbol_of(name, variant));
        for (const OptimizerRule& rule : optimizer_rules())
            text += fmt::format("int {}_argv(void **arguments);\n",
                                symbol_of(optimizer_kernel(library, rule), variant));
    }
    if (on_device(library))
        text += fmt::format(
            "const struct halide_device_interface_t *halide_{}_device_interface(void);\n",
            device_of(library.target));
    text += "\n" + variants_text(library) + transfers_text(library);
    for (const NamedProgram& named : library.programs) text += program_text(library, named);
    text += parameters_text(library) + losses_text(library) + optimizers_text(library) +
            model_text(library, arena_bytes);
    if (!on_device(library)) text += entry_points_text(library);
    return text + "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
}

}  // namespace siamc
