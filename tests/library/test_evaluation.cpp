// Losses and distances of stored embeddings against double precision.
#include "catch.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr int stored = 37;

struct Stored {
    Stored() {
        Random random(11, Stream::glyph_test);
        for (float& value : embeddings) value = 0.2f * random.uniform() - 0.1f;
        for (std::int32_t& row : rows) row = static_cast<std::int32_t>(random.below(stored));
        for (float& label : labels) label = static_cast<float>(random.below(2));
    }

    Doubles embedding(int row) const {
        const float* first = embeddings.data() + long{rows[static_cast<std::size_t>(row)]} * 256;
        return {first, first + 256};
    }

    std::vector<float> embeddings = std::vector<float>(stored * 256);
    std::vector<std::int32_t> rows = std::vector<std::int32_t>(3 * 256);
    std::vector<float> labels = std::vector<float>(256);
    FloatBuffer arena{FC_ARENA_BYTES / sizeof(float) + 1};
};

// Sums of 256 squares: rounding leaves far less.
bool close(double value, double expected) {
    return std::abs(value - expected) <= 1e-5 * std::abs(expected) + 1e-6;
}

}  // namespace

TEST_CASE("pairs of stored embeddings") {
    Stored s;
    for (const int pairs : {1, 2, 31, 100, 255, 256}) {
        const siamc_batch batch = {s.rows.data(), nullptr, s.labels.data(), pairs};
        siamc_results results{};
        REQUIRE(fc_contrastive_evaluate(s.embeddings.data(), stored, &batch, s.arena.data(),
                                        &results) == 0);
        INFO(pairs << " pairs");
        double total = 0;
        for (int t = 0; t < pairs; ++t) {
            const double d = distance(s.embedding(2 * t), s.embedding(2 * t + 1));
            const double y = s.labels[static_cast<std::size_t>(t)];
            const double loss = y * d * d + (1 - y) * std::pow(std::max(0.0, 1 - d), 2);
            CHECK(close(results.distances[0][t], d));
            CHECK(close(results.losses[t], loss));
            total += loss;
        }
        CHECK(close(results.loss, total / pairs));
    }
}

TEST_CASE("triplets of stored embeddings") {
    Stored s;
    for (const int triplets : {1, 2, 31, 100, 255, 256}) {
        const siamc_batch batch = {s.rows.data(), nullptr, nullptr, triplets};
        siamc_results results{};
        REQUIRE(fc_triplet_evaluate(s.embeddings.data(), stored, &batch, s.arena.data(),
                                    &results) == 0);
        INFO(triplets << " triplets");
        double total = 0;
        for (int t = 0; t < triplets; ++t) {
            const double near = distance(s.embedding(3 * t), s.embedding(3 * t + 1));
            const double far = distance(s.embedding(3 * t), s.embedding(3 * t + 2));
            CHECK(close(results.distances[0][t], near));
            CHECK(close(results.distances[1][t], far));
            CHECK(close(results.losses[t], std::max(0.0, near - far + 1)));
            total += std::max(0.0, near - far + 1);
        }
        CHECK(close(results.loss, total / triplets));
    }
}

// In the library it is the same distance, whatever else is in the batch.
TEST_CASE("a tuple's result does not depend on the rest of the batch") {
    Stored s;
    const siamc_batch whole = {s.rows.data(), nullptr, s.labels.data(), 256};
    siamc_results results{};
    REQUIRE(fc_contrastive_evaluate(s.embeddings.data(), stored, &whole, s.arena.data(),
                                    &results) == 0);
    const std::vector<float> distances(results.distances[0], results.distances[0] + 256);
    for (const int t : {0, 1, 63, 64, 129, 255}) {
        const siamc_batch one = {s.rows.data() + 2 * t, nullptr, s.labels.data() + t, 1};
        REQUIRE(fc_contrastive_evaluate(s.embeddings.data(), stored, &one, s.arena.data(),
                                        &results) == 0);
        CHECK(results.distances[0][0] == distances[static_cast<std::size_t>(t)]);
    }
}
