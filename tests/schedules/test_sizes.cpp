// Sizes that fill no vector: every number of units and of filters from 1 to 70, and what lies
// around multiples of vectors behind that.
#include <fmt/format.h>

#include <cstdlib>
#include <tuple>
#include <vector>

#include "catch.h"
#include "schedules/checked_model.h"

namespace siamc::compiler::test {

namespace {

constexpr int together = 7;  // sizes that one model has

void check_sizes(const std::string& text) {
    const CheckedModel checked(text, 8, std::vector<std::string>{"embed_one", "contrastive"});
    for (const KernelTargets& targets : tested_targets())
        checked.check(ScheduleChoice::tuned, targets);
}

// Layers of `first` units, then one more each.
void check_units(int first, int layers) {
    std::string text;
    for (int units = first; units < first + layers; ++units) text += dense(units);
    INFO(first << " units and more");
    check_sizes(model(text, "euclidean"));
}

// As many pixels are left for the last as for a small tile.
void check_filters(int first, int layers) {
    std::string text;
    for (int filters = first; filters < first + layers; ++filters) text += conv(filters, 2);
    INFO(first << " filters and more");
    check_sizes(model(text + dense(3), "euclidean", fmt::format("{0}, {0}", layers + 4)));
}

// What is pooled, by Winograd's convolution where there are channels enough.
void check_pooled(int first, int second) {
    INFO(first << " and " << second << " filters, pooled");
    const std::string pooled = "activation = \"relu\"\n";
    check_sizes(model(conv(first, 3, pooled) + layer("max_pool") + conv(second, 3, pooled) +
                          layer("max_pool") + dense(3),
                      "euclidean", "14, 13"));
}

// With SIAMC_ALL_SIZES in the environment all sizes are tested, else some.
bool all_sizes() {
    return std::getenv("SIAMC_ALL_SIZES") != nullptr;
}

// The first sizes of models that have all from 1 to 70, or a quarter of them.
std::vector<int> firsts() {
    std::vector<int> some;
    for (int first = 1; first < 70; first += all_sizes() ? together : 4 * together)
        some.push_back(first);
    return some;
}

}  // namespace

TEST_CASE("units that fill no vector", "[sizes]") {
    for (const int first : firsts()) check_units(first, together);
    for (const int middle : all_sizes() ? std::vector{80, 96, 112, 128} : std::vector{80})
        check_units(middle - 1, 3);
}

TEST_CASE("filters that fill no vector", "[sizes]") {
    for (const int first : all_sizes() ? firsts() : std::vector{1}) check_filters(first, together);
}

// Vectors that stick out of the filters stick out of the groups too.
TEST_CASE("filters of groups that fill no vector", "[sizes]") {
    for (const auto& [channels, filters, groups] :
         {std::tuple(96, 3, 3), std::tuple(9, 144, 9), std::tuple(80, 10, 5)}) {
        INFO(channels << " channels, " << filters << " filters, " << groups << " groups");
        check_sizes(model(
            conv(channels, 1) + conv(filters, 2, fmt::format("groups = {}\n", groups)) + dense(3),
            "euclidean", "4, 3"));
    }
}

TEST_CASE("pooled filters that fill no vector", "[sizes]") {
    for (const int first : all_sizes() ? std::vector{5, 17, 30, 33} : std::vector{17})
        check_pooled(first, first + 2);
}

}  // namespace siamc::compiler::test
