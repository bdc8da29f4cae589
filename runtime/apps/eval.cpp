// eval_NAME: what a trained model can do, by a named protocol.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/load_images.h"
#include "apps/named_model.h"
#include "apps/programs.h"
#include "cli/output.h"
#include "cli/run_program.h"
#include "core/error.h"
#include "core/model.h"
#include "core/tell.h"
#include "data/picture.h"
#include "evaluation/baselines.h"
#include "evaluation/omniglot.h"
#include "evaluation/oneshot.h"
#include "evaluation/verification.h"
#include "sampling/pairs.h"
#include "sampling/triplets.h"
#include "training/run_folder.h"
#include "training/weights.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

// The sets that figures are quoted on.
constexpr std::uint64_t evaluation_seed = 0;

cli::Option oneshot_number(const char* name, cli::Whole range, const char* unit,
                           const char* initial, const char* help) {
    return {.name = name,
            .kind = range,
            .unit = unit,
            .initial = initial,
            .needs = {{"protocol", {"oneshot"}}},
            .help = help};
}

std::vector<cli::Group> options() {
    cli::Option resize = resize_option();
    resize.fallback = "as the run";
    const cli::Group subject = {
        "What to evaluate",
        {{.name = "run", .kind = cli::a_folder, .required = true, .help = "folder of the run"},
         {.name = "model",
          .kind = cli::Text{cli::Text::Of::file, linked_model_names()},
          .fallback = "where the run has it from",
          .help = "its NAME.toml or libNAME.so, if that lies elsewhere now"},
         data_option(),
         transpose_option(),
         resize,
         classes_option("evaluate on these alone, as in 6-9")}};
    const cli::Group protocol = {
        "How to evaluate",
        {{.name = "protocol",
          .kind = cli::Word{{"pairs", "triplets", "oneshot", "omniglot"}},
          .initial = "pairs",
          .help = "all on the test images; omniglot: --data is all_runs.zip, the published "
                  "task"},
         {.name = "threshold",
          .kind = cli::Real{0, 1e30},
          .initial = "0.5",
          .needs = {{"protocol", {"pairs"}}},
          .help = "similar where the distance is below it"},
         oneshot_number("ways", {0, 100'000}, "classes", "0", "an episode; 0: all there are"),
         oneshot_number("shots", {1, 10'000}, "images", "1", "shown of each class"),
         oneshot_number("queries", {1, 10'000}, "images", "5", "asked about, of each class"),
         oneshot_number("episodes", {1, 10'000'000}, "episodes", "1000", "to average over")}};
    return {subject,
            protocol,
            {"The program", {threads_option(), config_option(), json_option(), verbose_option()}}};
}

Json interval(const Interval& ci95) {
    return Json::array({ci95.low, ci95.high});
}

DataFlags test_data(const cli::Values& values, const Settings& settings) {
    DataFlags flags;
    const auto trained = settings.find("resize");
    const std::string resize = values.has("resize")        ? values.text("resize")
                               : trained == settings.end() ? "fit"
                                                           : to_text(trained->second);
    const auto mode = resize_mode(resize);
    if (!mode) fail(Exit::bad_data, "the run's resize is '{}'\n  write: fit, fill or crop", resize);
    flags.resize = *mode;
    flags.invert = settings.contains("invert");
    flags.data = values.text("data");
    flags.transpose = values.flag("transpose");
    if (values.has("classes")) flags.classes = values.text("classes");
    return flags;
}

// The run's model, with room for the run's batch: so it is the very library that trained it.
const siamc_model& model_of(const cli::Values& values, const Settings& settings,
                            const RunFolder& run) {
    const auto name = settings.find("model"), batch = settings.find("batch");
    if (name == settings.end() && !values.has("model"))
        fail(Exit::bad_data, "{}: no model is named\n  write: model = \"fc\"",
             run.config().string());
    const auto* tuples =
        batch == settings.end() ? nullptr : std::get_if<std::int64_t>(&batch->second);
    const bool plausible = tuples && *tuples > 0 && *tuples <= most_batch;
    return named_model(values.has("model") ? values.text("model") : to_text(name->second), "cpu",
                       plausible ? static_cast<int>(*tuples) : 1);
}

struct Trained {
    Model model;
    FloatBuffer parameters;
    DataFlags data;
};

Trained load_trained(const cli::Values& values) {
    const RunFolder run = RunFolder::open(values.text("run"));
    const Settings settings = read_settings(run.config());
    Model model(model_of(values, settings, run));
    use_threads(model.tables(), values.whole("threads"));
    FloatBuffer parameters = load_weights(run.weights(), model);
    DataFlags flags = test_data(values, settings);
    const bool trained_transposed = settings.contains("transpose");
    if (flags.transpose != trained_transposed)
        tell("the run was trained {} --transpose, this evaluation runs {} it\n",
             trained_transposed ? "with" : "without", flags.transpose ? "with" : "without");
    if (values.flag("verbose")) tell("{}\n", model.describe_variant());
    return {std::move(model), std::move(parameters), std::move(flags)};
}

struct Subject {
    Model& model;
    const FloatBuffer& parameters;
    ImageSet images;
    std::vector<float> embeddings;
};

Subject embed_test_images(Trained& trained, const std::string& protocol) {
    ImageSet images = load_test_images(trained.data, trained.model);
    if (protocol != "oneshot") check_comparable(images, "test images");
    std::vector<float> embeddings = trained.model.embed(trained.parameters, images);
    return {trained.model, trained.parameters, std::move(images), std::move(embeddings)};
}

// The mean loss of tuples, if the model has a loss that sees such.
Json loss_of(Subject& subject, siamc_sees sees, const Tuples& tuples) {
    const siamc_loss* loss = subject.model.loss_that_sees(sees);
    if (!loss) return nullptr;
    std::vector<std::vector<float>> distances;
    return subject.model.evaluate(*loss, subject.parameters, subject.embeddings, tuples, distances);
}

// Of each triplet's anchor and its image `branch`.
std::vector<float> triplet_distances(Subject& subject, const TripletSet& set, std::size_t branch) {
    std::vector<std::int32_t> pairs;
    for (std::size_t row = 0; row < set.rows.size(); row += 3) {
        pairs.push_back(set.rows[row]);
        pairs.push_back(set.rows[row + branch]);
    }
    return subject.model.distances(subject.parameters, subject.embeddings, pairs);
}

Json pairs(Subject& subject, double threshold) {
    const PairSet set = evaluation_pairs(subject.images.labels, evaluation_seed);
    const Json loss =
        loss_of(subject, SIAMC_PAIRS, {set.rows, {}, set.labels, static_cast<int>(set.size())});
    const PairDistances result(
        subject.model.distances(subject.parameters, subject.embeddings, set.rows), set.labels);
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
    const Json loss =
        loss_of(subject, SIAMC_TRIPLETS, {set.rows, {}, {}, static_cast<int>(set.size())});
    const Accuracy accuracy =
        triplet_accuracy(triplet_distances(subject, set, 1), triplet_distances(subject, set, 2));
    return {{"protocol", "triplets"},
            {"accuracy", accuracy.value()},
            {"ci95", interval(accuracy.ci95())},
            {"n", accuracy.n},
            {"threshold", nullptr},
            {"loss", loss},
            {"set", fmt::format("{:016x}", set.hash())}};
}

Json oneshot(const Subject& subject, const cli::Values& values) {
    const int asked = values.whole("ways");
    const int ways = asked ? asked : subject.images.classes();
    const int shots = values.whole("shots");
    const EpisodeSampler sampler(subject.images.labels, ways, shots, values.whole("queries"),
                                 evaluation_seed);
    const int episodes = values.whole("episodes");
    const OneshotResult result =
        evaluate_oneshot({subject.embeddings, subject.model.embedding_size()}, sampler, episodes);
    const Accuracy pixels = pixel_accuracy(subject.images, Ink::bright, sampler, episodes);
    return {{"protocol", "oneshot"},
            {"accuracy", result.accuracy},
            {"ci95", interval(result.ci95)},
            {"n", result.queries},
            {"threshold", nullptr},
            {"ways", ways},
            {"shots", shots},
            {"episodes", result.episodes},
            {"chance", 1.0 / ways},
            {"pixel_accuracy", pixels.value()}};
}

Json omniglot(Trained& trained) {
    const std::vector<OmniglotRun> runs = load_omniglot_runs(trained.data.data);
    const OmniglotResult result = evaluate_omniglot(trained.model, trained.parameters, runs,
                                                    {trained.data.resize, trained.data.invert});
    return {{"protocol", "omniglot"},
            {"accuracy", result.network.value()},
            {"ci95", interval(result.network.ci95())},
            {"n", result.network.n},
            {"threshold", nullptr},
            {"error", 1 - result.network.value()},
            {"runs", runs.size()},
            {"chance", result.chance},
            {"pixel_accuracy", result.pixels.value()},
            {"modified_hausdorff_accuracy", result.modified_hausdorff.value()}};
}

std::string percent(const Json& share) {
    return fmt::format("{:.2f} %", 100 * share.get<double>());
}

std::string digits(const Json& number) {
    return number.is_null() ? "none" : fmt::format("{:.4g}", number.get<double>());
}

void print_row(const char* name, const std::string& text) {
    print("{:<24}{}\n", name, text);
}

// A rate with the threshold that gives it, which was chosen on the images it is quoted on.
void print_fitted(const char* name, const Json& rate, const Json& threshold) {
    print_row(name, fmt::format("{} at threshold {} (chosen on these images)", percent(rate),
                                digits(threshold)));
}

void print_result(const Json& result) {
    const std::string protocol = result["protocol"];
    print_row("protocol", protocol);
    print_row(
        "accuracy",
        fmt::format(
            "{} ({:.2f} to {:.2f}, 95 %){}", percent(result["accuracy"]),
            100 * result["ci95"][0].get<double>(), 100 * result["ci95"][1].get<double>(),
            result["threshold"].is_null() ? "" : " at threshold " + digits(result["threshold"])));
    print_row(result.contains("chance") ? "queries" : protocol.c_str(),
              fmt::format("{}", result["n"].get<long>()));
    if (result.contains("loss") && !result["loss"].is_null())
        print_row("loss", digits(result["loss"]));
    if (protocol == "pairs") {
        print_row("area under ROC", digits(result["roc_auc"]));
        print_fitted("equal error rate", result["equal_error_rate"],
                     result["equal_error_threshold"]);
        print_fitted("accepted, 1 % false", result["tar_at_far_0.01"],
                     result["threshold_at_far_0.01"]);
        print_fitted("best accuracy", result["accuracy_at_best_threshold"],
                     result["best_threshold"]);
    }
    if (protocol == "oneshot") {
        print_row("episodes", fmt::format("{}, {} ways, {} shots", result["episodes"].get<long>(),
                                          result["ways"].get<int>(), result["shots"].get<int>()));
    }
    if (protocol == "omniglot") {
        print_row("runs", fmt::format("{}", result["runs"].get<long>()));
        print_row("by modified Hausdorff", percent(result["modified_hausdorff_accuracy"]));
    }
    if (result.contains("chance")) {
        print_row("by pixels alone", percent(result["pixel_accuracy"]));
        print_row("by chance", percent(result["chance"]));
    }
    if (result.contains("set")) print_row("set", result["set"]);
}

Json on_test_images(Trained& trained, const std::string& protocol, const cli::Values& values) {
    Subject subject = embed_test_images(trained, protocol);
    if (protocol == "pairs") return pairs(subject, values.real("threshold"));
    if (protocol == "triplets") return triplets(subject);
    return oneshot(subject, values);
}

int evaluate(const cli::Values& values) {
    const std::string protocol = values.text("protocol");
    Trained trained = load_trained(values);
    const Json result =
        protocol == "omniglot" ? omniglot(trained) : on_test_images(trained, protocol, values);
    if (values.flag("json"))
        print_json(result);
    else
        print_result(result);
    return 0;
}

cli::Program eval_program() {
    const std::string name = linked.program;
    return {.name = name,
            .summary = "evaluate a trained run on the test images",
            .commands = {{.groups = options(),
                          .examples = {{name + " --run runs/fc --data DIR"},
                                       {name + " --run runs/seen --data DIR --protocol "
                                               "oneshot --classes 6-9 --ways 4",
                                        "tell classes apart that were not trained on"},
                                       {name + " --run runs/omniglot --data all_runs.zip "
                                               "--protocol omniglot",
                                        "Omniglot's published one-shot task"}},
                          .run = evaluate}},
            .flag_files = config_files,
            .versions = linked_versions};
}

}  // namespace

int eval_main(int argc, char** argv) {
    return cli::run_program(eval_program(), argc, argv);
}

}  // namespace siamc
