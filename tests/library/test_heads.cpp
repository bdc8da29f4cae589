// Losses with parameters of their own, through a library's C interface, against double precision.
#include <algorithm>
#include <cmath>
#include <set>

#include "catch.h"
#include "crowd.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double tolerance = 1e-5;  // as test_results.cpp
constexpr std::size_t classes = 25, width = 256;
constexpr double margin = 0.4, scale = 16;  // as crowd.toml

const siamc_loss& arcface() {
    return *siamc_find_loss(&crowd_model, "arcface");
}

double length(const float* kernel, std::size_t column) {
    double square = 0;
    for (std::size_t k = 0; k < width; ++k) square += std::pow(kernel[k * classes + column], 2);
    return std::sqrt(square);
}

Doubles cosines(const Doubles& embedding, const float* kernel) {
    Doubles found;
    for (std::size_t j = 0; j < classes; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < width; ++k) sum += embedding[k] * kernel[k * classes + j];
        found.push_back(sum / length(kernel, j));
    }
    return found;
}

// A batch's images: their cosines and classes, and the loss's slopes by the cosines.
struct Heads {
    std::vector<Doubles> c, slopes;
    std::vector<std::size_t> own;
};

// By angles.
double arcface_cost(Heads& heads) {
    double loss = 0;
    for (std::size_t i = 0; i < heads.c.size(); ++i) {
        const Doubles& c = heads.c[i];
        const std::size_t own = heads.own[i];
        const double angle = std::acos(c[own]), images = static_cast<double>(heads.c.size());
        Doubles logits;
        for (const double cosine : c) logits.push_back(scale * cosine);
        logits[own] = scale * std::cos(angle + margin);
        double sum = 0;
        for (const double logit : logits) sum += std::exp(logit);
        for (std::size_t j = 0; j < classes; ++j)
            heads.slopes[i][j] = scale * (std::exp(logits[j]) / sum - (j == own)) / images;
        heads.slopes[i][own] *= std::sin(angle + margin) / std::sin(angle);
        loss += (std::log(sum) - logits[own]) / images;
    }
    return loss;
}

// As it is published, proxy by proxy.
double proxy_anchor_cost(Heads& heads) {
    constexpr double alpha = 32, delta = 0.1;
    const double shown =
        static_cast<double>(std::set<std::size_t>(heads.own.begin(), heads.own.end()).size());
    double loss = 0;
    for (std::size_t p = 0; p < classes; ++p) {
        double own = 0, others = 0;
        for (std::size_t i = 0; i < heads.c.size(); ++i)
            if (heads.own[i] == p)
                own += std::exp(-alpha * (heads.c[i][p] - delta));
            else
                others += std::exp(alpha * (heads.c[i][p] + delta));
        loss += std::log(1 + own) / shown + std::log(1 + others) / classes;
        for (std::size_t i = 0; i < heads.c.size(); ++i)
            heads.slopes[i][p] =
                heads.own[i] == p
                    ? -alpha * std::exp(-alpha * (heads.c[i][p] - delta)) / (1 + own) / shown
                    : alpha * std::exp(alpha * (heads.c[i][p] + delta)) / (1 + others) / classes;
    }
    return loss;
}

struct Head {
    const char* loss;
    long offset;  // of its parameter
    double (*cost)(Heads&);
};

const Head heads_known[] = {{"arcface", CROWD_ARCFACE_KERNEL_OFFSET, arcface_cost},
                            {"proxy_anchor", CROWD_PROXY_ANCHOR_KERNEL_OFFSET, proxy_anchor_cost}};

struct Expected {
    double loss = 0;
    Doubles gradient = Doubles(CROWD_PARAMETER_FLOATS, 0.0);
};

Expected expected_of(const World& world, const Head& head, std::size_t images) {
    const float* kernel = world.parameters.data() + head.offset;
    std::vector<Trace> traces;
    Heads heads;
    for (std::size_t i = 0; i < images; ++i) {
        const std::uint8_t* image = world.images.data() + 784 * world.rows[i];
        traces.push_back(forward(world.parameters.data(),
                                 pixels(image, world.shifts[2 * i], world.shifts[2 * i + 1])));
        heads.c.push_back(cosines(traces[i].embedding, kernel));
        heads.own.push_back(static_cast<std::size_t>(world.labels[i]));
    }
    heads.slopes.assign(images, Doubles(classes, 0.0));
    Expected expected;
    expected.loss = head.cost(heads);
    for (std::size_t i = 0; i < images; ++i) {
        Doubles adjoint(width, 0.0);
        for (std::size_t j = 0; j < classes; ++j) {
            const double longer = length(kernel, j), slope = heads.slopes[i][j] / longer;
            for (std::size_t k = 0; k < width; ++k) {
                const double w = kernel[k * classes + j];
                adjoint[k] += slope * w;
                expected.gradient[static_cast<std::size_t>(head.offset) + k * classes + j] +=
                    slope * (traces[i].embedding[k] - heads.c[i][j] * w / longer);
            }
        }
        backward(world.parameters.data(), traces[i], adjoint, expected.gradient);
    }
    return expected;
}

void label(World& world) {
    for (std::size_t t = 0; t < world.labels.size(); ++t)
        world.labels[t] = static_cast<float>(t * 7 % classes);
}

}  // namespace

TEST_CASE("losses with a direction for each class, whole and last batches", "[library]") {
    World world(crowd_model);
    label(world);
    for (const Head& head : heads_known)
        for (const int images : {128, 17, 1}) {
            INFO(head.loss << " of " << images << " images");
            const siamc_loss& loss = *siamc_find_loss(&crowd_model, head.loss);
            REQUIRE(loss.sees == SIAMC_BATCH);
            siamc_results results{};
            std::fill_n(world.gradient.data(), world.gradient.size(), 7.0f);
            REQUIRE(world.take_gradient(loss, images, results) == 0);
            const Expected expected = expected_of(world, head, static_cast<std::size_t>(images));
            CHECK(results.loss == Approx(expected.loss).epsilon(tolerance));
            for (const siamc_parameter* tensor = crowd_model.parameters;
                 tensor != crowd_model.parameters + crowd_model.parameter_tensors; ++tensor) {
                const bool others = std::any_of(
                    std::begin(heads_known), std::end(heads_known),
                    [&](const Head& h) { return h.offset == tensor->offset && &h != &head; });
                const auto [worst, largest] =
                    deviation(world.gradient.data() + tensor->offset,
                              expected.gradient.data() + tensor->offset, size_of(*tensor));
                INFO(tensor->name);
                REQUIRE((largest > 0) == !others);
                CHECK(worst <= tolerance * largest);
            }
        }
}

TEST_CASE("a class that the loss does not know is refused", "[library]") {
    World world(crowd_model);
    label(world);
    siamc_results results{};
    world.labels[3] = 24;
    CHECK(world.take_gradient(arcface(), 4, results) == 0);
    world.labels[3] = 25;
    CHECK(world.take_gradient(arcface(), 4, results) == SIAMC_BAD_CLASS);
    CHECK(world.take_gradient(crowd_model.losses[0], 4, results) == 0);
}

// The optimiser walks over all parameters: what a loss does not have must not move.
TEST_CASE("parameters of another loss have gradient 0", "[library]") {
    World world(crowd_model);
    label(world);
    siamc_results results{};
    REQUIRE(world.take_gradient(arcface(), 128, results) == 0);
    REQUIRE(world.take_gradient(crowd_model.losses[0], 128, results) == 0);
    float* own = world.gradient.data() + CROWD_ARCFACE_KERNEL_OFFSET;
    CHECK(std::all_of(own, own + width * classes, [](float value) { return value == 0; }));
    CHECK(std::any_of(world.gradient.data(), own, [](float value) { return value != 0; }));
}

TEST_CASE("the loss of embeddings that were computed before, with its parameters", "[library]") {
    World world(crowd_model);
    label(world);
    std::fill(world.shifts.begin(), world.shifts.end(), 0);
    const std::vector<std::int32_t> rows(world.rows.begin(), world.rows.begin() + 100);
    const std::vector<float> embeddings = world.embed(rows);
    std::vector<std::int32_t> places(100);
    for (int i = 0; i < 100; ++i) places[static_cast<std::size_t>(i)] = i;
    const siamc_batch batch = {places.data(), nullptr, world.labels.data(), 100};
    siamc_results results{};
    for (const Head& head : heads_known) {
        INFO(head.loss);
        const siamc_loss& loss = *siamc_find_loss(&crowd_model, head.loss);
        const auto evaluate = [&](const float* parameters) {
            return siamc_evaluate(&crowd_model, &loss, parameters, embeddings.data(), 100, &batch,
                                  world.arena.data(), &results);
        };
        CHECK(evaluate(nullptr) == SIAMC_NULL_ARGUMENT);
        REQUIRE(evaluate(world.parameters.data()) == 0);
        CHECK(results.loss == Approx(expected_of(world, head, 100).loss).epsilon(tolerance));
    }
    CHECK(crowd_arcface_evaluate(world.parameters.data(), embeddings.data(), 100, &batch,
                                 world.arena.data(), &results) == 0);
}
