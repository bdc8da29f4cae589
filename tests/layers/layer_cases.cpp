#include "layer_cases.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <random>

#include "frontend/model_spec.h"
#include "layers/pairwise.h"
#include "layers/structural.h"

namespace siamc::compiler::test {

namespace {

Shape input_shape(const Node& node, Rows rows) {
    const auto& dims = std::get<std::vector<long>>(node.attributes.at("dims"));
    return {{dims.begin(), dims.end()}, rows};
}

const Op& input_op(Rows rows) {
    const auto make = [](const char* name, Rows kind) {
        return Op{name, Pattern::source,
                  [kind](const Graph&, const Node& node) { return input_shape(node, kind); }};
    };
    static const Op none = make("values", Rows::none), image = make("image_values", Rows::image),
                    tuple = make("tuple_values", Rows::tuple);
    return rows == Rows::none ? none : rows == Rows::image ? image : tuple;
}

Edge input(Graph& graph, const std::string& name, const std::vector<int>& dims, Rows rows) {
    const std::vector<long> extents(dims.begin(), dims.end());
    return {graph.add({&input_op(rows), name, {}, {{"dims", extents}}, {}, {}})};
}

std::vector<Attribute> values_of(const AttributeRule& rule, size_t variant) {
    if (rule.type == AttributeType::boolean) return {true, false};
    if (!rule.samples.empty()) return rule.samples;
    if (rule.fallback) return {*rule.fallback};
    static const std::vector<long> integers = {9, 1, 17, 7, 127, 64, 12, 5};
    if (rule.type == AttributeType::integer) return {integers[variant % integers.size()]};
    return {0.75};
}

std::vector<Attributes> attributes_of(const Layer& layer, size_t variant) {
    std::vector<Attributes> all = {{}};
    for (const AttributeRule& rule : layer.attributes) {
        std::vector<Attributes> more;
        for (const Attributes& attributes : all)
            for (const Attribute& value : values_of(rule, variant)) {
                more.push_back(attributes);
                more.back()[rule.name] = value;
            }
        all = more;
    }
    return all;
}

// Of layers that read images, whose attributes are too many for every mixture of them.
Attributes mixed_attributes(const Layer& layer, unsigned variant) {
    std::mt19937 random(variant);
    Attributes attributes;
    for (const AttributeRule& rule : layer.attributes) {
        const std::vector<Attribute> values = values_of(rule, variant);
        attributes[rule.name] = values[random() % values.size()];
    }
    return attributes;
}

// A matrix of distances, and classes.
std::vector<Edge> batch_inputs(Graph& graph, int images) {
    const Edge matrix = input(graph, "matrix", {images}, Rows::image);
    const Edge classes{graph.add({&class_op(), "label", {}, {}, {}, {}})};
    return {matrix,
            classes,
            across(graph, classes),
            {graph.add({&ordinal_op(), "ordinal", {}, {}, {}, {}})}};
}

// An embedding, and its class.
std::vector<Edge> image_inputs(Graph& graph, const std::vector<int>& dims) {
    return {input(graph, "x", dims, Rows::image),
            {graph.add({&class_op(), "label", {}, {}, {}, {}})}};
}

std::string to_text(const Attributes& attributes) {
    std::string text;
    for (const auto& [name, value] : attributes)
        text +=
            std::visit([n = name](const auto& v) { return fmt::format(" {}={}", n, v); }, value);
    return text;
}

}  // namespace

LayerCase make_case(const Layer& layer, const std::vector<int>& dims, const Attributes& attributes,
                    int tuples, bool training) {
    LayerCase made;
    made.what = fmt::format("{} [{}]{}, {} tuples{}", layer.name, fmt::join(dims, " "),
                            to_text(attributes), tuples, training ? "" : ", embedding");
    made.tuples = tuples;
    made.attributes = attributes;
    made.graph.name = layer.name;
    std::vector<Edge> inputs;
    if (layer.kind == LayerKind::loss) {
        made.graph.branches = branches_of(layer.sees);
        for (int b = 1; b < made.graph.branches; ++b)
            inputs.push_back(input(made.graph, fmt::format("d{}", b), {}, Rows::tuple));
        if (layer.sees == Sees::pairs)
            inputs.push_back({made.graph.add({&label_op(), "label", {}, {}, {}, {}})});
        if (layer.sees == Sees::batch) inputs = batch_inputs(made.graph, tuples);
        if (layer.sees == Sees::image) inputs = image_inputs(made.graph, dims);
    } else {
        const NodeId x = input(made.graph, "x", dims, Rows::image).node;
        inputs = {{x}};
        if (!layer.second_input.empty())
            inputs.push_back(input(made.graph, "y", dims, Rows::image));
        if (layer.kind == LayerKind::distance) {
            made.graph.branches = 2;
            const Edge compared =
                layer.prepare ? layer.prepare(made.graph, {layer.name, inputs, attributes, {}})
                              : Edge{x};
            inputs = {pick(made.graph, compared, 0), pick(made.graph, compared, 1)};
        }
    }
    made.graph.outputs = {
        layer.build(made.graph, {layer.name, inputs, attributes, {}, training}).node};
    return made;
}

namespace {

std::vector<LayerCase> image_cases(const Layer& layer) {
    const std::vector<std::vector<int>> sizes = {{9, 8},    {3, 7, 6}, {16, 5, 9},
                                                 {4, 9, 5}, {7, 6, 7}, {1, 11, 5}};
    std::vector<LayerCase> cases;
    const size_t count = layer.attributes.empty() ? sizes.size() : 30;
    for (unsigned variant = 0; variant < count; ++variant)
        cases.push_back(make_case(layer, sizes[variant % sizes.size()],
                                  mixed_attributes(layer, variant), variant % 2 ? 8 : 4));
    return cases;
}

}  // namespace

std::vector<LayerCase> cases_of(const Layer& layer) {
    if (layer.reads_images) return image_cases(layer);
    struct Size {
        std::vector<int> dims;
        int tuples;
    };
    const std::vector<Size> sizes = {{{1}, 16},  {{9}, 4},   {{17}, 8},
                                     {{64}, 12}, {{127}, 4}, {{3, 9, 7}, 4}};
    std::vector<LayerCase> cases;
    for (size_t s = 0; s < sizes.size(); ++s) {
        const bool of_images = layer.kind == LayerKind::loss && layer.sees == Sees::image;
        const bool flat = layer.flat_input || layer.kind == LayerKind::distance || of_images;
        const bool any_dims = layer.kind == LayerKind::loss && !of_images;
        if (flat && sizes[s].dims.size() > 1) continue;
        if (of_images && sizes[s].dims[0] == 1) continue;  // cosines of 1 and -1 alone, at a corner
        if (layer.kind == LayerKind::loss && s >= 4) continue;  // long enough
        for (const Attributes& attributes : attributes_of(layer, s)) {
            const bool of_batch = any_dims && layer.sees == Sees::batch;
            if (of_batch && sizes[s].tuples % batch_quantum != 0) continue;
            cases.push_back(make_case(layer, any_dims ? std::vector<int>{} : sizes[s].dims,
                                      attributes, sizes[s].tuples));
        }
    }
    return cases;
}

std::vector<LayerCase> matrix_cases_of(const Layer& distance) {
    std::vector<LayerCase> cases;
    if (!distance.build_matrix) return cases;
    for (const int size : {1, 7, 64, 300}) {
        LayerCase made;
        made.tuples = size == 7 ? 2 * batch_quantum : batch_quantum;
        made.what = fmt::format("{} of {} images [{}]", distance.name, made.tuples, size);
        const Edge x = input(made.graph, "x", {size}, Rows::image);
        const Edge ordinal{made.graph.add({&ordinal_op(), "ordinal", {}, {}, {}, {}})};
        const Attributes attributes{{images_attribute, static_cast<long>(made.tuples)}};
        made.graph.name = distance.name;
        made.graph.outputs = {
            distance.build_matrix(made.graph, {"distances", {x, ordinal}, attributes, {}}).node};
        cases.push_back(made);
    }
    return cases;
}

std::vector<NodeId> layer_nodes(const Graph& graph) {
    std::vector<NodeId> nodes;
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id)
        if (graph[id].op->pattern != Pattern::source && graph[id].op != &pick_op() &&
            graph[id].op != &across_op())
            nodes.push_back(id);
    return nodes;
}

Gradients add_gradients(Graph& graph, NodeId node) {
    const Shape shape = graph[node].shape;
    const Edge adjoint = input(graph, graph[node].name + ".adjoint", shape.dims, shape.rows);
    return {adjoint.node, graph[node].op->gradient(graph, node, adjoint)};
}

Graph with_gradients(const Graph& graph) {
    Graph whole = graph;
    for (NodeId node : layer_nodes(graph)) {
        if (graph[node].op->steps)
            for (const ParameterStep& step : graph[node].op->steps(whole, node))
                whole.outputs.push_back(step.amount.node);
        if (!graph[node].op->gradient) continue;
        for (Edge edge : add_gradients(whole, node).edges)
            if (edge.node >= 0 && whole[edge.node].op->pattern != Pattern::source &&
                !std::count(whole.outputs.begin(), whole.outputs.end(), edge.node))
                whole.outputs.push_back(edge.node);
    }
    return whole;
}

}  // namespace siamc::compiler::test
