// Graph to graph: folding twins, differentiation, dead nodes, and which nodes share a kernel.
#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "catch.h"
#include "frontend/graphs.h"
#include "frontend/model_spec.h"
#include "layers/active.h"
#include "layers/structural.h"
#include "passes/fuse.h"
#include "passes/passes.h"
#include "schedules/schedule.h"

namespace siamc::compiler {

namespace {

ModelSpec fc() {
    return read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models/fc.toml");
}

Graph loss_graph(const std::string& loss) {
    const ModelSpec model = fc();
    for (const LayerSpec& spec : model.losses)
        if (spec.type == loss) return build_loss(model, spec, 128);
    throw std::logic_error("models/fc.toml has no loss " + loss);
}

long count(const Graph& graph, const std::string& op) {
    return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                         [&](const Node& node) { return node.op->name == op; });
}

std::vector<std::string> names(const Graph& graph, const std::vector<NodeId>& ids) {
    std::vector<std::string> list;
    for (NodeId id : ids) list.push_back(graph[id].name);
    return list;
}

using Names = std::vector<std::string>;

const Names parameter_names = {"dense1.kernel", "dense1.bias",   "dense2.kernel",
                               "dense2.bias",   "dense3.kernel", "dense3.bias"};

Edge parameter_of(Graph& graph, const std::string& name, long size) {
    return parameter(graph, name, {size, size}, {});
}

// The same operation, but nobody wrote its gradient.
const Op& without_gradient(const Op& op) {
    static std::map<std::string, Op> copies;
    Op& copy = copies.emplace(op.name, op).first->second;
    copy.gradient = {};
    return copy;
}

}  // namespace

TEST_CASE("fold_twins makes one network of all branches", "[passes]") {
    for (const std::string loss : {"contrastive", "triplet"}) {
        const Graph built = loss_graph(loss);
        const int branches = loss == "triplet" ? 3 : 2;
        INFO(loss);
        REQUIRE(built.branches == branches);
        CHECK(count(built, "gather") == branches);
        CHECK(count(built, "dense") == 3 * branches);
        CHECK(count(built, "parameter") == 6);
        const Graph folded = fold_twins(built);
        verify(folded);
        CHECK(folded.branches == branches);
        for (const char* op : {"images", "rows", "shifts", "gather", "reshape", "l2_normalize"})
            CHECK(count(folded, op) == 1);
        CHECK(count(folded, "dense") == 3);
        CHECK(count(folded, "relu") == 2);
        CHECK(count(folded, "euclidean") == branches - 1);
        CHECK(names(folded, {folded.outputs[0]}) == Names{"loss"});
        CHECK(folded.outputs.size() == static_cast<size_t>(branches));
        Names found;
        for (const Node& node : parameters(folded)) found.push_back(node.name);
        CHECK(found == parameter_names);
        const NodeId embedding = folded.find("l2_normalize1");
        CHECK(folded[embedding].shape == Shape{{256}, Rows::image});
        for (int b = 1; b < branches; ++b) {
            const Node& distance = folded[folded.outputs[static_cast<size_t>(b)]];
            CHECK(names(folded, {distance.inputs[0].node, distance.inputs[1].node}) ==
                  Names{"l2_normalize1.branch0", "l2_normalize1.branch" + std::to_string(b)});
            for (Edge edge : distance.inputs) {
                CHECK(folded[edge.node].op == &pick_op());
                CHECK(folded[edge.node].inputs[0] == Edge{embedding});
                CHECK(folded[edge.node].shape == Shape{{256}, Rows::tuple});
            }
        }
    }
}

TEST_CASE("fold_twins leaves a single branch as it is", "[passes]") {
    const Graph built = build_embedding(fc());
    const Graph folded = fold_twins(built);
    verify(folded);
    REQUIRE(folded.nodes.size() == built.nodes.size());
    for (size_t i = 0; i < built.nodes.size(); ++i) {
        CHECK(folded.nodes[i].name == built.nodes[i].name);
        CHECK(folded.nodes[i].inputs == built.nodes[i].inputs);
        CHECK(folded.nodes[i].shape.dims == built.nodes[i].shape.dims);
    }
}

TEST_CASE("fold_twins refuses branches that differ", "[passes]") {
    SECTION("by an attribute") {
        Graph graph = loss_graph("contrastive");
        const NodeId other = graph.find("l2_normalize1.2");
        REQUIRE(other >= 0);
        graph[other].attributes["epsilon"] = 1e-6;
        CHECK_THROWS_AS(fold_twins(graph), std::logic_error);
    }
    SECTION("by an operation") {
        Graph graph = loss_graph("triplet");
        const NodeId other = graph.find("relu1.3");
        REQUIRE(other >= 0);
        graph[other].op = &negate_op();
        CHECK_THROWS_AS(fold_twins(graph), std::logic_error);
    }
    SECTION("by a parameter") {
        Graph graph = loss_graph("contrastive");
        const NodeId other = graph.find("dense2.2");
        REQUIRE(other >= 0);
        graph[other].inputs[2] = {graph.find("dense1.bias")};
        CHECK_THROWS_AS(fold_twins(graph), std::logic_error);
    }
}

TEST_CASE("differentiate gives a gradient per parameter, in their order", "[passes]") {
    for (const std::string loss : {"contrastive", "triplet"}) {
        const Graph folded = fold_twins(loss_graph(loss));
        const Graph graph = remove_unused(differentiate(folded));
        verify(graph);
        INFO(loss);
        Names expected = names(folded, folded.outputs);
        for (const std::string& name : parameter_names) expected.push_back("grad." + name);
        REQUIRE(names(graph, graph.outputs) == expected);
        for (const std::string& name : parameter_names)
            CHECK(graph[graph.find("grad." + name)].shape == graph[graph.find(name)].shape);
        // Images have no gradient: the first layer's input is not differentiated.
        CHECK(graph.find("dense1.grad_input") < 0);
        CHECK(graph.find("dense1.kernel_transposed") < 0);
        CHECK(graph.find("input.grad") < 0);
        CHECK(graph.find("dense2.grad_input") >= 0);
        CHECK(count(graph, "weight") == 1);
        // The loss itself is what it was.
        for (NodeId id = 0; id < static_cast<NodeId>(folded.nodes.size()); ++id) {
            const NodeId kept = graph.find(folded[id].name);
            REQUIRE(kept >= 0);
            CHECK(names(graph, {graph[kept].inputs.empty() ? kept : graph[kept].inputs[0].node}) ==
                  names(folded, {folded[id].inputs.empty() ? id : folded[id].inputs[0].node}));
        }
    }
}

TEST_CASE("a parameter used twice gets the sum of two gradients", "[passes]") {
    Graph graph = fold_twins(loss_graph("contrastive"));
    // dense3 from 128 to 256; before it, the same square kernel twice.
    Graph twice;
    twice.branches = 2;
    std::vector<NodeId> moved;
    for (const Node& node : graph.nodes) {
        Node copy = node;
        for (Edge& edge : copy.inputs) edge.node = moved[static_cast<size_t>(edge.node)];
        NodeId id = twice.add(copy);
        if (node.name == "relu2") {
            const Edge kernel = parameter_of(twice, "shared.kernel", 128);
            for (const char* name : {"square1", "square2"})
                id = twice.add({graph[graph.find("dense1")].op, name, {{id}, kernel}, {}, {}, {}});
        }
        moved.push_back(id);
    }
    for (NodeId id : graph.outputs) twice.outputs.push_back(moved[static_cast<size_t>(id)]);
    const Graph result = remove_unused(differentiate(twice));
    verify(result);
    const NodeId gradient = result.find("grad.shared.kernel");
    REQUIRE(gradient >= 0);
    CHECK(result[gradient].op == &add_op());
    CHECK(names(result, {result[gradient].inputs[0].node, result[gradient].inputs[1].node}) ==
          Names{"square2.grad_kernel", "square1.grad_kernel"});
}

TEST_CASE("a layer without a gradient is an error at its line", "[passes]") {
    Graph graph = fold_twins(loss_graph("contrastive"));
    SECTION("behind a trained layer") {
        Node& relu = graph[graph.find("relu2")];
        relu.op = &without_gradient(*relu.op);
        relu.location = {17, 8};
        std::string message;
        try {
            (void)differentiate(graph);
        } catch (const ModelError& error) {
            CHECK(error.location().line == 17);
            message = error.message("m.toml");
        }
        CHECK(message.find("m.toml:17:8: error: cannot train through relu\n") == 0);
        CHECK(message.find("\n  why: ") != std::string::npos);
        CHECK(message.find("\n  write: ") != std::string::npos);
    }
    SECTION("before every trained layer") {
        Node& flatten = graph[graph.find("flatten")];
        flatten.op = &without_gradient(*flatten.op);
        CHECK_NOTHROW(differentiate(graph));
    }
}

TEST_CASE("remove_unused keeps what the outputs need", "[passes]") {
    Graph graph = build_embedding(fc());
    const size_t needed = graph.nodes.size();
    const NodeId relu = graph.find("relu1");
    const NodeId dead = graph.add({&negate_op(), "dead", {{relu}}, {}, {}, {}});
    graph.add({&negate_op(), "dead_too", {{dead}}, {}, {}, {}});
    const Graph kept = remove_unused(graph);
    verify(kept);
    CHECK(kept.nodes.size() == needed);
    CHECK(kept.find("dead") < 0);
    CHECK(names(kept, kept.outputs) == names(graph, graph.outputs));
    graph.outputs = {relu};
    const Graph less = remove_unused(graph);
    verify(less);
    CHECK(less.find("dense2.kernel") < 0);
    CHECK(names(less, less.outputs) == Names{"relu1"});
}

TEST_CASE("skip_zeros finds the sums over images", "[passes]") {
    const Graph before = remove_unused(differentiate(fold_twins(loss_graph("contrastive"))));
    const Graph after = skip_zeros(before, 128);
    verify(after);
    CHECK(after.nodes.size() == before.nodes.size() + 1);
    CHECK(count(after, "activity") == 1);
    CHECK(names(after, after.outputs) == names(before, before.outputs));
    Names skipping;
    for (const Node& node : after.nodes) {
        if (!node.attributes.count(skips_zeros)) continue;
        skipping.push_back(node.name);
        CHECK(after[node.inputs.back().node].op == &activity_op());
        CHECK(node.inputs.size() == before[before.find(node.name)].inputs.size() + 1);
    }
    CHECK(skipping == Names{"dense1", "grad.dense1.kernel"});
}

TEST_CASE("skip_zeros leaves alone what it cannot list", "[passes]") {
    const Graph many = remove_unused(differentiate(fold_twins(loss_graph("contrastive"))));
    for (const int tuples : {most_listed / 2, most_listed / 2 + 1}) {
        const Graph after = skip_zeros(many, tuples);
        CHECK(after[after.find("dense1")].attributes.count(skips_zeros) == 1);
        CHECK(after[after.find("grad.dense1.kernel")].attributes.count(skips_zeros) ==
              (2 * tuples <= most_listed));
    }
    // 1998 rows, but padded to whole register tiles 2004.
    const Graph padded =
        skip_zeros(remove_unused(differentiate(fold_twins(loss_graph("triplet")))), 666);
    CHECK(padded[padded.find("grad.dense1.kernel")].attributes.count(skips_zeros) == 0);
    const std::string text =
        "name = \"m\"\n[input]\nshape = [5, 7]\nscale = 1.0\n[[layer]]\ntype = \"dense\"\n"
        "units = 4\n[distance]\ntype = \"euclidean\"\n[loss.contrastive]\nmargin = 1.0\n";
    const Graph odd = fold_twins(build_embedding(parse_model(text)));
    CHECK(to_string(skip_zeros(odd, 64)) == to_string(odd));
}

namespace {

bool shows(const Node& node) {
    return node.op->pattern == Pattern::view || node.op->pattern == Pattern::pick;
}

// What a kernel with that node reads for it: of picked rows, the tensor and the places.
std::vector<NodeId> read_by(const Graph& graph, NodeId id) {
    std::vector<NodeId> read;
    for (Edge edge : graph[id].inputs) {
        if (graph[edge.node].op->pattern != Pattern::pick)
            read.push_back(edge.node);
        else
            for (Edge picked : graph[edge.node].inputs) read.push_back(picked.node);
    }
    return read;
}

}  // namespace

TEST_CASE("every node is computed in one kernel, after what it reads", "[passes]") {
    for (const std::string loss : {"contrastive", "triplet"}) {
        const Graph graph = remove_unused(differentiate(fold_twins(loss_graph(loss))));
        std::set<NodeId> computed, available;
        for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id)
            if (graph[id].op->pattern == Pattern::source) available.insert(id);
        for (const Kernel& kernel : fuse(graph, false)) {
            INFO(kernel.name);
            for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id)
                if (shows(graph[id]) && available.count(graph[id].inputs[0].node))
                    available.insert(id);
            for (NodeId id : kernel.inputs) CHECK(available.count(id) == 1);
            for (NodeId id : kernel.nodes) {
                CHECK(computed.insert(id).second);
                for (NodeId read : read_by(graph, id))
                    CHECK((std::count(kernel.inputs.begin(), kernel.inputs.end(), read) ||
                           std::count(kernel.nodes.begin(), kernel.nodes.end(), read)));
            }
            available.insert(kernel.outputs.begin(), kernel.outputs.end());
        }
        for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
            const bool computes = graph[id].op->pattern != Pattern::source && !shows(graph[id]);
            CHECK(computed.count(id) == (computes ? 1 : 0));
        }
        for (NodeId id : graph.outputs) CHECK(available.count(id) == 1);
    }
}

TEST_CASE("the kernels of fc", "[passes]") {
    const auto kernel_names = [](const Graph& graph, bool single_row) {
        Names list;
        for (const Kernel& kernel : fuse(graph, single_row)) list.push_back(kernel.name);
        std::sort(list.begin(), list.end());
        return list;
    };
    const Graph train = remove_unused(differentiate(fold_twins(loss_graph("contrastive"))));
    CHECK(kernel_names(train, false) ==
          Names{"dense_128__grad_bias", "dense_128x256", "dense_128x256__grad_kernel",
                "dense_128x64_relu__grad", "dense_256__grad_bias", "dense_256x128_relu__grad",
                "dense_64__grad_bias", "dense_64x128__grad_kernel", "dense_64x128_relu",
                "dense_784x64__grad_kernel", "dense_784x64_relu", "euclidean_1_contrastive__grad",
                "gather_784", "l2_normalize_256", "l2_normalize_256__grad", "transpose_128x64",
                "transpose_256x128"});
    const Graph embed = fold_twins(build_embedding(fc()));
    CHECK(kernel_names(embed, true) == Names{"dense_128x256_l2_normalize", "dense_64x128_relu",
                                             "dense_784x64_relu", "gather_784"});
}

}  // namespace siamc::compiler
