// Lengths that a float can hold, far from 1: values and gradients in float, with the order of
// evaluation that generated code may have and with the one that is written, against double.
#include <cmath>

#include "catch.h"
#include "layer_cases.h"
#include "support/evaluate.h"
#include "support/random_values.h"

namespace siamc::compiler::test {

namespace {

Halide::Buffer<float> buffer_of(const Tensor64& tensor) {
    std::vector<int> extents = tensor.shape.dims;
    if (tensor.shape.rows != Rows::none) extents.push_back(tensor.rows);
    Halide::Buffer<float> buffer(extents);
    for (size_t i = 0; i < tensor.data.size(); ++i)
        buffer.data()[i] = static_cast<float>(tensor.data[i]);
    return buffer;
}

// The node as float code computes it beside what the interpreter makes of it in double.
void check_node(const Graph& graph, NodeId id, const std::map<NodeId, Bounded>& values,
                const RowCounts& rows) {
    const Bounded expected = evaluate(graph, id, values, rows);
    double largest = 0;
    for (double value : expected.tensor.data) largest = std::max(largest, std::abs(value));
    REQUIRE(std::isfinite(largest));
    for (const bool strict : {false, true}) {
        Algorithm algorithm = algorithm_of(graph, id, rows);
        for (size_t i = 0; i < graph[id].inputs.size(); ++i)
            algorithm.params[i].set(buffer_of(values.at(graph[id].inputs[i].node).tensor));
        Halide::Target target = Halide::get_jit_target_from_environment();
        if (strict) target.set_feature(Halide::Target::StrictFloat);
        std::vector<int> extents = expected.tensor.shape.dims;
        extents.push_back(expected.tensor.rows);
        const Halide::Buffer<float> got = algorithm.result.realize(extents, target);
        INFO(graph[id].name << (strict ? ", strict" : ""));
        for (size_t i = 0; i < expected.tensor.data.size(); ++i)
            CHECK(!(std::abs(got.data()[i] - expected.tensor.data[i]) > 2e-5 * largest));
    }
}

void check_scale(const std::string& name, LayerKind kind, const Attributes& attributes,
                 double scale) {
    INFO(name << " of lengths about " << scale);
    const LayerCase made = make_case(*find_layer(name, kind), {17}, attributes, 4);
    Graph graph = made.graph;
    const NodeId node = graph.outputs[0];
    const Gradients gradients = add_gradients(graph, node);
    const RowCounts rows{made.tuples, graph.branches, 0};
    std::map<NodeId, Bounded> values;
    for (auto& [id, tensor] : RandomValues(3).sources(graph, rows)) {
        const bool scaled = id != gradients.adjoint && graph[id].shape.rows == Rows::image;
        for (double& value : tensor.data)
            if (scaled) value = static_cast<float>(value * scale / std::sqrt(17.0));
        values[id] = {tensor, {}};
    }
    add_shown(graph, values, rows);
    check_node(graph, node, values, rows);
    values[node] = evaluate(graph, node, values, rows);
    for (Edge edge : gradients.edges)
        if (edge.node >= 0 && graph[edge.node].op->pattern == Pattern::rowwise)
            check_node(graph, edge.node, values, rows);
}

}  // namespace

TEST_CASE("l2_normalize of all lengths", "[layers]") {
    for (const double scale : {3e-15, 1.0, 1e14, 1e18})
        check_scale("l2_normalize", LayerKind::layer, {{"epsilon", 1e-30}}, scale);
}

TEST_CASE("distances of all lengths", "[layers]") {
    for (const double scale : {1e-4, 1e10, 1e18})
        check_scale("cosine", LayerKind::distance, {}, scale);
    for (const char* name : {"euclidean", "squared_euclidean"})
        for (const double scale : {1e-15, 1e18}) check_scale(name, LayerKind::distance, {}, scale);
}

}  // namespace siamc::compiler::test
