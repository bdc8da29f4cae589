#include "compile.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "core/folders.h"
#include "emit/runtime_headers.h"
#include "emit/shared_library.h"
#include "frontend/graphs.h"
#include "passes/passes.h"
#include "passes/work.h"

namespace siamc::compiler {

namespace fs = std::filesystem;

const std::vector<std::string> step_names = {
    "build",         "fold",           "fold-affine",     "pool-first",   "trim",
    "differentiate", "follow-winners", "read-as-stored",  "use-winograd", "halve-weights",
    "skip-zeros",    "skip-inactive",  "lay-out-for-gpu", "work",         "fuse",
    "plan"};

namespace {

// Images embedded at once, as many tuples as evaluation looks at: fewer where what they leave
// behind would take more memory.
constexpr int most_embedded = 256, least_embedded = 32;
constexpr long most_embed_bytes = 128L << 20;

Processor processor_of(const LibraryTarget& target) {
    return device_of(target).empty() ? Processor::cpu : Processor::gpu;
}

}  // namespace

std::vector<EntryPoint> entry_points(const ModelSpec& model, int train_batch, int embed_batch,
                                     bool half_weights) {
    std::vector<EntryPoint> entries = {
        {"embed_one", build_embedding(model), false, 1, half_weights},
        {"embed", build_embedding(model), false, embed_batch, half_weights}};
    for (const LayerSpec& loss : model.losses) {
        entries.push_back({loss.type, build_loss(model, loss, train_batch), true, train_batch});
        entries.push_back({loss.type + "_evaluation", build_evaluation(model, loss, embed_batch),
                           false, embed_batch});
    }
    entries.push_back({"distances", build_distances(model), false, embed_batch});
    return entries;
}

ParameterLayout layout_of(const ModelSpec& model) {
    constexpr int any_batch = 1;
    std::vector<Graph> losses;
    for (const LayerSpec& loss : model.losses) losses.push_back(build_loss(model, loss, any_batch));
    return lay_out_parameters({build_embedding(model), build_distances(model)}, losses);
}

Program make_program(const EntryPoint& entry, const ParameterLayout& parameters,
                     Processor processor, const Observer& observe) {
    Graph graph = entry.graph;
    const auto step = [&](const char* name, const std::function<std::string()>& text) {
        observe(name, entry.name, {graph, text});
    };
    const auto done = [&](const char* name, Graph next) {
        graph = std::move(next);
        verify(graph);
        step(name, [&] { return to_string(graph); });
    };
    done("build", graph);
    done("fold", fold_twins(graph));
    if (!entry.train) done("fold-affine", remove_unused(fold_affine(graph)));
    done("pool-first", remove_unused(pool_first(graph)));
    const Graph written = graph;
    done("trim", trim(graph));
    const Graph trimmed = graph;
    if (entry.train) done("differentiate", differentiate(graph));
    if (processor == Processor::gpu) {
        done("lay-out-for-gpu", remove_unused(lay_out_for_gpu(graph)));
    } else {
        done("follow-winners", remove_unused(follow_winners(graph)));
        done("read-as-stored", remove_unused(read_as_stored(graph)));
        done("use-winograd", use_winograd(graph, entry.batch * graph.branches));
        if (entry.half_weights) done("halve-weights", halve_weights(graph));
        done("skip-zeros", skip_zeros(graph, entry.batch));
        done("skip-inactive", remove_unused(skip_inactive(graph)));
    }
    Program program = plan(graph, parameters, entry.batch, processor);
    program.multiply_adds = entry.train ? training_multiply_adds(trimmed) : multiply_adds(trimmed);
    step("work", [&] { return describe_work(written, trimmed, graph, entry.train); });
    step("fuse", [&] { return to_string(graph, program.kernels); });
    step("plan", [&] { return to_string(program); });
    return program;
}

namespace {

int embedded_at_once(const ModelSpec& model, const ParameterLayout& parameters, Processor processor,
                     bool half_weights) {
    EntryPoint embed = {"embed", build_embedding(model), false, most_embedded, half_weights};
    const auto fits = [&] {
        return make_program(embed, parameters, processor, [](auto&&...) {}).arena_bytes <=
               most_embed_bytes;
    };
    while (embed.batch > least_embedded && !fits()) embed.batch /= 2;
    return embed.batch;
}

}  // namespace

std::unique_ptr<Library> compile_model(const ModelSpec& model, const CompileOptions& options) {
    auto library = std::make_unique<Library>();
    library->model = model;
    library->target = options.target;
    const std::string device = device_of(options.target);
    library->name = device.empty() ? model.name : model.name + "_" + device;
    library->schedules = options.schedules;
    const Graph embedding = fold_twins(build_embedding(model));
    library->parameters = layout_of(model);
    library->embedding_size = static_cast<int>(embedding[embedding.outputs[0]].shape.size());
    const Processor processor = processor_of(library->target);
    const int embedded =
        embedded_at_once(model, library->parameters, processor, options.half_weights);
    for (const EntryPoint& entry :
         entry_points(model, options.batch, embedded, options.half_weights))
        library->programs.push_back(
            {entry.name, make_program(entry, library->parameters, processor, options.observe), {}});
    name_kernels(*library);
    return library;
}

namespace {

// The files of a library, in the order in which they are put in place where that is done one by
// one: the manifest, which knows the others by their SHA-256, last.
std::vector<std::string> names_of(const Library& library, bool shared) {
    std::vector<std::string> names;
    for (const RuntimeHeader& header : runtime_headers) names.push_back(header.name);
    names.push_back("lib" + library.name + ".a");
    if (shared) names.push_back("lib" + library.name + ".so");
    names.push_back(library.name + ".h");
    names.push_back(library.name + ".manifest.json");
    return names;
}

// A shared library of an earlier compilation goes where none is made anew: it is of another
// version.
bool made_shared(const Library& library, const fs::path& folder) {
    constexpr std::size_t longest_manifest = 1 << 26;
    const fs::path manifest = folder / (library.name + ".manifest.json");
    std::error_code ignored;
    return fs::is_regular_file(manifest, ignored) &&
           read_file(manifest, longest_manifest).find("\"lib" + library.name + ".so\"") !=
               std::string::npos;
}

// Entries of the folder itself: "siamc", not what is in it.
std::vector<std::string> entries_of(const std::vector<std::string>& names) {
    std::vector<std::string> entries;
    for (const std::string& name : names) entries.push_back(fs::path(name).begin()->string());
    return entries;
}

bool holds_others(const fs::path& folder, const std::vector<std::string>& entries,
                  const fs::path& but) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
        if (entry.path().filename() != but.filename() &&
            std::find(entries.begin(), entries.end(), entry.path().filename().string()) ==
                entries.end())
            return true;
    return false;
}

void write_files(const Library& library, const fs::path& folder, int jobs,
                 const std::string& linker) {
    const std::string& name = library.name;
    const fs::path archive = folder / ("lib" + name + ".a"), header = folder / (name + ".h");
    emit_archive(library, archive, jobs);
    write_file_atomically(header, emit_header(library));
    std::vector<fs::path> vouched = {archive, header};
    if (!linker.empty()) {
        vouched.push_back(folder / ("lib" + name + ".so"));
        link_shared(library, archive, vouched.back(), linker);
    }
    for (const RuntimeHeader& text : runtime_headers) {
        fs::create_directories((folder / text.name).parent_path());
        write_file_atomically(folder / text.name, text.text);
    }
    write_file_atomically(folder / (name + ".manifest.json"), emit_manifest(library, vouched));
}

}  // namespace

// The folder may be the user's own, so it is only exchanged where nothing else is in it.
void write_library(const Library& library, const fs::path& folder, int jobs,
                   const std::string& linker) {
    const bool is_new = !fs::exists(folder);
    try {
        FolderLock lock = FolderLock::take(folder);
        StagedFolder staged(folder);
        write_files(library, staged.path(), jobs, linker);
        const std::vector<std::string> names =
            names_of(library, !linker.empty() || made_shared(library, folder));
        const std::vector<std::string> entries = entries_of(names);
        if (holds_others(folder, entries, staged.path()))
            staged.put_files_in_place(names);
        else
            staged.put_in_place(lock, entries);
    } catch (...) {
        std::error_code ignored;
        if (is_new) fs::remove(folder, ignored);  // if it is empty
        throw;
    }
}

}  // namespace siamc::compiler
