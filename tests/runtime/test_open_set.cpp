#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <span>
#include <vector>

#include "catch.h"
#include "evaluation/open_set.h"
#include "runtime/data_helpers.h"
#include "runtime/metric_vectors.h"
#include "runtime/numbers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

using Probes = std::vector<Probe>;

Probe right(float nearest, float second = 9) {
    return {nearest, second, true, true};
}
Probe wrong(float nearest) {
    return {nearest, 9, false, true};
}
Probe stranger(float nearest) {
    return {nearest, 9, false, false};
}

}  // namespace

TEST_CASE("open-set rates are those of the definitions", "[open-set]") {
    const nlohmann::json cases = metric_vectors(SIAMC_SOURCE_DIR)["open_set"];
    REQUIRE(cases.size() == 2);
    for (const auto& each : cases) {
        const std::vector<int> labels = each["labels"], identities = each["identities"];
        const Floats all = distances_of(each);
        Probes probes;
        for (std::size_t i = 0; i < labels.size(); ++i)
            probes.push_back(
                probe_of(std::span(all).subspan(i * identities.size(), identities.size()),
                         identities, labels[i]));
        const OpenSet set(probes);
        const double threshold = each["threshold"].get<double>() / 1024;
        CHECK(close(set.rank1().value(), each["rank1"], 1e-9));
        CHECK(close(set.fnir(threshold).value(), each["fnir"], 1e-9));
        CHECK(close(set.fpir(threshold).value(), each["fpir"], 1e-9));
        for (const auto& at : each["at_far"]) {
            INFO("far " << at["far"]);
            const Detection found = set.detection_at_far(at["far"]);
            CHECK(close(found.identified.value(), at["identified"], 1e-9));
            CHECK(close(found.false_alarms.value(), at["most_alarms"], 1e-9));
        }
    }
}

TEST_CASE("seven probes, worked by hand", "[open-set]") {
    const OpenSet set(Probes{right(0.1f), right(0.3f), right(0.6f), wrong(0.2f), stranger(0.25f),
                             stranger(0.5f), stranger(0.75f)});
    CHECK(set.rank1().count == 3);
    CHECK(set.rank1().n == 4);
    CHECK(set.fnir(0.4).count == 2);
    CHECK(set.fnir(0.4).n == 4);
    CHECK(set.fpir(0.4).count == 1);
    CHECK(set.fpir(0.4).n == 3);

    const Detection none = set.detection_at_far(0);
    CHECK(none.threshold == 0.25);
    CHECK(none.identified.count == 1);
    CHECK(none.false_alarms.count == 0);
    CHECK(set.detection_at_far(0.33).identified.count == 1);
    const Detection third = set.detection_at_far(1.0 / 3);
    CHECK(third.threshold == 0.5);
    CHECK(third.identified.count == 2);
    CHECK(third.identified.n == 4);
    CHECK(third.false_alarms.count == 1);
    const Detection all = set.detection_at_far(1);
    CHECK(std::isinf(all.threshold));
    CHECK(all.identified.count == 3);
    CHECK(all.false_alarms.count == 3);
    // At the threshold that is named.
    CHECK(set.fnir(third.threshold).count == 4 - third.identified.count);

    const Interval interval = third.identified.ci95(), wilson = wilson95(0.5, 4);
    CHECK((interval.low == wilson.low && interval.high == wilson.high));
}

TEST_CASE("ties of identities, and with strangers, are wrong", "[open-set]") {
    const OpenSet tied(Probes{right(0.5f, 0.5f), right(0.5f), stranger(0.5f), stranger(0.5f)});
    CHECK(tied.rank1().count == 1);
    for (const double far : {0.0, 0.5, 0.99}) {
        CHECK(tied.detection_at_far(far).identified.count == 0);
        CHECK(tied.detection_at_far(far).false_alarms.count == 0);
    }
    CHECK(tied.detection_at_far(1).identified.count == 1);
    CHECK(tied.fnir(0.5).count == 2);
    CHECK(tied.fnir(0.6).count == 1);
    CHECK(tied.fpir(0.5).count == 0);
    CHECK(tied.fpir(0.6).count == 2);
}

TEST_CASE("a share of strangers that is whole in decimals lets so many through", "[open-set]") {
    // 0.29 * 100 is below 29.
    Probes probes = {right(0.285f)};
    for (int i = 0; i < 100; ++i) probes.push_back(stranger(static_cast<float>(i) / 100));
    const Detection found = OpenSet(probes).detection_at_far(0.29);
    CHECK(found.false_alarms.count == 29);
    CHECK(found.identified.count == 1);
    CHECK(OpenSet(probes).detection_at_far(0.28).identified.count == 0);
}

TEST_CASE("an identity is as near as the nearest of its templates", "[open-set]") {
    const Floats distances = {0.9f, 0.2f, 0.3f, 0.4f, 0.25f};
    const std::vector<int> identities = {7, 7, 8, 8, 7};
    const Probe probe = probe_of(distances, identities, 7);
    CHECK((probe.nearest == 0.2f && probe.second == 0.3f && probe.right && probe.known));
    const Probe other = probe_of(distances, identities, 8);
    CHECK((!other.right && other.known));
    const Probe none = probe_of(distances, identities, 9);
    CHECK((none.nearest == 0.2f && !none.right && !none.known));
    CHECK(std::isinf(probe_of(Floats{0.5f}, std::vector<int>{1}, 1).second));
    const Probe tied = probe_of(Floats{0.5f, 0.5f}, std::vector<int>{1, 2}, 2);
    CHECK((tied.nearest == tied.second && tied.known));
}

TEST_CASE("probes that tell nothing are refused", "[open-set]") {
    const auto code = [](const Probes& probes) {
        return failure_of([&] { OpenSet{probes}; }).code;
    };
    CHECK(code({}) == Exit::bad_data);
    CHECK(code({right(1)}) == Exit::bad_data);
    CHECK(code({stranger(1)}) == Exit::bad_data);
    CHECK(code({right(1, infinite), stranger(1)}) == Exit::ok);
    CHECK(code({right(infinite, infinite), stranger(1)}) == Exit::bad_data);
    CHECK(code({right(1, nan_value), stranger(1)}) == Exit::bad_data);
    CHECK(code({right(1), stranger(nan_value)}) == Exit::bad_data);
    CHECK(code({right(2, 1), stranger(1)}) == Exit::internal);
    CHECK(code({right(1), Probe{1, 9, true, false}}) == Exit::internal);
    CHECK(failure_of([&] {
              OpenSet{Probes{right(1), stranger(nan_value)}};
          }).mentions("probe number 1 "));

    const OpenSet set(Probes{right(1), stranger(2)});
    for (const double far : {-0.1, 1.1, std::nan("")})
        CHECK(failure_of([&] { set.detection_at_far(far); }).code == Exit::usage);

    const std::vector<int> one = {1};
    CHECK(failure_of([&] { probe_of({}, {}, 1); }).code == Exit::bad_data);
    CHECK(failure_of([&] { probe_of(Floats{nan_value}, one, 1); }).code == Exit::bad_data);
    CHECK(failure_of([&] { probe_of(Floats{1, 2}, one, 1); }).code == Exit::internal);
}
