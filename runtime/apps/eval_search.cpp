#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <vector>

#include "apps/eval_subject.h"
#include "core/error.h"
#include "evaluation/baselines.h"
#include "evaluation/open_set.h"
#include "evaluation/retrieval.h"
#include "sampling/class_index.h"
#include "sampling/episodes.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

// Distances of an image to some others.
using Distances =
    std::function<std::vector<float>(std::int32_t image, std::span<const std::int32_t> others)>;

Distances by_network(Subject& subject) {
    return [&subject](std::int32_t image, std::span<const std::int32_t> others) {
        std::vector<std::int32_t> pairs;
        for (const std::int32_t other : others) pairs.insert(pairs.end(), {image, other});
        return subject.run.model.distances(subject.run.parameters, subject.embeddings, pairs);
    };
}

Distances by_pixels(const PixelDistances& pixels) {
    return [&pixels](std::int32_t image, std::span<const std::int32_t> others) {
        std::vector<float> distances;
        for (const std::int32_t other : others)
            distances.push_back(static_cast<float>(pixels(image, other)));
        return distances;
    };
}

// ---- search -------------------------------------------------------------------------------------

Retrieval search(const std::vector<int>& labels, const Distances& distances) {
    std::vector<std::int32_t> all(labels.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
    return {labels, [&](std::int32_t image, std::span<float> row) {
                const std::vector<float> found = distances(image, all);
                std::copy(found.begin(), found.end(), row.begin());
            }};
}

// The nearest of all others is of the query's class if it is drawn at random: mean over the
// queries.
double chance_of_first(const std::vector<int>& labels) {
    const ClassIndex classes(labels);
    double sum = 0, queries = 0;
    for (const ClassIndex::Group& group : classes.groups()) {
        if (group.size() < 2) continue;
        const double others = group.size() - 1;
        sum += group.size() * others / (classes.images() - 1);
        queries += group.size();
    }
    return sum / queries;
}

// ---- who, if anybody ----------------------------------------------------------------------------

struct OpenSetSetup {
    int ways, shots, episodes;
    double false_alarms;
};

OpenSetSetup setup_of(const Subject& subject, const cli::Values& values) {
    const int classes = subject.images.classes();
    const int ways = values.whole("ways") ? values.whole("ways") : classes / 2;
    if (ways >= classes)
        fail(Exit::usage,
             "--ways {}: of {} classes none is left to be strangers\n  write: --ways {}", ways,
             classes, classes / 2);
    return {ways, values.whole("shots"), values.has("episodes") ? values.whole("episodes") : 20,
            values.real("false-alarms")};
}

// Every image but the templates is a probe: of a known class, or a stranger.
void add_probes(const std::vector<int>& labels, const Episode& episode, const Distances& distances,
                std::vector<Probe>& probes) {
    const std::set<std::int32_t> enrolled(episode.support.begin(), episode.support.end());
    std::vector<int> identities;
    for (const std::int32_t image : episode.support)
        identities.push_back(labels[static_cast<std::size_t>(image)]);
    for (std::int32_t image = 0; image < static_cast<std::int32_t>(labels.size()); ++image)
        if (!enrolled.contains(image))
            probes.push_back(probe_of(distances(image, episode.support), identities,
                                      labels[static_cast<std::size_t>(image)]));
}

OpenSet open_set_of(const std::vector<int>& labels, const OpenSetSetup& setup,
                    const Distances& distances) {
    const EpisodeSampler sampler(labels, setup.ways, setup.shots, 1, evaluation_seed);
    std::vector<Probe> probes;
    for (int number = 0; number < setup.episodes; ++number)
        add_probes(labels, sampler.episode(number), distances, probes);
    return OpenSet(probes);
}

// Episodes show the same images again, so they say no more than these.
Interval interval_of(const ProbeRate& rate, long images) {
    return wilson95(rate.value(), static_cast<double>(std::min(rate.n, images)));
}

// A threshold may be infinite.
Json number_or_null(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

// What the run's own threshold gives on these images, for so many comparisons.
Json at_calibrated(const Subject& subject, const OpenSetSetup& setup, const OpenSet& probes) {
    if (!subject.run.calibration) return nullptr;
    const AlarmThreshold alarm = alarm_threshold(*subject.run.calibration, setup.false_alarms,
                                                 long{setup.ways} * setup.shots);
    return {{"threshold", alarm.threshold},
            {"identified", 1 - probes.fnir(alarm.threshold).value()},
            {"false_alarms", probes.fpir(alarm.threshold).value()},
            {"false_alarms_promised", alarm.far}};
}

}  // namespace

Json retrieval(Subject& subject) {
    constexpr int replicates = 1000;
    const std::vector<int>& labels = subject.images.labels;
    const Retrieval network = search(labels, by_network(subject));
    const PixelDistances pixel_distances(subject.images);
    const Retrieval pixels = search(labels, by_pixels(pixel_distances));
    const RetrievalFigures found = network.figures();
    const RetrievalIntervals ci95 = network.intervals(replicates, evaluation_seed);
    return {{"protocol", "retrieval"},
            {"accuracy", found.recall_at_1},
            {"ci95", interval(ci95.recall_at_1)},
            {"n", network.queries()},
            {"threshold", nullptr},
            {"recall_at_1", found.recall_at_1},
            {"recall_at_5", found.recall_at_5},
            {"recall_at_10", found.recall_at_10},
            {"r_precision", found.r_precision},
            {"map_at_r", found.map_at_r},
            {"map_at_r_ci95", interval(ci95.map_at_r)},
            {"chance", chance_of_first(labels)},
            {"pixel_accuracy", pixels.figures().recall_at_1},
            {"pixel_map_at_r", pixels.figures().map_at_r}};
}

Json open_set(Subject& subject, const cli::Values& values) {
    const OpenSetSetup setup = setup_of(subject, values);
    const std::vector<int>& labels = subject.images.labels;
    const OpenSet network = open_set_of(labels, setup, by_network(subject));
    const PixelDistances pixel_distances(subject.images);
    const OpenSet pixels = open_set_of(labels, setup, by_pixels(pixel_distances));
    const Detection found = network.detection_at_far(setup.false_alarms);
    const Detection by_pixels_alone = pixels.detection_at_far(setup.false_alarms);
    const long images = subject.images.size() * setup.ways / subject.images.classes();
    return {{"protocol", "open_set"},
            {"accuracy", found.identified.value()},
            {"ci95", interval(interval_of(found.identified, images))},
            {"n", found.identified.n},
            {"threshold", number_or_null(found.threshold)},
            {"false_alarms", found.false_alarms.value()},
            {"strangers", found.false_alarms.n},
            {"rank1", network.rank1().value()},
            {"at_calibrated", at_calibrated(subject, setup, network)},
            {"ways", setup.ways},
            {"shots", setup.shots},
            {"episodes", setup.episodes},
            {"chance", setup.false_alarms / setup.ways},
            {"pixel_accuracy", by_pixels_alone.identified.value()},
            {"pixel_rank1", pixels.rank1().value()}};
}

}  // namespace siamc
