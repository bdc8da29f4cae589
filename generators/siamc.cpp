// siamc: the compiler's command line.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <thread>

#include "compile.h"
#include "contestant.h"
#include "core/error.h"
#include "core/files.h"
#include "emit/shared_library.h"
#include "frontend/model_spec.h"
#include "inspect/inspect.h"
#include "inspect/manifest.h"
#include "tune/candidates.h"
#include "tune/tuner.h"

namespace po = boost::program_options;

namespace siamc {
namespace {

constexpr const char* usage = R"(usage: siamc COMMAND [options]

  siamc compile MODEL [--target T] [--batch N] [-o DIR]   write a library for a target
  siamc inspect MODEL [--html FILE]                       print or draw graph, kernels, memory plan
  siamc inspect MANIFEST                                  print it, check its files' SHA-256
  siamc tune MODEL --kernel NAME                          find a kernel's fastest tile here
  siamc targets                                           list what can be compiled for
  siamc layers                                            list layers, distances and losses

Try siamc compile --help.
)";

po::variables_map parse(const po::options_description& options,
                        const std::vector<std::string>& arguments) {
    po::options_description all;
    all.add(options).add_options()("model-file", po::value<std::string>());
    po::positional_options_description positional;
    positional.add("model-file", 1);
    po::variables_map values;
    po::store(po::command_line_parser(arguments).options(all).positional(positional).run(), values);
    po::notify(values);
    return values;
}

// `dumped`: whether the target has such a step.
Observer dump_after(const std::string& step, bool& dumped) {
    if (std::find(step_names.begin(), step_names.end(), step) == step_names.end())
        fail(Exit::usage, "--dump-after: no step '{}'\n  write: one of {}", step,
             fmt::join(step_names, ", "));
    return [step, &dumped](const std::string& done, const std::string& entry, const auto& state) {
        if (done != step) return;
        dumped = true;
        std::cout << "# " << entry << " after " << done << "\n" << state();
    };
}

// Compiles the model that the command line names; its faults become errors that name the file.
std::unique_ptr<Library> compile_named_model(const po::variables_map& values,
                                             const CompileOptions& options) {
    if (!values.count("model-file"))
        fail(Exit::usage, "no model file\n  write: siamc COMMAND models/fc.toml");
    const std::string file = values["model-file"].as<std::string>();
    try {
        return compile_model(read_model(file), options);
    } catch (const ModelError& error) {
        throw Error(Exit::bad_data, error.message(file));
    } catch (const std::system_error& error) {
        throw Error(Exit::missing_input, error.what());
    }
}

int batch_of(const po::variables_map& values) {
    const int batch = values["batch"].as<int>();
    if (batch < 1 || batch > 65536) fail(Exit::usage, "--batch: must be between 1 and 65536");
    return batch;
}

int compile_command(const std::vector<std::string>& arguments) {
    po::options_description options("siamc compile MODEL.toml");
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    options.add_options()("help", "this text")("target",
                                               po::value<std::string>()->default_value("host"),
                                               "what to compile for: see siamc targets")(
        "batch", po::value<int>()->default_value(128), "the most tuples in a training step")(
        "output,o", po::value<std::string>()->default_value("."), "folder for the files")(
        "schedules", po::value<std::string>(),
        "table of measured tiles, as siamc tune writes it, instead of siamc's own")(
        "jobs,j", po::value<int>()->default_value(cores), "threads that compile kernels")(
        "shared", "a shared library besides, for programs that load their models")(
        "linker", po::value<std::string>()->default_value(""),
        "C compiler that links it, instead of the system's for the target")(
        "dump-after", po::value<std::string>(), "print the state after a step, write nothing");
    const po::variables_map values = parse(options, arguments);
    if (values.count("help")) return std::cout << options << "\n", 0;
    CompileOptions compile;
    compile.target = resolve_target(values["target"].as<std::string>());
    compile.batch = batch_of(values);
    if (values.count("schedules"))
        compile.schedules = read_schedules(values["schedules"].as<std::string>());
    if (!values.count("shared") && !values["linker"].defaulted())
        fail(Exit::usage, "--linker: links shared libraries alone\n  write: --shared besides");
    std::string linker;
    if (values.count("shared"))
        linker = find_linker(compile.target, values["linker"].as<std::string>());
    bool dumped = false;
    if (values.count("dump-after"))
        compile.observe = dump_after(values["dump-after"].as<std::string>(), dumped);
    const auto library = compile_named_model(values, compile);
    if (values.count("dump-after") && !dumped)
        fail(Exit::usage, "--dump-after: {} takes no step {}\n  write: another --target",
             compile.target.name, values["dump-after"].as<std::string>());
    if (!values.count("dump-after"))
        write_library(*library, values["output"].as<std::string>(),
                      std::max(1, values["jobs"].as<int>()), linker);
    return 0;
}

void print_steps(const std::vector<StepRecord>& records) {
    for (const StepRecord& record : records)
        if (record.step == "skip-zeros" || record.step == "work" || record.step == "fuse" ||
            record.step == "plan")
            std::cout << "# " << record.entry << "\n" << record.text << "\n";
}

int inspect_manifest_command(const std::string& file) {
    const ManifestReport report = inspect_manifest(file);
    std::cout << report.text;
    if (!report.changed.empty())
        fail(Exit::bad_data,
             "{}: error: {}: not as the manifest has it\n  write: siamc compile again", file,
             fmt::join(report.changed, ", "));
    if (!report.missing.empty())
        fail(Exit::missing_input, "{}: {} not beside it", file, fmt::join(report.missing, ", "));
    return 0;
}

int inspect_command(const std::vector<std::string>& arguments) {
    po::options_description options("siamc inspect MODEL.toml|MANIFEST.json");
    const Machine usual;
    options.add_options()("help", "this text")("target",
                                               po::value<std::string>()->default_value("host"),
                                               "what to compile for: see siamc targets")(
        "batch", po::value<int>()->default_value(128), "the most tuples in a training step")(
        "schedules", po::value<std::string>(), "table of measured tiles instead of siamc's own")(
        "html", po::value<std::string>(), "write a page with drawings into this file")(
        "peak", po::value<double>()->default_value(usual.gflops, "12 for each float of a vector"),
        "GFLOP/s of one thread, for the bounds on the page")(
        "bandwidth", po::value<double>()->default_value(usual.gbs),
        "GB/s of one thread, for the bounds on the page");
    const po::variables_map values = parse(options, arguments);
    if (values.count("help")) return std::cout << options << "\n", 0;
    if (values.count("model-file") && looks_like_manifest(values["model-file"].as<std::string>())) {
        if (values.count("html"))
            fail(Exit::usage, "--html: a manifest has no graph to draw\n  write: the model's file");
        return inspect_manifest_command(values["model-file"].as<std::string>());
    }
    const Machine machine = {values["peak"].as<double>(), values["bandwidth"].as<double>()};
    if (!(machine.gflops > 0) && !values["peak"].defaulted())
        fail(Exit::usage, "--peak: more than 0");
    if (!(machine.gbs > 0)) fail(Exit::usage, "--bandwidth: more than 0");
    CompileOptions compile;
    compile.target = resolve_target(values["target"].as<std::string>());
    compile.batch = batch_of(values);
    if (!device_of(compile.target).empty() && values.count("html") &&
        (values["peak"].defaulted() || values["bandwidth"].defaulted()))
        fail(Exit::usage, "--peak, --bandwidth: a device's are not known here\n  write: both");
    if (values.count("schedules"))
        compile.schedules = read_schedules(values["schedules"].as<std::string>());
    std::vector<StepRecord> records;
    compile.observe = record_into(records);
    const auto library = compile_named_model(values, compile);
    if (values.count("html"))
        write_file_atomically(values["html"].as<std::string>(),
                              inspect_page(*library, records, compile.batch, machine));
    else
        print_steps(records);
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
    std::cerr << fmt::format("vectors {} wide {:>3}  {}\n", trial.parameters.vectors,
                             trial.parameters.wide, result);
}

int tune_command(const std::vector<std::string>& arguments) {
    po::options_description options("siamc tune MODEL.toml --kernel NAME");
    options.add_options()("help", "this text")("kernel",
                                               po::value<std::string>()->default_value(""),
                                               "its symbol, as the manifest has it")(
        "seconds", po::value<double>()->default_value(20), "to search for")(
        "batch", po::value<int>()->default_value(128), "the most tuples in a training step")(
        "output,o", po::value<std::string>()->default_value("schedules.toml"),
        "table to put the winner into, for siamc compile --schedules");
    const po::variables_map values = parse(options, arguments);
    if (values.count("help")) return std::cout << options << "\n", 0;
    const double seconds = values["seconds"].as<double>();
    if (!(seconds > 0)) fail(Exit::usage, "--seconds: more than 0");
    CompileOptions compile;
    compile.target = single_target(host_target());
    compile.batch = batch_of(values);
    compile.schedules = {};  // what is measured is held against the rule
    const auto library = compile_named_model(values, compile);
    const auto& [symbol, kernel] = find_kernel(*library, values["kernel"].as<std::string>());
    const Variant& variant = compile.target.variants[0];
    const KernelTask task = for_variant(*library, kernel, variant);
    if (candidates(task, variant.target).size() < 2)
        fail(Exit::usage, "--kernel: the schedule of {} leaves nothing open", symbol);
    const std::string file = values["output"].as<std::string>();
    ScheduleTable table;
    if (std::filesystem::exists(file)) table = read_schedules(file);
    prepare_compiler(variant.target);
    const TunedSchedule best = tune(key_of(task), task, variant.target, seconds, print_trial);
    std::erase_if(table, [&](const TunedSchedule& entry) {
        return entry.kernel == best.kernel && entry.family == best.family;
    });
    table.push_back(best);
    write_file_atomically(file, to_toml(table));
    std::cout << fmt::format(
        "{} ({}): vectors {} wide {}, {:.2f} us; the rule's tile takes {:.2f} us; {} tried\n",
        best.kernel, best.family, best.parameters.vectors, best.parameters.wide, best.us,
        best.rule_us, best.candidates);
    return 0;
}

int targets_command() {
    std::cout << list_targets();
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

int layers_command() {
    static const char* const kinds[] = {"layer", "distance", "loss"};
    for (const Layer& layer : all_layers()) {
        std::cout << fmt::format("{:<9} {:<18} {}\n", kinds[static_cast<int>(layer.kind)],
                                 layer.name, layer.help);
        for (const AttributeRule& rule : layer.attributes)
            std::cout << fmt::format("{:>26} = {:<9} {}\n", rule.name, default_text(rule),
                                     rule.help);
    }
    return 0;
}

int run(std::vector<std::string> arguments) {
    if (arguments.empty()) return std::cerr << usage, static_cast<int>(Exit::usage);
    const std::string command = arguments.front();
    arguments.erase(arguments.begin());
    if (command == "compile") return compile_command(arguments);
    if (command == "inspect") return inspect_command(arguments);
    if (command == "tune") return tune_command(arguments);
    if (command == "targets") return targets_command();
    if (command == "layers") return layers_command();
    if (command == "--help" || command == "help") return std::cout << usage, 0;
    fail(Exit::usage, "no command '{}'\n  write: one of compile, inspect, tune, targets, layers",
         command);
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    using siamc::Exit;
    const auto report = [](Exit code, const std::string& message) {
        std::cerr << "siamc: " << message << "\n";
        return static_cast<int>(code);
    };
    try {
        return siamc::run({argv + 1, argv + argc});
    } catch (const siamc::Error& error) {
        if (error.code() != Exit::bad_data) return report(error.code(), error.what());
        std::cerr << error.what() << "\n";  // begins with file:line:column, where editors look
        return static_cast<int>(error.code());
    } catch (const po::error& error) {
        return report(Exit::usage, std::string(error.what()) + "\n  write: siamc --help");
    } catch (const std::system_error& error) {
        return report(Exit::cannot_create, error.what());
    } catch (const std::exception& error) {
        return report(Exit::internal, std::string("internal error: ") + error.what());
    }
}
