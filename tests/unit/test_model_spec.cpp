// Reading sound models: what is filled in, what is expanded, and where everything points.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "catch.h"
#include "core/error.h"
#include "core/wording.h"
#include "fake_layers.h"
#include "frontend/model_spec.h"

namespace siamc::compiler {

namespace {

const char* const whole_model = R"(name = "tiny_2"

[input]
shape = [3, 4, 5]
type = "uint8"
scale = 0.5

[[layer]]
type = "dense"
units = 64
activation = "relu"

[[layer]]
type = "leaky"
slope = 2

[[layer]]
type = "dense"
bias = false
units = 0x10

[distance]
type = "minkowski"
power = 3

[loss.triplet]

[loss.contrastive]
margin = 0
)";

const std::string short_ending = "[distance]\ntype = \"euclidean\"\n[loss.triplet]\n";

// A file in the system's temporary folder, gone with the object.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& text) {
        std::string name = (std::filesystem::temp_directory_path() / "siamc_XXXXXX").string();
        const int descriptor = mkstemp(name.data());
        REQUIRE(descriptor >= 0);
        path_ = name;
        std::ofstream(path_, std::ios::binary) << text;
        close(descriptor);
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

void check_location(SourceLocation location, int line, int column) {
    CHECK(location.line == line);
    CHECK(location.column == column);
}

}  // namespace

TEST_CASE("a model's name and input are read as written", "[model_spec]") {
    const ModelSpec spec = parse_model(whole_model, fake_layers());
    CHECK(spec.name == "tiny_2");
    CHECK(spec.input.shape == std::vector<int>{3, 4, 5});
    CHECK(spec.input.type == "uint8");
    CHECK(spec.input.scale == 0.5);
    check_location(spec.input.location, 4, 9);
}

TEST_CASE("layers are in the file's order, activations expanded, attributes complete",
          "[model_spec]") {
    const ModelSpec spec = parse_model(whole_model, fake_layers());
    REQUIRE(spec.layers.size() == 4);
    CHECK(spec.layers[0].type == "dense");
    CHECK(spec.layers[0].attributes == Attributes{{"units", 64L}, {"bias", true}});
    check_location(spec.layers[0].location, 9, 8);
    CHECK(spec.layers[1].type == "relu");
    CHECK(spec.layers[1].attributes.empty());
    check_location(spec.layers[1].location, 11, 14);
    CHECK(spec.layers[2].type == "leaky");
    CHECK(spec.layers[2].attributes == Attributes{{"slope", 2.0}});
    check_location(spec.layers[2].location, 14, 8);
    CHECK(spec.layers[3].type == "dense");
    CHECK(spec.layers[3].attributes == Attributes{{"units", 16L}, {"bias", false}});
    check_location(spec.layers[3].location, 18, 8);
}

TEST_CASE("an activation gets its own defaults and no activation", "[model_spec]") {
    const ModelSpec spec = parse_model(
        "name = \"m\"\ninput.shape = [1]\nlayer = [{type = \"dense\", units = 1, "
        "activation = \"leaky\"}]\n" +
            short_ending,
        fake_layers());
    REQUIRE(spec.layers.size() == 2);
    CHECK(spec.layers[1].attributes == Attributes{{"slope", 0.25}});
    check_location(spec.layers[1].location, 3, 51);
}

TEST_CASE("an activation of none is no layer", "[model_spec]") {
    const ModelSpec spec = parse_model(
        "name = \"m\"\n[input]\nshape = [1]\n[[layer]]\ntype = \"leaky\"\nactivation = \"none\"\n" +
            short_ending,
        fake_layers());
    REQUIRE(spec.layers.size() == 1);
    CHECK(spec.layers[0].attributes == Attributes{{"slope", 0.25}});
}

TEST_CASE("an activation by default points at its layer", "[model_spec]") {
    std::vector<Layer> layers = fake_layers();
    layers[0].attributes[2].fallback = std::string("relu");
    const ModelSpec spec = parse_model(whole_model, layers);
    REQUIRE(spec.layers.size() == 5);
    CHECK(spec.layers[4].type == "relu");
    check_location(spec.layers[4].location, 18, 8);
}

TEST_CASE("distance and losses are complete and in the file's order", "[model_spec]") {
    const ModelSpec spec = parse_model(whole_model, fake_layers());
    CHECK(spec.distance.type == "minkowski");
    CHECK(spec.distance.attributes == Attributes{{"power", 3.0}});
    check_location(spec.distance.location, 23, 8);
    REQUIRE(spec.losses.size() == 2);
    CHECK(spec.losses[0].type == "triplet");
    CHECK(spec.losses[0].attributes == Attributes{{"margin", 1.0}});
    check_location(spec.losses[0].location, 26, 7);
    CHECK(spec.losses[1].type == "contrastive");
    CHECK(spec.losses[1].attributes == Attributes{{"margin", 0.0}});
    check_location(spec.losses[1].location, 28, 7);
}

TEST_CASE("input type and scale have defaults, and limits are reached", "[model_spec]") {
    const std::string layer = "[[layer]]\ntype = \"dense\"\nunits = 2147483647\n";
    const ModelSpec spec =
        parse_model("name = \"" + std::string(40, 'Z') + "\"\n[input]\nshape = [4096, 4096]\n" +
                        layer + short_ending,
                    fake_layers());
    CHECK(spec.name == std::string(40, 'Z'));
    CHECK(spec.input.shape == std::vector<int>{4096, 4096});
    CHECK(spec.input.type == "uint8");
    CHECK(spec.input.scale == 1.0);
    CHECK(std::get<long>(spec.layers[0].attributes.at("units")) == 2147483647L);
}

TEST_CASE("a whole number serves as a scale", "[model_spec]") {
    const ModelSpec spec = parse_model(
        "name = \"m\"\n[input]\nshape = [1]\nscale = 2\n"
        "[[layer]]\ntype = \"relu\"\n" +
            short_ending,
        fake_layers());
    CHECK(spec.input.scale == 2.0);
}

TEST_CASE("a model error shows file, place, reason and remedy", "[model_spec]") {
    const ModelError placed({12, 8}, "unknown layer \"dens\"", "no such layer", "type = \"dense\"");
    CHECK(placed.message("models/fc.toml") ==
          "models/fc.toml:12:8: error: unknown layer \"dens\"\n"
          "  why: no such layer\n"
          "  write: type = \"dense\"");
    CHECK(std::string(placed.what()) ==
          "12:8: error: unknown layer \"dens\"\n  why: no such layer\n  write: type = \"dense\"");
    check_location(placed.location(), 12, 8);
    const ModelError unplaced({}, "a", "b", "c");
    CHECK(unplaced.message("m.toml") == "m.toml: error: a\n  why: b\n  write: c");
}

TEST_CASE("a model file's faults are found as in its text", "[model_spec]") {
    const TemporaryFile file("name = \"m\"\nimput = 3\n");
    try {
        read_model(file.path());
        FAIL("no error");
    } catch (const ModelError& error) {
        CHECK(error.message("m.toml") ==
              "m.toml:2:1: error: unknown key \"imput\" in the model\n"
              "  why: the model has name, input, layer, distance and loss only\n"
              "  write: [input]");
    }
}

TEST_CASE("what is no readable model file is refused at the door", "[model_spec]") {
    const auto code_for = [](const std::filesystem::path& path) {
        try {
            read_model(path);
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find(path.string()) == 0);
            return error.code();
        }
        return Exit::ok;
    };
    const TemporaryFile large(std::string((1 << 20) + 1, '\n'));
    CHECK(code_for(large.path()) == Exit::bad_data);
    CHECK(code_for("no/such/model.toml") == Exit::missing_input);
    CHECK(code_for(std::filesystem::temp_directory_path()) == Exit::bad_data);
    CHECK(code_for("/dev/zero") == Exit::bad_data);
}

TEST_CASE("the nearest name is the one with the fewest edits, or none", "[model_spec]") {
    const std::vector<std::string> known = {"dense", "relu", "l2_normalize"};
    CHECK(nearest("dens", known) == "dense");
    CHECK(nearest("ReLU", known) == "relu");
    CHECK(nearest("normalize", known) == "l2_normalize");
    CHECK(nearest("relu6", known) == "relu");
    CHECK(nearest("", known).empty());
    CHECK(nearest("transformer", known).empty());
    CHECK(nearest(std::string(65, 'r'), {std::string(65, 'r')}).empty());
    CHECK(nearest("ab", {"ba", "ac"}) == "ba");  // neighbours swapped: one edit, as the other
    CHECK(nearest("abc", {"cab", "bac"}) == "bac");
    CHECK(nearest("x", {}).empty());
}

TEST_CASE("lists read as prose", "[model_spec]") {
    CHECK(listed({}) == "none");
    CHECK(listed({"a"}) == "a");
    CHECK(listed({"a", "b"}) == "a and b");
    CHECK(listed({"a", "b", "c"}, "or") == "a, b or c");
}

TEST_CASE("text from a file is made fit to show", "[model_spec]") {
    CHECK(printable("a\tb\n\x1b\x7f") == "a\\x09b\\x0a\\x1b\\x7f");
    CHECK(printable("\xc2\x9b"
                    "1") == "\\x9b1");
    CHECK(printable("\xc2\xa0gr\xc3\xbc\xc3\x9f"
                    "e") ==
          "\xc2\xa0gr\xc3\xbc\xc3\x9f"
          "e");
    CHECK(printable("abcdef", 4) == "abcd...");
    CHECK(printable("abc\xc3\xbc", 4) == "abc...");
    CHECK(in_quotes("a") == "\"a\"");
}

}  // namespace siamc::compiler
