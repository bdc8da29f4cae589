#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "catch.h"
#include "evaluation/bootstrap.h"
#include "evaluation/verification.h"
#include "runtime/data_helpers.h"
#include "runtime/metric_vectors.h"
#include "runtime/numbers.h"
#include "sampling/pairs.h"
#include "sampling/random.h"

using namespace siamc;
using namespace siamc::test;

namespace {

using Rows = std::vector<std::int32_t>;
using Counts = std::vector<std::uint32_t>;

struct Pairs {
    Rows rows;
    Floats labels, distances;

    void add(std::int32_t a, std::int32_t b, float label, float distance) {
        rows.insert(rows.end(), {a, b});
        labels.push_back(label);
        distances.push_back(distance);
    }
    PairBootstrap bootstrap(double threshold) const {
        return PairBootstrap(rows, labels, distances, threshold);
    }
};

// Two pairs of each kind, of four images.
Pairs four() {
    Pairs pairs;
    pairs.add(2, 3, 1, 0.5f);
    pairs.add(0, 1, 1, 0.1f);
    pairs.add(1, 3, 0, 0.7f);
    pairs.add(0, 2, 0, 0.3f);
    return pairs;
}

double normal(Random& random) {
    const double radius = std::sqrt(-2 * std::log(1.0 - random.uniform()));
    return radius * std::cos(6.283185307179586 * random.uniform());
}

double share_below(double z) {  // of the normal distribution
    return std::erfc(-z / std::sqrt(2.0)) / 2;
}

// Distances that are normal about 0 or, of different pairs, about `apart`, with a part of each
// image and a part of the pair.
struct Model {
    double apart = 1.5, of_image = 0.4, of_pair = 0.6;

    double spread() const { return std::sqrt(2 * of_image * of_image + of_pair * of_pair); }
    VerificationFigures truth(double threshold) const {
        VerificationFigures figures;
        figures.roc_auc = share_below(apart / (std::sqrt(2.0) * spread()));
        figures.equal_error_rate = share_below(-apart / 2 / spread());
        figures.far = share_below((threshold - apart) / spread());
        figures.frr = share_below(-threshold / spread());
        return figures;
    }
    void fill(Pairs& pairs, int images, Random& random) const {
        std::vector<double> effects(static_cast<std::size_t>(images));
        for (double& effect : effects) effect = of_image * normal(random);
        pairs.distances.clear();
        for (std::size_t i = 0; i < pairs.labels.size(); ++i) {
            const double distance = effects[static_cast<std::size_t>(pairs.rows[2 * i])] +
                                    effects[static_cast<std::size_t>(pairs.rows[2 * i + 1])] +
                                    of_pair * normal(random) + (pairs.labels[i] == 1 ? 0 : apart);
            pairs.distances.push_back(static_cast<float>(distance));
        }
    }
};

Pairs all_pairs(const std::vector<int>& classes) {
    Pairs pairs;
    for (std::size_t a = 0; a < classes.size(); ++a)
        for (std::size_t b = 0; b < a; ++b)
            pairs.add(static_cast<std::int32_t>(a), static_cast<std::int32_t>(b),
                      classes[a] == classes[b] ? 1.0f : 0.0f, 0);
    return pairs;
}

// How often of many times the intervals of pairs hold the truth.
VerificationFigures coverage(Pairs pairs, int images, int times) {
    const Model model;
    const VerificationFigures truth = model.truth(0.6);
    VerificationFigures held;
    for (int time = 0; time < times; ++time) {
        Random random(1, Stream::pairs, static_cast<std::uint32_t>(time));
        model.fill(pairs, images, random);
        const auto seed = static_cast<std::uint64_t>(time);
        const VerificationIntervals found = pairs.bootstrap(0.6).intervals(200, seed);
        const auto holds = [&](const Interval& interval, double value) {
            return (interval.low <= value && value <= interval.high ? 1.0 : 0.0) / times;
        };
        held.roc_auc += holds(found.roc_auc, truth.roc_auc);
        held.equal_error_rate += holds(found.equal_error_rate, truth.equal_error_rate);
        held.far += holds(found.far, truth.far);
        held.frr += holds(found.frr, truth.frr);
    }
    return held;
}

void check_figures(const VerificationFigures& figures, const nlohmann::json& expected) {
    CHECK(close(figures.roc_auc, expected["roc_auc"], 1e-9));
    CHECK(close(figures.equal_error_rate, expected["equal_error_rate"], 1e-9));
    CHECK(close(figures.tar_at_1_percent, expected["tar_at_1_percent"], 1e-9));
    CHECK(close(figures.tar_at_tenth_percent, expected["tar_at_tenth_percent"], 1e-9));
    CHECK(close(figures.accuracy, expected["accuracy"], 1e-9));
    CHECK(close(figures.far, expected["far"], 1e-9));
    CHECK(close(figures.frr, expected["frr"], 1e-9));
}

bool same_interval(const Interval& a, const Interval& b) {
    return a.low == b.low && a.high == b.high;
}

bool same_intervals(const VerificationIntervals& a, const VerificationIntervals& b) {
    return same_interval(a.roc_auc, b.roc_auc) &&
           same_interval(a.equal_error_rate, b.equal_error_rate) &&
           same_interval(a.tar_at_1_percent, b.tar_at_1_percent) &&
           same_interval(a.tar_at_tenth_percent, b.tar_at_tenth_percent) &&
           same_interval(a.accuracy, b.accuracy) && same_interval(a.far, b.far) &&
           same_interval(a.frr, b.frr);
}

}  // namespace

TEST_CASE("figures of pairs are scikit-learn's, weighted and not", "[bootstrap]") {
    const nlohmann::json cases = metric_vectors(SIAMC_SOURCE_DIR)["verification"];
    REQUIRE(cases.size() == 4);
    for (const auto& each : cases) {
        const Pairs pairs{each["rows"], each["labels"], distances_of(each)};
        const double threshold = each["threshold"].get<double>() / 1024;
        const nlohmann::json& plain = each["plain"];
        INFO(pairs.labels.size() << " pairs");

        const PairDistances sorted(pairs.distances, pairs.labels);
        CHECK(close(sorted.roc_auc(), plain["roc_auc"], 1e-9));
        CHECK(close(sorted.equal_error_rate().value, plain["equal_error_rate"], 1e-9));
        CHECK(close(sorted.tar_at_far(0.01).value, plain["tar_at_1_percent"], 1e-9));
        CHECK(close(sorted.tar_at_far(0.001).value, plain["tar_at_tenth_percent"], 1e-9));
        CHECK(close(sorted.accuracy(threshold).value(), plain["accuracy"], 1e-9));

        const PairBootstrap bootstrap = pairs.bootstrap(threshold);
        const Counts counts = each["counts"];
        check_figures(bootstrap.figures(Counts(counts.size(), 1)), plain);
        check_figures(bootstrap.figures(counts), each["weighted"]);
    }
}

TEST_CASE("four weighted pairs, worked by hand", "[bootstrap]") {
    // The pairs weigh 2 and 3 of the same class (0.1, 0.5), 2 and 3 of different ones (0.3, 0.7).
    const VerificationFigures figures = four().bootstrap(0.4).figures(Counts{2, 1, 1, 3});
    CHECK(close(figures.roc_auc, (2 * 5 + 3 * 3) / 25.0));
    CHECK(close(figures.equal_error_rate, 0.4));
    CHECK(close(figures.tar_at_1_percent, 0.4));
    CHECK(close(figures.tar_at_tenth_percent, 0.4));
    CHECK(close(figures.accuracy, 0.5));
    CHECK(close(figures.far, 0.4));
    CHECK(close(figures.frr, 0.6));
    // A distance that is the threshold is not below it.
    CHECK(close(four().bootstrap(0.3f).figures(Counts{2, 1, 1, 3}).far, 0));
    CHECK(close(four().bootstrap(std::nextafter(0.3f, 1.0f)).figures(Counts{2, 1, 1, 3}).far, 0.4));
}

TEST_CASE("a weight is as good as so many copies of a pair", "[bootstrap]") {
    for (std::uint32_t trial = 0; trial < 50; ++trial) {
        Random random(trial, Stream::pairs);
        Pairs pairs = all_pairs({0, 0, 0, 1, 1, 2, 2, 2});
        Counts counts(8);
        for (std::uint32_t& count : counts) count = 1 + random.below(3);
        Floats distances, labels;
        for (std::size_t i = 0; i < pairs.labels.size(); ++i) {
            pairs.distances[i] = static_cast<float>(random.below(10)) / 8;
            const std::size_t copies = counts[static_cast<std::size_t>(pairs.rows[2 * i])] *
                                       counts[static_cast<std::size_t>(pairs.rows[2 * i + 1])];
            distances.insert(distances.end(), copies, pairs.distances[i]);
            labels.insert(labels.end(), copies, pairs.labels[i]);
        }
        const PairDistances copied(distances, labels);
        const VerificationFigures figures = pairs.bootstrap(0.5).figures(counts);
        CHECK(figures.roc_auc == copied.roc_auc());
        CHECK(figures.equal_error_rate == copied.equal_error_rate().value);
        CHECK(figures.tar_at_1_percent == copied.tar_at_far(0.01).value);
        CHECK(close(figures.accuracy, copied.accuracy(0.5).value()));
    }
}

TEST_CASE("a percentile interval leaves a fortieth out at each end", "[bootstrap]") {
    std::vector<double> values(101);
    std::iota(values.rbegin(), values.rend(), 0.0);
    CHECK(close(percentile95(values).low, 2.5));
    CHECK(close(percentile95(values).high, 97.5));
    values.assign(100, 7.0);
    CHECK((percentile95(values).low == 7 && percentile95(values).high == 7));
    values.pop_back();
    CHECK(failure_of([&] { percentile95(values); }).code == Exit::usage);
}

TEST_CASE("intervals are those of the replicates that are named", "[bootstrap]") {
    const PairBootstrap bootstrap = four().bootstrap(0.4);
    std::vector<double> values;
    int again = 0;
    for (std::uint32_t replicate = 0; replicate < 101; ++replicate) {
        Random random(5, Stream::bootstrap_images, 0, replicate);
        for (bool done = false; !done;) {
            Counts counts(4);
            for (int i = 0; i < 4; ++i) ++counts[random.below(4)];
            done = (counts[0] * counts[1] > 0 || counts[2] * counts[3] > 0) &&
                   (counts[0] * counts[2] > 0 || counts[1] * counts[3] > 0);
            if (done) values.push_back(bootstrap.figures(counts).roc_auc);
            again += !done;
        }
    }
    CHECK(again > 0);
    std::sort(values.begin(), values.end());
    const Interval interval = bootstrap.intervals(101, 5).roc_auc;
    CHECK(close(interval.low, (values[2] + values[3]) / 2));
    CHECK(close(interval.high, (values[97] + values[98]) / 2));
}

TEST_CASE("intervals are the same whatever the images' numbers and the pairs' order",
          "[bootstrap]") {
    Pairs pairs = all_pairs({0, 0, 0, 0, 1, 1, 1, 2, 2, 2});
    Random random(3, Stream::pairs);
    Model{}.fill(pairs, 10, random);
    const VerificationIntervals first = pairs.bootstrap(0.6).intervals(100, 9);
    CHECK(same_intervals(first, pairs.bootstrap(0.6).intervals(100, 9)));
    CHECK(!same_intervals(first, pairs.bootstrap(0.6).intervals(100, 10)));
    CHECK(first.roc_auc.low < first.roc_auc.high);

    Pairs other;
    for (std::size_t i = pairs.labels.size(); i-- > 0;)
        other.add(7 * pairs.rows[2 * i + 1] + 3, 7 * pairs.rows[2 * i] + 3, pairs.labels[i],
                  pairs.distances[i]);
    CHECK(same_intervals(first, other.bootstrap(0.6).intervals(100, 9)));
}

TEST_CASE("without an error there is no width", "[bootstrap]") {
    Pairs pairs;
    pairs.add(0, 1, 1, 0.1f);
    pairs.add(1, 2, 0, 0.9f);
    const VerificationIntervals found = pairs.bootstrap(0.5).intervals(100, 1);
    CHECK((found.roc_auc.low == 1 && found.roc_auc.high == 1));
    CHECK((found.equal_error_rate.low == 0 && found.equal_error_rate.high == 0));
    CHECK((found.accuracy.low == 1 && found.accuracy.high == 1));
    CHECK((found.tar_at_tenth_percent.low == 1 && found.far.high == 0 && found.frr.high == 0));
}

TEST_CASE("95 % intervals hold the truth about so often where images are in many pairs",
          "[bootstrap]") {
    std::vector<int> classes(40);
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<int>(i % 2);
    const VerificationFigures held = coverage(all_pairs(classes), 40, 300);
    for (const double share : {held.roc_auc, held.equal_error_rate, held.far, held.frr}) {
        CHECK(share >= 0.88);
        CHECK(share <= 0.99);
    }
}

TEST_CASE("intervals of two pairs of each image err to the wide side", "[bootstrap]") {
    std::vector<int> classes(120);
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<int>(i % 6);
    const PairSet set = evaluation_pairs(classes, 1);
    const VerificationFigures held = coverage({set.rows, set.labels, {}}, 120, 200);
    for (const double share : {held.roc_auc, held.equal_error_rate, held.far, held.frr})
        CHECK(share >= 0.95);
}

TEST_CASE("pairs that give no replicates are refused", "[bootstrap]") {
    const auto code = [](const Pairs& pairs, double threshold) {
        return failure_of([&] { pairs.bootstrap(threshold); }).code;
    };
    for (const float bad : {nan_value, infinite}) {
        Pairs pairs = four();
        pairs.distances[2] = bad;
        const Failure failure = failure_of([&] { pairs.bootstrap(1); });
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions("distance number 2 "));
    }
    CHECK(code(four(), nan_value) == Exit::bad_data);
    CHECK(code(four(), infinite) == Exit::ok);
    Pairs one_kind = four();
    one_kind.labels = {1, 1, 1, 1};
    CHECK(code(one_kind, 1) == Exit::bad_data);
    Pairs third = four();
    third.labels[0] = 0.5f;
    CHECK(code(third, 1) == Exit::internal);
    Pairs itself = four();
    itself.rows[1] = itself.rows[0];
    CHECK(code(itself, 1) == Exit::internal);
    Pairs negative = four();
    negative.rows[0] = -1;
    CHECK(code(negative, 1) == Exit::internal);
    Pairs fewer = four();
    fewer.rows.pop_back();
    CHECK(code(fewer, 1) == Exit::internal);

    const PairBootstrap bootstrap = four().bootstrap(1);
    CHECK(failure_of([&] { bootstrap.figures(Counts{1, 1, 1}); }).code == Exit::internal);
    CHECK(failure_of([&] { bootstrap.figures(Counts{1, 0, 0, 1}); }).code == Exit::bad_data);
    CHECK(failure_of([&] { bootstrap.intervals(99, 1); }).code == Exit::usage);
}
