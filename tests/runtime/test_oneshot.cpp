#include <cmath>
#include <string>
#include <vector>

#include "catch.h"
#include "evaluation/accuracy.h"
#include "evaluation/oneshot.h"
#include "runtime/data_helpers.h"
#include "runtime/numbers.h"
#include "sampling/random.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Two ways with `shots` supports each, then the queries; images are numbered in this order.
Episode two_ways(int shots, const std::vector<std::int32_t>& query_way) {
    Episode episode;
    episode.classes = {0, 1};
    for (std::int32_t i = 0; i < 2 * shots; ++i) episode.support.push_back(i);
    for (std::size_t q = 0; q < query_way.size(); ++q)
        episode.query.push_back(2 * shots + static_cast<std::int32_t>(q));
    episode.query_way = query_way;
    return episode;
}

std::vector<int> labels_of(int classes, int per_class) {
    std::vector<int> labels;
    for (int i = 0; i < classes * per_class; ++i) labels.push_back(i % classes);
    return labels;
}

Floats noise(std::size_t count) {
    Random random(5, Stream::split);
    Floats values(count);
    for (float& value : values) value = static_cast<float>(random.next() % 2001) - 1000;
    return values;
}

}  // namespace

TEST_CASE("a query belongs to the nearest support", "[oneshot]") {
    // Supports to the right and upwards; queries right of the diagonal, above it, and on it.
    const Floats values = {1, 0, 0, 1, 0.8f, 0.6f, 0.6f, 0.8f, 0.7f, 0.7f};
    CHECK(count_right({values, 2}, two_ways(1, {0, 1, 0})) == 2);
    CHECK(count_right({values, 2}, two_ways(1, {1, 0, 1})) == 0);
}

TEST_CASE("prototypes weigh directions, not lengths", "[oneshot]") {
    // Way 0 points to 0 degrees and, ten times as long, to 90: on the whole to 45, but to 84 if
    // lengths counted. Way 1 points to -30. The query, at 20, is nearer to 45 than to -30.
    const auto at = [](double degrees, double length) {
        const double angle = degrees / 180 * std::acos(-1.0);
        return Floats{static_cast<float>(length * std::cos(angle)),
                      static_cast<float>(length * std::sin(angle))};
    };
    Floats values;
    for (const Floats& v : {at(0, 1), at(90, 10), at(-30, 1), at(-30, 3), at(20, 5)})
        values.insert(values.end(), v.begin(), v.end());
    CHECK(count_right({values, 2}, two_ways(2, {0})) == 1);
    CHECK(count_right({values, 2}, two_ways(2, {1})) == 0);
}

TEST_CASE("one embedding for everything recognises nothing", "[oneshot]") {
    const EpisodeSampler sampler(labels_of(6, 10), 5, 3, 4, 0);
    for (const float value : {0.3f, 0.0f, 1e-20f}) {
        const Floats constant(60 * 7, value);
        const OneshotResult result = evaluate_oneshot({constant, 7}, sampler, 20);
        CHECK(result.accuracy == 0);
        CHECK(result.ci95.low == 0);
        CHECK(result.episodes == 20);
        CHECK(result.queries == 20 * 5 * 4);
    }
}

TEST_CASE("a perfect embedding recognises everything", "[oneshot]") {
    const std::vector<int> labels = labels_of(6, 10);
    Floats values(60 * 6, 0.0f);
    for (std::size_t i = 0; i < 60; ++i) values[i * 6 + static_cast<std::size_t>(labels[i])] = 2;
    const OneshotResult result =
        evaluate_oneshot({values, 6}, EpisodeSampler(labels, 5, 1, 4, 0), 50);
    CHECK(result.accuracy == 1);
    CHECK(result.ci95.high == 1);
    // As sure as 1,000 right answers make: not wholly.
    CHECK(close(result.ci95.low, wilson95(1, 1000).low));
}

TEST_CASE("the interval of few-shot accuracy holds it, whatever the sums round to", "[oneshot]") {
    // Way 0 is always found, and the others are for some of the seeds: shares up to 1.
    const std::vector<int> labels = labels_of(3, 12);
    for (int mixed = 0; mixed <= 12; ++mixed) {
        Floats values(36 * 3, 0.0f);
        for (std::size_t i = 0; i < 36; ++i)
            values[i * 3 + (i / 3 < static_cast<std::size_t>(mixed) ? 0u : i % 3)] = 1;
        for (int queries = 1; queries <= 7; ++queries) {
            const OneshotResult result = evaluate_oneshot(
                {values, 3}, EpisodeSampler(labels, 3, 1, queries, 4), 100 + queries);
            INFO(mixed << " mixed, " << queries << " queries: " << result.accuracy);
            CHECK((0 <= result.ci95.low && result.ci95.low <= result.accuracy));
            CHECK((result.accuracy <= result.ci95.high && result.ci95.high <= 1));
            CHECK((result.ci95.high == 1) == (result.accuracy == 1));
        }
    }
}

TEST_CASE("noise recognises as much as chance", "[oneshot]") {
    const Floats values = noise(2000 * 8);
    const OneshotResult result =
        evaluate_oneshot({values, 8}, EpisodeSampler(labels_of(20, 100), 5, 1, 3, 1), 1000);
    CHECK(close(result.accuracy, 0.2, 0.02));
    CHECK((result.ci95.low < result.accuracy && result.accuracy < result.ci95.high));
    CHECK(result.ci95.high - result.ci95.low < 0.03);
}

TEST_CASE("the interval over episodes follows their spread", "[oneshot]") {
    // Half of the classes are told apart perfectly, half not at all: queries fail together.
    const std::vector<int> labels = labels_of(20, 10);
    Floats values(200 * 11, 0.0f);
    for (std::size_t i = 0; i < 200; ++i)
        values[i * 11 + static_cast<std::size_t>(std::min(labels[i], 10))] = 1;
    const EpisodeSampler sampler(labels, 5, 1, 3, 1);
    const OneshotResult result = evaluate_oneshot({values, 11}, sampler, 400);
    std::vector<double> shares;
    for (int e = 0; e < 400; ++e)
        shares.push_back(static_cast<double>(count_right({values, 11}, sampler.episode(e))) / 15);
    double mean = 0, variance = 0;
    for (const double share : shares) mean += share / 400;
    for (const double share : shares) variance += (share - mean) * (share - mean) / 399;
    const double half = 1.96 * std::sqrt(variance / 400);
    CHECK(close(result.accuracy, mean));
    CHECK(close(result.ci95.low, mean - half, 0.1 * half));
    CHECK(close(result.ci95.high, mean + half, 0.1 * half));
    const Interval independent = wilson95(result.accuracy, static_cast<double>(result.queries));
    CHECK(result.ci95.high - result.ci95.low > 1.5 * (independent.high - independent.low));
}

TEST_CASE("an embedding of zeros is as far from everything", "[oneshot]") {
    const Floats support = {1, 0, 0, 0, 1, 0.5f}, query = {1, 0, 0, 1, 0, 0};
    CHECK(count_right({support, 2}, two_ways(1, {0})) == 1);
    CHECK(count_right({support, 2}, two_ways(1, {1})) == 0);
    CHECK(count_right({query, 2}, two_ways(1, {0})) == 0);
}

TEST_CASE("embeddings that aren't numbers, and single episodes, are refused", "[oneshot]") {
    const EpisodeSampler sampler(labels_of(3, 4), 3, 1, 1, 0);
    Floats values(12 * 2, 1.0f);
    CHECK(failure_of([&] { evaluate_oneshot({values, 2}, sampler, 1); }).code == Exit::usage);
    for (const float bad : {nan_value, infinite}) {
        std::fill(values.begin(), values.end(), bad);
        CHECK(failure_of([&] {
                  evaluate_oneshot({values, 2}, sampler, 2);
              }).code == Exit::bad_data);
    }
}
