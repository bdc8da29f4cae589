// Recipes: what a model's file says, for each loss and optimiser.
#include "catch.h"
#include "core/error.h"
#include "training/recipe.h"

using namespace siamc;

namespace {

const char* const recipes = R"(
[short]
rate = { adam = 0.002, sgd = 1 }
[long]
schedule = "one_cycle"
warmup = 0.2
shift = 2
epochs = 30
batch = 64
rate = { adam = 0.003 }
[long.triplet]
shift = 1
rate = { adam = 0.004 }
)";

std::string message_of(const std::string& text, const std::string& name) {
    try {
        find_recipe(text, name, "contrastive", "adam");
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("a recipe says what it has, the rest is usual") {
    const Recipe brief = find_recipe(recipes, "short", "contrastive", "adam");
    CHECK(brief.schedule.kind == RateSchedule::Kind::constant);
    CHECK(brief.schedule.peak == 0.002);
    CHECK(brief.shift == 0);
    CHECK(brief.epochs == 10);
    CHECK(brief.batch == 128);
    CHECK(find_recipe(recipes, "short", "contrastive", "sgd").schedule.peak == 1);
    CHECK(find_recipe(recipes, "short", "contrastive", "rmsprop").schedule.peak == 0.001);
    const Recipe full = find_recipe(recipes, "long", "contrastive", "adam");
    CHECK(full.schedule.kind == RateSchedule::Kind::one_cycle);
    CHECK(full.schedule.warmup == 0.2);
    CHECK(full.shift == 2);
    CHECK(full.epochs == 30);
    CHECK(full.batch == 64);
}

TEST_CASE("a loss overrides what the recipe says") {
    const Recipe recipe = find_recipe(recipes, "long", "triplet", "adam");
    CHECK(recipe.shift == 1);
    CHECK(recipe.schedule.peak == 0.004);
    CHECK(recipe.epochs == 30);
}

TEST_CASE("recipes that are not there or say nonsense") {
    CHECK(message_of(recipes, "medium") ==
          "--recipe: the model has no recipe 'medium'\n  write: one of long, short");
    CHECK(message_of("[a]\nepochs = \"ten\"\n", "a") ==
          "the model's recipes: epochs has a value of the wrong kind");
}
