#include "apps/command_line.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include "cli/output.h"
#include "cli/processors.h"
#include "core/error.h"

namespace siamc {

cli::FlagFile to_flags(const std::string& where, const Settings& settings) {
    cli::FlagFile file{where, {}};
    for (const auto& [key, value] : settings) file.flags.emplace_back(key, to_text(value));
    return file;
}

std::vector<cli::FlagFile> config_files(const cli::Values& values) {
    if (!values.has("config")) return {};
    const std::string& file = values.text("config");
    return {to_flags(file, read_settings(file))};
}

cli::Option data_option() {
    return {.name = "data",
            .kind = cli::Text{cli::Text::Of::folder, {"glyphs"}},
            .required = true,
            .help =
                "folder of MNIST's IDX files or of numpy's x_train.npy, y_train.npy, x_test.npy "
                "and y_test.npy; folder or zip of pictures in class folders; list of pictures "
                "(NAME.csv, lines path,label); or glyphs (built in)"};
}

cli::Option threads_option() {
    return {.name = "threads",
            .kind = cli::Whole{1, most_threads},
            .unit = "threads",
            .initial = fmt::format("{}", usable_processors()),
            .help = "results do not depend on it"};
}

cli::Option classes_option(const std::string& help) {
    return {.name = "classes", .fallback = "all", .help = help};
}

cli::Option transpose_option() {
    return {.name = "transpose",
            .kind = cli::Flag{},
            .help = "images are stored column by column, as EMNIST's"};
}

cli::Option invert_option() {
    return {.name = "invert",
            .kind = cli::Flag{},
            .help = "dark on white paper becomes bright on black, as MNIST is"};
}

cli::Option resize_option() {
    return {.name = "resize",
            .kind = cli::Word{{"fit", "fill", "crop"}},
            .help =
                "how pictures get the model's size: whole with margins, stretched, or the "
                "middle"};
}

cli::Option config_option() {
    return {.name = "config",
            .kind = cli::a_file,
            .on_line_only = true,
            .help = "file of flags, a line each: epochs = 3; the command line goes before it"};
}

cli::Option json_option() {
    return {.name = "json", .kind = cli::Flag{}, .help = "print one JSON object on stdout"};
}

cli::Option verbose_option() {
    return {.name = "verbose", .kind = cli::Flag{}, .help = "say which instruction set runs"};
}

void use_threads(const siamc_model& model, int threads) {
    if (const int error = siamc_set_threads(&model, threads))
        fail(Exit::internal, "--threads: {}", siamc_error_text(error));
}

void print_json(const nlohmann::ordered_json& object) {
    print("{}\n", object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

double peak_rss_mb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace siamc
