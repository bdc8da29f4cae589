// Dense layers whose weights outgrow the caches, against double precision: gradients read the
// largest as it is stored.
#include "catch.h"
#include "large.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double tolerance = 1e-5, margin = 0.5;  // as test_results.cpp; as large.toml

const DenseLayer layers[3] = {
    {784, 4098, LARGE_DENSE1_KERNEL_OFFSET, LARGE_DENSE1_BIAS_OFFSET},
    {4098, 1028, LARGE_DENSE2_KERNEL_OFFSET, LARGE_DENSE2_BIAS_OFFSET},
    {1028, 256, LARGE_DENSE3_KERNEL_OFFSET, LARGE_DENSE3_BIAS_OFFSET},
};

struct Expected {
    double loss = 0;
    Doubles gradient = Doubles(LARGE_PARAMETER_FLOATS, 0.0);
};

Expected triplets(const World& world, std::size_t tuples) {
    Expected expected;
    const float* parameters = world.parameters.data();
    const double weight = 1.0 / static_cast<double>(tuples);
    for (std::size_t t = 0; t < tuples; ++t) {
        Trace traces[3];
        Doubles adjoints[3];
        for (std::size_t i = 0; i < 3; ++i) {
            const std::size_t row = 3 * t + i;
            traces[i] = forward(parameters,
                                pixels(world.images.data() + 784 * world.rows[row],
                                       world.shifts[2 * row], world.shifts[2 * row + 1]),
                                layers);
            adjoints[i].assign(256, 0.0);
        }
        const auto& [anchor, positive, negative] = traces;
        const double lacks = distance(anchor.embedding, positive.embedding) -
                             distance(anchor.embedding, negative.embedding) + margin;
        if (lacks <= 0) continue;
        expected.loss += weight * lacks;
        add_distance_gradient(anchor.embedding, positive.embedding, weight, adjoints[0],
                              adjoints[1]);
        add_distance_gradient(anchor.embedding, negative.embedding, -weight, adjoints[0],
                              adjoints[2]);
        for (std::size_t i = 0; i < 3; ++i)
            backward(parameters, traces[i], adjoints[i], expected.gradient, layers);
    }
    return expected;
}

}  // namespace

TEST_CASE("layers whose weights outgrow the caches", "[library]") {
    World world(large_model);
    for (const int tuples : {9, 1}) {
        INFO(tuples << " tuples");
        siamc_results results{};
        REQUIRE(world.take_gradient(*siamc_find_loss(&large_model, "triplet"), tuples, results) ==
                0);
        const Expected expected = triplets(world, static_cast<std::size_t>(tuples));
        CHECK(results.loss == Approx(expected.loss).epsilon(tolerance));
        const auto [worst, largest] =
            deviation(world.gradient.data(), expected.gradient.data(), expected.gradient.size());
        CHECK(largest > 0);
        CHECK(worst <= tolerance * largest);
    }
}
