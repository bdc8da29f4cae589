#include <xxhash.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <vector>

#include "catch.h"
#include "data/glyphs.h"
#include "runtime/data_helpers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

std::uint64_t hash(const ImageSet& set) {
    return XXH64(set.pixels.data(), set.pixels.size(), 0);
}

std::vector<std::uint8_t> pixels(const ImageSet& set, long i) {
    return {set.image(i), set.image(i) + set.image_bytes()};
}

long squared_distance(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
    long sum = 0;
    for (std::size_t i = 0; i < size; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

// How many test images have a training image of their class nearest to them.
double nearest_neighbour_accuracy(const Dataset& data) {
    long right = 0;
    for (long i = 0; i < data.test.size(); ++i) {
        long nearest = 0, least = -1;
        for (long j = 0; j < data.train.size(); ++j) {
            const long distance =
                squared_distance(data.test.image(i), data.train.image(j), data.test.image_bytes());
            if (least < 0 || distance < least) {
                least = distance;
                nearest = j;
            }
        }
        right += data.test.labels[static_cast<std::size_t>(i)] ==
                 data.train.labels[static_cast<std::size_t>(nearest)];
    }
    return static_cast<double>(right) / static_cast<double>(data.test.size());
}

}  // namespace

// Results on the embedded data set can be compared only as long as every machine draws the same.
TEST_CASE("glyphs never change", "[glyphs]") {
    const Dataset data = draw_glyphs(40, 3, 2, 0);
    CHECK(hash(data.train) == 0x042b64642172605f);
    CHECK(hash(data.test) == 0xa8caac3a8de85201);
}

TEST_CASE("the default glyphs stand in for MNIST", "[glyphs]") {
    const Dataset data = default_glyphs();
    CHECK(data.name == "glyphs");
    CHECK(data.train.size() == 10000);
    CHECK(data.test.size() == 2000);
    for (const ImageSet* set : {&data.train, &data.test}) {
        CHECK(set->height == 28);
        CHECK(set->width == 28);
        CHECK(set->classes() == 10);
        CHECK(set->pixels.size() == set->labels.size() * 784);
        for (std::size_t i = 0; i < set->labels.size(); ++i)
            REQUIRE(set->labels[i] == static_cast<int>(i % 10));
        // MNIST's mean is 33 of 255.
        const double mean = std::accumulate(set->pixels.begin(), set->pixels.end(), 0.0) /
                            static_cast<double>(set->pixels.size());
        CHECK(mean > 15);
        CHECK(mean < 60);
    }
}

TEST_CASE("a glyph depends on seed, class and number alone", "[glyphs]") {
    const Dataset few = draw_glyphs(5, 2, 1, 3), many = draw_glyphs(12, 4, 3, 3);
    for (long number = 0; number < 2; ++number) {
        for (long label = 0; label < 5; ++label) {
            CHECK(pixels(few.train, number * 5 + label) == pixels(many.train, number * 12 + label));
            if (number == 0) CHECK(pixels(few.test, label) == pixels(many.test, label));
        }
    }
    CHECK(hash(draw_glyphs(5, 2, 1, 4).train) != hash(few.train));
    CHECK(hash(draw_glyphs(5, 2, 1, 3 + (1ull << 32)).train) != hash(few.train));
}

TEST_CASE("every glyph is drawn, smooth, within the image and unlike all others", "[glyphs]") {
    const Dataset data = draw_glyphs(200, 8, 2, 1);
    std::set<std::vector<std::uint8_t>> seen;
    long touching = 0;
    for (const ImageSet* set : {&data.train, &data.test}) {
        for (long i = 0; i < set->size(); ++i) {
            const std::vector<std::uint8_t> image = pixels(*set, i);
            const auto white = std::count(image.begin(), image.end(), 255);
            const auto black = std::count(image.begin(), image.end(), 0);
            CHECK(white + black < 784 - 10);  // edges are grey
            CHECK(784 - black > 20);
            CHECK(black > 784 / 3);
            bool touches = false;
            for (std::size_t k = 0; k < 28; ++k)
                touches |= image[k] || image[27 * 28 + k] || image[28 * k] || image[28 * k + 27];
            touching += touches;
            seen.insert(image);
        }
    }
    CHECK(seen.size() == 2000);
    CHECK(touching < 2000 / 5);
}

TEST_CASE("classes of glyphs can be told apart by their pixels", "[glyphs]") {
    CHECK(nearest_neighbour_accuracy(draw_glyphs(10, 50, 20, 0)) > 0.9);
    CHECK(nearest_neighbour_accuracy(draw_glyphs(10, 50, 20, 1)) > 0.9);
    // Chance is 1 %.
    CHECK(nearest_neighbour_accuracy(draw_glyphs(100, 20, 2, 0)) > 0.4);
}

TEST_CASE("the numbers of classes and images are checked", "[glyphs]") {
    for (const auto& [classes, train, test] :
         {std::array{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {-1, 1, 1}, {65536, 32768, 1}}) {
        CHECK(failure_of([&, c = classes, a = train, b = test] { draw_glyphs(c, a, b, 0); }).code ==
              Exit::usage);
    }
    CHECK(draw_glyphs(1, 1, 1, 0).train.size() == 1);
}
