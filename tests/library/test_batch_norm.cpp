// Batch normalisation through a library's C interface, against double precision: statistics of the
// batch in training, running ones everywhere else.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "catch.h"
#include "library/fixture.h"
#include "library/reference.h"
#include "normal.h"
#include "training/optimizer.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double tolerance = 1e-5;  // as test_results.cpp

// Means and variances of both normalisations: 4 channels, then 12 features.
struct Statistics {
    Doubles mean[2], variance[2];
};

constexpr std::size_t channels[2] = {4, 12};
constexpr double momentum[2] = {0.9, 0.75}, epsilon[2] = {1e-3, 0.01};  // as normal.toml
constexpr long mean_at[2] = {NORMAL_BATCH_NORM1_MEAN_OFFSET, NORMAL_BATCH_NORM2_MEAN_OFFSET};
constexpr long variance_at[2] = {NORMAL_BATCH_NORM1_VARIANCE_OFFSET,
                                 NORMAL_BATCH_NORM2_VARIANCE_OFFSET};
constexpr long gamma_at[2] = {NORMAL_BATCH_NORM1_GAMMA_OFFSET, NORMAL_BATCH_NORM2_GAMMA_OFFSET};
constexpr long beta_at[2] = {NORMAL_BATCH_NORM1_BETA_OFFSET, NORMAL_BATCH_NORM2_BETA_OFFSET};

// 8 x 8 places of a window of 7 x 7, 3 pixels apart.
Doubles convolved(const Doubles& p, const Doubles& image) {
    Doubles out;
    for (std::size_t y = 0; y < 8; ++y)
        for (std::size_t x = 0; x < 8; ++x)
            for (std::size_t n = 0; n < 4; ++n) {
                double sum = 0;
                for (std::size_t j = 0; j < 7; ++j)
                    for (std::size_t i = 0; i < 7; ++i)
                        sum += image[28 * (3 * y + j) + 3 * x + i] *
                               p[NORMAL_CONV2D1_KERNEL_OFFSET + 4 * (7 * j + i) + n];
                out.push_back(sum);
            }
    return out;
}

Doubles multiplied(const Doubles& p, const Doubles& line) {
    Doubles out(p.begin() + NORMAL_DENSE1_BIAS_OFFSET, p.begin() + NORMAL_DENSE1_BIAS_OFFSET + 12);
    for (std::size_t k = 0; k < line.size(); ++k)
        for (std::size_t n = 0; n < 12; ++n)
            out[n] += line[k] * p[NORMAL_DENSE1_KERNEL_OFFSET + 12 * k + n];
    return out;
}

// Of the values of all images, each of which counts the same.
void take_statistics(const std::vector<Doubles>& values, std::size_t l, Statistics& statistics) {
    const std::size_t count = channels[l];
    const double share =
        static_cast<double>(count) / static_cast<double>(values.size() * values[0].size());
    statistics.mean[l].assign(count, 0.0);
    statistics.variance[l].assign(count, 0.0);
    for (const Doubles& image : values)
        for (std::size_t i = 0; i < image.size(); ++i)
            statistics.mean[l][i % count] += share * image[i];
    for (const Doubles& image : values)
        for (std::size_t i = 0; i < image.size(); ++i)
            statistics.variance[l][i % count] +=
                share * std::pow(image[i] - statistics.mean[l][i % count], 2);
}

void normalize(const Doubles& p, const Statistics& statistics, std::size_t l, Doubles& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t c = i % channels[l];
        values[i] = (values[i] - statistics.mean[l][c]) /
                        std::sqrt(statistics.variance[l][c] + epsilon[l]) *
                        p[static_cast<std::size_t>(gamma_at[l]) + c] +
                    p[static_cast<std::size_t>(beta_at[l]) + c];
    }
}

// Embeddings by given statistics, or by those of the batch, which it then says.
std::vector<Doubles> embeddings(const Doubles& p, const std::vector<Doubles>& images,
                                Statistics& statistics, bool training) {
    std::vector<Doubles> values;
    for (const Doubles& image : images) values.push_back(convolved(p, image));
    if (training) take_statistics(values, 0, statistics);
    for (Doubles& image : values) {
        normalize(p, statistics, 0, image);
        for (double& value : image) value = std::max(value, 0.0);
        image = multiplied(p, image);
    }
    if (training) take_statistics(values, 1, statistics);
    for (Doubles& image : values) normalize(p, statistics, 1, image);
    return values;
}

double square(const Doubles& a, const Doubles& b) {
    return std::pow(distance(a, b), 2);
}

using Loss = std::function<double(const std::vector<Doubles>&, const World&)>;

double contrastive(const std::vector<Doubles>& at, const World& world) {
    double sum = 0;
    for (std::size_t t = 0; t < at.size() / 2; ++t) {
        const double d = square(at[2 * t], at[2 * t + 1]);
        sum += world.labels[t] > 0.5f ? d * d : std::pow(std::max(0.0, 1.5 - d), 2);
    }
    return sum / static_cast<double>(at.size() / 2);
}

double triplet(const std::vector<Doubles>& at, const World&) {
    double sum = 0;
    for (std::size_t t = 0; t < at.size() / 3; ++t)
        sum += std::max(0.0,
                        square(at[3 * t], at[3 * t + 1]) - square(at[3 * t], at[3 * t + 2]) + 8.0);
    return sum / static_cast<double>(at.size() / 3);
}

double supervised_contrastive(const std::vector<Doubles>& at, const World& world) {
    double sum = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
        double all = 0, logs = 0, positives = 0;
        for (std::size_t j = 0; j < at.size(); ++j) {
            if (j == i) continue;
            const double close = -square(at[i], at[j]) / 4.0;
            all += std::exp(close);
            if (world.labels[i] != world.labels[j]) continue;
            logs += close;
            positives += 1;
        }
        if (positives > 0) sum -= logs / positives - std::log(all);
    }
    return sum / static_cast<double>(at.size());
}

struct Expected {
    const char* name;
    std::size_t images_per_tuple;
    Loss loss;
};
const Expected losses[] = {{"contrastive", 2, contrastive},
                           {"triplet", 3, triplet},
                           {"supervised_contrastive", 1, supervised_contrastive}};

Doubles parameters_of(const World& world) {
    return {world.parameters.data(), world.parameters.data() + NORMAL_PARAMETER_FLOATS};
}

std::vector<Doubles> shown(const World& world, std::size_t count) {
    std::vector<Doubles> images;
    for (std::size_t r = 0; r < count; ++r)
        images.push_back(pixels(world.images.data() + 784 * world.rows[r], world.shifts[2 * r],
                                world.shifts[2 * r + 1]));
    return images;
}

// Some images are shown by several tuples of a slice.
World normal_world() {
    World world(normal_model);
    for (std::size_t r = 8; r < world.rows.size(); r += 5) {
        world.rows[r] = world.rows[r - 3];
        for (std::size_t axis = 0; axis < 2; ++axis)
            world.shifts[2 * r + axis] = world.shifts[2 * (r - 3) + axis];
    }
    for (std::size_t l = 0; l < 2; ++l)
        for (std::size_t c = 0; c < channels[l]; ++c)
            world.parameters.data()[static_cast<std::size_t>(variance_at[l]) + c] =
                0.5f + 0.1f * static_cast<float>(c);
    return world;
}

// Some of what is trained; the slope of the loss along each.
void check_slopes(const World& world, const Expected& expected, double loss,
                  const std::vector<Doubles>& images) {
    const Doubles p = parameters_of(world);
    const auto loss_at = [&](std::size_t at, double by) {
        Doubles moved = p;
        moved[at] += by;
        Statistics ignored;
        return expected.loss(embeddings(moved, images, ignored, true), world);
    };
    double worst = 0, largest = 0;
    for (const long first : std::initializer_list<long>{
             NORMAL_CONV2D1_KERNEL_OFFSET, NORMAL_CONV2D1_KERNEL_OFFSET + 95, gamma_at[0] + 1,
             beta_at[0] + 2, NORMAL_DENSE1_KERNEL_OFFSET + 700, NORMAL_DENSE1_KERNEL_OFFSET + 2301,
             NORMAL_DENSE1_BIAS_OFFSET + 3, gamma_at[1] + 5, beta_at[1] + 7}) {
        const auto at = static_cast<std::size_t>(first);
        constexpr double step = 1e-7;
        const double slope = (loss_at(at, step) - loss_at(at, -step)) / (2 * step);
        const float got = world.gradient.data()[at];
        const auto [off, size] = deviation(&got, &slope, 1);
        INFO("parameter " << at << ": " << got << ", slope " << slope);
        CHECK(!std::isnan(off));
        worst = std::max(worst, off);
        largest = std::max(largest, size);
    }
    CHECK((largest > 0) == (loss > 0));
    CHECK(worst <= 10 * tolerance * largest);
}

void check_steps(const World& world, const Statistics& batch) {
    for (std::size_t l = 0; l < 2; ++l)
        for (std::size_t c = 0; c < channels[l]; ++c) {
            const auto check = [&](long first, const Doubles& of_batch) {
                const std::size_t at = static_cast<std::size_t>(first) + c;
                const double step = (1 - momentum[l]) * (world.parameters.data()[at] - of_batch[c]);
                CHECK(world.gradient.data()[at] == Approx(step).epsilon(1e-4).margin(1e-6));
            };
            check(mean_at[l], batch.mean[l]);
            check(variance_at[l], batch.variance[l]);
        }
}

}  // namespace

TEST_CASE("batch_norm in training, whole and last batches", "[library]") {
    World world = normal_world();
    for (const Expected& expected : losses)
        for (const int tuples : {128, 17, 2}) {
            INFO(expected.name << " of " << tuples << " tuples");
            siamc_results results{};
            REQUIRE(world.take_gradient(*siamc_find_loss(&normal_model, expected.name), tuples,
                                        results) == 0);
            const std::vector<Doubles> images =
                shown(world, static_cast<std::size_t>(tuples) * expected.images_per_tuple);
            Statistics batch;
            const double loss =
                expected.loss(embeddings(parameters_of(world), images, batch, true), world);
            CHECK(results.loss == Approx(loss).epsilon(tolerance));
            check_slopes(world, expected, loss, images);
            check_steps(world, batch);
        }
}

TEST_CASE("a batch of no tuples moves no statistics", "[library]") {
    World world = normal_world();
    for (const Expected& expected : losses) {
        std::fill_n(world.gradient.data(), NORMAL_PARAMETER_FLOATS, 7.0f);
        siamc_results results{};
        REQUIRE(world.take_gradient(*siamc_find_loss(&normal_model, expected.name), 0, results) ==
                0);
        for (long at = 0; at < normal_model.statistic_floats; ++at) {
            const bool padding = at % 64 >= 12 || (at < 128 && at % 64 >= 4);
            if (!padding) REQUIRE(world.gradient.data()[at] == 0);
        }
    }
    CHECK(normal_model.statistic_floats == 4 * 64);
}

TEST_CASE("batch_norm when embedding takes what it remembers", "[library]") {
    World world = normal_world();
    std::fill(world.shifts.begin(), world.shifts.end(), 0);
    const Doubles p = parameters_of(world);
    Statistics running;
    for (std::size_t l = 0; l < 2; ++l) {
        const auto part = [&](long first) {
            return Doubles(p.begin() + first, p.begin() + first + static_cast<long>(channels[l]));
        };
        running.mean[l] = part(mean_at[l]);
        running.variance[l] = part(variance_at[l]);
    }
    for (const std::size_t count : {std::size_t{1}, std::size_t{70}}) {
        const std::vector<std::int32_t> wanted(world.rows.begin(),
                                               world.rows.begin() + static_cast<long>(count));
        const std::vector<float> got = world.embed(wanted);
        const std::vector<Doubles> expected = embeddings(p, shown(world, count), running, false);
        REQUIRE(got.size() == 12 * count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto [worst, largest] = deviation(&got[12 * i], expected[i].data(), 12);
            CHECK(worst <= tolerance * largest);
        }
    }
}

TEST_CASE("every optimiser moves statistics by their own step alone", "[library]") {
    const Model model(normal_model);
    for (const std::string& name : known_optimizers()) {
        World world = normal_world();
        const std::vector<float> before(world.parameters.data(),
                                        world.parameters.data() + NORMAL_PARAMETER_FLOATS);
        Optimizer optimizer(model, name, Semantics::keras);
        const Update update = optimizer.next(0.01);
        REQUIRE(world.step(*siamc_find_loss(&normal_model, "triplet"), update) == 0);
        const auto moved = [&](long at) {
            return world.parameters.data()[at] != before[static_cast<std::size_t>(at)];
        };
        for (std::size_t l = 0; l < 2; ++l)
            for (long c = 0; c < static_cast<long>(channels[l]); ++c)
                for (const long first : {mean_at[l], variance_at[l]}) {
                    INFO(name << ", parameter " << first + c);
                    CHECK(world.parameters.data()[first + c] ==
                          before[static_cast<std::size_t>(first + c)] -
                              world.gradient.data()[first + c]);
                    CHECK(moved(first + c));
                    CHECK(update.moments[0][first + c] == 0);
                }
        CHECK(moved(NORMAL_DENSE1_KERNEL_OFFSET + 5));
        CHECK(moved(gamma_at[1]));
    }
}

TEST_CASE("batch_norm gives the same bits on any number of threads", "[many]") {
    World world = normal_world();
    for (const Expected& expected : losses) {
        const siamc_loss& loss = *siamc_find_loss(&normal_model, expected.name);
        siamc_results results{};
        std::vector<float> first;
        for (const int threads : {1, 2, 5}) {
            REQUIRE(siamc_set_threads(&normal_model, threads) == 0);
            REQUIRE(world.take_gradient(loss, 100, results) == 0);
            const std::vector<float> gradient(world.gradient.data(),
                                              world.gradient.data() + NORMAL_PARAMETER_FLOATS);
            if (first.empty()) first = gradient;
            INFO(expected.name << ", " << threads << " threads");
            CHECK(std::memcmp(first.data(), gradient.data(),
                              NORMAL_PARAMETER_FLOATS * sizeof(float)) == 0);
        }
    }
}
