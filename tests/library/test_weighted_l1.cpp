// A distance with parameters of its own, through a library's C interface, against double precision.
#include <algorithm>
#include <cmath>

#include "catch.h"
#include "koch.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double tolerance = 1e-5;                                 // as test_results.cpp
constexpr double threshold = 0.05, steepness = 20, margin = 0.02;  // as koch.toml
constexpr std::size_t width = 256;

// Embeddings of the rows of a batch, and what is to be their gradient.
class Compared {
  public:
    Compared(const World& world, std::size_t rows)
        : world_(world), weights_(world.parameters.data() + KOCH_WEIGHTED_L1_KERNEL_OFFSET) {
        for (std::size_t r = 0; r < rows; ++r)
            traces_.push_back(forward(world.parameters.data(),
                                      pixels(world.images.data() + 784 * world.rows[r],
                                             world.shifts[2 * r], world.shifts[2 * r + 1])));
        adjoints_.assign(rows, Doubles(width, 0.0));
    }

    double distance(std::size_t a, std::size_t b) const {
        double sum = 0;
        for (std::size_t c = 0; c < width; ++c) sum += weights_[c] * std::abs(at(a, c) - at(b, c));
        return sum;
    }

    void add(std::size_t a, std::size_t b, double slope) {
        for (std::size_t c = 0; c < width; ++c) {
            const double off = at(a, c) - at(b, c);
            const double pull = slope * weights_[c] * ((off > 0) - (off < 0));
            adjoints_[a][c] += pull;
            adjoints_[b][c] -= pull;
            gradient[KOCH_WEIGHTED_L1_KERNEL_OFFSET + c] += slope * std::abs(off);
        }
    }

    void finish() {
        for (std::size_t r = 0; r < traces_.size(); ++r)
            backward(world_.parameters.data(), traces_[r], adjoints_[r], gradient);
    }

    double loss = 0;
    Doubles gradient = Doubles(KOCH_PARAMETER_FLOATS, 0.0);

  private:
    double at(std::size_t row, std::size_t c) const { return traces_[row].embedding[c]; }

    const World& world_;
    const float* weights_;
    std::vector<Trace> traces_;
    std::vector<Doubles> adjoints_;
};

Compared pairs(const World& world, std::size_t tuples) {
    Compared compared(world, 2 * tuples);
    for (std::size_t t = 0; t < tuples; ++t) {
        const double p =
            1 / (1 + std::exp(steepness * (compared.distance(2 * t, 2 * t + 1) - threshold)));
        const bool alike = world.labels[t] > 0.5f;
        compared.loss -= std::log(alike ? p : 1 - p) / static_cast<double>(tuples);
        compared.add(2 * t, 2 * t + 1, steepness * (alike ? 1 - p : -p) / tuples);
    }
    compared.finish();
    return compared;
}

Compared triplets(const World& world, std::size_t tuples) {
    Compared compared(world, 3 * tuples);
    for (std::size_t t = 0; t < tuples; ++t) {
        const double lacks =
            compared.distance(3 * t, 3 * t + 1) - compared.distance(3 * t, 3 * t + 2) + margin;
        if (lacks <= 0) continue;
        compared.loss += lacks / static_cast<double>(tuples);
        compared.add(3 * t, 3 * t + 1, 1.0 / static_cast<double>(tuples));
        compared.add(3 * t, 3 * t + 2, -1.0 / static_cast<double>(tuples));
    }
    compared.finish();
    return compared;
}

World weighted_world() {
    World world(koch_model);
    Random random(11, Stream::glyph_test);
    for (std::size_t c = 0; c < width; ++c)  // some below 0
        world.parameters.data()[KOCH_WEIGHTED_L1_KERNEL_OFFSET + c] =
            random.uniform() * 0.1f - 0.03f;
    return world;
}

}  // namespace

TEST_CASE("weighted_l1 and cross entropy, whole and last batches", "[library]") {
    World world = weighted_world();
    for (const auto& [name, expect] : {std::pair{"cross_entropy", &pairs}, {"triplet", &triplets}})
        for (const int tuples : {128, 17, 1}) {
            INFO(name << " of " << tuples << " tuples");
            siamc_results results{};
            REQUIRE(world.take_gradient(*siamc_find_loss(&koch_model, name), tuples, results) == 0);
            const Compared expected = expect(world, static_cast<std::size_t>(tuples));
            CHECK(results.loss == Approx(expected.loss).epsilon(tolerance));
            const auto [worst, largest] = deviation(world.gradient.data(), expected.gradient.data(),
                                                    expected.gradient.size());
            CHECK((largest > 0) == (expected.loss > 0));
            CHECK(worst <= tolerance * largest);
        }
}

// The optimiser walks over all parameters.
TEST_CASE("a loss without distances gives those weights gradient 0", "[library]") {
    World world = weighted_world();
    for (std::size_t t = 0; t < world.labels.size(); ++t)
        world.labels[t] = static_cast<float>(t % 5);
    std::fill_n(world.gradient.data(), KOCH_PARAMETER_FLOATS, 7.0f);
    siamc_results results{};
    REQUIRE(world.take_gradient(*siamc_find_loss(&koch_model, "arcface"), 40, results) == 0);
    const float* weights = world.gradient.data() + KOCH_WEIGHTED_L1_KERNEL_OFFSET;
    CHECK(std::all_of(weights, weights + width, [](float value) { return value == 0; }));
    const float* own = world.gradient.data() + KOCH_ARCFACE_KERNEL_OFFSET;
    CHECK(std::any_of(own, own + 5 * width, [](float value) { return value != 0 && value != 7; }));
    CHECK(std::none_of(own, own + 5 * width, [](float value) { return value == 7; }));
}

TEST_CASE("distances between embeddings need a distance's parameters", "[library]") {
    World world = weighted_world();
    std::fill(world.shifts.begin(), world.shifts.end(), 0);
    const std::vector<std::int32_t> wanted(world.rows.begin(), world.rows.begin() + 64);
    const std::vector<float> embeddings = world.embed(wanted);
    REQUIRE(embeddings.size() == 64 * width);
    std::vector<std::int32_t> places(64);
    for (int i = 0; i < 64; ++i) places[static_cast<std::size_t>(i)] = i;
    std::vector<float> found(32);
    const auto ask = [&](const float* parameters) {
        return siamc_distances(&koch_model, parameters, embeddings.data(), 64, places.data(), 32,
                               found.data(), world.arena.data());
    };
    CHECK(ask(nullptr) == SIAMC_NULL_ARGUMENT);
    REQUIRE(ask(world.parameters.data()) == 0);
    const Compared compared(world, 64);
    for (std::size_t p = 0; p < 32; ++p)
        CHECK(found[p] == Approx(compared.distance(2 * p, 2 * p + 1)).margin(tolerance));
}

TEST_CASE("weights of a distance start as the mean, and are what a model shares", "[library]") {
    FloatBuffer parameters(KOCH_PARAMETER_FLOATS);
    Model(koch_model).initialize(parameters, 5);
    for (std::size_t c = 0; c < width; ++c)
        REQUIRE(parameters.data()[KOCH_WEIGHTED_L1_KERNEL_OFFSET + c] == 1.0f / 256);
    CHECK(koch_model.shared_tensors == koch_model.parameter_tensors - 1);  // arcface.kernel
}
