#include "command_table.h"

#include <Halide.h>
#include <fmt/format.h>

#include "cli/processors.h"
#include "compile.h"
#include "inspect/inspect.h"
#include "new_model.h"
#include "targets/targets.h"

namespace siamc::compiler {
namespace {

cli::Option target_option() {
    return {.name = "target",
            .initial = default_target(),
            .help = "what to compile for, as siamc targets lists it; host: this processor alone"};
}

cli::Option batch_option() {
    return {.name = "batch",
            .kind = cli::Whole{1, 65536},
            .unit = "tuples",
            .initial = "128",
            .help = "the most in a training step"};
}

cli::Option schedules_option() {
    return {.name = "schedules",
            .kind = cli::a_file,
            .fallback = "siamc's own",
            .help = "table of measured tiles, as siamc tune writes it"};
}

cli::Option weights_option() {
    return {.name = "weights",
            .kind = cli::Word{{"f32", "f16"}},
            .initial = "f32",
            .help = "as which embedding reads them; f16 takes half of the memory"};
}

const cli::Positional model_file = {"MODEL", "the model, a TOML file (models/README.md)"};

cli::Command new_table(const Commands& commands) {
    return {.name = "new",
            .summary = "write a model to start from",
            .about =
                "Writes NAME.toml and NAME.recipes.toml, how to train it, to be changed. Nothing "
                "that is there is overwritten.",
            .positionals = {{"NAME", "a letter, then letters, digits or _"}},
            .groups = {{"What to write",
                        {{.name = "like",
                          .kind = cli::Word{example_names()},
                          .initial = "fc",
                          .help = "dense layers, or convolutions"},
                         {.name = "output",
                          .letter = 'o',
                          .kind = cli::a_folder,
                          .initial = ".",
                          .help = "folder for the files"}}}},
            .examples = {{"siamc new mine --like cnn"}},
            .run = commands.new_model};
}

cli::Command compile_table(const Commands& commands) {
    const cli::Option jobs = {.name = "jobs",
                              .letter = 'j',
                              .kind = cli::Whole{1, most_threads},
                              .unit = "processes",
                              .initial = fmt::format("{}", usable_processors()),
                              .without = {"dump-after"},
                              .help = "that compile kernels at a time"};
    return {.name = "compile",
            .summary = "write a library for a target",
            .about = "It lists the files that it wrote on stderr.",
            .positionals = {model_file},
            .groups = {{"What to compile",
                        {target_option(), batch_option(), schedules_option(), weights_option()}},
                       {"What to write",
                        {{.name = "output",
                          .letter = 'o',
                          .kind = cli::a_folder,
                          .initial = ".",
                          .without = {"dump-after"},
                          .help = "folder for the files"},
                         jobs,
                         {.name = "shared",
                          .kind = cli::Flag{},
                          .without = {"dump-after"},
                          .help = "a shared library besides, for programs that load their models"},
                         {.name = "linker",
                          .kind = cli::a_file,
                          .fallback = "the system's for the target",
                          .needs = {{"shared"}},
                          .help = "C compiler that links the shared library"},
                         {.name = "dump-after",
                          .kind = cli::Word{step_names},
                          .help = "print the state after a step, write nothing"},
                         {.name = "json",
                          .kind = cli::Flag{},
                          .without = {"dump-after"},
                          .help = "print the list of files as one JSON object on stdout"},
                         {.name = "quiet",
                          .letter = 'q',
                          .kind = cli::Flag{},
                          .help = "do not list the files"}}}},
            .examples = {{"siamc compile models/fc.toml -o out"},
                         {"siamc compile models/fc.toml --dump-after fuse"}},
            .run = commands.compile};
}

cli::Command inspect_table(const Commands& commands) {
    constexpr double most = 1e9;
    const auto bound = [&](const char* name, const char* unit, const char* help) {
        return cli::Option{.name = name,
                           .kind = cli::Real{.least = 0, .most = most, .above = true},
                           .unit = unit,
                           .needs = {{"html"}},
                           .help = help};
    };
    cli::Option peak = bound("peak", "GFLOP/s", "of one thread, for the bounds on the page");
    peak.fallback = "12 for each float of a vector";
    cli::Option bandwidth = bound("bandwidth", "GB/s", "of one thread, for the bounds on the page");
    bandwidth.initial = fmt::format("{:g}", Machine().gbs);
    return {.name = "inspect",
            .summary = "print or draw what becomes of a model, or check a library",
            .about =
                "Of a model it prints graph, kernels and memory plan. Of a library's manifest "
                "it prints what the library is, and checks that its files still are what it "
                "says.",
            .positionals = {{"MODEL", "the model, a TOML file, or a library's NAME.manifest.json"}},
            .groups = {{"What to inspect",
                        {target_option(), batch_option(), schedules_option(), weights_option()}},
                       {"The page",
                        {{.name = "html",
                          .kind = cli::a_file,
                          .help = "write a page with drawings instead"},
                         peak,
                         bandwidth}}},
            .examples = {{"siamc inspect models/cnn.toml --html cnn.html"},
                         {"siamc inspect out/fc.manifest.json"}},
            .run = commands.inspect};
}

cli::Command tune_table(const Commands& commands) {
    return {.name = "tune",
            .summary = "find a kernel's fastest tile on this machine",
            .positionals = {model_file},
            .groups = {{"What to tune",
                        {{.name = "kernel",
                          .required = true,
                          .help = "its symbol, as the manifest has it; a wrong one lists them"},
                         batch_option(),
                         {.name = "seconds",
                          .kind = cli::Real{.least = 0, .most = 1e6, .above = true},
                          .unit = "seconds",
                          .initial = "20",
                          .help = "to search for"},
                         {.name = "output",
                          .letter = 'o',
                          .kind = cli::a_file,
                          .initial = "schedules.toml",
                          .help = "table to put the winner into, for siamc compile --schedules"}}}},
            .examples = {{"siamc tune models/fc.toml --kernel NAME -o tiles.toml"}},
            .run = commands.tune};
}

std::vector<std::string> versions() {
    const int llvm = Halide::Internal::get_llvm_version();
    return {fmt::format("Halide {}.{}.{}, LLVM {}.{}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR,
                        HALIDE_VERSION_PATCH, llvm / 10, llvm % 10),
            "this processor: " + host_target().to_string()};
}

}  // namespace

cli::Program command_table(const Commands& commands) {
    return {.name = "siamc",
            .summary = "compile Siamese networks to libraries of machine code",
            .commands = {new_table(commands),
                         compile_table(commands),
                         inspect_table(commands),
                         tune_table(commands),
                         {.name = "targets",
                          .summary = "list what can be compiled for",
                          .run = commands.targets},
                         {.name = "layers",
                          .summary = "list layers, distances and losses",
                          .run = commands.layers}},
            .examples = {{"siamc compile models/fc.toml --target x86-64-linux -o out"}},
            .versions = versions,
            .reports_places = true};
}

}  // namespace siamc::compiler
