#include "support/evaluate.h"

#include <algorithm>
#include <stdexcept>

#include "layers/active.h"
#include "layers/pairwise.h"
#include "layers/structural.h"

namespace siamc::compiler::test {

namespace {

Halide::Type halide_type(ElementType type) {
    switch (type) {
        case ElementType::uint8:
            return Halide::UInt(8);
        case ElementType::int32:
            return Halide::Int(32);
        case ElementType::float16:
            return Halide::Float(16);
        default:
            return Halide::Float(32);
    }
}

// Of what views and picks show.
ElementType type_of(const Graph& graph, NodeId id) {
    while (graph[id].op->pattern == Pattern::view || graph[id].op->pattern == Pattern::pick)
        id = graph[id].inputs[0].node;
    return graph[id].op->type;
}

// The next point of a box, innermost dimension first; false after the last.
bool advance(std::vector<int>& point, const std::vector<int>& extents) {
    for (size_t d = 0; d < point.size(); ++d) {
        if (++point[d] < extents[d]) return true;
        point[d] = 0;
    }
    return false;
}

bool is_view(const Graph& graph, NodeId id) {
    return graph[id].op->pattern == Pattern::view;
}

}  // namespace

int RowCounts::of(Rows kind) const {
    switch (kind) {
        case Rows::image:
        case Rows::batch:
            return branches * tuples;
        case Rows::active_image:
        case Rows::summed:
            return active_images < 0 ? branches * tuples : active_images;
        case Rows::tuple:
            return tuples;
        case Rows::active_tuple:
            return active_tuples < 0 ? tuples : active_tuples;
        case Rows::dataset:
            return dataset;
        default:
            return 1;
    }
}

Tensor64 make_tensor(const Shape& shape, const RowCounts& rows) {
    const int count = rows.of(shape.rows);
    return {shape, count, std::vector<double>(static_cast<size_t>(shape.size() * count))};
}

Algorithm algorithm_of(const Graph& graph, NodeId id, const RowCounts& rows) {
    Algorithm algorithm;
    const auto first =
        graph[id].inputs.empty() ? Rows::none : graph.shape_of(graph[id].inputs[0]).rows;
    const bool of_active = first == Rows::active_image || first == Rows::summed ||
                           graph[id].shape.rows == Rows::active_image;
    AlgorithmContext context{graph,
                             graph[id],
                             {},
                             rows.of(of_active ? Rows::active_image : Rows::image),
                             rows.of(first == Rows::active_tuple ? first : Rows::tuple),
                             1,
                             rows.of(Rows::batch),
                             rows.of(first),
                             rows.tile};
    for (Edge edge : graph[id].inputs) {
        const Shape shape = graph.shape_of(edge);
        const auto dims = static_cast<int>(shape.dims.size()) + (shape.rows != Rows::none);
        algorithm.params.emplace_back(halide_type(type_of(graph, edge.node)), dims);
        algorithm.inputs.push_back(algorithm.params.back());
    }
    context.inputs = algorithm.inputs;
    algorithm.result = graph[id].op->algorithm(context);
    return algorithm;
}

// What skips zeros gives what it would give if it did not.
Graph without_skipping(Graph graph, NodeId id) {
    if (graph[id].attributes.erase(skips_zeros)) graph[id].inputs.pop_back();
    graph[id].attributes.erase(skips_columns);
    return graph;
}

Bounded evaluate(const Graph& whole, NodeId id, const std::map<NodeId, Bounded>& values,
                 const RowCounts& rows) {
    const Graph graph = without_skipping(whole, id);
    const Node& node = graph[id];
    if (is_view(graph, id)) {
        Bounded value = values.at(node.inputs[0].node);
        value.tensor.shape = node.shape;
        return value;
    }
    const Algorithm algorithm = algorithm_of(graph, id, rows);
    std::vector<Bounded> inputs;
    for (Edge edge : node.inputs) inputs.push_back(values.at(edge.node));
    Interpreter interpreter;
    for (size_t i = 0; i < inputs.size(); ++i)
        interpreter.bind(algorithm.params[i].name(), inputs[i]);
    Bounded result{make_tensor(node.shape, rows), {}};
    result.error.resize(result.tensor.data.size());
    std::vector<int> extents = node.shape.dims;
    if (node.shape.rows != Rows::none) extents.push_back(result.tensor.rows);
    std::vector<int> point(extents.size());
    for (size_t i = 0; i < result.tensor.data.size(); ++i) {
        const Number number = interpreter.evaluate(algorithm.result, point);
        result.tensor.data[i] = number.value;
        result.error[i] = number.error;
        advance(point, extents);
    }
    return result;
}

void add_shown(const Graph& graph, std::map<NodeId, Bounded>& values, const RowCounts& rows) {
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        const auto& inputs = graph[id].inputs;
        const bool ready = std::all_of(inputs.begin(), inputs.end(),
                                       [&](Edge edge) { return values.count(edge.node) > 0; });
        if ((is_view(graph, id) || graph[id].op->pattern == Pattern::pick) && ready &&
            !values.count(id))
            values[id] = evaluate(graph, id, values, rows);
    }
}

Tensor64 evaluate_reference(const Graph& graph, NodeId id, const std::map<NodeId, Tensor64>& values,
                            const RowCounts& rows) {
    const Node& node = graph[id];
    if (!node.op->reference) throw std::logic_error(node.op->name + " has no reference");
    std::vector<const Tensor64*> pointers;
    for (Edge edge : node.inputs) pointers.push_back(&values.at(edge.node));
    Tensor64 result = make_tensor(node.shape, rows);
    node.op->reference(graph, node, pointers, result);
    return result;
}

ProgramValues::ProgramValues(const Program& program, const std::map<NodeId, Tensor64>& sources,
                             const RowCounts& rows)
    : rows_(rows) {
    for (const auto& [id, tensor] : sources) stored_[id] = {tensor, {}};
    for (const Kernel& kernel : program.kernels) {
        add_shown(program.graph, stored_, rows_);
        run(program.graph, kernel);
    }
}

void ProgramValues::run(const Graph& graph, const Kernel& kernel) {
    std::map<NodeId, Bounded> values = stored_;
    for (NodeId id : kernel.nodes) values[id] = evaluate(graph, id, values, rows_);
    for (NodeId id : kernel.outputs) {
        expected_[id] = values[id];
        Bounded& stored = stored_[id] = {values[id].tensor, {}};
        for (double& value : stored.tensor.data) value = static_cast<float>(value);
    }
}

}  // namespace siamc::compiler::test
