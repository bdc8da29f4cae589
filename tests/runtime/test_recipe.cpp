// Recipes: what a model's file says, for each loss and optimiser.
#include "catch.h"
#include "core/error.h"
#include "runtime/data_helpers.h"
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
label_noise = 0.1
label_noise_from = 5
affine = 0.1
elastic = 1
average = "ema"
average_decay = 0.99
epochs = 30
batch = 64
rate = { adam = 0.003 }
[long.triplet]
shift = 1
rate = { adam = 0.004 }
)";

std::string message_of(const std::string& text, const std::string& name) {
    try {
        find_recipe({"r.toml", text}, name, "contrastive", "adam");
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("a recipe says what it has, the rest is usual") {
    const Recipe brief = find_recipe({"r.toml", recipes}, "short", "contrastive", "adam");
    CHECK(brief.schedule.kind == RateSchedule::Kind::constant);
    CHECK(brief.schedule.peak == 0.002);
    CHECK(brief.shift == 0);
    CHECK(brief.epochs == 10);
    CHECK(brief.batch == 128);
    CHECK(brief.noise.share == 0);
    CHECK(brief.warp.is_none());
    CHECK(brief.averaging.kind == Averaging::Kind::none);
    CHECK(find_recipe({"r.toml", recipes}, "short", "contrastive", "sgd").schedule.peak == 1);
    CHECK(find_recipe({"r.toml", recipes}, "short", "contrastive", "rmsprop").schedule.peak ==
          0.001);
    const Recipe full = find_recipe({"r.toml", recipes}, "long", "contrastive", "adam");
    CHECK(full.schedule.kind == RateSchedule::Kind::one_cycle);
    CHECK(full.schedule.warmup == 0.2);
    CHECK(full.shift == 2);
    CHECK(full.epochs == 30);
    CHECK(full.batch == 64);
    CHECK(full.noise.share == 0.1);
    CHECK(full.noise.from == 5);
    CHECK(full.warp.affine == 0.1);
    CHECK(full.warp.elastic == 1);
    CHECK(full.averaging.kind == Averaging::Kind::ema);
    CHECK(full.averaging.decay == 0.99);
}

TEST_CASE("a loss overrides what the recipe says") {
    const Recipe recipe = find_recipe({"r.toml", recipes}, "long", "triplet", "adam");
    CHECK(recipe.shift == 1);
    CHECK(recipe.schedule.peak == 0.004);
    CHECK(recipe.epochs == 30);
}

TEST_CASE("a loss whose name ends like another's has a table of its own", "[runtime]") {
    const RecipeFile file{"r.toml", "[a]\nbatch = 7\n[a.batch_contrastive]\nbatch = 9\n"};
    CHECK(find_recipe(file, "a", "contrastive", "adam").batch == 7);
    CHECK(find_recipe(file, "a", "batch_contrastive", "adam").batch == 9);
}

TEST_CASE("recipes that are not there or say nonsense") {
    CHECK(message_of(recipes, "medium") ==
          "--recipe: r.toml has no recipe \"medium\"\n  write: one of long and short");
    CHECK(message_of("", "a") ==
          "--recipe: r.toml has no recipe \"a\"\n  write: one into it, [default]");
    CHECK(message_of("[a]\nepochs = \"ten\"\n", "a") ==
          "r.toml:2:10: epochs has a value that it cannot have\n  write: epochs = a whole number "
          "from 1 to 1000000");
    CHECK(message_of("[a]\nlabel_noise = 0.5\n", "a") ==
          "r.toml:2:15: label_noise has a value that it cannot have\n  why: it is the share of the "
          "pairs with a wrong label; at a half labels would say nothing\n  write: "
          "label_noise = a number from 0 to 0.4");
    for (const char* line : {"epochs = 0",
                             "epochs = 1.5",
                             "batch = 70000",
                             "shift = 5",
                             "warmup = 1",
                             "warmup = nan",
                             "rate = 0.1",
                             "rate = { adam = 0 }",
                             "rate = { adma = 1 }",
                             "schedule = \"cosine\"",
                             "label_noise = -0.1",
                             "label_noise = nan",
                             "label_noise = \"0.1\"",
                             "label_noise_from = 0",
                             "label_noise_from = 2.5",
                             "average = \"swa\"",
                             "affine = 0.5",
                             "affine = -0.1",
                             "elastic = 5",
                             "elastic = nan",
                             "elastic = \"much\"",
                             "average = true",
                             "average_decay = 1",
                             "average_decay = 0",
                             "label_nois = 0.6",
                             "epoch = 3",
                             "contrastive = 1",
                             "[a.tripplet]",
                             "[a.contrastive.triplet]"}) {
        const std::string message = message_of(std::string("[a]\n") + line + "\n[b]\n", "a");
        INFO(message);
        CHECK(message.starts_with("r.toml:2:"));
        CHECK(message.find("\n  write: ") != message.npos);
    }
}

TEST_CASE("a recipe says which loss and optimiser it is for", "[recipe]") {
    const RecipeFile file{
        "r.toml",
        "[default]\nloss = \"triplet\"\nsemantics = \"pytorch\"\nepochs = 3\n"
        "[default.triplet]\nepochs = 4\n[plain]\nepochs = 5\n[wrong]\nloss = 3\n"};
    const Settings choices = recipe_choices(file, "default");
    CHECK(choices.size() == 2);
    CHECK(to_text(choices.at("loss")) == "triplet");
    CHECK(to_text(choices.at("semantics")) == "pytorch");
    CHECK(recipe_choices(file, "plain").empty());
    CHECK(find_recipe(file, "default", "triplet", "adam").epochs == 4);
    const test::Failure failure =
        test::failure_of([&] { find_recipe(file, "wrong", "triplet", "adam"); });
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions("loss = \"NAME\""));
}
