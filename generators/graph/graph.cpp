#include "graph/graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "frontend/model_spec.h"
#include "layers/op.h"

namespace siamc::compiler {

long Shape::size() const {
    long product = 1;
    for (int extent : dims) product *= extent;
    return product;
}

std::string to_string(const Shape& shape) {
    static const char* const rows[] = {"",
                                       " per image",
                                       " per tuple",
                                       " per stored image",
                                       " per slice",
                                       " of the batch",
                                       " of all slices",
                                       " per active tuple",
                                       " per active image",
                                       " per summed image"};
    return fmt::format("[{}]{}", fmt::join(shape.dims, " "), rows[static_cast<int>(shape.rows)]);
}

NodeId Graph::find(const std::string& node_name) const {
    auto found = std::find_if(nodes.begin(), nodes.end(),
                              [&](const Node& node) { return node.name == node_name; });
    return found == nodes.end() ? -1 : static_cast<NodeId>(found - nodes.begin());
}

namespace {

// What shapes and strides, which are ints, can name, with room for the rows of a slice.
constexpr double most_values = 1 << 24;   // per image or tuple
constexpr double most_weights = 1 << 28;  // of one parameter

void check_size(const Node& node) {
    const bool whole = node.shape.rows == Rows::none || node.shape.rows == Rows::slice;
    const double most = whole ? most_weights : most_values;
    double size = 1;
    for (int extent : node.shape.dims) size *= extent;
    if (size <= most) return;
    throw ModelError(node.location,
                     fmt::format("{} is too large: {}", node.name, to_string(node.shape)),
                     fmt::format("{} at most {:.0f} numbers",
                                 whole ? "a parameter has" : "a layer makes of an image", most),
                     "fewer units or filters, smaller windows or larger strides, here or in front");
}

}  // namespace

NodeId Graph::add(Node node) {
    const std::string base = node.name;
    for (int n = 2; find(node.name) >= 0; ++n) node.name = fmt::format("{}.{}", base, n);
    node.shape = node.op->shape(*this, node);
    check_size(node);
    nodes.push_back(std::move(node));
    return static_cast<NodeId>(nodes.size()) - 1;
}

namespace {

const Attribute& attribute(const Attributes& attributes, const std::string& name) {
    auto found = attributes.find(name);
    if (found == attributes.end()) throw std::logic_error("no attribute named " + name);
    return found->second;
}

std::string to_string(const Attribute& attribute) {
    return std::visit([](const auto& value) { return fmt::format("{}", value); }, attribute);
}

}  // namespace

long integer(const Attributes& attributes, const std::string& name) {
    return std::get<long>(attribute(attributes, name));
}

double real(const Attributes& attributes, const std::string& name) {
    return std::get<double>(attribute(attributes, name));
}

std::vector<int> integers(const Attributes& attributes, const std::string& name) {
    const auto& list = std::get<std::vector<long>>(attribute(attributes, name));
    return {list.begin(), list.end()};
}

Attribute as_attribute(const std::vector<int>& extents) {
    return std::vector<long>(extents.begin(), extents.end());
}

std::vector<std::vector<NodeId>> readers_of(const Graph& graph) {
    std::vector<std::vector<NodeId>> readers(graph.nodes.size());
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id)
        for (Edge edge : graph[id].inputs) readers[edge.node].push_back(id);
    return readers;
}

std::string to_string(const Graph& graph) {
    std::string text = fmt::format("graph {}: {} image{} a tuple\n", graph.name, graph.branches,
                                   graph.branches == 1 ? "" : "s");
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        const Node& node = graph[id];
        std::vector<std::string> inputs, attributes;
        for (Edge edge : node.inputs) inputs.push_back(graph[edge.node].name);
        for (const auto& [key, value] : node.attributes)
            attributes.push_back(key + "=" + to_string(value));
        const bool is_output =
            std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
        text +=
            fmt::format("{:>3} {:<32} {:<24} {}({}){}{}{}\n", id, node.name, to_string(node.shape),
                        node.op->name, fmt::join(inputs, ", "), attributes.empty() ? "" : " ",
                        fmt::join(attributes, " "), is_output ? "  -> out" : "");
    }
    return text;
}

void verify(const Graph& graph) {
    std::set<std::string> names;
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        const Node& node = graph[id];
        auto require = [&](bool holds, const char* what) {
            if (!holds)
                throw std::logic_error(
                    fmt::format("graph {}: node {} ({}): {}", graph.name, id, node.name, what));
        };
        require(node.op != nullptr, "has no operation");
        require(names.insert(node.name).second, "has another node's name");
        for (Edge edge : node.inputs)
            require(edge.node >= 0 && edge.node < id, "reads a node that does not come before it");
        require(node.shape == node.op->shape(graph, node), "has a shape its inputs do not give");
    }
    for (NodeId id : graph.outputs)
        if (id < 0 || id >= static_cast<NodeId>(graph.nodes.size()))
            throw std::logic_error(fmt::format("graph {}: output {} is no node", graph.name, id));
}

}  // namespace siamc::compiler
