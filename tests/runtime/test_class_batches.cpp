#include <algorithm>
#include <map>
#include <set>

#include "catch.h"
#include "core/error.h"
#include "sampling/class_batches.h"

using namespace siamc;

namespace {

// Classes 5, 15, 25, ...: of class number g, 3 + 2 g images, mixed.
std::vector<int> uneven_labels(int classes) {
    std::vector<int> labels;
    for (int round = 0; round < 3 + 2 * classes; ++round)
        for (int g = 0; g < classes; ++g)
            if (round < 3 + 2 * g) labels.push_back(10 * g + 5);
    return labels;
}

struct Epoch {
    Epoch(const ClassBatchSampler& sampler, int number) { sampler.epoch(number, rows, labels); }
    std::vector<std::int32_t> rows;
    std::vector<float> labels;
    bool operator==(const Epoch&) const = default;
};

}  // namespace

TEST_CASE("a batch shows the same number of images of each of its classes", "[runtime]") {
    const std::vector<int> labels = uneven_labels(13);
    for (const BatchShape shape : {BatchShape{4, 3}, BatchShape{13, 2}, BatchShape{2, 9}}) {
        const ClassBatchSampler sampler(labels, shape, 1);
        const Epoch epoch(sampler, 0);
        REQUIRE(static_cast<long>(epoch.rows.size()) == sampler.batches() * shape.size());
        REQUIRE(epoch.labels.size() == epoch.rows.size());
        std::map<float, long> shown;
        const auto size = static_cast<std::size_t>(shape.size());
        for (std::size_t first = 0; first < epoch.rows.size(); first += size) {
            std::map<float, std::set<std::int32_t>> images;
            for (std::size_t i = first; i < first + size; ++i) {
                const auto image = static_cast<std::size_t>(epoch.rows[i]);
                CHECK(labels.at(image) == 10 * static_cast<int>(epoch.labels[i]) + 5);
                images[epoch.labels[i]].insert(epoch.rows[i]);
            }
            CHECK(images.size() == static_cast<std::size_t>(shape.classes));
            for (const auto& [label, different] : images) {
                const int stored = 3 + 2 * static_cast<int>(label);
                CHECK(different.size() ==
                      static_cast<std::size_t>(std::min(stored, shape.images_each)));
                ++shown[label];
            }
        }
        long least = sampler.batches(), most = 0;
        for (int g = 0; g < 13; ++g) {
            least = std::min(least, shown[static_cast<float>(g)]);
            most = std::max(most, shown[static_cast<float>(g)]);
        }
        CHECK(most - least <= 1);
    }
}

TEST_CASE("batches of classes are a function of seed and epoch", "[runtime]") {
    const std::vector<int> labels = uneven_labels(7);
    const ClassBatchSampler sampler(labels, {3, 4}, 5), other(labels, {3, 4}, 6);
    const Epoch first(sampler, 2);
    const Epoch between(sampler, 3);
    CHECK(first == Epoch(sampler, 2));
    CHECK(first == Epoch(ClassBatchSampler(labels, {3, 4}, 5), 2));
    CHECK(!(first == between));
    CHECK(!(first == Epoch(other, 2)));
}

TEST_CASE("an epoch shows an image about once", "[runtime]") {
    const std::vector<int> labels(600, 0);
    std::vector<int> even = labels;
    for (std::size_t i = 0; i < even.size(); ++i) even[i] = static_cast<int>(i % 10);
    const ClassBatchSampler sampler(even, {10, 12}, 0);
    REQUIRE(sampler.batches() == 5);
    const Epoch epoch(sampler, 0);
    CHECK(std::set<std::int32_t>(epoch.rows.begin(), epoch.rows.end()).size() == 600);
}

TEST_CASE("a batch is filled with whole classes", "[runtime]") {
    const auto shape_is = [](BatchShape shape, int classes, int each) {
        return shape.classes == classes && shape.images_each == each;
    };
    CHECK(shape_is(batch_shape(1000, 128, 8), 16, 8));
    CHECK(shape_is(batch_shape(10, 128, 4), 10, 12));
    CHECK(shape_is(batch_shape(2, 5, 2), 2, 2));
    for (const auto& [batch, each] : {std::pair{3, 2}, std::pair{15, 8}, std::pair{128, 1}}) {
        try {
            batch_shape(10, batch, each);
            FAIL("taken: " << batch << " images, " << each << " of each class");
        } catch (const Error& error) {
            CHECK(error.code() == Exit::usage);
        }
    }
}
