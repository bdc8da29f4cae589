#include "apps/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/calibrate_run.h"
#include "core/files.h"
#include "report/parts.h"
#include "sampling/pairs.h"

namespace siamc {

namespace {

constexpr std::size_t sample_pairs = 8, right_predictions = 8, wrong_predictions = 16;
constexpr std::uint64_t report_seed = 0;

Facts facts_of(const Settings& settings) {
    Facts facts;
    for (const auto& [key, value] : settings) facts.emplace_back(key, to_text(value));
    return facts;
}

std::string rule_of(const std::string& loss, const Model& model, double threshold) {
    if (model.loss(loss).sees == SIAMC_TRIPLETS)
        return "A triplet is right if the anchor is nearer to the positive than to the negative";
    return fmt::format("A pair is right if similar means a distance below {:g}", threshold);
}

// The evaluation pairs of the validation images, with the distances that the weights give them.
struct JudgedPairs {
    PairSet set;
    std::vector<float> distances;
};

JudgedPairs judge(const ReportedRun& run) {
    JudgedPairs judged{evaluation_pairs(run.validation.labels, report_seed), {}};
    const std::vector<float> embeddings = run.model.embed(run.parameters, run.validation);
    judged.distances = run.model.distances(run.parameters, embeddings, judged.set.rows);
    return judged;
}

PairPicture picture(const ReportedRun& run, const JudgedPairs& judged, std::size_t pair) {
    const ImageSet& images = run.validation;
    const auto view = [&](std::size_t row) {
        return ImageView{images.image(judged.set.rows[row]), images.height, images.width,
                         images.channels};
    };
    return {view(2 * pair), view(2 * pair + 1), judged.set.labels[pair] == 1.0f,
            judged.distances[pair], judged.distances[pair] < run.threshold()};
}

// The farthest from the threshold among the wrong ones, and the first right ones.
std::vector<PairPicture> predictions(const ReportedRun& run, const JudgedPairs& judged) {
    std::vector<PairPicture> wrong, right;
    for (std::size_t pair = 0; pair < judged.distances.size(); ++pair) {
        const bool similar = judged.distances[pair] < run.threshold();
        if (similar != (judged.set.labels[pair] == 1.0f))
            wrong.push_back(picture(run, judged, pair));
        else if (right.size() < right_predictions)
            right.push_back(picture(run, judged, pair));
    }
    const auto error = [&](const PairPicture& p) { return std::abs(p.distance - run.threshold()); };
    std::stable_sort(wrong.begin(), wrong.end(),
                     [&](const auto& a, const auto& b) { return error(a) > error(b); });
    wrong.resize(std::min(wrong.size(), wrong_predictions));
    wrong.insert(wrong.end(), right.begin(), right.end());
    return wrong;
}

void add_pairs(const ReportedRun& run, const JudgedPairs& judged, ReportInput& input) {
    for (std::size_t pair = 0; pair < std::min(sample_pairs, judged.distances.size()); ++pair)
        input.samples.push_back(picture(run, judged, pair));
    input.predictions = predictions(run, judged);
    for (std::size_t pair = 0; pair < judged.distances.size(); ++pair)
        (judged.set.labels[pair] == 1.0f ? input.same_distances : input.different_distances)
            .push_back(judged.distances[pair]);
}

}  // namespace

void write_run_report(const ReportedRun& run) {
    const EpochRow& last = run.rows.back();
    ReportInput input;
    input.title =
        fmt::format("{} · {} · {}", run.model.name(), run.config.loss, run.config.optimizer);
    input.subtitle = fmt::format("{} epochs, seed {}, compiled for {}", run.rows.size(),
                                 run.config.seed, run.model.tables().target);
    input.accuracy_rule = rule_of(run.config.loss, run.model, run.config.threshold);
    input.tiles = {{"validation accuracy", percent_text(last.val_accuracy)},
                   {"validation loss", fmt::format("{:.4f}", last.val_loss)},
                   {"training accuracy", percent_text(last.train_accuracy)},
                   {"images a second", fmt::format("{:.0f}", last.images_per_second)}};
    input.epochs = run.rows;
    add_pairs(run, judge(run), input);
    input.threshold = run.threshold();
    input.settings = facts_of(run.settings);
    if (run.calibration) input.settings.emplace_back("calibrated", describe(*run.calibration));
    write_file_atomically(run.folder.report(), render_report(input));
}

ComparedRun compared_run(const std::string& name, const std::vector<EpochRow>& rows) {
    double peak = 0;
    for (const EpochRow& row : rows) peak = std::max(peak, row.learning_rate);
    return {name, rows, {{"rate", fmt::format("{:.3g}", peak)}}};
}

void write_comparison_report(const std::filesystem::path& file, const Model& model,
                             const Settings& settings, const std::vector<ComparedRun>& runs) {
    ComparisonInput input;
    const std::string loss = to_text(settings.at("loss"));
    input.title = fmt::format("{} · {} · optimisers compared", to_text(settings.at("model")), loss);
    input.accuracy_rule = rule_of(loss, model, TrainConfig{}.threshold);
    for (const ComparedRun& run : runs)
        input.tiles.push_back({run.name, percent_text(run.epochs.back().val_accuracy)});
    input.runs = runs;
    for (const auto& [key, value] : facts_of(settings))
        if (key != "optimizer" && key != "rate") input.settings.emplace_back(key, value);
    write_file_atomically(file, render_comparison(input));
}

}  // namespace siamc
