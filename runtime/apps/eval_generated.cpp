// eval_generated: what a trained model can do, by a named protocol.
#include <HalideRuntime.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/load_images.h"
#include "core/error.h"
#include "core/model.h"
#include "core/tell.h"
#include "evaluation/oneshot.h"
#include "evaluation/verification.h"
#include "sampling/pairs.h"
#include "sampling/triplets.h"
#include "training/run_folder.h"
#include "training/weights.h"

namespace siamc {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

// The sets that figures are quoted on.
constexpr std::uint64_t evaluation_seed = 0;

po::options_description options() {
    po::options_description all("eval_generated: evaluate a trained run");
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    all.add_options()("help", "this text")("run", po::value<std::string>(), "folder of the run")(
        "data", po::value<std::string>(), "folder of MNIST's IDX files, or glyphs (built in)")(
        "protocol", po::value<std::string>()->default_value("pairs"),
        "pairs, triplets or oneshot, all on the test images")(
        "threshold", po::value<double>()->default_value(0.5), "pairs: similar where D is below it")(
        "classes", po::value<std::string>(), "evaluate on these alone, as in 6-9")(
        "ways", po::value<int>()->default_value(0), "oneshot: classes an episode; 0: all")(
        "shots", po::value<int>()->default_value(1), "oneshot: images shown of each class")(
        "queries", po::value<int>()->default_value(5), "oneshot: queries of each class")(
        "episodes", po::value<int>()->default_value(1000), "oneshot: episodes")(
        "threads", po::value<int>()->default_value(cores), "results do not depend on it")(
        "transpose", po::bool_switch(), "images are stored column by column, as EMNIST's")(
        "config", po::value<std::string>(), "file of flags")(
        "verbose", po::bool_switch(), "say which instruction set runs")("json", po::bool_switch(),
                                                                        "print one JSON object");
    return all;
}

Json interval(const Interval& ci95) {
    return Json::array({ci95.low, ci95.high});
}

DataFlags data_flags(const po::variables_map& values) {
    DataFlags flags;
    flags.data = required(values, "data");
    flags.transpose = values["transpose"].as<bool>();
    if (values.count("classes")) flags.classes = values["classes"].as<std::string>();
    return flags;
}

struct Subject {
    Model model;
    FloatBuffer parameters;
    ImageSet images;
    std::vector<float> embeddings;
};

Subject load_subject(const po::variables_map& values) {
    const RunFolder run = RunFolder::open(required(values, "run"));
    const Settings settings = read_settings(run.config());
    const auto name = settings.find("model");
    if (name == settings.end())
        fail(Exit::bad_data, "{}: no model is named\n  write: model = \"fc\"",
             run.config().string());
    Model model(find_model(to_text(name->second)));
    FloatBuffer parameters = load_weights(run.weights(), model);
    const DataFlags flags = data_flags(values);
    const bool trained_transposed = settings.contains("transpose");
    if (flags.transpose != trained_transposed)
        tell("the run was trained {} --transpose, this evaluation runs {} it\n",
             trained_transposed ? "with" : "without", flags.transpose ? "with" : "without");
    ImageSet images = load_test_images(flags, model);
    if (values["protocol"].as<std::string>() != "oneshot") check_comparable(images, "test images");
    std::vector<float> embeddings = model.embed(parameters, images);
    return {std::move(model), std::move(parameters), std::move(images), std::move(embeddings)};
}

const siamc_loss& loss_on(const Subject& subject, int branches, const char* protocol) {
    const siamc_loss* loss = subject.model.loss_on(branches);
    if (!loss)
        fail(
            Exit::usage,
            "--protocol: model {} has no loss on {}\n  write: another protocol, or a [loss] in the "
            "model",
            subject.model.name(), protocol);
    return *loss;
}

Json pairs(Subject& subject, double threshold) {
    const PairSet set = evaluation_pairs(subject.images.labels, evaluation_seed);
    std::vector<std::vector<float>> distances;
    const double loss =
        subject.model.evaluate(loss_on(subject, 2, "pairs"), subject.embeddings,
                               {set.rows, {}, set.labels, static_cast<int>(set.size())}, distances);
    const PairDistances result(distances[0], set.labels);
    const Accuracy accuracy = result.accuracy(threshold);
    const Cut best = result.best_cut();
    const Rate equal_error = result.equal_error_rate(), accepted = result.tar_at_far(0.01);
    return {{"protocol", "pairs"},
            {"accuracy", accuracy.value()},
            {"ci95", interval(accuracy.ci95())},
            {"n", accuracy.n},
            {"threshold", threshold},
            {"loss", loss},
            {"roc_auc", result.roc_auc()},
            {"equal_error_rate", equal_error.value},
            {"equal_error_threshold", equal_error.threshold},
            {"tar_at_far_0.01", accepted.value},
            {"threshold_at_far_0.01", accepted.threshold},
            {"best_threshold", best.threshold},
            {"accuracy_at_best_threshold", best.accuracy.value()},
            {"set", fmt::format("{:016x}", set.hash())}};
}

Json triplets(Subject& subject) {
    const TripletSet set = evaluation_triplets(subject.images.labels, evaluation_seed);
    std::vector<std::vector<float>> distances;
    const double loss =
        subject.model.evaluate(loss_on(subject, 3, "triplets"), subject.embeddings,
                               {set.rows, {}, {}, static_cast<int>(set.size())}, distances);
    const Accuracy accuracy = triplet_accuracy(distances[0], distances[1]);
    return {{"protocol", "triplets"},
            {"accuracy", accuracy.value()},
            {"ci95", interval(accuracy.ci95())},
            {"n", accuracy.n},
            {"threshold", nullptr},
            {"loss", loss},
            {"set", fmt::format("{:016x}", set.hash())}};
}

Json oneshot(const Subject& subject, const po::variables_map& values) {
    const int asked = values["ways"].as<int>();
    const int ways = asked ? asked : subject.images.classes();
    const int shots = values["shots"].as<int>();
    const EpisodeSampler sampler(subject.images.labels, ways, shots, values["queries"].as<int>(),
                                 evaluation_seed);
    const OneshotResult result =
        evaluate_oneshot({subject.embeddings, subject.model.embedding_size()}, sampler,
                         values["episodes"].as<int>());
    return {{"protocol", "oneshot"}, {"accuracy", result.accuracy}, {"ci95", interval(result.ci95)},
            {"n", result.queries},   {"threshold", nullptr},        {"ways", ways},
            {"shots", shots},        {"episodes", result.episodes}, {"chance", 1.0 / ways}};
}

// These figures are each at its own threshold, which was chosen on the images they are quoted on.
bool is_fitted(const std::string& key) {
    return key == "best_threshold" || key == "equal_error_threshold" ||
           key == "threshold_at_far_0.01";
}

void print(const Json& result) {
    fmt::print("{:<28} {}\n", "protocol", result["protocol"].get<std::string>());
    fmt::print("{:<28} {:.2f} % ({:.2f} to {:.2f}, 95 %)\n", "accuracy",
               100 * result["accuracy"].get<double>(), 100 * result["ci95"][0].get<double>(),
               100 * result["ci95"][1].get<double>());
    for (const auto& [key, value] : result.items())
        if (key != "protocol" && key != "accuracy" && key != "ci95" && !value.is_null())
            fmt::print("{:<28} {}{}\n", key,
                       value.is_string() ? value.get<std::string>() : value.dump(),
                       is_fitted(key) ? "  (chosen on these images)" : "");
}

int evaluate(const po::variables_map& values) {
    const std::string protocol = values["protocol"].as<std::string>();
    if (protocol != "pairs" && protocol != "triplets" && protocol != "oneshot")
        fail(Exit::usage, "--protocol: no protocol '{}'\n  write: pairs, triplets or oneshot",
             protocol);
    halide_set_num_threads(std::clamp(values["threads"].as<int>(), 1, 256));
    Subject subject = load_subject(values);
    if (values["verbose"].as<bool>()) fmt::print(stderr, "{}\n", subject.model.describe_variant());
    const Json result = protocol == "pairs"      ? pairs(subject, values["threshold"].as<double>())
                        : protocol == "triplets" ? triplets(subject)
                                                 : oneshot(subject, values);
    if (values["json"].as<bool>())
        fmt::print("{}\n", result.dump());
    else
        print(result);
    return 0;
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    return siamc::run_program({"eval_generated", siamc::options(), siamc::evaluate}, argc, argv);
}
