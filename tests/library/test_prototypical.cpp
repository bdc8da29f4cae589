// The distance to a class is that to its mean: in double precision, from the means themselves.
#include <algorithm>
#include <cmath>

#include "catch.h"
#include "episode.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double temperature = 0.5;  // as episode.toml
constexpr double tolerance = 1e-5;   // as test_results.cpp
constexpr std::size_t width = 256;

struct Expected {
    double loss = 0;
    Doubles gradient = Doubles(EPISODE_PARAMETER_FLOATS, 0.0);
};

// Of some classes the means, for one image, which is left out of its own.
struct Means {
    Means(const std::vector<Trace>& traces, const World& world, std::size_t out, int classes)
        : mean(static_cast<std::size_t>(classes), Doubles(width, 0.0)),
          count(static_cast<std::size_t>(classes), 0.0) {
        for (std::size_t i = 0; i < traces.size(); ++i) {
            if (i == out) continue;
            const auto k = static_cast<std::size_t>(world.labels[i]);
            for (std::size_t c = 0; c < width; ++c) mean[k][c] += traces[i].embedding[c];
            ++count[k];
        }
        for (std::size_t k = 0; k < mean.size(); ++k)
            for (double& number : mean[k]) number /= std::max(count[k], 1.0);
    }

    std::vector<Doubles> mean;
    Doubles count;
};

Expected expected_of(const World& world, std::size_t images, int classes) {
    std::vector<Trace> traces;
    for (std::size_t i = 0; i < images; ++i)
        traces.push_back(
            forward(world.parameters.data(), pixels(world.images.data() + 784 * world.rows[i],
                                                    world.shifts[2 * i], world.shifts[2 * i + 1])));
    Expected expected;
    std::vector<Doubles> adjoints(images, Doubles(width, 0.0));
    for (std::size_t i = 0; i < images; ++i) {
        const Means means(traces, world, i, classes);
        const auto own = static_cast<std::size_t>(world.labels[i]);
        if (!(means.count[own] > 0)) continue;
        const Doubles& x = traces[i].embedding;
        Doubles weights;
        double sum = 0;
        for (std::size_t k = 0; k < means.mean.size(); ++k) {
            const double d = distance(x, means.mean[k]);
            weights.push_back(means.count[k] > 0 ? std::exp(-d * d / temperature) : 0);
            sum += weights[k];
        }
        expected.loss -= std::log(weights[own] / sum) / static_cast<double>(images);
        for (std::size_t k = 0; k < means.mean.size(); ++k) {
            const double slope = ((k == own) - weights[k] / sum) / temperature / images;
            for (std::size_t c = 0; c < width; ++c) {
                const double pull = 2 * slope * (x[c] - means.mean[k][c]);
                adjoints[i][c] += pull;
                for (std::size_t j = 0; j < images; ++j)
                    if (j != i && static_cast<std::size_t>(world.labels[j]) == k)
                        adjoints[j][c] -= pull / means.count[k];
            }
        }
    }
    for (std::size_t i = 0; i < images; ++i)
        backward(world.parameters.data(), traces[i], adjoints[i], expected.gradient);
    return expected;
}

}  // namespace

TEST_CASE("prototypical compares with means of classes, whole and last batches", "[library]") {
    World world(episode_model);
    const siamc_loss& loss = *siamc_find_loss(&episode_model, "prototypical");
    REQUIRE(loss.sees == SIAMC_BATCH);
    // Classes of 40 images: of 9, and of 25, where some are alone.
    for (const auto& [images, classes] : {std::pair{128, 23}, {17, 9}, {40, 9}, {40, 25}}) {
        INFO(images << " images of " << classes << " classes");
        for (std::size_t t = 0; t < world.labels.size(); ++t)
            world.labels[t] = static_cast<float>(t * 7 % static_cast<std::size_t>(classes));
        siamc_results results{};
        REQUIRE(world.take_gradient(loss, images, results) == 0);
        const Expected expected = expected_of(world, static_cast<std::size_t>(images), classes);
        CHECK(results.loss == Approx(expected.loss).epsilon(tolerance));
        const auto [worst, largest] =
            deviation(world.gradient.data(), expected.gradient.data(), expected.gradient.size());
        REQUIRE(largest > 0);
        CHECK(worst <= tolerance * largest);
    }
}

TEST_CASE("prototypical costs nothing where nothing can be compared", "[library]") {
    World world(episode_model);
    const siamc_loss& loss = *siamc_find_loss(&episode_model, "prototypical");
    for (const bool all_alike : {true, false}) {
        INFO("all alike: " << all_alike);
        for (std::size_t t = 0; t < world.labels.size(); ++t)
            world.labels[t] = all_alike ? 3.0f : static_cast<float>(t);
        siamc_results results{};
        REQUIRE(world.take_gradient(loss, 128, results) == 0);
        CHECK(results.loss == 0);
        for (int i = 0; i < EPISODE_PARAMETER_FLOATS; ++i) REQUIRE(world.gradient.data()[i] == 0);
    }
}
