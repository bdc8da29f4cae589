#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "catch.h"
#include "evaluation/accuracy.h"
#include "evaluation/verification.h"
#include "runtime/data_helpers.h"
#include "runtime/numbers.h"
#include "sampling/random.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Of the distances of some same and some different pairs.
PairDistances pairs(const Floats& same, const Floats& different) {
    Floats distances = same, labels(same.size(), 1.0f);
    distances.insert(distances.end(), different.begin(), different.end());
    labels.resize(distances.size(), 0.0f);
    return PairDistances(distances, labels);
}

// The definitions, without any sorting.
struct ByDefinition {
    Floats same, different;

    double auc() const {
        double sum = 0;
        for (const float s : same) {
            for (const float d : different) sum += s < d ? 1 : s == d ? 0.5 : 0;
        }
        return sum / static_cast<double>(same.size() * different.size());
    }
    long accepted(const Floats& set, double threshold) const {
        return std::count_if(set.begin(), set.end(), [&](float d) { return d < threshold; });
    }
    long right(double threshold) const {
        return accepted(same, threshold) + static_cast<long>(different.size()) -
               accepted(different, threshold);
    }
    // Thresholds that make every cut there is.
    std::vector<double> cuts() const {
        std::vector<double> all = {-1, 100};
        for (const Floats& set : {same, different}) {
            for (const float d : set) all.push_back(d);
        }
        return all;
    }
};

// The rates that are found are those at the thresholds that are named for them.
void check_thresholds(const ByDefinition& plain, const PairDistances& sorted) {
    const auto same = static_cast<double>(plain.same.size());
    const auto different = static_cast<double>(plain.different.size());
    const Rate tar = sorted.tar_at_far(0.25);
    CHECK(static_cast<double>(plain.accepted(plain.same, tar.threshold)) / same == tar.value);
    CHECK(static_cast<double>(plain.accepted(plain.different, tar.threshold)) / different <= 0.25);

    const auto gap = [&](double threshold) {
        return std::abs(static_cast<double>(plain.accepted(plain.different, threshold)) /
                            different -
                        1 + static_cast<double>(plain.accepted(plain.same, threshold)) / same);
    };
    for (const double threshold : plain.cuts())
        CHECK(gap(sorted.equal_error_rate().threshold) <= gap(threshold) + 1e-12);
}

// Distances on a coarse grid, so that many are equal.
Floats coarse(Random& random, std::size_t count, std::uint32_t levels, std::uint32_t from) {
    Floats values(count);
    for (float& value : values) value = static_cast<float>(from + random.next() % levels) / 8;
    return values;
}

}  // namespace

TEST_CASE("pair metrics of six pairs, worked by hand", "[metrics]") {
    const PairDistances six = pairs({0.1f, 0.2f, 0.6f}, {0.3f, 0.7f, 0.9f});
    CHECK(six.size() == 6);
    CHECK(six.accuracy(0.5).right == 4);
    CHECK(six.accuracy(0.5).n == 6);
    CHECK(six.accuracy(-1).right == 3);
    CHECK(six.accuracy(2).right == 3);
    // Five are right between 0.2 and 0.3 and between 0.6 and 0.7: the lower one wins.
    CHECK(six.best_cut().accuracy.right == 5);
    CHECK(close(six.best_cut().threshold, 0.25, 1e-7));
    CHECK(close(six.roc_auc(), 8.0 / 9));
    CHECK(close(six.equal_error_rate().value, 1.0 / 3));
    CHECK(close(six.tar_at_far(0).value, 2.0 / 3));
    CHECK(close(six.tar_at_far(0.33).value, 2.0 / 3));
    CHECK(close(six.tar_at_far(1.0 / 3).value, 1));
    CHECK(close(six.tar_at_far(1).value, 1));
}

TEST_CASE("a pair is similar only below the threshold", "[metrics]") {
    const PairDistances two = pairs({0.25f}, {0.5f});
    CHECK(two.accuracy(0.25).right == 1);
    CHECK(two.accuracy(std::nextafter(0.25, 1.0)).right == 2);
    CHECK(two.accuracy(0.5).right == 2);
    CHECK(two.accuracy(std::nextafter(0.5, 1.0)).right == 1);
}

TEST_CASE("a perfect predictor gets full marks", "[metrics]") {
    const PairDistances perfect = pairs({0.1f, 0.2f, 0.2f}, {0.8f, 0.8f, 0.9f});
    CHECK(perfect.accuracy(0.5).value() == 1);
    CHECK(perfect.best_cut().accuracy.value() == 1);
    CHECK(close(perfect.best_cut().threshold, 0.5, 1e-7));
    CHECK(perfect.roc_auc() == 1);
    CHECK(perfect.equal_error_rate().value == 0);
    CHECK(perfect.tar_at_far(0).value == 1);
}

TEST_CASE("an inverted predictor is seen to be inverted", "[metrics]") {
    const PairDistances inverted = pairs({0.8f, 0.9f}, {0.1f, 0.2f});
    CHECK(inverted.accuracy(0.5).value() == 0);
    CHECK(inverted.roc_auc() == 0);
    CHECK(inverted.equal_error_rate().value == 1);
    CHECK(inverted.tar_at_far(0.5).value == 0);
    // Calling nothing similar is the best that a threshold can do.
    CHECK(inverted.best_cut().accuracy.value() == 0.5);
    CHECK(inverted.best_cut().threshold == 0.1f);
}

TEST_CASE("equal distances tell nothing", "[metrics]") {
    const PairDistances tied = pairs({0.5f, 0.5f}, {0.5f, 0.5f, 0.5f});
    CHECK(tied.roc_auc() == 0.5);
    CHECK(tied.equal_error_rate().value == 0.5);
    CHECK(tied.tar_at_far(0.99).value == 0);
    CHECK(tied.accuracy(0.5).right == 3);
    CHECK(tied.accuracy(0.6).right == 2);
    CHECK(tied.best_cut().accuracy.right == 3);
    CHECK(tied.best_cut().threshold == 0.5f);
    CHECK(pairs({0.0f}, {-0.0f}).roc_auc() == 0.5);
}

TEST_CASE("the best cut may lie above all distances", "[metrics]") {
    const Cut cut = pairs({0.1f, 0.2f}, {0.05f}).best_cut();
    CHECK(cut.accuracy.right == 2);
    CHECK(cut.threshold > 0.2f);
    CHECK(close(cut.threshold, 0.2f));
}

TEST_CASE("the equal error rate lies on a line between two cuts", "[metrics]") {
    // From (accepted 0, rejected 1/2) a tie leads to (1, 0): they meet after a third of it.
    CHECK(close(pairs({0.1f, 0.5f}, {0.5f}).equal_error_rate().value, 1.0 / 3));
}

TEST_CASE("metrics agree with their definitions on many tied sets", "[metrics]") {
    for (std::uint32_t trial = 0; trial < 300; ++trial) {
        Random random(11, Stream::split, 0, trial);
        const std::uint32_t levels = 1 + trial % 9;
        const ByDefinition plain{coarse(random, 1 + random.next() % 12, levels, 0),
                                 coarse(random, 1 + random.next() % 12, levels, trial % 4)};
        const PairDistances sorted = pairs(plain.same, plain.different);
        INFO("trial " << trial);
        CHECK(close(sorted.roc_auc(), plain.auc()));
        long best = 0;
        double best_tar = 0;
        for (const double threshold : plain.cuts()) {
            CHECK(sorted.accuracy(threshold).right == plain.right(threshold));
            best = std::max(best, plain.right(threshold));
            if (plain.accepted(plain.different, threshold) * 4 <=
                static_cast<long>(plain.different.size())) {
                best_tar =
                    std::max(best_tar, static_cast<double>(plain.accepted(plain.same, threshold)) /
                                           static_cast<double>(plain.same.size()));
            }
        }
        const Cut cut = sorted.best_cut();
        CHECK(cut.accuracy.right == best);
        CHECK(plain.right(cut.threshold) == best);
        CHECK(close(sorted.tar_at_far(0.25).value, best_tar));
        const double eer = sorted.equal_error_rate().value;
        CHECK((eer >= 0 && eer <= 1));
        check_thresholds(plain, sorted);
    }
}

TEST_CASE("distances that aren't numbers are refused and named", "[metrics]") {
    for (const float bad : {nan_value, infinite, -infinite}) {
        const Failure failure = failure_of([&] { pairs({0.1f, bad}, {0.2f}); });
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions("distance number 1 "));
        CHECK(failure_of([&] {
                  triplet_accuracy(Floats{0.1f, bad}, Floats{1, 1});
              }).code == Exit::bad_data);
        CHECK(failure_of([&] {
                  triplet_accuracy(Floats{1, 1}, Floats{0.1f, bad});
              }).code == Exit::bad_data);
    }
}

TEST_CASE("pairs of one kind, or labels of a third, are refused", "[metrics]") {
    CHECK(failure_of([] { pairs({}, {}); }).code == Exit::bad_data);
    CHECK(failure_of([] { pairs({0.1f}, {}); }).code == Exit::bad_data);
    CHECK(failure_of([] { pairs({}, {0.1f}); }).code == Exit::bad_data);
    const Floats distances = {0.1f, 0.2f};
    for (const Floats& labels : {Floats{1, 0.5f}, Floats{1, -1}, Floats{1, nan_value}, Floats{1}})
        CHECK(failure_of([&] { PairDistances(distances, labels); }).code == Exit::internal);
}

TEST_CASE("a triplet is right only if the positive is strictly closer", "[metrics]") {
    const Accuracy accuracy =
        triplet_accuracy(Floats{0.1f, 0.5f, 0.9f, 0.0f}, Floats{0.2f, 0.5f, 0.8f, 0.1f});
    CHECK(accuracy.right == 2);
    CHECK(accuracy.n == 4);
    const Floats constant(10, 0.7f);
    CHECK(triplet_accuracy(constant, constant).right == 0);
    CHECK(failure_of([] { triplet_accuracy({}, {}); }).code == Exit::bad_data);
    CHECK(failure_of([] { triplet_accuracy(Floats{1}, Floats{1, 2}); }).code == Exit::internal);
}

TEST_CASE("intervals are Wilson's", "[metrics]") {
    struct Known {
        long right, n;
        double low, high;
    };
    // From scipy.stats.binomtest(right, n).proportion_ci(method="wilson").
    for (const Known& known :
         {Known{8, 10, 0.4901624715366418, 0.9433178485456248},
          Known{0, 10, 0, 0.27753279986288926}, Known{10, 10, 0.7224672001371109, 1},
          Known{1, 1, 0.20654931437723745, 1},
          Known{9714, 10000, 0.9679477410205729, 0.9744902253155533}}) {
        const Interval interval = Accuracy{known.right, known.n}.ci95();
        CHECK(close(interval.low, known.low, 1e-9));
        CHECK(close(interval.high, known.high, 1e-9));
    }
}

TEST_CASE("an interval holds its share, and ends at it where all trials agree", "[metrics]") {
    for (long n = 1; n <= 300; ++n) {
        for (long right = 0; right <= n; ++right) {
            const Accuracy accuracy{right, n};
            const Interval ci95 = accuracy.ci95();
            INFO(right << " of " << n);
            REQUIRE((0 <= ci95.low && ci95.low <= accuracy.value()));
            REQUIRE((accuracy.value() <= ci95.high && ci95.high <= 1));
            REQUIRE(ci95.high - ci95.low > 0);
            REQUIRE((ci95.low == 0 || right != 0));
            REQUIRE((ci95.high == 1 || right != n));
        }
    }
    for (const double n : {1.0, 1.5, 7e3, 3.5e4, 1e5, 1e9, 1e15, 1e18}) {
        CHECK(wilson95(1, n).high == 1);
        CHECK(wilson95(0, n).low == 0);
        for (const double share : {1e-300, 1e-17, 0.3, 1 - 1e-16}) {
            const Interval ci95 = wilson95(share, n);
            CHECK((0 <= ci95.low && ci95.low <= share && share <= ci95.high && ci95.high <= 1));
        }
    }
}
