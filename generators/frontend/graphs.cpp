#include "frontend/graphs.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "layers/pairwise.h"
#include "layers/structural.h"

namespace siamc::compiler {

namespace {

// A source of one branch; before folding, "rows" of branch 1 is a node of its own.
Edge branch_source(Graph& graph, const Op& op, int branch) {
    return {graph.add({&op, op.name, {}, {{"branch", static_cast<long>(branch)}}, {}, {}})};
}

Edge images(Graph& graph, const ModelSpec& model) {
    const NodeId known = graph.find(images_op().name);
    if (known >= 0) return {known};
    long pixels = 1;
    for (int extent : model.input.shape) pixels *= extent;
    return {graph.add({&images_op(),
                       images_op().name,
                       {},
                       {{"dims", std::vector<long>{pixels}}},
                       {},
                       model.input.location})};
}

Edge gather(Graph& graph, const ModelSpec& model, int branch) {
    const std::vector<long> dims(model.input.shape.rbegin(), model.input.shape.rend());
    const Edge stored = images(graph, model);
    const Edge rows = branch_source(graph, rows_op(), branch);
    const Edge shifts = branch_source(graph, shifts_op(), branch);
    return {graph.add({&gather_op(),
                       "input",
                       {stored, rows, shifts},
                       {{"dims", dims}, {"scale", model.input.scale}},
                       {},
                       model.input.location})};
}

// Whose network layers are added to, and whether for training.
struct Purpose {
    bool training;
    int branch;
};

Edge add_layer(Graph& graph, const LayerSpec& spec, std::vector<Edge> inputs, std::string name,
               const Purpose& purpose) {
    const Layer* layer = find_layer(spec.type, LayerKind::layer);
    if (layer->flat_input && graph.shape_of(inputs[0]).dims.size() != 1) {
        const Layer* flatten = find_layer("flatten", LayerKind::layer);
        inputs[0] = flatten->build(graph, {"flatten", inputs, {}, spec.location});
    }
    return layer->build(graph, {std::move(name), inputs, spec.attributes, spec.location,
                                purpose.training, purpose.branch});
}

// What the layer that a layer's attribute names has given.
Edge earlier(const std::map<std::string, Edge>& results, const LayerSpec& spec,
             const std::string& attribute) {
    const auto& name = std::get<std::string>(spec.attributes.at(attribute));
    const auto found = results.find(name);
    if (found != results.end()) return found->second;
    throw ModelError(spec.location,
                     fmt::format("there is no \"{}\" in front of this {}", name, spec.type),
                     "a layer is named after its type and its number among those of its type; an "
                     "activation is a layer too",
                     fmt::format("{} = \"input\", \"dense1\", \"relu2\"", attribute));
}

Edge encode(Graph& graph, const ModelSpec& model, const Purpose& purpose) {
    std::map<std::string, int> count;
    Edge value = gather(graph, model, purpose.branch);
    std::map<std::string, Edge> results = {{"input", value}};
    for (const LayerSpec& spec : model.layers) {
        const std::string name = fmt::format("{}{}", spec.type, ++count[spec.type]);
        const std::string& second = find_layer(spec.type, LayerKind::layer)->second_input;
        std::vector<Edge> inputs = {value};
        if (!second.empty()) inputs.push_back(earlier(results, spec, second));
        value = results[name] = add_layer(graph, spec, inputs, name, purpose);
    }
    return value;
}

using Embedding = std::function<Edge(Graph&, int branch)>;

// What of an embedding the model's distance compares.
Edge prepared(Graph& graph, const ModelSpec& model, Edge embedding) {
    const Layer* distance = find_layer(model.distance.type, LayerKind::distance);
    if (!distance->prepare) return embedding;
    return distance->prepare(
        graph, {"distance", {embedding}, model.distance.attributes, model.distance.location});
}

// The distances between all images of a batch of at most so many, and their classes.
void build_batch(Graph& graph, const ModelSpec& model, const LayerSpec& loss, int batch,
                 const Embedding& embedding) {
    const Layer* distance = find_layer(model.distance.type, LayerKind::distance);
    if (!distance->build_matrix)
        throw ModelError(
            loss.location,
            fmt::format("{} compares all images of the batch, {} the images of a tuple alone",
                        loss.type, model.distance.type),
            "this distance makes no matrix", "another distance, or losses on pairs or triplets");
    const Edge embedded = prepared(graph, model, embedding(graph, 0));
    const Edge ordinal = branch_source(graph, ordinal_op(), 0);
    const Edge classes{graph.add({&class_op(), "label", {}, {{"branch", 0L}}, {}, {}})};
    Attributes attributes = model.distance.attributes;
    attributes[images_attribute] =
        static_cast<long>((batch + batch_quantum - 1) / batch_quantum * batch_quantum);
    const Edge matrix = distance->build_matrix(
        graph, {"distances", {embedded, ordinal}, attributes, model.distance.location});
    const std::vector<Edge> inputs = {matrix, classes, across(graph, classes), ordinal};
    graph.outputs = {find_layer(loss.type, LayerKind::loss)
                         ->build(graph, {"loss", inputs, loss.attributes, loss.location})
                         .node};
}

void build_images(Graph& graph, const LayerSpec& loss, const Embedding& embedding) {
    const Edge embedded = embedding(graph, 0);
    const Attributes attributes{{"branch", 0L},
                                {classes_attribute, loss.attributes.at(classes_attribute)}};
    const Edge classes{graph.add({&class_op(), "label", {}, attributes, {}, {}})};
    graph.outputs = {
        find_layer(loss.type, LayerKind::loss)
            ->build(graph, {"loss", {embedded, classes}, loss.attributes, loss.location})
            .node};
}

// Pairs: (D, label). Triplets: (D(anchor, positive), D(anchor, negative)).
void build_tuples(Graph& graph, const ModelSpec& model, const LayerSpec& loss,
                  const Embedding& embedding) {
    const Layer* loss_layer = find_layer(loss.type, LayerKind::loss);
    const Layer* distance = find_layer(model.distance.type, LayerKind::distance);
    std::vector<Edge> embeddings, inputs;
    for (int branch = 0; branch < graph.branches; ++branch)
        embeddings.push_back(prepared(graph, model, embedding(graph, branch)));
    for (int branch = 1; branch < graph.branches; ++branch)
        inputs.push_back(distance->build(graph, {"distance",
                                                 {embeddings[0], embeddings[branch]},
                                                 model.distance.attributes,
                                                 model.distance.location}));
    std::vector<NodeId> distances;
    for (Edge edge : inputs) distances.push_back(edge.node);
    if (loss_layer->sees == Sees::pairs)
        inputs.push_back({graph.add({&label_op(), "label", {}, {}, {}, {}})});
    graph.outputs = {
        loss_layer->build(graph, {"loss", inputs, loss.attributes, loss.location}).node};
    graph.outputs.insert(graph.outputs.end(), distances.begin(), distances.end());
}

Graph build_with(const ModelSpec& model, const LayerSpec& loss, int batch, const std::string& name,
                 const Embedding& embedding) {
    const Sees sees = find_layer(loss.type, LayerKind::loss)->sees;
    Graph graph;
    graph.name = name;
    graph.branches = branches_of(sees);
    if (sees == Sees::batch)
        build_batch(graph, model, loss, batch, embedding);
    else if (sees == Sees::image)
        build_images(graph, loss, embedding);
    else
        build_tuples(graph, model, loss, embedding);
    return graph;
}

}  // namespace

Graph build_embedding(const ModelSpec& model) {
    Graph graph;
    graph.name = "embed";
    graph.outputs = {encode(graph, model, {false, 0}).node};
    return graph;
}

Graph build_loss(const ModelSpec& model, const LayerSpec& loss, int batch) {
    return build_with(model, loss, batch, loss.type, [&](Graph& graph, int branch) {
        return encode(graph, model, {true, branch});
    });
}

namespace {

// Embeddings that were computed before, by index.
Embedding looked_up(const ModelSpec& model) {
    const Graph embedding = build_embedding(model);
    const Attributes attributes{{"dims", as_attribute(embedding[embedding.outputs[0]].shape.dims)}};
    return [attributes](Graph& graph, int branch) {
        const NodeId known = graph.find(embeddings_op().name);
        const Edge stored{
            known >= 0
                ? known
                : graph.add({&embeddings_op(), embeddings_op().name, {}, attributes, {}, {}})};
        const Edge rows = branch_source(graph, rows_op(), branch);
        return Edge{graph.add({&lookup_op(), "embedding", {stored, rows}, {}, {}, {}})};
    };
}

}  // namespace

Graph build_evaluation(const ModelSpec& model, const LayerSpec& loss, int batch) {
    return build_with(model, loss, batch, loss.type + "_evaluation", looked_up(model));
}

Graph build_distances(const ModelSpec& model) {
    const Layer* distance = find_layer(model.distance.type, LayerKind::distance);
    const Embedding embedding = looked_up(model);
    Graph graph;
    graph.name = "distances";
    graph.branches = 2;
    const Edge first = prepared(graph, model, embedding(graph, 0));
    const Edge second = prepared(graph, model, embedding(graph, 1));
    graph.outputs = {
        distance
            ->build(
                graph,
                {"distance", {first, second}, model.distance.attributes, model.distance.location})
            .node};
    return graph;
}

std::vector<Node> parameters(const Graph& graph) {
    std::vector<Node> found;
    for (const Node& node : graph.nodes)
        if (node.op == &parameter_op()) found.push_back(node);
    return found;
}

}  // namespace siamc::compiler
