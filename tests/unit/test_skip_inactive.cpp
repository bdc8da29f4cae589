// Backward passes that leave out tuples without a gradient: what they list, and that nobody misses
// the rest.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "catch.h"
#include "frontend/graphs.h"
#include "frontend/model_spec.h"
#include "layers/active_tuples.h"
#include "layers/structural.h"
#include "passes/fuse.h"
#include "passes/passes.h"
#include "support/evaluate.h"
#include "support/programs.h"
#include "support/random_values.h"

namespace siamc::compiler::test {

namespace {

constexpr int tuples = 5;

Graph with_gradients(const ModelSpec& model, const std::string& loss) {
    for (const LayerSpec& spec : model.losses)
        if (spec.type == loss)
            return remove_unused(differentiate(fold_twins(build_loss(model, spec, tuples))));
    throw std::logic_error("the model has no loss " + loss);
}

ModelSpec fc() {
    return read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models/fc.toml");
}

// Margins at which some of a few random tuples cost nothing.
ModelSpec small(const std::string& distance) {
    return parse_model(fmt::format(
        "name = \"m\"\n[input]\nshape = [6, 6]\nscale = 0.00390625\n"
        "[[layer]]\ntype = \"conv2d\"\nfilters = 3\nkernel = 3\nactivation = \"relu\"\n"
        "[[layer]]\ntype = \"max_pool\"\n[[layer]]\ntype = \"dense\"\nunits = 5\n"
        "[[layer]]\ntype = \"layer_norm\"\n[[layer]]\ntype = \"l2_normalize\"\n"
        "[distance]\ntype = \"{}\"\n[loss.contrastive]\nmargin = {}\n[loss.triplet]\n"
        "margin = {}\n[loss.batch_hard]\n",
        distance, distance == "euclidean" ? 0.3 : 0.02, distance == "euclidean" ? 0.05 : 0.001));
}

// The lists as the executor makes them of the flags, in rows of one; how many they have.
RowCounts make_lists(const Graph& graph, std::map<NodeId, Bounded>& values, RowCounts rows) {
    const auto data = [&](const std::string& name) -> std::vector<double>& {
        return values[graph.find(name)].tensor.data;
    };
    std::vector<double> active;
    std::set<double> shown;
    for (int tuple = 0; tuple < tuples; ++tuple) {
        if (data("active")[static_cast<size_t>(tuple)] == 0) continue;
        active.push_back(tuple);
        for (int b = 0; b < rows.branches; ++b)
            shown.insert(data("places")[static_cast<size_t>(tuple * rows.branches + b)]);
    }
    const std::vector<double> images(shown.begin(), shown.end());
    rows.active_tuples = static_cast<int>(active.size());
    rows.active_images = static_cast<int>(images.size());
    for (const Op* list : {&active_tuples_op(), &active_places_op(), &active_images_op(),
                           &summed_images_op(), &summed_adjoints_op()})
        if (const NodeId id = graph.find(list->name); id >= 0)
            values[id] = {make_tensor(graph[id].shape, rows), {}};
    data("active_tuples") = active;
    data("active_images") = images;
    for (size_t t = 0; t < active.size(); ++t)
        for (size_t b = 0; b < static_cast<size_t>(rows.branches); ++b) {
            const auto from = static_cast<size_t>(active[t]) * rows.branches + b;
            const auto at = std::find(images.begin(), images.end(), data("places")[from]);
            data("active_places")[t * static_cast<size_t>(rows.branches) + b] =
                static_cast<double>(at - images.begin());
        }
    if (graph.find("summed_images") < 0) return rows;
    data("summed_images") = images;
    for (size_t i = 0; i < images.size(); ++i) data("summed_adjoints")[i] = static_cast<double>(i);
    return rows;
}

struct Outcome {
    std::map<std::string, std::vector<double>> outputs;
    RowCounts rows;
};

Outcome outcome_of(const Graph& graph) {
    RowCounts rows{tuples, graph.branches, 6, 1};
    std::map<NodeId, Bounded> values;
    for (auto& [id, tensor] : RandomValues(5).sources(graph, rows))
        if (graph[id].inputs.empty()) values[id] = {tensor, {}};
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        if (!values.count(id)) values[id] = evaluate(graph, id, values, rows);
        if (graph[id].op == &active_op()) rows = make_lists(graph, values, rows);
    }
    Outcome outcome{{}, rows};
    for (NodeId id : graph.outputs) outcome.outputs[graph[id].name] = values.at(id).tensor.data;
    return outcome;
}

}  // namespace

TEST_CASE("the way back has rows for active tuples and their images alone", "[passes]") {
    for (const std::string loss : {"contrastive", "triplet"}) {
        const Graph graph = remove_unused(skip_inactive(with_gradients(fc(), loss)));
        verify(graph);
        CHECK(graph[graph.find("l2_normalize1")].shape.rows == Rows::image);
        CHECK(graph[graph.find("loss")].shape.rows == Rows::tuple);
        CHECK(graph[graph.find("distance.grad")].shape.rows == Rows::active_tuple);
        for (const char* name : {"l2_normalize1.adjoint", "l2_normalize1.grad", "relu2.grad"})
            CHECK(graph[graph.find(name)].shape.rows == Rows::active_image);
        CHECK(graph[graph.find("grad.dense1.kernel")].shape.rows == Rows::none);
    }
}

TEST_CASE("losses that look across the batch skip no image", "[passes]") {
    const Graph graph = with_gradients(small("euclidean"), "batch_hard");
    CHECK(to_string(skip_inactive(graph)) == to_string(graph));
}

TEST_CASE("skipping tuples without a gradient changes no gradient", "[passes]") {
    for (const std::string distance : {"euclidean", "squared_euclidean", "cosine"})
        for (const std::string loss : {"contrastive", "triplet"}) {
            INFO(loss << " of " << distance);
            const Graph plain = with_gradients(small(distance), loss);
            const Outcome all = outcome_of(plain);
            const Outcome active = outcome_of(remove_unused(skip_inactive(plain)));
            CHECK(active.rows.active_tuples > 0);
            CHECK(active.rows.active_tuples < tuples);
            CHECK(active.rows.active_images < tuples * plain.branches);
            REQUIRE(active.outputs.size() == all.outputs.size());
            for (const auto& [name, values] : all.outputs) {
                INFO(name);
                CHECK(active.outputs.at(name) == values);
            }
        }
}

TEST_CASE("kernels that read lists come after all of a slice's others", "[passes]") {
    for (const PlannedProgram& planned : programs_of(small("cosine"), 8))
        for (const Part& part : planned.program.parts) {
            INFO(planned.name);
            const bool lists = planned.name == "contrastive" || planned.name == "triplet";
            const auto first = static_cast<size_t>(&part - planned.program.parts.data());
            size_t call = 0;
            for (size_t p = 0; p < first; ++p)
                call += static_cast<size_t>(planned.program.parts[p].calls);
            CHECK((part.forward_calls > 0) == (lists && part.by_slices));
            for (int c = 0; part.forward_calls > 0 && c < part.calls; ++c)
                CHECK(planned.program.kernels[call + static_cast<size_t>(c)].of_active ==
                      (c >= part.forward_calls));
        }
}

}  // namespace siamc::compiler::test
