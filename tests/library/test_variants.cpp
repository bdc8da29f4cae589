// One library, several instruction sets: which runs, and that all give the same results.
//
// The whole folder's tests run once for each variant (tests/CMakeLists.txt sets SIAMC_VARIANT).
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "catch.h"
#include "core/error.h"
#include "library/fixture.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Where this processor cannot run what it is told to, no test of this program means anything.
const bool can_run = [] {
    if (siamc_choose(fc_model.library) != SIAMC_UNUSABLE_VARIANT) return true;
    std::printf("NOT RUN: this processor cannot run %s\n", std::getenv("SIAMC_VARIANT"));
    std::fflush(stdout);
    ::_exit(0);
}();

// SIAMC_VARIANT while it lives, and the choice made anew; afterwards as it was.
class Forced {
  public:
    Forced(const siamc_model& model, const char* variant) : model_(model) {
        if (const char* before = std::getenv("SIAMC_VARIANT")) before_ = before;
        set(variant);
    }
    ~Forced() { set(before_.empty() ? nullptr : before_.c_str()); }
    Forced(const Forced&) = delete;
    Forced& operator=(const Forced&) = delete;

  private:
    void set(const char* variant) {
        if (variant)
            ::setenv("SIAMC_VARIANT", variant, 1);
        else
            ::unsetenv("SIAMC_VARIANT");
        model_.library->state->variant = 0;
    }

    const siamc_model& model_;
    std::string before_;
};

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (int v = 0; v < fc_model.library->variant_count; ++v)
        all.emplace_back(fc_model.library->variants[v].name);
    return all;
}

std::string message_of(const siamc_model& tables) {
    try {
        const Model model(tables);
        return "";
    } catch (const Error& error) {
        CHECK(error.code() == Exit::usage);
        return error.what();
    }
}

std::vector<float> embeddings() {
    World world;
    std::vector<std::int32_t> rows(37);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int32_t>(i);
    return world.embed(rows);
}

}  // namespace

TEST_CASE("the first variant that the processor can run is taken", "[once]") {
    const Forced none(fc_model, nullptr);
    int first = 0;
    while (!siamc_can_run(fc_model.library, first)) ++first;
    CHECK(siamc_choose(fc_model.library) == first + 1);
    CHECK(siamc_variant_name(&fc_model) == names().at(static_cast<std::size_t>(first)));
    // What an emulated processor is known to have.
    if (const char* expected = std::getenv("SIAMC_EXPECTED_VARIANT"))
        CHECK(std::string(siamc_variant_name(&fc_model)) == expected);
}

// In every set of this folder's tests: it is the variant that was asked for.
TEST_CASE("the variant that is asked for runs") {
    if (const char* forced = std::getenv("SIAMC_VARIANT"))
        CHECK(std::string(siamc_variant_name(&fc_model)) == forced);
    CHECK(siamc_choose(fc_model.library) >= 1);
    CHECK(siamc_choose(cnn_model.library) == siamc_choose(fc_model.library));
}

TEST_CASE("each variant can be forced, and its own kernels run", "[once]") {
    REQUIRE(can_run);
    std::vector<std::vector<float>> results;
    for (int v = 0; v < fc_model.library->variant_count; ++v) {
        const std::string name = names().at(static_cast<std::size_t>(v));
        if (!siamc_can_run(fc_model.library, v)) continue;
        const Forced forced(fc_model, name.c_str());
        INFO(name);
        CHECK(siamc_variant_name(&fc_model) == name);
        CHECK(Model(fc_model).variant() == name);
        results.push_back(embeddings());
        REQUIRE(!results.back().empty());
    }
    // Other instructions round elsewhere: equal bits would mean that the same kernels ran.
    for (std::size_t a = 0; a < results.size(); ++a)
        for (std::size_t b = 0; b < a; ++b) {
            double largest = 0;
            for (std::size_t i = 0; i < results[a].size(); ++i)
                largest = std::max(largest, std::abs(double{results[a][i]} - results[b][i]));
            CHECK(largest > 0);
            CHECK(largest <= 1e-5);
        }
}

TEST_CASE("what the library does not hold, or the processor cannot run, is refused", "[once]") {
    {
        World world;
        const Forced forced(fc_model, "mmx");
        CHECK(siamc_choose(fc_model.library) == SIAMC_UNKNOWN_VARIANT);
        CHECK(siamc_variant_name(&fc_model) == nullptr);
        const std::string message = message_of(fc_model);
        CHECK(message.find("no variant 'mmx'") != std::string::npos);
        for (const std::string& name : names()) CHECK(message.find(name) != std::string::npos);
        CHECK(fc_embed(world.parameters.data(), world.images.data(), stored_images,
                       world.rows.data(), 1, world.arena.data(),
                       world.arena.data()) == SIAMC_UNKNOWN_VARIANT);
    }
    // A processor that lacks what the tables ask for.
    const std::uint64_t every_feature[] = {~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0}};
    const siamc_variant& known = fc_model.library->variants[0];
    REQUIRE(known.feature_words <= 3);
    const siamc_variant list[] = {
        {"future", "x86-64-linux-future", every_feature, known.feature_words, 0}};
    siamc_state state = {};
    siamc_library library = *fc_model.library;
    library.state = &state;
    library.variants = list;
    library.variant_count = 1;
    siamc_model model = fc_model;
    model.library = &library;
    {
        const Forced none(model, nullptr);
        CHECK(siamc_choose(&library) == SIAMC_NO_VARIANT);
        CHECK(message_of(model).find("none of its variants (future)") != std::string::npos);
    }
    const Forced forced(model, "future");
    CHECK(siamc_choose(&library) == SIAMC_UNUSABLE_VARIANT);
    CHECK(message_of(model).find("cannot run 'future'") != std::string::npos);
}
