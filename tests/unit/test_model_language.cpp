// models/README.md describes the language as it is: its example and its error are real, and no
// layer, attribute or default is missing.
#include <fstream>
#include <iterator>

#include "catch.h"
#include "frontend/model_spec.h"
#include "frontend/toml_text.h"
#include "layers/op.h"

namespace siamc::compiler {

namespace {

const std::filesystem::path models = std::filesystem::path(SIAMC_SOURCE_DIR) / "models";

std::string readme() {
    std::ifstream file(models / "README.md", std::ios::binary);
    REQUIRE(file);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// The first block fenced as ```kind.
std::string fenced(const std::string& text, const std::string& kind) {
    const std::string fence = "\n```" + kind + "\n";
    const std::size_t begin = text.find(fence);
    REQUIRE(begin != std::string::npos);
    const std::size_t end = text.find("\n```", begin + fence.size());
    REQUIRE(end != std::string::npos);
    return text.substr(begin + fence.size(), end - begin - fence.size());
}

// A default as it stands in the page's tables.
std::string as_written(const AttributeRule& rule) {
    if (!rule.fallback) return "";
    switch (rule.type) {
        case AttributeType::integer:
            return "`" + std::to_string(std::get<long>(*rule.fallback)) + "`";
        case AttributeType::boolean:
            return std::get<bool>(*rule.fallback) ? "`true`" : "`false`";
        case AttributeType::text:
            return "`\"" + std::get<std::string>(*rule.fallback) + "\"`";
        case AttributeType::real:
            break;
    }
    return "`" + real_text(std::get<double>(*rule.fallback)) + "`";
}

}  // namespace

TEST_CASE("the page on the model language names every layer, attribute and default",
          "[model_language]") {
    const std::string page = readme();
    for (const Layer& layer : all_layers()) {
        INFO(layer.name);
        const std::size_t row = page.find("\n| `" + layer.name + "` |");
        REQUIRE(row != std::string::npos);
        for (const AttributeRule& rule : layer.attributes) {
            INFO(rule.name);
            const std::string fallback = as_written(rule);
            const std::string cell = fallback.empty() ? " |" : " " + fallback + " |";
            const std::size_t found = page.find("\n| | `" + rule.name + "` |" + cell, row);
            REQUIRE(found != std::string::npos);
            // No other layer's row in between: the attribute is this one's.
            CHECK(page.find("\n| `", row + 1) > found);
        }
    }
}

TEST_CASE("the page's example is a model, and its error a real one", "[model_language]") {
    const std::string page = readme();
    const ModelSpec spec = parse_model(fenced(page, "toml"));
    CHECK(spec.name == "small");
    CHECK(spec.layers.size() == 4);

    std::string faulty = fenced(page, "toml");
    faulty.replace(faulty.find("\"dense\""), 7, "\"dens\"");
    try {
        parse_model(faulty);
        FAIL("no error");
    } catch (const ModelError& error) {
        CHECK(error.message("models/small.toml") == fenced(page, "text"));
    }
}

TEST_CASE("the notebook's FC model is read as its layers", "[model_language]") {
    const ModelSpec spec = read_model(models / "fc.toml");
    CHECK(spec.name == "fc");
    CHECK(spec.input.shape == std::vector<int>{28, 28});
    std::vector<std::string> types;
    for (const LayerSpec& layer : spec.layers) types.push_back(layer.type);
    CHECK(types ==
          std::vector<std::string>{"dense", "relu", "dense", "relu", "dense", "l2_normalize"});
    CHECK(spec.distance.type == "euclidean");
    REQUIRE(spec.losses.size() == 2);
    CHECK(spec.losses[0].type == "contrastive");
    CHECK(spec.losses[1].type == "triplet");
}

}  // namespace siamc::compiler
