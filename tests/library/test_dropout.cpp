// Dropout through a library's C interface, against double precision with masks made here.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "catch.h"
#include "dropped.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double tolerance = 1e-5;  // as test_results.cpp
constexpr std::size_t hidden = 24, width = 9;

// lowbias32, one operation at a time.
std::uint32_t hash(std::uint32_t x) {
    x ^= x >> 16;
    x *= 2146121005u;
    x ^= x >> 15;
    x *= 2221713035u;
    x ^= x >> 16;
    return x;
}

std::uint32_t name_hash(const std::string& name) {
    std::uint32_t h = 2166136261u;
    for (const char c : name) {
        h ^= static_cast<unsigned char>(c);
        h *= 16777619u;
    }
    return h;
}

// What a layer leaves of each number of an image in a step: 0 or 1 / (1 - rate).
Doubles mask(const std::string& layer, double rate, std::size_t size, std::uint32_t seed,
             std::int32_t image, const std::int32_t* shift) {
    std::uint32_t noise = hash(seed);
    for (const std::int32_t part : {image, shift[0], shift[1]})
        noise = hash(noise ^ static_cast<std::uint32_t>(part));
    Doubles left;
    for (std::uint32_t i = 0; i < size; ++i) {
        const std::uint32_t drawn = hash(noise ^ (i * 2654435769u + name_hash(layer)));
        left.push_back(drawn >= rate * 4294967296.0 ? 1 / (1 - rate) : 0);
    }
    return left;
}

struct Masks {
    Doubles of_hidden, of_embedding;
};

Masks masks_of(const World& world, std::size_t row, std::uint32_t seed) {
    const auto made = [&](const char* layer, double rate, std::size_t size) {
        return mask(layer, rate, size, seed, world.rows[row], &world.shifts[2 * row]);
    };
    return {made("dropout1", 0.25, hidden), made("dropout2", 0.5, width)};
}

Doubles product(const Doubles& in, const Doubles& p, long kernel, long bias, std::size_t units) {
    Doubles out;
    for (std::size_t n = 0; n < units; ++n) {
        double sum = p[static_cast<std::size_t>(bias) + n];
        for (std::size_t k = 0; k < in.size(); ++k)
            sum += in[k] * p[static_cast<std::size_t>(kernel) + k * units + n];
        out.push_back(sum);
    }
    return out;
}

Doubles embedding(const Doubles& p, const Doubles& image, const Masks& masks) {
    Doubles at =
        product(image, p, DROPPED_DENSE1_KERNEL_OFFSET, DROPPED_DENSE1_BIAS_OFFSET, hidden);
    for (std::size_t i = 0; i < hidden; ++i) at[i] = std::tanh(at[i]) * masks.of_hidden[i];
    at = product(at, p, DROPPED_DENSE2_KERNEL_OFFSET, DROPPED_DENSE2_BIAS_OFFSET, width);
    for (std::size_t i = 0; i < width; ++i) at[i] *= masks.of_embedding[i];
    return at;
}

Doubles parameters_of(const World& world) {
    return {world.parameters.data(), world.parameters.data() + DROPPED_PARAMETER_FLOATS};
}

double contrastive(const World& world, const Doubles& p, std::size_t pairs, std::uint32_t seed) {
    double sum = 0;
    for (std::size_t t = 0; t < pairs; ++t) {
        Doubles at[2];
        for (std::size_t b = 0; b < 2; ++b) {
            const std::size_t row = 2 * t + b;
            at[b] = embedding(p,
                              pixels(world.images.data() + 784 * world.rows[row],
                                     world.shifts[2 * row], world.shifts[2 * row + 1]),
                              masks_of(world, row, seed));
        }
        const double d = std::pow(distance(at[0], at[1]), 2);
        sum += world.labels[t] > 0.5f ? d * d : std::pow(std::max(0.0, 1.5 - d), 2);
    }
    return sum / static_cast<double>(pairs);
}

// A trainer of the contrastive loss in that world.
siamc_trainer trainer_of(World& world) {
    siamc_trainer trainer{};
    trainer.model = &dropped_model;
    trainer.loss = siamc_find_loss(&dropped_model, "contrastive");
    trainer.buffers = {world.parameters.data(), world.gradient.data(), {}, world.arena.data()};
    trainer.images = world.images.data();
    trainer.stored = stored_images;
    return trainer;
}

double loss_of(siamc_trainer& trainer, const World& world, int tuples) {
    const siamc_batch batch = world.batch(tuples);
    siamc_results results{};
    REQUIRE(siamc_trainer_gradient(&trainer, &batch, &results) == 0);
    return results.loss;
}

}  // namespace

TEST_CASE("dropout in training leaves out what its hash says", "[library]") {
    World world(dropped_model);
    const Doubles p = parameters_of(world);
    for (const std::uint32_t seed : {0u, 4000000000u})
        for (const int tuples : {128, 17}) {
            INFO("seed " << seed << ", " << tuples << " pairs");
            siamc_trainer trainer = trainer_of(world);
            trainer.seed = seed;
            const auto pairs = static_cast<std::size_t>(tuples);
            CHECK(loss_of(trainer, world, tuples) ==
                  Approx(contrastive(world, p, pairs, seed)).epsilon(tolerance));
            double largest = 0, worst = 0;
            for (const int first :
                 {DROPPED_DENSE1_KERNEL_OFFSET + 24 * 400 + 3, DROPPED_DENSE1_BIAS_OFFSET + 11,
                  DROPPED_DENSE2_KERNEL_OFFSET + 100, DROPPED_DENSE2_KERNEL_OFFSET + 215,
                  DROPPED_DENSE2_BIAS_OFFSET + 8}) {
                const auto at = static_cast<std::size_t>(first);
                constexpr double step = 1e-6;
                Doubles up = p, down = p;
                up[at] += step;
                down[at] -= step;
                const double slope =
                    (contrastive(world, up, pairs, seed) - contrastive(world, down, pairs, seed)) /
                    (2 * step);
                const auto [off, size] = deviation(&world.gradient.data()[at], &slope, 1);
                CHECK(!std::isnan(off));
                worst = std::max(worst, off);
                largest = std::max(largest, size);
            }
            CHECK(largest > 0);
            CHECK(worst <= 10 * tolerance * largest);
        }
}

TEST_CASE("dropout leaves embeddings alone", "[library]") {
    World world(dropped_model);
    std::fill(world.shifts.begin(), world.shifts.end(), 0);
    const std::vector<std::int32_t> wanted(world.rows.begin(), world.rows.begin() + 40);
    const std::vector<float> got = world.embed(wanted);
    REQUIRE(got.size() == 40 * width);
    const Masks all{Doubles(hidden, 1.0), Doubles(width, 1.0)};
    for (std::size_t i = 0; i < 40; ++i) {
        const Doubles expected = embedding(
            parameters_of(world), pixels(world.images.data() + 784 * world.rows[i], 0, 0), all);
        const auto [worst, largest] = deviation(&got[width * i], expected.data(), width);
        CHECK(worst <= tolerance * largest);
    }
}

TEST_CASE("each step drops others, as its seed and number say", "[library]") {
    World world(dropped_model);
    siamc_trainer trainer = trainer_of(world);
    const double first = loss_of(trainer, world, 128);
    CHECK(loss_of(trainer, world, 128) == first);
    trainer.steps = 1;
    const double second = loss_of(trainer, world, 128);
    CHECK(second != first);
    trainer.steps = 0;
    trainer.seed = 1;
    CHECK(loss_of(trainer, world, 128) != first);
    CHECK(loss_of(trainer, world, 128) != second);
}

TEST_CASE("dropout gives the same bits on any number of threads", "[many]") {
    World world(dropped_model);
    for (int l = 0; l < dropped_model.loss_count; ++l) {
        siamc_results results{};
        std::vector<float> first;
        for (const int threads : {1, 2, 5}) {
            REQUIRE(siamc_set_threads(&dropped_model, threads) == 0);
            REQUIRE(world.take_gradient(dropped_model.losses[l], 100, results) == 0);
            const std::vector<float> gradient(world.gradient.data(),
                                              world.gradient.data() + DROPPED_PARAMETER_FLOATS);
            if (first.empty()) first = gradient;
            INFO(dropped_model.losses[l].name << ", " << threads << " threads");
            CHECK(std::memcmp(first.data(), gradient.data(),
                              DROPPED_PARAMETER_FLOATS * sizeof(float)) == 0);
        }
    }
}
