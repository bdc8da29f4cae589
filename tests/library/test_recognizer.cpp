#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "core/error.h"
#include "gallery/recognizer.h"
#include "library/fixture.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr int people = 40, each = 3;

// Unit vectors in 256 dimensions, some people's near each other.
std::vector<float> random_unit(Random& random) {
    std::vector<float> vector(256);
    double squares = 0;
    for (float& value : vector) {
        value = random.uniform() - 0.5f;
        squares += double{value} * value;
    }
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
    return vector;
}

Templates some_templates() {
    Random random(3, Stream::glyph_train);
    Templates all;
    for (int who = 0; who < people; ++who) {
        all.names.push_back("person " + std::to_string(100 + who));
        for (int i = 0; i < each; ++i) {
            all.identity.push_back(who);
            all.ids.push_back(static_cast<std::int64_t>(all.ids.size()) + 1);
            const std::vector<float> row = random_unit(random);
            all.embeddings.insert(all.embeddings.end(), row.begin(), row.end());
        }
    }
    return all;
}

double euclidean(const float* a, const float* b) {
    double squares = 0;
    for (int e = 0; e < 256; ++e) squares += (double{a[e]} - b[e]) * (double{a[e]} - b[e]);
    return std::sqrt(squares);
}

// The nearest template of each person, by a loop in double.
std::vector<double> nearest_of_each(const Templates& all, const std::vector<float>& query) {
    std::vector<double> nearest(people, std::numeric_limits<double>::infinity());
    for (std::size_t t = 0; t < all.identity.size(); ++t) {
        double& least = nearest[static_cast<std::size_t>(all.identity[t])];
        least = std::min(least, euclidean(query.data(), &all.embeddings[256 * t]));
    }
    return nearest;
}

}  // namespace

TEST_CASE("the nearest of all templates is found, and the second identity", "[gallery]") {
    World world;
    Model model(fc_model);
    const Templates all = some_templates();
    Recognizer recognizer(model, world.parameters, all, Match::templates);
    CHECK(recognizer.comparisons() == people * each);
    Random random(4, Stream::glyph_train);
    for (int trial = 0; trial < 200; ++trial) {
        const std::vector<float> query = random_unit(random);
        const std::vector<double> nearest = nearest_of_each(all, query);
        const auto first = static_cast<std::int32_t>(
            std::min_element(nearest.begin(), nearest.end()) - nearest.begin());
        std::vector<double> others = nearest;
        others[static_cast<std::size_t>(first)] = std::numeric_limits<double>::infinity();
        const auto second = static_cast<std::int32_t>(
            std::min_element(others.begin(), others.end()) - others.begin());
        const Recognition found = recognizer.recognize(query);
        REQUIRE(found.identity == first);
        REQUIRE(found.second == second);
        REQUIRE(std::abs(found.distance - nearest[static_cast<std::size_t>(first)]) < 1e-5);
        REQUIRE(std::abs(found.margin() - (others[static_cast<std::size_t>(second)] -
                                           nearest[static_cast<std::size_t>(first)])) < 2e-5);
        const auto someone = static_cast<std::size_t>(trial % people);
        REQUIRE(std::abs(recognizer.distance(query, trial % people) - nearest[someone]) < 1e-5);
    }
    // An enrolled image is at no distance from itself.
    const std::vector<float> enrolled(all.embeddings.begin() + 256 * 50,
                                      all.embeddings.begin() + 256 * 51);
    CHECK(recognizer.recognize(enrolled).identity == 50 / each);
    CHECK(recognizer.recognize(enrolled).distance == 0);
}

TEST_CASE("by prototypes each identity is one row", "[gallery]") {
    World world;
    Model model(fc_model);
    const Templates all = some_templates();
    Recognizer recognizer(model, world.parameters, all, Match::prototypes);
    CHECK(recognizer.comparisons() == people);
    for (std::int32_t who = 0; who < people; ++who) {
        std::vector<float> middle(256);
        for (std::size_t e = 0; e < 256; ++e)
            for (std::size_t t = 0; t < each; ++t)
                middle[e] += all.embeddings[256 * (static_cast<std::size_t>(who) * each + t) + e];
        const double length = euclidean(middle.data(), std::vector<float>(256).data());
        for (float& value : middle) value = static_cast<float>(value / length);
        const Recognition found = recognizer.recognize(middle);
        REQUIRE(found.identity == who);
        REQUIRE(found.distance < 1e-3);  // a difference of numbers that are rounded
    }
}

TEST_CASE("small galleries: nobody, one identity, two at equal distance", "[gallery]") {
    World world;
    Model model(fc_model);
    Random random(5, Stream::glyph_train);
    const std::vector<float> query = random_unit(random);
    Recognizer nobody(model, world.parameters, {}, Match::templates);
    CHECK(nobody.recognize(query).identity == -1);
    CHECK(nobody.recognize(query).second == -1);

    Templates all = some_templates();
    all.names.resize(1);
    all.identity = {0, 0};
    all.ids = {1, 2};
    all.embeddings.resize(512);
    Recognizer one(model, world.parameters, all, Match::templates);
    CHECK(one.recognize(query).identity == 0);
    CHECK(one.recognize(query).second == -1);

    all.names = {"a", "b"};
    all.identity = {0, 1};
    std::copy_n(all.embeddings.begin(), 256, all.embeddings.begin() + 256);
    const Recognition found =
        Recognizer(model, world.parameters, all, Match::templates).recognize(query);
    CHECK(found.identity == 0);
    CHECK(found.second == 1);
    CHECK(found.margin() == 0);

    std::vector<float> broken = query;
    broken[7] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_AS(one.recognize(broken), Error);
}
