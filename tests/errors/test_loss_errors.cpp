// Faults that show when a loss's graph is built: the whole message, exactly.
#include "catch.h"
#include "frontend/graphs.h"
#include "frontend/model_spec.h"

namespace siamc::compiler {

namespace {

std::string message_of(const std::string& distance, const std::string& loss) {
    const ModelSpec model = parse_model(
        "name = \"m\"\n[input]\nshape = [4, 4]\n[[layer]]\ntype = \"dense\"\nunits = 3\n"
        "[distance]\ntype = \"" +
        distance + "\"\n" + loss);
    try {
        build_loss(model, model.losses.at(0), 32);
    } catch (const ModelError& error) {
        return error.message("m.toml");
    }
    return "no error";
}

}  // namespace

TEST_CASE("a distance of tuples alone with a loss over the batch", "[errors]") {
    CHECK(
        message_of("weighted_l1", "[loss.batch_hard]\n") ==
        R"(m.toml:9:7: error: batch_hard compares all images of the batch, weighted_l1 the images of a tuple alone
  why: this distance makes no matrix
  write: another distance, or losses on pairs or triplets)");
    CHECK(message_of("weighted_l1", "[loss.contrastive]\n") == "no error");
    CHECK(message_of("weighted_l1", "[loss.arcface]\nclasses = 3\n") == "no error");
}

TEST_CASE("exponents that are no floats", "[errors]") {
    CHECK(message_of("cosine", "[loss.proxy_anchor]\nclasses = 3\nalpha = 60.0\n") ==
          R"(m.toml:9:7: error: alpha * (1 + delta) is 66
  why: the exponents of proxy_anchor reach it, and are at most 60
  write: alpha = 32.0 and delta = 0.1, as published)");
    CHECK(message_of("cosine", "[loss.proxy_anchor]\nclasses = 3\nalpha = 54.0\n") == "no error");
}

}  // namespace siamc::compiler
