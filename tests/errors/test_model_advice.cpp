// Whether advice cures what it is given for, and limits of sizes.
#include "catch.h"
#include "core/wording.h"
#include "frontend/graphs.h"
#include "layers/op.h"
#include "model_error_cases.h"
#include "passes/plan.h"

namespace siamc::compiler {

using namespace model_error_cases;

namespace {

std::string named(const std::string& name) {
    return "name = \"" + name + "\"\n[input]\nshape = [4, 4]\n" + layer + distance + loss;
}

// What is written behind "write: ", up to the end of the line.
std::string advice_of(const std::string& message) {
    const size_t at = message.find("write: ");
    return at == std::string::npos ? "" : message.substr(at + 7);
}

// The message of the whole way to the layout of parameters, with the layers that there are.
std::string fault_of(const std::string& text) {
    try {
        const Graph graph = build_embedding(parse_model(text));
        return lay_out_parameters({graph}).count >= 0 ? "no error" : "";
    } catch (const ModelError& error) {
        return error.message("m.toml");
    }
}

}  // namespace

TEST_CASE("a name that is taken is refused with one that is not", "[errors]") {
    for (const char* name : {"string", "features", "stdint",    "sched", "math",   "time", "new",
                             "String", "siamc",    "siamc_run", "int",   "class",  "con",  "AUX",
                             "nul",    "com1",     "lpt9",      "main",  "unistd", "linux"}) {
        const std::string message = message_of(named(name)), sound = named("x");
        INFO(message);
        CHECK(message.find("m.toml:1:8: error: a model cannot be named ") == 0);
        const std::string advice = advice_of(message);
        REQUIRE(advice.find("name = \"") == 0);
        CHECK(message_of(advice + sound.substr(sound.find('\n'))) == "no error");
    }
}

// Each message says what to write; the model with that in the place of the fault has none.
TEST_CASE("what a message says to write cures its fault", "[errors]") {
    struct Cure {
        std::string text, fault;  // what of the text the advice replaces
    };
    const std::string dense = "[[layer]]\ntype = \"dense\"\nunits = 4\n";
    for (const Cure& one : {
             Cure{head + "[[layer]]\ntype = \"rely\"\n" + distance + loss, "type = \"rely\""},
             Cure{head + layer + "[distance]\ntype = \"euclidian\"\n" + loss,
                  "type = \"euclidian\""},
             Cure{head + layer + distance + "[loss.tripplet]\n", "[loss.tripplet]"},
             Cure{head + dense + "activation = \"relo\"\n" + distance + loss,
                  "activation = \"relo\""},
             Cure{head + "scael = 0.5\n" + layer + distance + loss, "scael = 0.5"},
             Cure{head + "tpye = \"uint8\"\n" + layer + distance + loss, "tpye = \"uint8\""},
             Cure{head + "type = \"float\"\n" + layer + distance + loss, "type = \"float\""},
             Cure{named("string"), "name = \"string\""},
         }) {
        const std::string advice = advice_of(message_of(one.text));
        std::string cured = one.text;
        cured.replace(cured.find(one.fault), one.fault.size(), advice);
        INFO(advice);
        CHECK(message_of(one.text) != "no error");
        CHECK(message_of(cured) == "no error");
    }
}

TEST_CASE("words that are near nothing get no suggestion", "[errors]") {
    const std::vector<std::string> known = {"dense", "relu", "leaky_relu", "conv2d", "max_pool"};
    for (const char* word : {"xyzzy", "foo", "a", "q2", "lstm", "gru", "swish", "tanh", ""})
        CHECK(nearest(word, known) == "");
    CHECK(nearest("Dens", known) == "dense");
    CHECK(nearest("conv2", known) == "conv2d");
    CHECK(nearest("maxpool", known) == "max_pool");
    CHECK(nearest("leakyrelu", known) == "leaky_relu");
    CHECK(nearest("rleu", known) == "relu");
}

TEST_CASE("sizes beyond the limits are refused with their line", "[errors]") {
    const std::string image = "name = \"m\"\n[input]\nshape = [4096, 4096]\n";
    const std::string flat = "[[layer]]\ntype = \"flatten\"\n";
    const auto conv = [](const std::string& more) {
        return "[[layer]]\ntype = \"conv2d\"\n" + more;
    };
    struct Limit {
        std::string text, begins;
    };
    std::string many;
    for (int i = 0; i < 201; ++i) many += layer;
    for (const Limit& one : {
             Limit{head + "[[layer]]\ntype = \"dense\"\nunits = 2000000000\n" + distance + loss,
                   "m.toml:6:9: error: \"units\" of layer \"dense\" must be at most 1048576"},
             Limit{image + "[[layer]]\ntype = \"dense\"\nunits = 1048576\n" + distance + loss,
                   "m.toml:5:8: error: dense1.kernel is too large"},
             Limit{image + conv("filters = 65536\nkernel = 1\n") + flat + distance + loss,
                   "m.toml:5:8: error: conv2d1 is too large"},
             Limit{image + conv("filters = 2\nkernel = 3\npadding = \"same\"\n") + flat + distance +
                       loss,
                   "m.toml:5:8: error: conv2d1"},
             Limit{"name = \"m\"\n[input]\nshape = [4096, 4096, 2]\n" + flat + distance + loss,
                   "m.toml:3:22: error: the image of [input] is too large"},
             Limit{head + many + distance + loss, "m.toml:404:1: error: a model of more than 200"},
         }) {
        const std::string message = fault_of(one.text);
        INFO(message);
        CHECK(message.find(one.begins) == 0);
        CHECK(message.find("\n  why: ") != std::string::npos);
        CHECK(message.find("\n  write: ") != std::string::npos);
    }
}

}  // namespace siamc::compiler
