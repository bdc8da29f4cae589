// The compiler's intermediate form: a directed acyclic graph of operations on row tensors,
// parameters and per-tuple scalars. Nodes are appended in topological order and never reordered,
// so a node's inputs always have smaller ids.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace siamc::compiler {

struct Op;  // layers/op.h: what a node computes

// A place in the model file, for messages that point back at it. Line 0: made by the compiler.
struct SourceLocation {
    int line = 0;
    int column = 0;
};

// What a tensor has one of.
enum class Rows {
    none,     // one for the whole batch: parameters and their gradients
    image,    // one per image of the batch, where tuples may share one
    tuple,    // one per pair or triplet (and per image before twins are folded)
    dataset,  // one per stored image
    slice,    // one per slice of the batch: partial sums
    batch,    // one per image of the batch, undivided: every slice sees all of them
    slices,   // one per slice, undivided: every slice sees the partial sums of all
    // Of a backward pass that skips what has no gradient (layers/active_tuples.h):
    active_tuple,  // one per tuple of the slice with a gradient
    active_image,  // one per image of the slice that such a tuple shows, in whole register tiles
    summed,        // those of all slices, without the gaps between them
};

enum class ElementType { float32, uint8, int32, float16 };

constexpr long element_bytes(ElementType type) {
    return type == ElementType::uint8 ? 1 : type == ElementType::float16 ? 2 : 4;
}

// Extents without the row dimension, innermost first: element (c, row) is at row * size() + c.
struct Shape {
    std::vector<int> dims;
    Rows rows = Rows::none;

    long size() const;  // elements per row
    bool operator==(const Shape&) const = default;
};

std::string to_string(const Shape& shape);

using NodeId = int;

// A use of a node's value.
struct Edge {
    NodeId node = -1;

    bool operator==(const Edge&) const = default;
};

using Attribute = std::variant<long, double, bool, std::string, std::vector<long>>;
using Attributes = std::map<std::string, Attribute>;

struct Node {
    const Op* op = nullptr;
    std::string name;  // unique in its graph; parameters: "dense1.kernel"
    std::vector<Edge> inputs;
    Attributes attributes = {};
    Shape shape = {};  // inferred when the node is added
    SourceLocation location = {};
    std::string gradient_of = {};  // the parameter whose gradient it is; empty: none's
};

struct Graph {
    std::string name;  // "embed", or the loss that is trained
    int branches = 1;  // images per tuple: 1 embedding, 2 pairs, 3 triplets
    std::vector<Node> nodes;
    std::vector<NodeId> outputs;

    const Node& operator[](NodeId id) const { return nodes.at(id); }
    Node& operator[](NodeId id) { return nodes.at(id); }

    // Appends a node and infers its shape. Its name is made unique in the graph by a number.
    // Throws ModelError at the node's location if the inputs do not fit the operation.
    NodeId add(Node node);
    // The node of that name, or -1.
    NodeId find(const std::string& node_name) const;
    const Shape& shape_of(Edge edge) const { return nodes.at(edge.node).shape; }
};

// An attribute's value; throws std::logic_error naming node and attribute if it is not there.
long integer(const Attributes& attributes, const std::string& name);
double real(const Attributes& attributes, const std::string& name);
std::vector<int> integers(const Attributes& attributes, const std::string& name);
// Extents as an attribute.
Attribute as_attribute(const std::vector<int>& extents);

// The nodes that read each node, by its id, once per edge.
std::vector<std::vector<NodeId>> readers_of(const Graph& graph);

// The graph as text, one node a line: what --dump-after prints.
std::string to_string(const Graph& graph);

// Throws std::logic_error naming the node if an invariant of the graph does not hold.
void verify(const Graph& graph);

}  // namespace siamc::compiler
