// Embeddings, losses and gradients of the FC library against double precision.
#include "catch.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Sums of up to 784 products in float, three layers deep: relative to the largest value, rounding
// leaves a few 1e-7; an error of the formula is far above 1e-5.
constexpr double tolerance = 1e-5;

Trace row_trace(const World& world, int row) {
    const auto at = static_cast<std::size_t>(row);
    const std::uint8_t* image = world.images.data() + 784 * world.rows[at];
    return forward(world.parameters.data(),
                   pixels(image, world.shifts[2 * at], world.shifts[2 * at + 1]));
}

struct Expected {
    double loss = 0;
    Doubles gradient = Doubles(FC_PARAMETER_FLOATS, 0.0);
};

Expected contrastive(const World& world, int pairs) {
    Expected expected;
    for (int t = 0; t < pairs; ++t) {
        const Trace a = row_trace(world, 2 * t), b = row_trace(world, 2 * t + 1);
        const double y = world.labels[static_cast<std::size_t>(t)];
        const double d = distance(a.embedding, b.embedding), short_of = std::max(0.0, 1 - d);
        expected.loss += (y * d * d + (1 - y) * short_of * short_of) / pairs;
        const double scale = (2 * y * d - 2 * (1 - y) * short_of) / pairs;
        Doubles to_a(256, 0.0), to_b(256, 0.0);
        add_distance_gradient(a.embedding, b.embedding, scale, to_a, to_b);
        backward(world.parameters.data(), a, to_a, expected.gradient);
        backward(world.parameters.data(), b, to_b, expected.gradient);
    }
    return expected;
}

Expected triplet(const World& world, int triplets) {
    Expected expected;
    for (int t = 0; t < triplets; ++t) {
        const Trace a = row_trace(world, 3 * t), p = row_trace(world, 3 * t + 1),
                    n = row_trace(world, 3 * t + 2);
        const double hinge =
            distance(a.embedding, p.embedding) - distance(a.embedding, n.embedding) + 1;
        if (hinge <= 0) continue;
        expected.loss += hinge / triplets;
        Doubles to_a(256, 0.0), to_p(256, 0.0), to_n(256, 0.0);
        add_distance_gradient(a.embedding, p.embedding, 1.0 / triplets, to_a, to_p);
        add_distance_gradient(a.embedding, n.embedding, -1.0 / triplets, to_a, to_n);
        backward(world.parameters.data(), a, to_a, expected.gradient);
        backward(world.parameters.data(), p, to_p, expected.gradient);
        backward(world.parameters.data(), n, to_n, expected.gradient);
    }
    return expected;
}

void check(World& world, const siamc_loss& loss, int tuples, const Expected& expected) {
    const siamc_batch batch = world.batch(tuples);
    siamc_results results{};
    REQUIRE(siamc_gradient(&loss, world.parameters.data(), world.images.data(), stored_images,
                           &batch, world.gradient.data(), world.arena.data(), &results) == 0);
    CHECK(std::abs(results.loss - expected.loss) <= tolerance * expected.loss);
    double largest = 0, error = 0;
    for (std::size_t i = 0; i < expected.gradient.size(); ++i) {
        largest = std::max(largest, std::abs(expected.gradient[i]));
        const double difference = std::abs(world.gradient.data()[i] - expected.gradient[i]);
        error = difference <= error ? error : difference;  // a NaN stays
    }
    INFO(loss.name << ", " << tuples << " tuples");
    CHECK(error <= tolerance * largest);
}

}  // namespace

TEST_CASE("embeddings of any number of images") {
    World world;
    std::vector<std::int32_t> rows(257);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int32_t>(i);
    std::vector<Doubles> expected;
    for (int row : rows)
        expected.push_back(
            forward(world.parameters.data(), pixels(world.images.data() + 784 * row, 0, 0))
                .embedding);
    for (int n : {1, 2, 3, 5, 63, 64, 65, 255, 256, 257}) {
        std::vector<float> out(static_cast<std::size_t>(n) * FC_EMBEDDING, -1.0f);
        REQUIRE(fc_embed(world.parameters.data(), world.images.data(), stored_images, rows.data(),
                         n, out.data(), world.arena.data()) == 0);
        double error = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            const double difference = std::abs(out[i] - expected[i / 256][i % 256]);
            error = difference <= error ? error : difference;
        }
        INFO(n << " images");
        CHECK(error <= tolerance);
    }
}

TEST_CASE("contrastive loss and gradient, whole and last batches") {
    World world;
    for (int pairs : {1, 2, 3, 31, 100, 127, 128})
        check(world, fc_model.losses[0], pairs, contrastive(world, pairs));
}

TEST_CASE("triplet loss and gradient, whole and last batches") {
    World world;
    for (int triplets : {1, 2, 3, 31, 100, 127, 128})
        check(world, fc_model.losses[1], triplets, triplet(world, triplets));
}

TEST_CASE("equal images are at distance 0 with gradient 0") {
    World world;
    world.rows.assign(world.rows.size(), 5);
    world.shifts.assign(world.shifts.size(), 0);
    for (const siamc_loss& loss : {fc_model.losses[0], fc_model.losses[1]}) {
        const siamc_batch batch = world.batch(128);
        siamc_results results{};
        REQUIRE(siamc_gradient(&loss, world.parameters.data(), world.images.data(), stored_images,
                               &batch, world.gradient.data(), world.arena.data(), &results) == 0);
        for (int t = 0; t < 128; ++t) CHECK(results.distances[0][t] == 0.0f);
        for (float g : world.gradient.span()) REQUIRE(g == 0.0f);
    }
}
