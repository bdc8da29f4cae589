// siamc: the compiler's command line.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <iostream>
#include <system_error>
#include <thread>

#include "compile.h"
#include "frontend/model_spec.h"

namespace po = boost::program_options;

namespace siamc {
namespace {

constexpr int exit_usage = 2, exit_bad_data = 65, exit_missing = 66, exit_internal = 70,
              exit_cannot_create = 73;

struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

constexpr const char* usage = R"(usage: siamc COMMAND [options]

  siamc compile MODEL [--target T] [--batch N] [-o DIR]   write a library for a target
  siamc inspect MODEL                                     print graph, kernels and memory plan
  siamc targets                                           list what can be compiled for
  siamc layers                                            list layers, distances and losses

Try siamc compile --help.
)";

// "host" is this machine; anything else is a full Halide triple with features.
Halide::Target parse_target(const std::string& text) {
    if (text == "host") return Halide::get_host_target();
    if (!Halide::Target::validate_target_string(text))
        throw UsageError(
            fmt::format("--target: '{}' is no target\n  why: a target is "
                        "arch-bits-os, then features\n  write: host, or as in "
                        "x86-64-linux-avx-avx2-fma-f16c-sse41; siamc targets lists "
                        "the usual ones",
                        text));
    return Halide::Target(text);
}

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

Observer dump_after(const std::string& step) {
    if (std::find(step_names.begin(), step_names.end(), step) == step_names.end())
        throw UsageError(fmt::format("--dump-after: no step '{}'\n  write: one of {}", step,
                                     fmt::join(step_names, ", ")));
    return [step](const std::string& done, const std::string& entry, const auto& state) {
        if (done == step) std::cout << "# " << entry << " after " << done << "\n" << state();
    };
}

ModelSpec read_named_model(const po::variables_map& values) {
    if (!values.count("model-file"))
        throw UsageError("no model file\n  write: siamc COMMAND models/fc.toml");
    return read_model(values["model-file"].as<std::string>());
}

int compile_command(const std::vector<std::string>& arguments) {
    po::options_description options("siamc compile MODEL.toml");
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    options.add_options()("help", "this text")(
        "target", po::value<std::string>()->default_value("host"), "what to compile for")(
        "batch", po::value<int>()->default_value(128), "the most tuples in a training step")(
        "output,o", po::value<std::string>()->default_value("."), "folder for the files")(
        "jobs,j", po::value<int>()->default_value(cores), "threads that compile kernels")(
        "dump-after", po::value<std::string>(), "print the state after a step, write nothing");
    const po::variables_map values = parse(options, arguments);
    if (values.count("help")) return std::cout << options << "\n", 0;
    CompileOptions compile;
    compile.target = parse_target(values["target"].as<std::string>());
    compile.batch = values["batch"].as<int>();
    if (compile.batch < 1 || compile.batch > 65536)
        throw UsageError("--batch: must be between 1 and 65536");
    if (values.count("dump-after"))
        compile.observe = dump_after(values["dump-after"].as<std::string>());
    const auto library = compile_model(read_named_model(values), compile);
    if (!values.count("dump-after"))
        write_library(*library, values["output"].as<std::string>(),
                      std::max(1, values["jobs"].as<int>()));
    return 0;
}

int inspect_command(const std::vector<std::string>& arguments) {
    po::options_description options("siamc inspect MODEL.toml");
    options.add_options()("help", "this text")("batch", po::value<int>()->default_value(128),
                                               "the most tuples in a training step");
    const po::variables_map values = parse(options, arguments);
    if (values.count("help")) return std::cout << options << "\n", 0;
    CompileOptions compile;
    compile.target = Halide::get_host_target();
    compile.batch = values["batch"].as<int>();
    compile.observe = [](const std::string& step, const std::string& entry, const auto& state) {
        if (step == "remove-unused" || step == "fuse" || step == "plan")
            std::cout << "# " << entry << "\n" << state() << "\n";
    };
    compile_model(read_named_model(values), compile);
    return 0;
}

int targets_command() {
    std::cout << "host                                        this machine: "
              << Halide::get_host_target().to_string()
              << "\nx86-64-linux-sse41                          any x86-64 since 2008; built\n"
                 "x86-64-linux-avx-avx2-f16c-fma-sse41        AVX2 and FMA; tested\n"
                 "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41  AVX-512; tested "
                 "where the processor has it\n"
                 "arm-64-linux                                NEON; built\n";
    return 0;
}

int layers_command() {
    static const char* const kinds[] = {"layer", "distance", "loss"};
    for (const Layer& layer : all_layers()) {
        std::cout << fmt::format("{:<9} {:<18} {}\n", kinds[static_cast<int>(layer.kind)],
                                 layer.name, layer.help);
        for (const AttributeRule& rule : layer.attributes)
            std::cout << fmt::format("{:>30} {}\n", rule.name, rule.help);
    }
    return 0;
}

int run(std::vector<std::string> arguments) {
    if (arguments.empty()) return std::cerr << usage, exit_usage;
    const std::string command = arguments.front();
    arguments.erase(arguments.begin());
    if (command == "compile") return compile_command(arguments);
    if (command == "inspect") return inspect_command(arguments);
    if (command == "targets") return targets_command();
    if (command == "layers") return layers_command();
    if (command == "--help" || command == "help") return std::cout << usage, 0;
    throw UsageError(
        fmt::format("no command '{}'\n  write: one of compile, inspect, targets, "
                    "layers",
                    command));
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    using namespace siamc;
    std::string model;
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        for (const std::string& argument : arguments)
            if (argument.size() > 5 && argument.substr(argument.size() - 5) == ".toml")
                model = argument;
        return run(arguments);
    } catch (const ModelError& error) {
        std::cerr << error.message(model) << "\n";
        return exit_bad_data;
    } catch (const UsageError& error) {
        std::cerr << "siamc: " << error.what() << "\n";
        return exit_usage;
    } catch (const po::error& error) {
        std::cerr << "siamc: " << error.what() << "\n  write: siamc --help\n";
        return exit_usage;
    } catch (const std::system_error& error) {
        std::cerr << "siamc: " << error.what() << "\n";
        return error.code() == std::errc::no_such_file_or_directory ? exit_missing
                                                                    : exit_cannot_create;
    } catch (const std::exception& error) {
        std::cerr << "siamc: internal error: " << error.what() << "\n";
        return exit_internal;
    }
}
