// The way through the compiler, from a model file to a library's three files.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "emit/library.h"

namespace siamc::compiler {

// What a step leaves. Called, it gives the state as text.
struct StepState {
    const Graph& graph;
    std::function<std::string()> text;
    std::string operator()() const { return text(); }
};

// Called after each step with the step's name and the entry point's.
using Observer = std::function<void(const std::string& step, const std::string& entry_point,
                                    const StepState& state)>;

// What a library can be asked to do: its graph as the model file says it, and for how many tuples
// at most.
struct EntryPoint {
    std::string name;  // "embed_one", "embed", "contrastive", "contrastive_evaluation"
    Graph graph;
    bool train;
    int batch;
    bool half_weights = false;  // passes/halve_weights.cpp
};

// embed_one, embed, distances, and a training and an evaluation program for each loss.
// `half_weights`: of embed_one and embed.
std::vector<EntryPoint> entry_points(const ModelSpec& model, int train_batch, int embed_batch,
                                     bool half_weights = false);

// Every parameter of the model, and of its losses.
ParameterLayout layout_of(const ModelSpec& model);

// All passes, then the plan.
Program make_program(const EntryPoint& entry, const ParameterLayout& parameters,
                     Processor processor, const Observer& observe);

// The steps that an observer sees, in order.
extern const std::vector<std::string> step_names;

struct CompileOptions {
    LibraryTarget target;
    int batch = 128;            // the most tuples of a training step
    bool half_weights = false;  // of the embedding programs
    ScheduleTable schedules = built_in_schedules();
    Observer observe = [](const auto&, const auto&, const auto&) {};
};

// Everything but the machine code. The library must not be copied afterwards (kernels point into
// its programs), hence the pointer.
std::unique_ptr<Library> compile_model(const ModelSpec& model, const CompileOptions& options);

// Writes lib<model>.a, <model>.h, <model>.manifest.json and the headers that <model>.h includes
// into the folder, all of them or none; files of others stay. `linker`: of find_linker, makes
// lib<model>.so too; empty: none. Errors as FolderLock, StagedFolder and run_jobs.
void write_library(const Library& library, const std::filesystem::path& folder, int jobs,
                   const std::string& linker = "");

}  // namespace siamc::compiler
