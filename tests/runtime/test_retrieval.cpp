#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "catch.h"
#include "evaluation/retrieval.h"
#include "runtime/data_helpers.h"
#include "runtime/metric_vectors.h"
#include "runtime/numbers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

using Labels = std::vector<int>;

// Images on a line.
Retrieval on_a_line(const Labels& labels, const Floats& places) {
    return Retrieval(labels, [&](std::int32_t image, std::span<float> distances) {
        for (std::size_t i = 0; i < places.size(); ++i)
            distances[i] = std::abs(places[i] - places[static_cast<std::size_t>(image)]);
    });
}

}  // namespace

TEST_CASE("figures of search are those of the definitions", "[retrieval]") {
    const nlohmann::json cases = metric_vectors(SIAMC_SOURCE_DIR)["retrieval"];
    REQUIRE(cases.size() == 3);
    for (const auto& each : cases) {
        const Labels labels = each["labels"];
        const Floats all = distances_of(each);
        const Retrieval retrieval(labels, [&](std::int32_t image, std::span<float> distances) {
            const auto row = all.begin() + image * std::ssize(labels);
            std::copy(row, row + std::ssize(labels), distances.begin());
        });
        const RetrievalFigures figures = retrieval.figures();
        INFO(labels.size() << " images");
        CHECK(retrieval.queries() == each["queries"].get<long>());
        CHECK(close(figures.recall_at_1, each["recall_at_1"], 1e-9));
        CHECK(close(figures.recall_at_5, each["recall_at_5"], 1e-9));
        CHECK(close(figures.recall_at_10, each["recall_at_10"], 1e-9));
        CHECK(close(figures.r_precision, each["r_precision"], 1e-9));
        CHECK(close(figures.map_at_r, each["map_at_r"], 1e-9));
    }
}

TEST_CASE("five images on a line, worked by hand", "[retrieval]") {
    // Of class 0 at 0, 1 and 5, of class 1 at 2.5 and 8. R is 2 and 1. The nearest two of 0: 1
    // (right), 2.5; of 1: 0 (right), 2.5; of 5: 2.5, 8 at 3 (wrong, wrong); then 1. Of 2.5: 1; of
    // 8: 5, 2.5 next.
    const Retrieval line = on_a_line({0, 0, 0, 1, 1}, {0, 1, 5, 2.5f, 8});
    const RetrievalFigures figures = line.figures();
    CHECK(line.queries() == 5);
    CHECK(line.classes() == 2);
    CHECK(close(figures.recall_at_1, 2.0 / 5));
    CHECK(close(figures.recall_at_5, 1));
    CHECK(close(figures.r_precision, (0.5 + 0.5) / 5));
    CHECK(close(figures.map_at_r, (0.5 + 0.5) / 5));
}

TEST_CASE("MAP@R tells the order that R-precision does not", "[retrieval]") {
    // From 0 the three others of the class come first, third and fourth: 1/3 (1 + 2/3).
    const Labels labels = {0, 0, 0, 0, 1};
    const Retrieval early(labels, [](std::int32_t image, std::span<float> distances) {
        const Floats first = {0, 1, 3, 4, 2}, others = {9, 9, 9, 9, 1};
        std::copy_n((image == 0 ? first : others).begin(), 5, distances.begin());
    });
    // The others find the one of class 1 first, then each other: 1/3 (1/2 + 2/3).
    CHECK(close(early.figures().map_at_r, (5.0 / 9 + 3 * 7.0 / 18) / 4));
    CHECK(close(early.figures().r_precision, 2.0 / 3));
    CHECK(close(early.figures().recall_at_1, 1.0 / 4));
}

TEST_CASE("ties count against the network", "[retrieval]") {
    const RetrievalFigures constant = on_a_line({0, 0, 0, 1, 1, 1}, {1, 1, 1, 1, 1, 1}).figures();
    CHECK(constant.recall_at_1 == 0);
    CHECK(constant.recall_at_5 == 1);  // all others
    CHECK(constant.r_precision == 0);
    CHECK(constant.map_at_r == 0);
    Labels labels(24);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 2);
    CHECK(on_a_line(labels, Floats(24)).figures().recall_at_10 == 0);
}

TEST_CASE("an image alone in its class is searched but seeks nothing", "[retrieval]") {
    const Retrieval near = on_a_line({0, 0, 7}, {0, 2, 1});
    CHECK(near.queries() == 2);
    CHECK(near.classes() == 1);
    CHECK(near.figures().recall_at_1 == 0);
    CHECK(near.figures().recall_at_5 == 1);
    CHECK(on_a_line({0, 0, 7}, {0, 2, 9}).figures().recall_at_1 == 1);
}

TEST_CASE("a perfect embedding finds everything", "[retrieval]") {
    const Retrieval perfect = on_a_line({0, 1, 0, 1, 1}, {0, 100, 1, 101, 102});
    const RetrievalFigures figures = perfect.figures();
    CHECK((figures.recall_at_1 == 1 && figures.recall_at_5 == 1 && figures.recall_at_10 == 1));
    CHECK((figures.r_precision == 1 && figures.map_at_r == 1));
    const RetrievalIntervals intervals = perfect.intervals(100, 1);
    CHECK((intervals.map_at_r.low == 1 && intervals.map_at_r.high == 1));
}

TEST_CASE("what is written for the query itself is never read", "[retrieval]") {
    const auto with = [](float own) {
        return Retrieval({0, 0, 1, 1}, [=](std::int32_t image, std::span<float> distances) {
            for (int i = 0; i < 4; ++i)
                distances[static_cast<std::size_t>(i)] =
                    i == image ? own : static_cast<float>(std::abs(i - image));
        });
    };
    const double usual = with(0).figures().map_at_r;
    CHECK(usual > 0);
    for (const float own : {nan_value, infinite, -1.0f})
        CHECK(with(own).figures().map_at_r == usual);
}

TEST_CASE("classes are drawn whole", "[retrieval]") {
    // One class of two finds itself, the other of two doesn't: a draw has both halves or one twice.
    const Retrieval halves = on_a_line({0, 0, 1, 1, 2}, {0, 1, 10, 50, 11});
    CHECK(halves.figures().recall_at_1 == 0.5);
    const RetrievalIntervals intervals = halves.intervals(200, 1);
    CHECK((intervals.recall_at_1.low == 0 && intervals.recall_at_1.high == 1));
    CHECK((intervals.recall_at_5.low == 1 && intervals.recall_at_5.high == 1));

    // Half of the queries of each of ten classes find theirs: no draw of classes differs, though
    // one of queries would.
    Labels labels;
    Floats places;
    for (int each = 0; each < 10; ++each) {
        const auto start = static_cast<float>(1000 * each);
        labels.insert(labels.end(), {each, each, each, each, 10 + each, 20 + each});
        places.insert(places.end(),
                      {start, start + 1, start + 50, start + 90, start + 51, start + 91});
    }
    const Retrieval even = on_a_line(labels, places);
    CHECK(even.queries() == 40);
    CHECK(even.figures().recall_at_1 == 0.5);
    const Interval none = even.intervals(100, 1).recall_at_1;
    CHECK((none.low == 0.5 && none.high == 0.5));
}

TEST_CASE("intervals of search are a function of the seed", "[retrieval]") {
    Labels labels;
    Floats places;
    for (int i = 0; i < 60; ++i) {
        labels.push_back(i % 12);
        places.push_back(static_cast<float>((i * i * 37) % 211));
    }
    const Retrieval retrieval = on_a_line(labels, places);
    const RetrievalIntervals first = retrieval.intervals(200, 1),
                             same = retrieval.intervals(200, 1),
                             other = retrieval.intervals(200, 2);
    CHECK((first.map_at_r.low == same.map_at_r.low && first.map_at_r.high == same.map_at_r.high));
    CHECK((first.map_at_r.low != other.map_at_r.low || first.map_at_r.high != other.map_at_r.high));
    CHECK(first.map_at_r.low < retrieval.figures().map_at_r);
    CHECK(retrieval.figures().map_at_r < first.map_at_r.high);
}

TEST_CASE("a search that tells nothing is refused", "[retrieval]") {
    CHECK(failure_of([] { on_a_line({}, {}); }).code == Exit::bad_data);
    CHECK(failure_of([] { on_a_line({0, 1, 2}, {0, 1, 2}); }).code == Exit::bad_data);
    const Retrieval one = on_a_line({0, 0, 1}, {0, 1, 2});
    CHECK(failure_of([&] { one.intervals(100, 1); }).code == Exit::bad_data);
    const Retrieval two = on_a_line({0, 0, 1, 1}, {0, 1, 2, 3});
    CHECK(failure_of([&] { two.intervals(99, 1); }).code == Exit::usage);
    for (const float bad : {nan_value, infinite, -infinite}) {
        const Failure failure = failure_of([&] {
            Retrieval({0, 0, 1}, [&](std::int32_t, std::span<float> distances) {
                std::fill(distances.begin(), distances.end(), bad);
            });
        });
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions("from image 0 to image 1 "));
    }
}
