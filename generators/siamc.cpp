// siamc: what the commands of the compiler do. What they are given is in command_table.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "cli/run_program.h"
#include "cli/values.h"
#include "command_table.h"
#include "compile.h"
#include "core/error.h"
#include "core/files.h"
#include "core/tell.h"
#include "core/wording.h"
#include "emit/runtime_headers.h"
#include "emit/shared_library.h"
#include "frontend/model_spec.h"
#include "inspect/inspect.h"
#include "inspect/manifest.h"
#include "new_model.h"
#include "tune/candidates.h"
#include "tune/contestant.h"
#include "tune/tuner.h"

namespace siamc::compiler {
namespace {

// `dumped`: whether the target has such a step.
Observer dump_after(const std::string& step, bool& dumped) {
    return [step, &dumped](const std::string& done, const std::string& entry, const auto& state) {
        if (done != step) return;
        dumped = true;
        print("# {} after {}\n{}", entry, done, state());
    };
}

// Compiles the model that the command line names; its faults become errors that name the file.
std::unique_ptr<Library> compile_named_model(const cli::Values& values,
                                             const CompileOptions& options) {
    const std::string& file = values.text("MODEL");
    try {
        return compile_model(read_model(file), options);
    } catch (const ModelError& error) {
        throw Error(Exit::bad_data, error.message(file));
    } catch (const std::system_error& error) {
        throw Error(Exit::missing_input, error.what());
    }
}

// Instruction sets that convert halves by themselves; all others would take three times as long
// with them as with floats.
void keep_those_with_halves(LibraryTarget& target) {
    std::erase_if(target.variants, [](const Variant& variant) {
        return !variant.target.has_feature(Halide::Target::F16C);
    });
    if (!target.variants.empty() && !on_device(target)) return;
    fail(Exit::usage,
         "--weights: {} does not compute with halves\n  why: they are made for x86 processors with "
         "AVX2 or AVX-512 alone\n  write: --weights f32, or another --target",
         target.name);
}

// The options that compile and inspect share.
CompileOptions compile_options(const cli::Values& values) {
    CompileOptions compile;
    compile.target = resolve_target(values.text("target"));
    compile.batch = values.whole("batch");
    compile.half_weights = values.text("weights") == "f16";
    if (compile.half_weights) keep_those_with_halves(compile.target);
    if (values.has("schedules")) compile.schedules = read_schedules(values.text("schedules"));
    return compile;
}

// Says what write_library wrote.
void list_files(const Library& library, const cli::Values& values) {
    const std::string& name = library.name;
    std::vector<std::string> names = {"lib" + name + ".a", name + ".h", name + ".manifest.json"};
    if (values.flag("shared")) names.push_back("lib" + name + ".so");
    for (const RuntimeHeader& header : runtime_headers) names.push_back(header.name);
    nlohmann::ordered_json list = nlohmann::json::array();
    for (const std::string& written : names) {
        const auto file = std::filesystem::path(values.text("output")) / written;
        const auto bytes = std::filesystem::file_size(file);
        list.push_back({{"path", file.string()}, {"bytes", bytes}});
        if (!values.flag("quiet") && !values.flag("json"))
            tell("{:>12} bytes  {}\n", bytes, printable(file.string()));
    }
    if (values.flag("json")) {
        const nlohmann::ordered_json result = {{"target", library.target.name}, {"files", list}};
        print("{}\n", result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
}

int new_command(const cli::Values& values) {
    const std::string name = values.text("NAME");
    const auto is_asked = [&](const ExampleModel& any) { return any.name == values.text("like"); };
    const auto example = std::find_if(example_models.begin(), example_models.end(), is_asked);
    const auto files = write_new_model(name, *example, values.text("output"));
    for (const auto& file : files) tell("{}\n", printable(file.string()));
    tell("to train it: train_generated --model {} --data glyphs --out runs/{}\n",
         printable(files[0].string()), name);
    return 0;
}

int compile_command(const cli::Values& values) {
    CompileOptions compile = compile_options(values);
    bool dumped = false;
    const std::string step = values.has("dump-after") ? values.text("dump-after") : "";
    const std::string linker =
        values.flag("shared")
            ? find_linker(compile.target, values.has("linker") ? values.text("linker") : "")
            : "";
    if (!step.empty()) compile.observe = dump_after(step, dumped);
    const auto library = compile_named_model(values, compile);
    if (!step.empty() && !dumped)
        fail(Exit::usage, "--dump-after: {} takes no step {}\n  write: another --target",
             compile.target.name, step);
    if (!step.empty()) return 0;
    write_library(*library, values.text("output"), values.whole("jobs"), linker);
    list_files(*library, values);
    return 0;
}

void print_steps(const std::vector<StepRecord>& records) {
    for (const StepRecord& record : records)
        if (record.step == "skip-zeros" || record.step == "work" || record.step == "fuse" ||
            record.step == "plan")
            print("# {}\n{}\n", record.entry, record.text);
}

int inspect_manifest_command(const std::string& file) {
    const ManifestReport report = inspect_manifest(file);
    print_text(report.text);
    if (!report.changed.empty())
        fail(Exit::bad_data,
             "{}: error: {}: not as the manifest has it\n  write: siamc compile again", file,
             fmt::join(report.changed, ", "));
    if (!report.missing.empty())
        fail(Exit::missing_input, "{}: {} not beside it", file, fmt::join(report.missing, ", "));
    return 0;
}

int inspect_command(const cli::Values& values) {
    const std::string& file = values.text("MODEL");
    if (looks_like_manifest(file)) {
        for (const char* option :
             {"target", "batch", "schedules", "weights", "html", "peak", "bandwidth"})
            if (values.given(option))
                fail(Exit::usage,
                     "--{}: says nothing for a manifest\n  write: the model's file instead of {}, "
                     "or leave it out",
                     option, printable(file));
        return inspect_manifest_command(file);
    }
    CompileOptions compile = compile_options(values);
    if (!device_of(compile.target).empty() && values.has("html") &&
        !(values.given("peak") && values.given("bandwidth")))
        fail(Exit::usage, "--peak, --bandwidth: a device's are not known here\n  write: both");
    std::vector<StepRecord> records;
    compile.observe = record_into(records);
    const auto library = compile_named_model(values, compile);
    const Machine machine = {values.has("peak") ? values.real("peak") : 0,
                             values.real("bandwidth")};
    if (!values.has("html")) {
        print_steps(records);
        return 0;
    }
    const std::string& page = values.text("html");
    write_file_atomically(page, inspect_page(*library, records, compile.batch, machine));
    tell("{}\n", printable(page));
    return 0;
}

const std::pair<std::string, KernelTask>& find_kernel(const Library& library,
                                                      const std::string& name) {
    std::vector<std::string> symbols;
    for (const auto& kernel : library.kernels) {
        if (kernel.first == name) return kernel;
        const Halide::Target& target = library.target.variants[0].target;
        if (candidates(kernel.second, target).size() > 1) symbols.push_back(kernel.first);
    }
    fail(Exit::usage, "--kernel: {} has no kernel '{}'\n  write: one of\n    {}",
         library.model.name, name, fmt::join(symbols, "\n    "));
}

void print_trial(const Trial& trial) {
    const std::string result =
        trial.failed.empty() ? fmt::format("{:.2f} us", trial.us) : "failed: " + trial.failed;
    tell("vectors {} wide {:>3}  {}\n", trial.parameters.vectors, trial.parameters.wide, result);
}

int tune_command(const cli::Values& values) {
    CompileOptions compile;
    compile.target = single_target(host_target());
    compile.batch = values.whole("batch");
    compile.schedules = {};  // what is measured is held against the rule
    const auto library = compile_named_model(values, compile);
    const auto& [symbol, kernel] = find_kernel(*library, values.text("kernel"));
    const Variant& variant = compile.target.variants[0];
    const KernelTask task = for_variant(*library, kernel, variant);
    if (candidates(task, variant.target).size() < 2)
        fail(Exit::usage, "--kernel: the schedule of {} leaves nothing open", symbol);
    const std::string file = values.text("output");
    ScheduleTable table;
    if (std::filesystem::exists(file)) table = read_schedules(file);
    prepare_compiler(variant.target);
    const TunedSchedule best =
        tune(key_of(task), task, variant.target, values.real("seconds"), print_trial);
    std::erase_if(table, [&](const TunedSchedule& entry) {
        return entry.kernel == best.kernel && entry.family == best.family;
    });
    table.push_back(best);
    write_file_atomically(file, to_toml(table));
    print("{} ({}): vectors {} wide {}, {:.2f} us; the rule's tile takes {:.2f} us; {} tried\n",
          best.kernel, best.family, best.parameters.vectors, best.parameters.wide, best.us,
          best.rule_us, best.candidates);
    tell("to compile with it: siamc compile {} --schedules {}\n", printable(values.text("MODEL")),
         printable(file));
    return 0;
}

int targets_command(const cli::Values&) {
    print_text(list_targets());
    return 0;
}

std::string default_text(const AttributeRule& rule) {
    if (!rule.fallback) return "(needed)";
    return std::visit(
        [](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::vector<long>>)
                return fmt::format("[{}]", fmt::join(value, " "));
            else
                return fmt::format("{}", value);
        },
        *rule.fallback);
}

int layers_command(const cli::Values&) {
    static const char* const kinds[] = {"layer", "distance", "loss"};
    for (const Layer& layer : all_layers()) {
        print("{:<9} {:<18} {}\n", kinds[static_cast<int>(layer.kind)], layer.name, layer.help);
        for (const AttributeRule& rule : layer.attributes)
            print("{:>26} = {:<9} {}\n", rule.name, default_text(rule), rule.help);
    }
    return 0;
}

// Halide reads these and makes other code of the same model, which nothing would tell.
void ignore_halide_environment() {
    for (const char* name : {"HL_LLVM_ARGS", "HL_RUNTIME_DROP_FUNCS", "HL_PERMIT_FAILED_UNROLL",
                             "HL_EXTRA_OUTPUTS", "HL_DEBUG_CODEGEN"}) {
        if (!std::getenv(name)) continue;
        tell("siamc: {} is set in the environment, and ignored\n", name);
        ::unsetenv(name);
    }
}

}  // namespace
}  // namespace siamc::compiler

int main(int argc, char** argv) {
    using namespace siamc::compiler;
    ignore_halide_environment();
    const Commands commands = {new_command,  compile_command, inspect_command,
                               tune_command, targets_command, layers_command};
    return siamc::cli::run_program(command_table(commands), argc, argv);
}
