#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "catch.h"
#include "runtime/data_helpers.h"
#include "runtime/sampler_helpers.h"
#include "sampling/class_batches.h"
#include "sampling/episodes.h"
#include "sampling/pairs.h"
#include "sampling/shifts.h"
#include "sampling/triplets.h"

using namespace siamc;
using namespace siamc::test;

namespace {

struct Epoch {
    std::vector<std::int32_t> rows;
    std::vector<float> labels;
    friend bool operator==(const Epoch&, const Epoch&) = default;
};

Epoch epoch_of(const PairSampler& sampler, int number) {
    Epoch epoch;
    sampler.epoch(number, epoch.rows, epoch.labels);
    return epoch;
}

std::vector<std::int32_t> epoch_of(const TripletSampler& sampler, int number) {
    std::vector<std::int32_t> rows;
    sampler.epoch(number, rows);
    return rows;
}

// Each image anchors one positive and one negative pair, and every label tells the truth.
void check_pairs(const std::vector<int>& labels, const std::vector<std::int32_t>& rows,
                 const std::vector<float>& pair_labels) {
    REQUIRE(pair_labels.size() == 2 * labels.size());
    REQUIRE(rows.size() == 2 * pair_labels.size());
    std::vector<int> positives(labels.size()), negatives(labels.size());
    for (std::size_t pair = 0; pair < pair_labels.size(); ++pair) {
        const std::int32_t anchor = rows[2 * pair], partner = rows[2 * pair + 1];
        REQUIRE(anchor != partner);
        const bool same = label_of(labels, anchor) == label_of(labels, partner);
        REQUIRE(pair_labels[pair] == (same ? 1.0f : 0.0f));
        ++(same ? positives : negatives)[static_cast<std::size_t>(anchor)];
    }
    const std::vector<int> once(labels.size(), 1);
    CHECK(positives == once);
    CHECK(negatives == once);
}

void check_triplets(const std::vector<int>& labels, const std::vector<std::int32_t>& rows) {
    REQUIRE(rows.size() == 3 * labels.size());
    std::vector<int> anchors(labels.size());
    for (std::size_t t = 0; t < labels.size(); ++t) {
        const int label = label_of(labels, rows[3 * t]);
        REQUIRE(rows[3 * t] != rows[3 * t + 1]);
        REQUIRE(label_of(labels, rows[3 * t + 1]) == label);
        REQUIRE(label_of(labels, rows[3 * t + 2]) != label);
        ++anchors[static_cast<std::size_t>(rows[3 * t])];
    }
    CHECK(anchors == std::vector<int>(labels.size(), 1));
}

}  // namespace

TEST_CASE("an epoch's pairs are balanced, truthful and anchored once each way", "[samplers]") {
    const std::vector<int> labels = GENERATE(some_labels(1000), std::vector<int>{7, 7, -3, -3});
    const PairSampler sampler(labels, 1);
    CHECK(sampler.size() == 2 * static_cast<long>(labels.size()));
    for (const int number : {0, 1, 77}) {
        const Epoch epoch = epoch_of(sampler, number);
        check_pairs(labels, epoch.rows, epoch.labels);
    }
}

TEST_CASE("an epoch's pairs depend on seed and epoch alone", "[samplers]") {
    const std::vector<int> labels = some_labels(200);
    const PairSampler sampler(labels, 1);
    const Epoch third = epoch_of(sampler, 3);
    epoch_of(sampler, 0);
    CHECK(epoch_of(sampler, 3) == third);
    CHECK(epoch_of(PairSampler(labels, 1), 3) == third);

    Epoch reused{std::vector<std::int32_t>(5000, -1), {0.5f}};
    sampler.epoch(3, reused.rows, reused.labels);
    CHECK(reused == third);

    const Epoch fourth = epoch_of(sampler, 4), other_seed = epoch_of(PairSampler(labels, 2), 3);
    CHECK(fourth.rows != third.rows);
    CHECK(other_seed.rows != third.rows);
    // A 64-bit seed counts with all its bits.
    CHECK(epoch_of(PairSampler(labels, 1 + (1ull << 32)), 3).rows != third.rows);
}

TEST_CASE("pair partners and places are uniform", "[samplers]") {
    const PairSampler sampler(three_classes, 5);
    for (const std::int32_t anchor : {0, 9, 16}) {
        std::map<std::int32_t, long> same, other, place;
        for (int number = 0; number < 6000; ++number) {
            const Epoch epoch = epoch_of(sampler, number);
            for (std::size_t pair = 0; pair < epoch.labels.size(); ++pair) {
                if (epoch.rows[2 * pair] != anchor) continue;
                ++(epoch.labels[pair] == 1 ? same : other)[epoch.rows[2 * pair + 1]];
                if (epoch.labels[pair] == 1) ++place[static_cast<std::int32_t>(pair)];
            }
        }
        const auto size = static_cast<std::size_t>(std::count(
            three_classes.begin(), three_classes.end(), label_of(three_classes, anchor)));
        CHECK(same.size() == size - 1);
        CHECK(other.size() == three_classes.size() - size);
        CHECK(place.size() == three_classes.size());  // every second one: positive pairs lead
        CHECK(roughly_equal(values(same)));
        CHECK(roughly_equal(values(other)));
        CHECK(roughly_equal(values(place)));
    }
}

TEST_CASE("the two pairs of an anchor follow each other", "[samplers]") {
    const Epoch epoch = epoch_of(PairSampler(some_labels(2000), 1), 0);
    for (std::size_t pair = 0; pair < epoch.labels.size(); pair += 2) {
        REQUIRE(epoch.rows[2 * pair] == epoch.rows[2 * pair + 2]);
        REQUIRE(epoch.labels[pair] == 1);
        REQUIRE(epoch.labels[pair + 1] == 0);
    }
}

TEST_CASE("noise changes labels alone, from its epoch on", "[samplers]") {
    const std::vector<int> labels = some_labels(2000);
    const PairSampler plain(labels, 1);
    for (const int number : {0, 3}) {
        const Epoch clean = epoch_of(plain, number);
        CHECK(epoch_of(PairSampler(labels, 1, {0, 1}), number) == clean);
        CHECK(epoch_of(PairSampler(labels, 1, {0.4, number + 2}), number) == clean);
        const PairSampler sampler(labels, 1, {0.4, number + 1});
        const Epoch noisy = epoch_of(sampler, number);
        CHECK(epoch_of(sampler, number) == noisy);
        CHECK(noisy.rows == clean.rows);
        CHECK(noisy.labels != clean.labels);
        for (const float label : noisy.labels) REQUIRE((label == 0 || label == 1));
    }
}

TEST_CASE("as many labels of both kinds are wrong as were asked for", "[samplers]") {
    const std::vector<int> labels = some_labels(2000);
    constexpr int from = 3;  // counted from 1
    for (const double share : {0.05, 0.1, 0.4}) {
        const PairSampler sampler(labels, 4, {share, from});
        for (int number = 0; number < 40; ++number) {
            const Epoch epoch = epoch_of(sampler, number);
            std::array<double, 2> wrong{};  // of negative, of positive pairs
            for (std::size_t pair = 0; pair < epoch.labels.size(); ++pair) {
                const bool same = label_of(labels, epoch.rows[2 * pair]) ==
                                  label_of(labels, epoch.rows[2 * pair + 1]);
                wrong[same] += epoch.labels[pair] != (same ? 1.0f : 0.0f);
            }
            // Each by chance, so the number is within five standard deviations.
            const auto anchors = static_cast<double>(labels.size());
            const double spread = 5 * std::sqrt(anchors * share * (1 - share));
            for (const double number_wrong : wrong) {
                if (number + 1 < from)
                    REQUIRE(number_wrong == 0);
                else
                    REQUIRE(!(std::abs(number_wrong - share * anchors) > spread));
            }
        }
    }
}

TEST_CASE("noise falls on all pairs alike", "[samplers]") {
    const PairSampler sampler(three_classes, 5, {0.3, 1});
    std::map<std::int32_t, long> anchors, partners, places;
    long both = 0;
    for (int number = 0; number < 6000; ++number) {
        const Epoch epoch = epoch_of(sampler, number);
        for (std::size_t pair = 0; pair < epoch.labels.size(); ++pair) {
            if (epoch.labels[pair] == (pair % 2 ? 0.0f : 1.0f)) continue;
            ++anchors[epoch.rows[2 * pair]];
            ++places[static_cast<std::int32_t>(pair)];
            if (pair % 2 && epoch.rows[2 * pair] == 9) ++partners[epoch.rows[2 * pair + 1]];
            both += pair % 2 && epoch.labels[pair - 1] == 0;
        }
    }
    CHECK(anchors.size() == three_classes.size());
    CHECK(places.size() == 2 * three_classes.size());
    CHECK(partners.size() == 12);
    CHECK(roughly_equal(values(anchors)));
    CHECK(roughly_equal(values(places)));
    CHECK(roughly_equal(values(partners)));
    // The two pairs of an anchor do not depend on each other: 0.09 of them are both wrong.
    const double expected = 0.09 * 6000 * static_cast<double>(three_classes.size());
    CHECK(!(std::abs(static_cast<double>(both) - expected) > 5 * std::sqrt(expected)));
}

TEST_CASE("shifts are drawn alike in both pairs of an anchor", "[samplers]") {
    const Epoch epoch = epoch_of(PairSampler(some_labels(500), 1), 0);
    std::vector<std::int32_t> shifts;
    draw_shifts(epoch.rows, 2, 2, Random(4, Stream::augmentation), shifts);
    REQUIRE(shifts.size() == 2 * epoch.rows.size());
    std::map<std::int32_t, long> drawn, partners;  // by both pixels; how partners differ
    for (std::size_t pair = 0; pair < epoch.labels.size(); ++pair) {
        const std::int32_t* of = &shifts[4 * pair];
        for (int i = 0; i < 4; ++i) REQUIRE(std::abs(of[i]) <= 2);
        if (pair % 2 == 1) REQUIRE((of[0] == of[-4] && of[1] == of[-3]));
        if (pair % 2 == 0) ++drawn[5 * of[0] + of[1]];
        ++partners[5 * of[2] + of[3]];
    }
    CHECK(drawn.size() == 25);
    CHECK(partners.size() == 25);
    CHECK(roughly_equal(values(partners)));

    // Triplets that follow each other have other anchors: nothing is moved alike.
    const std::vector<std::int32_t> rows = {1, 2, 3, 4, 2, 3, 4, 5, 6};
    draw_shifts(rows, 3, 4, Random(4, Stream::augmentation), shifts);
    CHECK(std::equal(&shifts[6], &shifts[8], &shifts[12]));
    CHECK_FALSE(std::equal(&shifts[0], &shifts[2], &shifts[6]));
}

TEST_CASE("an epoch's triplets are truthful and anchored once", "[samplers]") {
    const std::vector<int> labels = GENERATE(some_labels(1000), std::vector<int>{7, 7, -3, -3});
    const TripletSampler sampler(labels, 1);
    CHECK(sampler.size() == static_cast<long>(labels.size()));
    for (const int number : {0, 1, 77}) check_triplets(labels, epoch_of(sampler, number));
}

TEST_CASE("an epoch's triplets depend on seed and epoch alone", "[samplers]") {
    const std::vector<int> labels = some_labels(200);
    const TripletSampler sampler(labels, 1);
    const auto third = epoch_of(sampler, 3);
    epoch_of(sampler, 0);
    CHECK(epoch_of(sampler, 3) == third);
    CHECK(epoch_of(TripletSampler(labels, 1), 3) == third);
    CHECK(epoch_of(sampler, 4) != third);
    CHECK(epoch_of(TripletSampler(labels, 2), 3) != third);
}

TEST_CASE("triplet partners are uniform", "[samplers]") {
    const TripletSampler sampler(three_classes, 5);
    std::map<std::int32_t, long> positive, negative, place;
    for (int number = 0; number < 6000; ++number) {
        const auto rows = epoch_of(sampler, number);
        for (std::size_t t = 0; t < three_classes.size(); ++t) {
            if (rows[3 * t] != 9) continue;
            ++positive[rows[3 * t + 1]];
            ++negative[rows[3 * t + 2]];
            ++place[static_cast<std::int32_t>(t)];
        }
    }
    CHECK(positive.size() == 4);
    CHECK(negative.size() == 12);
    CHECK(place.size() == three_classes.size());
    CHECK(roughly_equal(values(positive)));
    CHECK(roughly_equal(values(negative)));
    CHECK(roughly_equal(values(place)));
}

TEST_CASE("evaluation sets are fixed, complete and named by their hash", "[samplers]") {
    const std::vector<int> labels = some_labels(500);
    const PairSet pairs = evaluation_pairs(labels, 1);
    CHECK(pairs.size() == 1000);
    check_pairs(labels, pairs.rows, pairs.labels);
    CHECK(pairs.rows[2 * 2 * 123] == 123);
    CHECK(pairs.rows[2 * (2 * 123 + 1)] == 123);
    CHECK(pairs.labels[2 * 123] == 1.0f);
    CHECK(pairs.hash() == evaluation_pairs(labels, 1).hash());
    CHECK(pairs.hash() != evaluation_pairs(labels, 2).hash());
    PairSet changed = pairs;
    std::swap(changed.labels[0], changed.labels[1]);
    CHECK(changed.hash() != pairs.hash());

    const TripletSet triplets = evaluation_triplets(labels, 1);
    CHECK(triplets.size() == 500);
    check_triplets(labels, triplets.rows);
    CHECK(triplets.rows[3 * 123] == 123);
    CHECK(triplets.hash() == evaluation_triplets(labels, 1).hash());
    CHECK(triplets.hash() != evaluation_triplets(labels, 2).hash());
}

// Reports name evaluation sets by these hashes, and runs are repeated by seed: if one changes, so
// does every published number. Every machine must find the same. The constants were computed by a
// second implementation, in another language.
TEST_CASE("sets, epochs and episodes of a seed never change", "[samplers]") {
    CHECK(evaluation_pairs(three_classes, 42).hash() == 0xec08390e48d94ea2);
    CHECK(evaluation_triplets(three_classes, 42).hash() == 0xd5eee74d91ede4c6);
    const Epoch epoch = epoch_of(PairSampler(three_classes, 42), 7);
    CHECK(PairSet{epoch.rows, epoch.labels}.hash() == 0x451bc80e9dccac92);
    const Epoch noisy = epoch_of(PairSampler(three_classes, 42, {0.25, 8}), 7);
    CHECK(noisy.rows == epoch.rows);
    CHECK(noisy.labels == std::vector<float>{1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
                                             1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 0});
    CHECK(TripletSet{epoch_of(TripletSampler(three_classes, 42), 7)}.hash() == 0x6b21bf20efa5c847);
    const Episode episode = EpisodeSampler(three_classes, 2, 2, 1, 42).episode(7);
    CHECK(episode.support == std::vector<std::int32_t>{12, 0, 1, 4});
    CHECK(episode.query == std::vector<std::int32_t>{13, 7});
}

TEST_CASE("pairs and triplets say why they cannot be drawn", "[samplers]") {
    for (const char* what : {"pairs", "triplets"}) {
        const auto draw = [&](const std::vector<int>& labels) {
            return failure_of([&] {
                if (what[0] == 'p') {
                    PairSampler(labels, 0);
                } else {
                    TripletSampler(labels, 0);
                }
            });
        };
        const Failure lonely = draw({0, 7, 1});
        CHECK(lonely.code == Exit::bad_data);
        CHECK(lonely.message == what + std::string(" need two images of a class, and all 3 classes "
                                                   "have one: add images of each class"));
        const Failure one_class = draw({4, 4, 4});
        CHECK(one_class.code == Exit::bad_data);
        CHECK(one_class.mentions("images of two classes, but there are images of 1"));
        CHECK(draw({}).code == Exit::bad_data);
        CHECK(draw({0, 0, 1, 1}).code == Exit::ok);
    }
    CHECK(failure_of([] { evaluation_pairs({0, 1}, 0); }).code == Exit::bad_data);
    CHECK(failure_of([] { evaluation_triplets({0, 1}, 0); }).code == Exit::bad_data);
}

TEST_CASE("an image that has no other of its class is compared with, but no anchor", "[samplers]") {
    const std::vector<int> labels = {0, 7, 0, 1, 9, 1, 1};  // images 1 and 4 are alone
    const std::vector<std::int32_t> anchors = {0, 2, 3, 5, 6};
    const PairSampler pairs(labels, 3);
    const TripletSampler triplets(labels, 3);
    CHECK(pairs.size() == 10);
    CHECK(triplets.size() == 5);
    std::map<std::int32_t, int> alone;  // how often each of them was shown
    std::vector<std::int32_t> rows;
    std::vector<float> wanted;
    for (int epoch = 0; epoch < 50; ++epoch) {
        pairs.epoch(epoch, rows, wanted);
        std::multiset<std::int32_t> shown;
        for (std::size_t pair = 0; pair < 10; ++pair) {
            shown.insert(rows[2 * pair]);
            const std::int32_t partner = rows[2 * pair + 1];
            if (partner != 1 && partner != 4) continue;
            REQUIRE(wanted[pair] == 0);
            ++alone[partner];
        }
        REQUIRE(shown == std::multiset<std::int32_t>{0, 0, 2, 2, 3, 3, 5, 5, 6, 6});
        triplets.epoch(epoch, rows);
        shown.clear();
        for (std::size_t t = 0; t < 5; ++t) {
            shown.insert(rows[3 * t]);
            REQUIRE(label_of(labels, rows[3 * t]) == label_of(labels, rows[3 * t + 1]));
            ++alone[rows[3 * t + 2]];
        }
        REQUIRE(shown == std::multiset<std::int32_t>(anchors.begin(), anchors.end()));
    }
    CHECK(alone[1] > 20);
    CHECK(alone[4] > 20);
    const PairSet fixed = evaluation_pairs(labels, 0);
    for (std::size_t a = 0; a < anchors.size(); ++a) {
        CHECK(fixed.rows[4 * a] == anchors[a]);
        CHECK(fixed.rows[4 * a + 2] == anchors[a]);
    }
    CHECK(evaluation_triplets(labels, 0).size() == 5);

    const ClassBatchSampler batches(labels, {2, 2}, 3);
    batches.epoch(0, rows, wanted);
    for (const std::int32_t row : rows) CHECK((row != 1 && row != 4));
    for (const float label : wanted) CHECK((label == 0 || label == 1));
}
