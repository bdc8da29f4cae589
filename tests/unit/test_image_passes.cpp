// Passes on networks that read images: what they leave out, and that nobody misses it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "catch.h"
#include "compile.h"
#include "frontend/graphs.h"
#include "passes/passes.h"
#include "passes/work.h"
#include "support/evaluate.h"
#include "support/random_values.h"

namespace siamc::compiler::test {

namespace {

ModelSpec cnn() {
    return read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models/cnn.toml");
}

std::string layer(const std::string& type, const std::string& more = "") {
    return fmt::format("[[layer]]\ntype = \"{}\"\n{}", type, more);
}

ModelSpec small(const std::string& layers, const std::string& shape = "11, 10") {
    return parse_model("name = \"m\"\n[input]\nshape = [" + shape + "]\nscale = 0.00390625\n" +
                       layers +
                       "[distance]\ntype = \"euclidean\"\n[loss.contrastive]\n[loss.triplet]\n");
}

Graph folded(const ModelSpec& model, const std::string& loss) {
    for (const LayerSpec& spec : model.losses)
        if (spec.type == loss) return fold_twins(build_loss(model, spec, 128));
    return fold_twins(build_embedding(model));
}

std::vector<int> dims_of(const Graph& graph, const std::string& node) {
    const NodeId id = graph.find(node);
    REQUIRE(id >= 0);
    return graph[id].shape.dims;
}

bool has(const Graph& graph, const std::string& op) {
    return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& node) { return node.op->name == op; });
}

// The outputs in double, by name: losses, distances and gradients. Sources with the same names get
// the same values.
std::map<std::string, std::vector<double>> outputs_of(const Graph& graph) {
    const RowCounts rows{4, graph.branches, 6, 1};
    std::map<NodeId, Bounded> values;
    for (auto& [id, tensor] : RandomValues(5).sources(graph, rows)) values[id] = {tensor, {}};
    std::map<std::string, std::vector<double>> outputs;
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id)
        if (!values.count(id)) values[id] = evaluate(graph, id, values, rows);
    for (NodeId id : graph.outputs) outputs[graph[id].name] = values.at(id).tensor.data;
    return outputs;
}

double largest(const std::vector<double>& values) {
    double most = 0;
    for (double value : values) most = std::max(most, std::abs(value));
    return most;
}

void check_equal(const Graph& graph, const Graph& plain) {
    const auto outputs = outputs_of(graph), expected = outputs_of(plain);
    REQUIRE(outputs.size() == expected.size());
    for (const auto& [name, values] : expected) {
        INFO(name);
        REQUIRE(outputs.count(name));
        const std::vector<double>& found = outputs.at(name);
        REQUIRE(found.size() == values.size());
        const double allowed = 1e-13 * (largest(values) + 1);
        double error = 0;
        for (size_t i = 0; i < values.size(); ++i) {
            const double difference = std::abs(found[i] - values[i]);
            error = difference <= error ? error : difference;
        }
        CHECK(error <= allowed);
    }
    CHECK(largest(expected.begin()->second) > 0);
}

constexpr int many = 256;  // images of a batch

}  // namespace

TEST_CASE("the notebook's CNN has its parameters and its work", "[passes]") {
    const Graph graph = trim(pool_first(folded(cnn(), "")));
    CHECK(lay_out_parameters({graph}).count == 428672);
    CHECK(multiply_adds(graph) == 24 * 24 * 32 * 9 + 10 * 10 * 64 * 9 * 32 + 1600 * 256);
    CHECK(training_multiply_adds(graph) ==
          2 * 24 * 24 * 32 * 9 + 3 * (10 * 10 * 64 * 9 * 32 + 1600 * 256));
}

TEST_CASE("inspection says what the passes save", "[passes]") {
    const Graph written = remove_unused(pool_first(folded(cnn(), ""))), trimmed = trim(written);
    const std::string text = describe_work(written, trimmed, use_winograd(trimmed, many), false);
    CHECK(text ==
          "multiply-adds of an image in embed\n"
          "  as written    2834560\n"
          "  trimmed       2418688  (conv2d1 26 x 26 to 24 x 24, max_pool1 13 x 13 to 12 x 12, "
          "conv2d2 11 x 11 to 10 x 10)\n"
          "  done          1239040\n");
}

TEST_CASE("trim leaves out what no pooling window reaches", "[passes]") {
    const Graph graph = folded(cnn(), ""), trimmed = trim(graph);
    CHECK(dims_of(graph, "conv2d1") == std::vector<int>{32, 26, 26});
    CHECK(dims_of(graph, "conv2d2") == std::vector<int>{64, 11, 11});
    CHECK(dims_of(trimmed, "conv2d1") == std::vector<int>{32, 24, 24});
    CHECK(dims_of(trimmed, "max_pool1") == std::vector<int>{32, 12, 12});
    CHECK(dims_of(trimmed, "conv2d2") == std::vector<int>{64, 10, 10});
    CHECK(dims_of(trimmed, "input") == std::vector<int>{28, 28});
    CHECK(dims_of(trimmed, "l2_normalize1") == std::vector<int>{256});
}

TEST_CASE("trim takes no more than that", "[passes]") {
    // 11 x 10 pixels: nothing falls off but the last column of the stride's.
    const Graph graph = trim(
        folded(small(layer("conv2d", "filters = 2\nkernel = 3\nstride = 2\npadding = \"same\"\n") +
                     layer("average_pool", "window = 3\nstride = 1\n") + layer("flatten")),
               ""));
    CHECK(dims_of(graph, "conv2d1") == std::vector<int>{2, 5, 6});
    CHECK(dims_of(graph, "average_pool1") == std::vector<int>{2, 3, 4});
}

TEST_CASE("pooling comes before relu, not before what might tie", "[passes]") {
    const auto pooled_input = [](const std::string& activation) {
        const Graph graph = remove_unused(
            pool_first(folded(small(layer("conv2d", "filters = 2\nkernel = 3\n") +
                                    layer(activation) + layer("max_pool") + layer("flatten")),
                              "")));
        return graph[graph[graph.find("max_pool1")].inputs[0].node].op->name;
    };
    CHECK(pooled_input("relu") == "conv2d");
    CHECK(pooled_input("leaky_relu") == "leaky_relu");
}

TEST_CASE("all passes together change no loss and no gradient", "[passes]") {
    const std::vector<std::string> models = {
        // Blank images among them: all pixels of a window tie.
        layer("conv2d", "filters = 32\nkernel = 2\nactivation = \"relu\"\n") + layer("max_pool") +
            layer("conv2d", "filters = 32\nkernel = 3\nactivation = \"relu\"\n") +
            layer("max_pool") + layer("dense", "units = 3\n"),
        layer("conv2d", "filters = 9\nkernel = 3\nstride = 2\nactivation = \"relu\"\n") +
            layer("max_pool", "window = 3\nstride = 1\n") +
            layer("conv2d", "filters = 4\nkernel = 2\npadding = \"same\"\n") +
            layer("max_pool", "stride = 1\n") + layer("dense", "units = 3\n"),
    };
    for (const std::string& layers : models)
        for (const std::string loss : {"contrastive", "triplet"}) {
            INFO(loss << " of\n" << layers);
            const Graph plain = differentiate(folded(small(layers), loss));
            Graph graph = trim(remove_unused(pool_first(folded(small(layers), loss))));
            graph = remove_unused(follow_winners(differentiate(graph)));
            CHECK(has(plain, "max_pool.grad"));
            CHECK(!has(graph, "max_pool.grad"));
            CHECK(has(graph, "conv2d.grad_input_won"));
            graph = use_winograd(graph, many);
            CHECK(has(graph, "winograd") == (layers == models[0]));
            check_equal(graph, remove_unused(plain));
        }
}

TEST_CASE("convolutions that are not pooled keep loss and gradients", "[passes]") {
    const std::string layers =
        layer("conv2d", "filters = 16\nkernel = 2\nactivation = \"relu\"\n") +
        layer("conv2d", "filters = 16\nkernel = 3\npadding = \"same\"\nactivation = \"relu\"\n") +
        layer("dense", "units = 3\n");
    const Graph plain = differentiate(folded(small(layers, "7, 9"), "contrastive"));
    const Graph followed = remove_unused(follow_winners(plain));
    CHECK(has(followed, "conv2d.grad_kernel_by_image"));
    const Graph graph = use_winograd(followed, many);
    const auto tiles = std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                     [](const Node& node) { return node.op->name == "winograd"; });
    CHECK(tiles == 2);  // of the layer and of the gradient of its image
    check_equal(graph, remove_unused(plain));
}

// tests/library/test_large_weights.cpp has their numbers.
TEST_CASE("gradients read large kernels as they are stored", "[passes]") {
    const auto gradient = [](int units) {
        return differentiate(folded(small(layer("dense", "units = 4097\nactivation = \"relu\"\n") +
                                          layer("dense", fmt::format("units = {}\n", units))),
                                    "contrastive"));
    };
    const Graph plain = gradient(1024), stored = remove_unused(read_as_stored(plain));
    CHECK(has(plain, "transpose"));
    CHECK(!has(stored, "transpose"));
    CHECK(has(stored, "dense.grad_input"));
    CHECK(multiply_adds(stored) == multiply_adds(remove_unused(plain)));
    CHECK(has(remove_unused(read_as_stored(gradient(1000))), "transpose"));
}

TEST_CASE("convolutions of other kernels than 3 x 3 keep loss and gradients", "[passes]") {
    const Graph plain = differentiate(
        folded(small(layer("conv2d", "filters = 16\nkernel = 2\nactivation = \"relu\"\n") +
                         layer("conv2d", "filters = 16\nkernel = 5\npadding = \"same\"\n") +
                         layer("dense", "units = 3\n"),
                     "5, 6"),
               "contrastive"));
    const Graph graph = use_winograd(remove_unused(follow_winners(plain)), many);
    CHECK(has(graph, "winograd"));
    check_equal(graph, remove_unused(plain));
}

TEST_CASE("convolutions by parts of 4 x 4 keep loss and gradients", "[passes]") {
    // 4 x 4 is one part, 7 x 7 are four, the last of a line and column with zeros.
    for (const auto& [kernel, size] : {std::pair{4, 8}, std::pair{7, 10}}) {
        INFO(kernel << " x " << kernel);
        const Graph plain = differentiate(
            folded(small(layer("conv2d", "filters = 16\nkernel = 1\nactivation = \"relu\"\n") +
                             layer("conv2d", fmt::format("filters = 16\nkernel = {}\n", kernel)) +
                             layer("dense", "units = 3\n"),
                         fmt::format("{}, {}", size, size + 1)),
                   "contrastive"));
        const Graph graph = use_winograd(remove_unused(follow_winners(plain)), many);
        const Node& conv = graph[graph.find("conv2d2")];
        REQUIRE(conv.op->name == "winograd");
        CHECK(integer(conv.attributes, "taps") == 4);
        CHECK(integer(conv.attributes, "results") == 4);
        check_equal(graph, remove_unused(plain));
    }
}

namespace {

// Results of a tile's side, for so many images, of a second convolution.
int winograd_results_of(int channels, int filters, int size, int images) {
    const Graph graph = use_winograd(
        folded(small(layer("conv2d", fmt::format("filters = {}\nkernel = 1\n", channels)) +
                         layer("conv2d", fmt::format("filters = {}\nkernel = 3\n", filters)),
                     fmt::format("{0}, {0}", size)),
               ""),
        images);
    const NodeId id = graph.find("conv2d2");
    return graph[id].op->name == "winograd"
               ? static_cast<int>(integer(graph[id].attributes, "results"))
               : 0;
}

}  // namespace

TEST_CASE("behind pooling, gradients of images walk the winners where kernels are small",
          "[passes]") {
    const auto walks_winners = [](int kernel) {
        const Graph graph =
            folded(small(layer("conv2d", "filters = 16\nkernel = 1\n") +
                             layer("conv2d", fmt::format("filters = 16\nkernel = {}\n", kernel)) +
                             layer("max_pool") + layer("dense", "units = 3\n"),
                         "9, 8"),
                   "contrastive");
        return has(remove_unused(follow_winners(differentiate(trim(pool_first(graph))))),
                   "conv2d.grad_input_won");
    };
    CHECK(walks_winners(3));
    CHECK(!walks_winners(4));
}

// What was the quickest where docs/convolution.md has the times.
TEST_CASE("Winograd's convolution is taken where it pays", "[passes]") {
    CHECK(winograd_results_of(32, 32, 30, many) == 4);
    CHECK(winograd_results_of(128, 128, 8, many) == 4);
    CHECK(winograd_results_of(32, 64, 12, many) == 4);
    CHECK(winograd_results_of(32, 64, 12, 1) == 2);
    CHECK(winograd_results_of(64, 64, 12, 1) == 2);
    CHECK(winograd_results_of(32, 32, 30, 1) == 4);
    CHECK(winograd_results_of(64, 64, 16, 1) == 4);
    CHECK(winograd_results_of(128, 128, 8, 1) == 2);
    CHECK(winograd_results_of(32, 32, 4, many) == 2);
    CHECK(winograd_results_of(1, 64, 30, many) == 0);
    CHECK(winograd_results_of(64, 15, 30, many) == 0);
    CHECK(winograd_results_of(81, 64, 30, many) ==
          0);  // tiles of all of them at once are too large
    CHECK(winograd_results_of(80, 64, 30, many) == 4);
}

}  // namespace siamc::compiler::test
