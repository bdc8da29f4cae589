// The C header of a generated library: its limits, its model, calls under the model's own name.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "abi/siamc/siamc.h"
#include "core/wording.h"
#include "emit/library.h"
#include "emit/tables.h"

namespace siamc::compiler {

namespace {

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return std::isalnum(c) ? static_cast<char>(std::toupper(c)) : '_';
    });
    return text;
}

bool on_device(const Library& library) {
    return !device_of(library.target).empty();
}

// The most tuples of a program whose name ends so; 0: there is none.
int batch_of(const Library& library, const std::string& ending) {
    for (const NamedProgram& named : library.programs)
        if (named.name.ends_with(ending)) return named.program.batch;
    return 0;
}

// What is worth knowing before anything is allocated.
std::string constants_text(const Library& library) {
    const std::string prefix = upper(library.name);
    const std::vector<int>& shape = library.model.input.shape;
    std::string text;
    const auto define = [&](const char* name, long value, const char* what) {
        text += fmt::format("#define {}_{} {} /* {} */\n", prefix, name, value, what);
    };
    long bytes = 1;
    for (int extent : shape) bytes *= extent;
    define("IMAGE_BYTES", bytes, "of a stored image");
    define("EMBEDDING", library.embedding_size, "floats");
    define("PARAMETERS", library.parameters.count, "floats that weights have");
    define("PARAMETER_FLOATS", library.parameters.padded, "of the flat buffer, padding included");
    define("ARENA_BYTES", arena_bytes_of(library), "of a trainer's arena");
    define("ENCODER_BYTES", encoder_bytes_of(library), "of an encoder's memory");
    if (!library.model.losses.empty()) {
        const std::string& loss = library.model.losses[0].type;
        define("BATCH", batch_of(library, loss), "tuples of a step at most");
        define("EVALUATION_BATCH", batch_of(library, "_evaluation"), "tuples of siamc_evaluate");
    }
    if (shape.size() > 1)
        define("MAX_SHIFT", std::max(shape[0], shape[1]), "pixels: moved so far, nothing is left");
    for (const ParameterSlot& slot : library.parameters.slots)
        text += fmt::format("#define {}_{}_OFFSET {} /* floats */\n", prefix, upper(slot.name),
                            slot.offset);
    return text + "\n";
}

std::string model_text(const Library& library) {
    return fmt::format(
        "/* The table in lib{0}.a that belongs to this header; another library's has another\n"
        " * name, and does not link. */\n"
        "#define {0}_model {1}\n"
        "extern const siamc_model {0}_model;\n\n",
        library.name, model_symbol(library));
}

std::string embed_text(const Library& library) {
    return fmt::format(
        "/* siamc_embed: out is [n][{0}_EMBEDDING], arena [{0}_ARENA_BYTES]. */\n"
        "static inline int {1}_embed(const float* parameters, const uint8_t* images,\n"
        "                           int32_t stored, const int32_t* indices, int32_t n,\n"
        "                           float* out, void* arena) {{\n"
        "    return siamc_embed(&{1}_model, parameters, images, stored, indices, n, out,\n"
        "                            arena);\n"
        "}}\n\n",
        upper(library.name), library.name);
}

bool evaluation_reads_parameters(const Library& library, const std::string& loss) {
    return std::any_of(library.programs.begin(), library.programs.end(), [&](const auto& named) {
        return named.name == loss + "_evaluation" && reads_parameters(named.program);
    });
}

std::string loss_text(const Library& library, const std::string& loss, std::size_t index) {
    const bool reads = evaluation_reads_parameters(library, loss);
    return fmt::format(
        "/* siamc_gradient and siamc_evaluate with the {1} loss. */\n"
        "static inline int {0}_{1}_gradient(const float* parameters, const uint8_t* images,\n"
        "    int32_t stored, const siamc_batch* batch, float* gradient, void* arena,\n"
        "    siamc_results* results) {{\n"
        "    return siamc_gradient(&{0}_model.losses[{2}], parameters, images, stored, batch,\n"
        "                          gradient, arena, results);\n"
        "}}\n\n"
        "static inline int {0}_{1}_evaluate({3}const float* embeddings,\n"
        "    int32_t stored, const siamc_batch* batch, void* arena, siamc_results* results) {{\n"
        "    return siamc_evaluate(&{0}_model, &{0}_model.losses[{2}], {4}, embeddings,\n"
        "                          stored, batch, arena, results);\n"
        "}}\n\n",
        library.name, loss, index, reads ? "const float* parameters, " : "",
        reads ? "parameters" : "NULL /* has none */");
}

// The archive, and what of the system is linked beside it: "libfc.a, pthread, dl and m".
std::string link_text(const Library& library) {
    std::vector<std::string> names = {"lib" + library.name + ".a"};
    for (const std::string& name : linked_libraries(library.target.variants.front().target))
        names.push_back(name);
    return listed(names);
}

}  // namespace

std::string emit_header(const Library& library) {
    const std::string guard = "SIAMC_GENERATED_" + symbol_prefix(library) + "_H";
    std::string text = fmt::format(
        "/* Generated by siamc from the model \"{0}\" for {1}. Do not edit.\n"
        " * Link {3}. How to use it stands in siamc/siamc.h. */\n"
        "#ifndef {4}\n#define {4}\n\n"
        "#ifdef {7}_EMBEDDING\n#error \"another version of {2}, or a model whose name differs from "
        "it in case alone, is included already: use each in a source file of its own\"\n#endif\n\n"
        "#include \"siamc/{5}\"\n\n"
        "#if SIAMC_ABI_VERSION != {6}\n#error \"siamc/siamc.h is not the one that belongs to this "
        "header: take both from one release\"\n#endif\n\n"
        "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n",
        library.model.name, library.target.name, library.name, link_text(library), guard,
        on_device(library) ? "siamc_device.h" : "siamc.h", SIAMC_ABI_VERSION, upper(library.name));
    text += constants_text(library) + model_text(library);
    if (!on_device(library)) {
        text += embed_text(library);
        for (std::size_t l = 0; l < library.model.losses.size(); ++l)
            text += loss_text(library, library.model.losses[l].type, l);
    }
    return text + "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
}

}  // namespace siamc::compiler
