#include "layers/sources.h"

namespace siamc::compiler {

namespace {

std::vector<int> dims_of(const Node& node) {
    return integers(node.attributes, "dims");
}

// Before twins are folded each branch has sources of its own, one row a tuple.
Rows branch_rows(const Node& node) {
    return node.attributes.count("branch") ? Rows::tuple : Rows::image;
}

Op source(std::string name, std::function<Shape(const Graph&, const Node&)> shape,
          ElementType type = ElementType::float32) {
    Op op{std::move(name), Pattern::source, std::move(shape)};
    op.type = type;
    return op;
}

}  // namespace

const Op& images_op() {
    static const Op op = source(
        "images",
        [](const Graph&, const Node& node) {
            return Shape{dims_of(node), Rows::dataset};
        },
        ElementType::uint8);
    return op;
}

const Op& embeddings_op() {
    static const Op op = source("embeddings", [](const Graph&, const Node& node) {
        return Shape{dims_of(node), Rows::dataset};
    });
    return op;
}

const Op& rows_op() {
    static const Op op = source(
        "rows",
        [](const Graph&, const Node& node) {
            return Shape{{}, branch_rows(node)};
        },
        ElementType::int32);
    return op;
}

const Op& shifts_op() {
    static const Op op = source(
        "shifts",
        [](const Graph&, const Node& node) {
            return Shape{{2}, branch_rows(node)};
        },
        ElementType::int32);
    return op;
}

const Op& places_op() {
    static const Op op = source(
        "places",
        [](const Graph&, const Node& node) {
            return Shape{{static_cast<int>(integer(node.attributes, "branches"))}, Rows::tuple};
        },
        ElementType::int32);
    return op;
}

const Op& label_op() {
    static const Op op = source("label", [](const Graph&, const Node&) {
        return Shape{{}, Rows::tuple};
    });
    return op;
}

const Op& weight_op() {
    static const Op op = source("weight", [](const Graph&, const Node&) {
        return Shape{{}, Rows::tuple};
    });
    return op;
}

const Op& class_op() {
    static const Op op = source("class", [](const Graph&, const Node& node) {
        return Shape{{}, branch_rows(node)};
    });
    return op;
}

const Op& image_weight_op() {
    static const Op op = source("image_weight", [](const Graph&, const Node& node) {
        return Shape{{}, branch_rows(node)};
    });
    return op;
}

const Op& ordinal_op() {
    static const Op op = source(
        "ordinal",
        [](const Graph&, const Node& node) {
            return Shape{{}, branch_rows(node)};
        },
        ElementType::int32);
    return op;
}

const Op& row_weight_op() {
    static const Op op = source("row_weight", [](const Graph&, const Node& node) {
        return Shape{{}, branch_rows(node)};
    });
    return op;
}

const Op& noise_op() {
    static const Op op = source(
        "noise",
        [](const Graph&, const Node& node) {
            return Shape{{}, branch_rows(node)};
        },
        ElementType::int32);
    return op;
}

const Op& parameter_op() {
    static const Op op = source("parameter", [](const Graph&, const Node& node) {
        return Shape{dims_of(node), Rows::none};
    });
    return op;
}

Edge parameter(Graph& graph, const std::string& name, const std::vector<long>& dims,
               SourceLocation location, std::optional<double> initial) {
    const NodeId known = graph.find(name);
    if (known >= 0) return {known};
    Attributes attributes{{"dims", dims}};
    if (initial) attributes["initial"] = *initial;
    return {graph.add({&parameter_op(), name, {}, attributes, {}, location})};
}

Edge statistic(Graph& graph, const std::string& name, long size, SourceLocation location,
               double initial) {
    const Edge made = parameter(graph, name, {size}, location, initial);
    graph[made.node].attributes[is_statistic] = true;
    return made;
}

Edge source_of_rows(Graph& graph, const Op& op, const LayerUse& use) {
    const std::string name = use.branch > 0 ? op.name + std::to_string(use.branch) : op.name;
    const NodeId known = graph.find(name);
    if (known >= 0) return {known};
    Attributes attributes;
    if (use.branch != every_branch) attributes["branch"] = static_cast<long>(use.branch);
    return {graph.add({&op, name, {}, attributes, {}, {}})};
}

}  // namespace siamc::compiler
