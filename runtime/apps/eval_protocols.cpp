#include "apps/eval_protocols.h"

#include <fmt/format.h>

#include "apps/calibrate_run.h"
#include "apps/eval_subject.h"
#include "core/error.h"
#include "core/tell.h"
#include "data/picture.h"
#include "evaluation/baselines.h"
#include "evaluation/bootstrap.h"
#include "evaluation/omniglot.h"
#include "evaluation/oneshot.h"
#include "evaluation/verification.h"
#include "sampling/pairs.h"
#include "sampling/triplets.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

// As the run's images were prepared, but for what the flags say of these.
DataFlags flags_for(const TrainedRun& run, const cli::Values& values) {
    DataFlags flags = run.trained_with();
    if (flags.transpose != values.flag("transpose"))
        tell("the run was trained {} --transpose, this evaluation runs {} it\n",
             flags.transpose ? "with" : "without", flags.transpose ? "without" : "with");
    flags.transpose = values.flag("transpose");
    if (values.has("resize")) flags.resize = *resize_mode(values.text("resize"));
    flags.data = values.text("data");
    flags.classes.reset();
    if (values.has("classes")) flags.classes = values.text("classes");
    return flags;
}

// The images that the run held out, of the same data, wherever they lie now.
ImageSet validation_images(const TrainedRun& run, const DataFlags& flags) {
    if (!run.split)
        fail(Exit::usage,
             "--part validation: the run is of a version that did not keep what it held out\n"
             "  write: --part test");
    DataFlags trained_with = run.trained_with();
    trained_with.data = flags.data;
    return load_validation_images(flags, trained_with, *run.split, run.model);
}

ImageSet load_part(const TrainedRun& run, const cli::Values& values, Part part) {
    const DataFlags flags = flags_for(run, values);
    if (part == Part::validation) return validation_images(run, flags);
    return part == Part::all ? load_all_images(flags, run.model)
                             : load_test_images(flags, run.model);
}

Subject embed_images(TrainedRun& run, ImageSet images) {
    std::vector<float> embeddings = run.model.embed(run.parameters, images);
    return {run, std::move(images), std::move(embeddings)};
}

// The mean loss of tuples, if the model has a loss that sees such.
Json loss_of(Subject& subject, siamc_sees sees, const Tuples& tuples) {
    const siamc_loss* loss = subject.run.model.loss_that_sees(sees);
    if (!loss) return nullptr;
    std::vector<std::vector<float>> distances;
    return subject.run.model.evaluate(*loss, subject.run.parameters, subject.embeddings, tuples,
                                      distances);
}

// Of each triplet's anchor and its image `branch`.
std::vector<float> triplet_distances(Subject& subject, const TripletSet& set, std::size_t branch) {
    std::vector<std::int32_t> pairs;
    for (std::size_t row = 0; row < set.rows.size(); row += 3) {
        pairs.push_back(set.rows[row]);
        pairs.push_back(set.rows[row + branch]);
    }
    return subject.run.model.distances(subject.run.parameters, subject.embeddings, pairs);
}

// Of other images of these classes.
Json intervals_by_image(const PairBootstrap& bootstrap) {
    constexpr int replicates = 1000;
    const VerificationIntervals ci95 = bootstrap.intervals(replicates, evaluation_seed);
    return {{"accuracy", interval(ci95.accuracy)},
            {"false_accepts", interval(ci95.far)},
            {"false_rejects", interval(ci95.frr)},
            {"roc_auc", interval(ci95.roc_auc)},
            {"equal_error_rate", interval(ci95.equal_error_rate)},
            {"tar_at_far_0.01", interval(ci95.tar_at_1_percent)},
            {"tar_at_far_0.001", interval(ci95.tar_at_tenth_percent)}};
}

Json pairs(Subject& subject, const Threshold& threshold) {
    const PairSet set = evaluation_pairs(subject.images.labels, evaluation_seed);
    const Json loss =
        loss_of(subject, SIAMC_PAIRS, {set.rows, {}, set.labels, static_cast<int>(set.size())});
    const std::vector<float> distances =
        subject.run.model.distances(subject.run.parameters, subject.embeddings, set.rows);
    const PairDistances result(distances, set.labels);
    const Accuracy accuracy = result.accuracy(threshold.value);
    const Cut best = result.best_cut();
    const Rate equal_error = result.equal_error_rate(), accepted = result.tar_at_far(0.01),
               strictly = result.tar_at_far(0.001);
    return {{"protocol", "pairs"},
            {"accuracy", accuracy.value()},
            {"ci95", interval(accuracy.ci95())},
            {"n", accuracy.n},
            {"threshold", threshold.value},
            {"threshold_from", threshold.from},
            {"loss", loss},
            {"roc_auc", result.roc_auc()},
            {"equal_error_rate", equal_error.value},
            {"equal_error_threshold", equal_error.threshold},
            {"tar_at_far_0.01", accepted.value},
            {"threshold_at_far_0.01", accepted.threshold},
            {"tar_at_far_0.001", strictly.value},
            {"threshold_at_far_0.001", strictly.threshold},
            {"by_image_ci95",
             intervals_by_image(PairBootstrap(set.rows, set.labels, distances, threshold.value))},
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
    const int episodes = values.has("episodes") ? values.whole("episodes") : 1000;
    const OneshotResult result = evaluate_oneshot(
        {subject.embeddings, subject.run.model.embedding_size()}, sampler, episodes);
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

Json omniglot(TrainedRun& run, const cli::Values& values) {
    const DataFlags flags = flags_for(run, values);
    const OmniglotResult result = evaluate_omniglot(
        run.model, run.parameters, load_omniglot_runs(flags.data), {flags.resize, flags.invert});
    return {{"protocol", "omniglot"},
            {"accuracy", result.network.value()},
            {"ci95", interval(result.network.ci95())},
            {"n", result.network.n},
            {"threshold", nullptr},
            {"error", 1 - result.network.value()},
            {"runs", result.runs},
            {"chance", result.chance},
            {"pixel_accuracy", result.pixels.value()},
            {"modified_hausdorff_accuracy", result.modified_hausdorff.value()}};
}

// Fits the run's threshold anew, and keeps it with the run.
Json calibrate(TrainedRun& run, const cli::Values& values) {
    const bool holds_out = run.split && !run.split->validates_test_images();
    const Part part = values.has("part") ? parse_part(values.text("part"))
                      : holds_out        ? Part::validation
                                         : Part::test;
    if (part == Part::test && !values.has("part"))
        fail(Exit::usage,
             "--protocol calibrate: the run held no images out to fit a threshold to\n  write: "
             "--part all and as --data images that are neither trained nor tested on");
    const ImageSet images = load_part(run, values, part);
    check_comparable(images, "images");
    const OperatingPoint at = values.has("operating-point")
                                  ? parse_operating_point(values.text("operating-point"))
                              : run.calibration ? run.calibration->at
                                                : OperatingPoint{};
    Calibration fitted =
        calibrate_weights({run.model, run.parameters, images, run.weights_sha256}, at);
    fitted.unseen_classes = run.split && count_trained(*run.split, images) == 0;
    run.folder.write_calibration(fitted);
    Json result = to_json(fitted);
    const Accuracy errors{fitted.accepted.right + fitted.rejected.right,
                          fitted.accepted.n + fitted.rejected.n};
    const Accuracy right{errors.n - errors.right, errors.n};
    result.update({{"protocol", "calibrate"},
                   {"accuracy", right.value()},
                   {"ci95", interval(right.ci95())},
                   {"n", right.n},
                   {"describes", describe(fitted)}});
    return result;
}

Json on_images(TrainedRun& run, const cli::Values& values) {
    const std::string protocol = values.text("protocol");
    const Part part = parse_part(values.has("part") ? values.text("part") : "test");
    ImageSet images = load_part(run, values, part);
    if (protocol == "pairs" || protocol == "triplets") check_comparable(images, "test images");
    Subject subject = embed_images(run, std::move(images));
    Json result = protocol == "pairs"       ? pairs(subject, threshold_of(run, values))
                  : protocol == "triplets"  ? triplets(subject)
                  : protocol == "oneshot"   ? oneshot(subject, values)
                  : protocol == "retrieval" ? retrieval(subject)
                                            : open_set(subject, values);
    result["classes"] = subject.images.classes();
    if (run.split) result["classes_trained_on"] = count_trained(*run.split, subject.images);
    return result;
}

}  // namespace

std::vector<std::string> protocol_names() {
    return {"pairs", "triplets", "oneshot", "retrieval", "open_set", "omniglot", "calibrate"};
}

Json run_protocol(TrainedRun& run, const cli::Values& values) {
    const std::string protocol = values.text("protocol");
    if (protocol == "omniglot") return omniglot(run, values);
    if (protocol == "calibrate") return calibrate(run, values);
    return on_images(run, values);
}

}  // namespace siamc
