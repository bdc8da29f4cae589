// train_generated: trains a linked model and leaves a run folder.
#include <HalideRuntime.h>
#include <fmt/format.h>

#include <optional>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/run_report.h"
#include "apps/train_options.h"
#include "apps/train_run.h"
#include "core/error.h"
#include "core/tell.h"

namespace siamc {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

const std::vector<std::string> compared_optimizers = {"adam", "rmsprop", "sgd"};

// The settings of the run to resume count where the flags leave something open.
Settings resumed_settings(const po::variables_map& values) {
    if (!values["resume"].as<bool>() || !values.count("out")) return {};
    return settings_to_resume(values["out"].as<std::string>());
}

Existing existing(const po::variables_map& values) {
    const bool resume = values["resume"].as<bool>(), force = values["force"].as<bool>();
    if (resume && force)
        fail(Exit::usage, "--resume and --force exclude each other\n  write: one of them");
    return resume ? Existing::resume : force ? Existing::replace : Existing::refuse;
}

RunResult train_one(const Models& models, const Split& images, const po::variables_map& values,
                    const std::string& optimizer, const std::filesystem::path& out) {
    const TrainConfig config = train_config(values, optimizer);
    RunRequest request;
    request.out = out;
    request.existing = existing(values);
    request.keep = parse_keep(values["keep"].as<std::string>());
    request.checkpoint_seconds = values["checkpoint-seconds"].as<double>();
    request.quiet = values["json"].as<bool>();
    request.settings = settings_of(values, config);
    return train_run(models, images, config, request);
}

// One run per optimiser, and a report that sets them side by side.
Json compare(const Models& models, const Split& images, const po::variables_map& values,
             const std::filesystem::path& out) {
    Json summary = {{"run", out.string()}, {"runs", nlohmann::json::array()}};
    std::vector<ComparedRun> runs;
    for (const std::string& optimizer : compared_optimizers) {
        if (!values["json"].as<bool>()) tell("{}\n", optimizer);
        const RunResult result = train_one(models, images, values, optimizer, out / optimizer);
        if (stop_signal()) break;
        summary["runs"].push_back(result.summary);
        runs.push_back(compared_run(optimizer, result.rows));
    }
    const Settings common = settings_of(values, train_config(values, compared_optimizers[0]));
    if (!runs.empty()) write_comparison_report(out / "report.html", common, runs);
    return summary;
}

int train(const po::variables_map& values) {
    catch_signals();
    const std::filesystem::path out = required(values, "out");
    const std::string optimizer = values["optimizer"].as<std::string>();
    const int threads = values["threads"].as<int>();
    if (threads < 1 || threads > 256) fail(Exit::usage, "--threads: 1 to 256");
    const std::string name = values["model"].as<std::string>();
    const std::string device = values["device"].as<std::string>();
    Model host(find_model(name));
    std::optional<Model> on_device;
    const Models models = {device == "cpu" ? host : on_device.emplace(find_model(name, device)),
                           host};
    if (values["verbose"].as<bool>()) tell("{}\n", models.trained.describe_variant());
    existing(values);
    if (optimizer != "all")
        train_config(values, optimizer);  // wrong flags fail before data is read
    const Split images = load_split(data_flags(values), models.trained);
    halide_set_num_threads(threads);
    const Json summary = optimizer == "all"
                             ? compare(models, images, values, out)
                             : train_one(models, images, values, optimizer, out).summary;
    if (values["json"].as<bool>())
        fmt::print("{}\n", summary.dump(-1, ' ', false, Json::error_handler_t::replace));
    return stop_signal() ? 128 + stop_signal() : static_cast<int>(Exit::ok);
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    return siamc::run_program(
        {"train_generated", siamc::train_options(), siamc::train, siamc::resumed_settings}, argc,
        argv);
}
