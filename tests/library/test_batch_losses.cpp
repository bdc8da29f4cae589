// Losses that see the whole batch, through a library's C interface, against double precision.
#include <functional>
#include <map>
#include <numeric>

#include "catch.h"
#include "crowd.h"
#include "library/fixture.h"
#include "library/reference.h"

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr double tolerance = 1e-5;  // as test_results.cpp

struct Expected {
    double loss = 0;
    Doubles gradient = Doubles(CROWD_PARAMETER_FLOATS, 0.0);
};

// The batch's images by their row; of each its embedding and its class.
struct Crowd {
    Crowd(const World& world, int images) : world_(world) {
        for (int i = 0; i < images; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const std::uint8_t* image = world.images.data() + 784 * world.rows[at];
            traces.push_back(forward(world.parameters.data(), pixels(image, world.shifts[2 * at],
                                                                     world.shifts[2 * at + 1])));
            classes.push_back(world.labels[at]);
        }
        adjoints.assign(traces.size(), Doubles(256, 0.0));
    }

    std::size_t size() const { return traces.size(); }
    double at(std::size_t i, std::size_t j) const {
        return distance(traces[i].embedding, traces[j].embedding);
    }
    void add(std::size_t i, std::size_t j, double slope) {
        add_distance_gradient(traces[i].embedding, traces[j].embedding, slope, adjoints[i],
                              adjoints[j]);
    }
    Doubles gradient() const {
        Doubles sum(CROWD_PARAMETER_FLOATS, 0.0);
        for (std::size_t i = 0; i < size(); ++i)
            backward(world_.parameters.data(), traces[i], adjoints[i], sum);
        return sum;
    }

    std::vector<Trace> traces;
    std::vector<float> classes;
    std::vector<Doubles> adjoints;

  private:
    const World& world_;
};

// What an image costs, and how far a distance may move before the slope jumps.
struct Cost {
    Cost(double all) : cost(all) {}
    Cost(double all, double to_jump) : cost(all), jump(to_jump) {}
    double cost, jump = 1;
};

// From an image's distances to all images of the batch and whether each is of its class; itself
// among them.
using RowLoss = std::function<Cost(const Doubles& d, const std::vector<bool>& same, std::size_t i)>;

// The circle loss of weights that stay as they are.
struct Circle {
    Doubles weights;
    double operator()(const Doubles& d, const std::vector<bool>& same, std::size_t i) const {
        double attracts = 0, repels = 0;
        for (std::size_t j = 0; j < d.size(); ++j) {
            if (same[j] && j != i) attracts += std::exp(4 * (weights[j] + 0.4) * (d[j] - 0.4));
            if (!same[j]) repels += std::exp(4 * std::max(0.0, 1.4 - weights[j]) * (0.6 - d[j]));
        }
        return std::log(1 + attracts * repels);
    }
};

// Slopes by central differences: an image's cost depends on its own row of distances. Where it
// jumps nearby, they and the library's, from distances in float, would say nothing. `weighs`: the
// circle loss, whose weights are those of the distances as they are.
Expected expected_of(const World& world, int images, RowLoss cost, bool weighs) {
    constexpr double step = 1e-7, clear = 1e-6;
    Crowd crowd(world, images);
    Expected expected;
    for (std::size_t i = 0; i < crowd.size(); ++i) {
        Doubles d;
        std::vector<bool> same;
        for (std::size_t j = 0; j < crowd.size(); ++j) {
            d.push_back(crowd.at(i, j));
            same.push_back(crowd.classes[i] == crowd.classes[j]);
        }
        if (weighs) cost = Circle{d};
        const Cost here = cost(d, same, i);
        REQUIRE(here.jump > clear);
        expected.loss += here.cost / images;
        for (std::size_t j = 0; j < crowd.size(); ++j) {
            const double there = d[j];
            d[j] = there + step;
            const double above = cost(d, same, i).cost;
            d[j] = there - step;
            const double slope = (above - cost(d, same, i).cost) / (2 * step);
            d[j] = there;
            if (j != i) crowd.add(i, j, slope / images);
        }
    }
    expected.gradient = crowd.gradient();
    return expected;
}

// Of all triplets of the image: (the sum of what they cost, how many cost something, how many there
// are).
struct Hinges {
    double sum = 0, active = 0, all = 0, jump = 1;
};

Hinges hinges(const Doubles& d, const std::vector<bool>& same, std::size_t i, double margin) {
    Hinges found;
    for (std::size_t p = 0; p < d.size(); ++p)
        for (std::size_t n = 0; n < d.size(); ++n) {
            if (p == i || !same[p] || same[n]) continue;
            const double lacks = d[p] + margin - d[n];
            ++found.all;
            found.jump = std::min(found.jump, std::abs(lacks));
            if (lacks > 0) found.sum += lacks, ++found.active;
        }
    return found;
}

Cost batch_all(const Doubles& d, const std::vector<bool>& same, std::size_t i) {
    const Hinges found = hinges(d, same, i, 0.11);
    return {found.active > 0 ? found.sum / found.active : 0, found.jump};
}

Cost semi_hard(const Doubles& d, const std::vector<bool>& same, std::size_t i) {
    Doubles negatives;
    for (std::size_t j = 0; j < d.size(); ++j)
        if (!same[j]) negatives.push_back(d[j]);
    std::sort(negatives.begin(), negatives.end());
    double sum = 0, positives = 0, jump = hinges(d, same, i, 0).jump;
    for (std::size_t p = 0; p < d.size() && !negatives.empty(); ++p) {
        if (p == i || !same[p]) continue;
        const auto beyond = std::upper_bound(negatives.begin(), negatives.end(), d[p]);
        const double n = beyond == negatives.end() ? negatives.back() : *beyond;
        sum += std::max(0.0, d[p] + 0.2 - n), ++positives;
        jump = std::min(jump, std::abs(d[p] + 0.2 - n));
    }
    return {positives > 0 ? sum / positives : 0, jump};
}

double batch_hard(const Doubles& d, const std::vector<bool>& same, std::size_t i) {
    double farthest = -1, nearest = -1;
    for (std::size_t j = 0; j < d.size(); ++j) {
        if (same[j] && j != i) farthest = std::max(farthest, d[j]);
        if (!same[j] && (nearest < 0 || d[j] < nearest)) nearest = d[j];
    }
    return farthest < 0 || nearest < 0 ? 0 : std::max(0.0, farthest - nearest + 0.2);
}

double batch_contrastive(const Doubles& d, const std::vector<bool>& same, std::size_t i) {
    double sum = 0;
    for (std::size_t j = 0; j < d.size(); ++j) {
        const double short_of = std::max(0.0, 1 - d[j]);
        if (j != i) sum += same[j] ? d[j] * d[j] : short_of * short_of;
    }
    return sum / static_cast<double>(d.size() - 1);
}

double supervised_contrastive(const Doubles& d, const std::vector<bool>& same, std::size_t i) {
    double all = 0, sum = 0, positives = 0;
    for (std::size_t j = 0; j < d.size(); ++j)
        if (j != i) all += std::exp(-d[j] / 0.2);
    for (std::size_t j = 0; j < d.size(); ++j)
        if (same[j] && j != i) sum -= std::log(std::exp(-d[j] / 0.2) / all), ++positives;
    return positives > 0 ? sum / positives : 0;
}

double n_pair(const Doubles& d, const std::vector<bool>& same, std::size_t i) {
    double sum = 0, positives = 0;
    for (std::size_t p = 0; p < d.size(); ++p) {
        if (!same[p] || p == i) continue;
        double rivals = 0;
        for (std::size_t n = 0; n < d.size(); ++n)
            if (!same[n]) rivals += std::exp((d[p] - d[n]) / 0.5);
        sum += std::log(1 + rivals), ++positives;
    }
    return positives > 0 ? sum / positives : 0;
}

double multi_similarity(const Doubles& d, const std::vector<bool>& same, std::size_t i) {
    double farthest = -1, nearest = 1e9, attracts = 1, repels = 1;
    for (std::size_t j = 0; j < d.size(); ++j) {
        if (same[j] && j != i) farthest = std::max(farthest, d[j]);
        if (!same[j]) nearest = std::min(nearest, d[j]);
    }
    for (std::size_t j = 0; j < d.size(); ++j) {
        if (same[j] && j != i && d[j] + 0.1 > nearest) attracts += std::exp(2 * (d[j] - 0.5));
        if (!same[j] && d[j] - 0.1 < farthest) repels += std::exp(10 * (0.5 - d[j]));
    }
    return std::log(attracts) / 2 + std::log(repels) / 10;
}

const std::map<std::string, RowLoss> costs = {{"batch_all", batch_all},
                                              {"semi_hard", semi_hard},
                                              {"batch_hard", batch_hard},
                                              {"batch_contrastive", batch_contrastive},
                                              {"supervised_contrastive", supervised_contrastive},
                                              {"n_pair", n_pair},
                                              {"multi_similarity", multi_similarity},
                                              {"circle", Circle{}}};

void check(const World& world, const siamc_results& results, const Expected& expected) {
    CHECK(results.loss == Approx(expected.loss).epsilon(tolerance));
    const auto [worst, largest] =
        deviation(world.gradient.data(), expected.gradient.data(), expected.gradient.size());
    REQUIRE(largest > 0);
    CHECK(worst <= tolerance * largest);
}

// Classes of a batch: as many as said, of each about as many images.
void label(World& world, int classes) {
    for (std::size_t t = 0; t < world.labels.size(); ++t)
        world.labels[t] = static_cast<float>(t * 7 % static_cast<std::size_t>(classes));
}

}  // namespace

TEST_CASE("batch losses and gradients, whole and last batches", "[library]") {
    World world(crowd_model);
    std::iota(world.rows.begin(), world.rows.end(), 0);  // all are others: else distances tie
    for (std::int32_t& row : world.rows) row %= stored_images;
    siamc_results results{};
    REQUIRE(crowd_model.loss_count == static_cast<int>(costs.size()) + 2);  // of test_heads
    // After a full batch small ones find its numbers in the arena.
    for (const auto& [images, classes] : {std::pair{128, 23}, {17, 9}, {40, 9}})
        for (const auto& [name, cost] : costs) {
            label(world, classes);
            INFO(name << " of " << images << " images");
            const siamc_loss& loss = *siamc_find_loss(&crowd_model, name.c_str());
            REQUIRE(loss.sees == SIAMC_BATCH);
            REQUIRE(world.take_gradient(loss, images, results) == 0);
            check(world, results, expected_of(world, images, cost, name == "circle"));
        }
}

TEST_CASE("a batch in which nothing can be compared costs nothing", "[library]") {
    World world(crowd_model);
    siamc_results results{};
    for (const char* name : {"batch_all", "semi_hard", "batch_hard", "n_pair"})
        for (const bool all_alike : {true, false}) {
            INFO(name << ", all alike: " << all_alike);
            for (std::size_t t = 0; t < world.labels.size(); ++t)
                world.labels[t] = all_alike ? 3.0f : static_cast<float>(t);
            const siamc_loss& loss = *siamc_find_loss(&crowd_model, name);
            REQUIRE(world.take_gradient(loss, 128, results) == 0);
            CHECK(results.loss == 0);
            for (int i = 0; i < CROWD_PARAMETER_FLOATS; ++i) REQUIRE(world.gradient.data()[i] == 0);
        }
}

TEST_CASE("classes that are none are refused, and change nothing", "[library]") {
    World world(crowd_model);
    label(world, 9);
    siamc_results results{};
    std::fill_n(world.gradient.data(), CROWD_PARAMETER_FLOATS, 7.0f);
    for (const float wrong : {-1.0f, 0.5f, 16777216.0f, std::nanf(""), INFINITY}) {
        INFO(wrong);
        world.labels[40] = wrong;
        CHECK(world.take_gradient(crowd_model.losses[0], 41, results) == SIAMC_BAD_CLASS);
        CHECK(std::count(world.gradient.data(), world.gradient.data() + CROWD_PARAMETER_FLOATS,
                         7.0f) == CROWD_PARAMETER_FLOATS);
        CHECK(world.take_gradient(crowd_model.losses[0], 40, results) == 0);
        std::fill_n(world.gradient.data(), CROWD_PARAMETER_FLOATS, 7.0f);
    }
    world.labels[40] = 16777215.0f;
    CHECK(world.take_gradient(crowd_model.losses[0], 41, results) == 0);
}

TEST_CASE("batch losses give the same bits on any number of threads", "[library]") {
    World world(crowd_model);
    label(world, 9);
    std::vector<float> first;
    for (const int threads : {1, 2, 5}) {
        REQUIRE(siamc_set_threads(&crowd_model, threads) == 0);
        siamc_results results{};
        REQUIRE(world.take_gradient(crowd_model.losses[0], 101, results) == 0);
        const std::vector<float> gradient(world.gradient.data(),
                                          world.gradient.data() + CROWD_PARAMETER_FLOATS);
        if (first.empty()) first = gradient;
        CHECK(gradient == first);
    }
}
