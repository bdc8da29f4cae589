#include "layers/structural.h"

#include <algorithm>
#include <stdexcept>

#include "frontend/model_spec.h"
#include "layers/roles.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Loads with x shifted would leave the image, so its lines are first copied into longer ones,
// between as many zeros as they are long; loads from those are dense whatever the shift. Lines
// above and below the image are zeros. An image moved by its own size or more is all zeros, so
// shifts need not be larger than that.
Func gather_algorithm(const AlgorithmContext& context) {
    const Func& images = context.inputs[0];
    const Func& rows = context.inputs[1];
    const Func& shifts = context.inputs[2];
    const std::vector<int>& dims = context.node.shape.dims;
    const auto scale = static_cast<float>(real(context.node.attributes, "scale"));
    const std::vector<Var> vars = index_vars(context.node.shape);
    const Var row = vars.back();
    Func out("gather");
    if (dims.size() < 2) {
        out(vars) = Halide::cast<float>(images(vars[0], rows(row))) * scale;
        return out;
    }
    // dims is [width height] or [channels width height].
    const size_t x = dims.size() - 2, y = x + 1;
    std::vector<Expr> moved(vars.begin(), vars.end());
    for (const size_t d : {x, y})
        moved[d] = vars[d] - clamp(shifts(static_cast<int>(d - x), row), -dims[d], dims[d]);
    if (context.node.attributes.count(element_by_element)) {
        Expr inside = Halide::cast<bool>(true), pixel = 0;
        for (size_t d = dims.size(); d-- > 0;) {
            inside = inside && moved[d] >= 0 && moved[d] < dims[d];
            pixel = pixel * dims[d] + clamp(moved[d], 0, dims[d] - 1);
        }
        out(vars) = select(inside, Halide::cast<float>(images(pixel, rows(row))) * scale, 0.0f);
        return out;
    }
    Halide::Region line;
    for (size_t d = 0; d < y; ++d) line.emplace_back(0, dims[d]);
    const RDom stored(line, "stored");
    Expr pixel = vars[y];
    std::vector<Expr> place = {vars[y], row};
    for (size_t d = y; d-- > 0;) {
        const Expr at = stored[static_cast<int>(d)];
        pixel = pixel * dims[d] + at;
        place.insert(place.begin(), at);
    }
    Func bordered = func_as(Role::bordered);
    bordered(vars) = Halide::cast<uint8_t>(0);
    bordered(place) = images(pixel, rows(row));
    const Expr inside = moved[y] >= 0 && moved[y] < dims[y];
    moved[y] = clamp(moved[y], 0, dims[y] - 1);
    out(vars) = select(inside, Halide::cast<float>(bordered(moved)) * scale, 0.0f);
    return out;
}

// The image row that a tuple shows as one of its branches.
Expr picked_row(const AlgorithmContext& context, const Func& places, const Expr& branch,
                const Expr& tuple) {
    return clamp(places(branch, tuple), 0, context.image_rows - 1);
}

Func pick_algorithm(const AlgorithmContext& context) {
    const auto branch = static_cast<int>(integer(context.node.attributes, "branch"));
    const std::vector<Var> vars = index_vars(context.node.shape);
    std::vector<Expr> index(vars.begin(), vars.end());
    index.back() = picked_row(context, context.inputs[1], branch, vars.back());
    Func out = func_as(Role::view, "pick");
    out(vars) = context.inputs[0](index);
    return out;
}

// Whether the last input of pick_grad is there to say how many images there are.
bool lists_images(const Graph& graph, const Node& node) {
    return graph.shape_of(node.inputs.back()).rows == Rows::active_image;
}

Func pick_grad_algorithm(const AlgorithmContext& context) {
    if (Halide::Internal::is_const_zero(context.image_rows))
        throw std::logic_error(context.node.name + ": its kernel reads no image rows to count");
    const std::vector<Var> vars = index_vars(context.node.shape);
    const auto branches =
        static_cast<int>(context.inputs.size()) - 1 - lists_images(context.graph, context.node);
    const Func& places = context.inputs[static_cast<size_t>(branches)];
    const RDom at(0, branches, 0, context.tuple_rows, "at");
    std::vector<Expr> read(vars.begin(), vars.end()), place = read;
    read.back() = at.y;
    place.back() = picked_row(context, places, at.x, at.y);
    Expr value = context.inputs[static_cast<size_t>(branches) - 1](read);
    for (int branch = branches - 2; branch >= 0; --branch)
        value = select(at.x == branch, context.inputs[static_cast<size_t>(branch)](read), value);
    Func out("pick_grad");
    out(vars) = 0.0f;
    out(place) += value;
    return out;
}

}  // namespace

std::vector<Var> index_vars(const Shape& shape) {
    static const char* const names[] = {"c", "x", "y", "z", "block"};
    std::vector<Var> vars;
    for (size_t d = 0; d < shape.dims.size(); ++d) vars.emplace_back(names[d]);
    if (shape.rows != Rows::none) vars.emplace_back("row");
    return vars;
}

Shape shape_of_first(const Graph& graph, const Node& node) {
    return graph.shape_of(node.inputs[0]);
}

Shape shape_of_dims(const Graph& graph, const Node& node) {
    return {integers(node.attributes, "dims"), graph.shape_of(node.inputs[0]).rows};
}

Edge add_for(Graph& graph, const Node& node, const Op& op, const std::string& suffix,
             std::vector<Edge> inputs, Attributes attributes) {
    return {graph.add(
        {&op, node.name + suffix, std::move(inputs), std::move(attributes), {}, node.location})};
}

const Op& across_op() {
    static const Op op = {
        "across",
        Pattern::view,
        [](const Graph& graph, const Node& node) {
            const Shape& shape = graph.shape_of(node.inputs[0]);
            return Shape{shape.dims, shape.rows == Rows::slice ? Rows::slices : Rows::batch};
        },
        {},
        // The adjoint of the rows of the batch is that of the images seen by everyone.
        [](Graph& graph, NodeId, Edge adjoint) -> std::vector<Edge> {
            if (graph[adjoint.node].op != &across_op())
                throw std::logic_error("across: its adjoint is not one of each image");
            return {graph[adjoint.node].inputs[0]};
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            out.data = in[0]->data;
        }};
    return op;
}

Edge across(Graph& graph, Edge value) {
    const Node node = graph[value.node];
    const NodeId known = graph.find(node.name + ".across");
    return known >= 0 ? Edge{known} : add_for(graph, node, across_op(), ".across", {value});
}

const Op& gather_op() {
    static const Op op = {
        "gather", Pattern::elementwise,
        [](const Graph& graph, const Node& node) {
            return Shape{integers(node.attributes, "dims"), graph.shape_of(node.inputs[1]).rows};
        },
        gather_algorithm};
    return op;
}

const Op& lookup_op() {
    static const Op op = {
        "lookup", Pattern::rowwise,
        [](const Graph& graph, const Node& node) {
            return Shape{graph.shape_of(node.inputs[0]).dims, graph.shape_of(node.inputs[1]).rows};
        },
        [](const AlgorithmContext& context) {
            const auto vars = index_vars(context.node.shape);
            std::vector<Expr> index(vars.begin(), vars.end());
            index.back() = context.inputs[1](vars.back());
            Func out("lookup");
            out(vars) = context.inputs[0](index);
            return out;
        }};
    return op;
}

const Op& reshape_op() {
    static const Op op = {"reshape",
                          Pattern::view,
                          shape_of_dims,
                          {},
                          [](Graph& graph, NodeId self, Edge adjoint) -> std::vector<Edge> {
                              const Node node = graph[self];
                              return {reshape(graph, adjoint, graph.shape_of(node.inputs[0]).dims,
                                              node.name + ".grad", node.location)};
                          },
                          [](const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                             Tensor64& out) { out.data = in[0]->data; }};
    return op;
}

Edge reshape(Graph& graph, Edge value, const std::vector<int>& dims, const std::string& name,
             SourceLocation location) {
    return {
        graph.add({&reshape_op(), name, {value}, {{"dims", as_attribute(dims)}}, {}, location})};
}

const Op& negate_op() {
    static const Op op = {"negate", Pattern::elementwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto vars = index_vars(context.node.shape);
                              Func out("negate");
                              out(vars) = -context.inputs[0](vars);
                              return out;
                          }};
    return op;
}

const Op& transpose_op() {
    static const Op op = [] {
        Op transpose = {"transpose", Pattern::parameter,
                        [](const Graph& graph, const Node& node) {
                            Shape shape = graph.shape_of(node.inputs[0]);
                            std::reverse(shape.dims.begin(), shape.dims.end());
                            return shape;
                        },
                        [](const AlgorithmContext& context) {
                            const auto vars = index_vars(context.node.shape);
                            Func out("transpose");
                            out(vars[0], vars[1]) = context.inputs[0](vars[1], vars[0]);
                            return out;
                        }};
        transpose.blocked_input = 0;
        return transpose;
    }();
    return op;
}

const Op& pick_op() {
    static const Op op = {"pick", Pattern::pick,
                          [](const Graph& graph, const Node& node) {
                              const Shape& value = graph.shape_of(node.inputs[0]);
                              const long branch = integer(node.attributes, "branch");
                              if (value.rows != Rows::image || branch >= graph.branches)
                                  throw std::logic_error(node.name + ": there is no such branch");
                              return Shape{value.dims, graph.shape_of(node.inputs[1]).rows};
                          },
                          pick_algorithm};
    return op;
}

Edge places(Graph& graph) {
    const NodeId known = graph.find(places_op().name);
    if (known >= 0) return {known};
    return {graph.add(
        {&places_op(), places_op().name, {}, {{"branches", static_cast<long>(graph.branches)}}})};
}

Edge tuple_weights(Graph& graph, bool of_images) {
    const NodeId known = graph.find(weight_op().name);
    if (known >= 0) return {known};
    return {graph.add(
        {of_images ? &image_weight_op() : &weight_op(), weight_op().name, {}, {}, {}, {}})};
}

Edge pick(Graph& graph, Edge value, int branch) {
    const Node node = graph[value.node];
    const std::string suffix = ".branch" + std::to_string(branch);
    const NodeId known = graph.find(node.name + suffix);
    if (known >= 0) return {known};
    return add_for(graph, node, pick_op(), suffix, {value, places(graph)},
                   {{"branch", static_cast<long>(branch)}});
}

const Op& pick_grad_op() {
    static const Op op = {"pick.grad", Pattern::scatter,
                          [](const Graph& graph, const Node& node) {
                              return Shape{
                                  graph.shape_of(node.inputs[0]).dims,
                                  lists_images(graph, node) ? Rows::active_image : Rows::image};
                          },
                          pick_grad_algorithm};
    return op;
}

const Op& shown_weight_op() {
    static const Op op = [] {
        Op weights = {"shown_weight", Pattern::rowwise,
                      [](const Graph&, const Node&) {
                          return Shape{{}, Rows::image};
                      },
                      [](const AlgorithmContext& context) {
                          const int branches = context.graph.branches;
                          const Var row("row");
                          const RDom at(0, branches, 0, context.tuple_rows, "at");
                          const Expr here = context.inputs[1](at.x, at.y) == row;
                          Func out("shown_weight");
                          out(row) = 0.0f;
                          out(row) += select(here, context.inputs[0](at.y), 0.0f) *
                                      (1.0f / static_cast<float>(branches));
                          return out;
                      }};
        weights.through_memory = true;
        return weights;
    }();
    return op;
}

const Op& branch_weight_op() {
    static const Op op = {
        "branch.weight", Pattern::rowwise,
        [](const Graph&, const Node&) {
            return Shape{{}, Rows::image};
        },
        [](const AlgorithmContext& context) {
            const auto branches =
                static_cast<int>(integer(context.node.attributes, branches_attribute));
            const Var row("row");
            Func out("branch_weight");
            out(row) = context.inputs[0](min(row / branches, context.tuple_rows - 1)) *
                       (1.0f / static_cast<float>(branches));
            return out;
        }};
    return op;
}

const Op& branch_op() {
    static const Op op = {"branch", Pattern::pick,
                          [](const Graph& graph, const Node& node) {
                              return Shape{graph.shape_of(node.inputs[0]).dims, Rows::tuple};
                          },
                          [](const AlgorithmContext& context) {
                              const auto number = [&](const char* name) {
                                  return static_cast<int>(integer(context.node.attributes, name));
                              };
                              const std::vector<Var> vars = index_vars(context.node.shape);
                              std::vector<Expr> index(vars.begin(), vars.end());
                              index.back() =
                                  vars.back() * number(branches_attribute) + number("branch");
                              Func out = func_as(Role::view, "branch");
                              out(vars) = context.inputs[0](index);
                              return out;
                          }};
    return op;
}

const Op& branch_grad_op() {
    static const Op op = {"branch.grad", Pattern::rowwise,
                          [](const Graph& graph, const Node& node) {
                              return Shape{graph.shape_of(node.inputs[0]).dims, Rows::image};
                          },
                          [](const AlgorithmContext& context) {
                              const auto branches = static_cast<int>(context.inputs.size());
                              const std::vector<Var> vars = index_vars(context.node.shape);
                              std::vector<Expr> index(vars.begin(), vars.end());
                              index.back() = vars.back() / branches;
                              Expr value = context.inputs.back()(index);
                              for (int branch = branches - 2; branch >= 0; --branch)
                                  value = select(vars.back() % branches == branch,
                                                 context.inputs[static_cast<size_t>(branch)](index),
                                                 value);
                              Func out = func_as(Role::view, "branch_grad");
                              out(vars) = value;
                              return out;
                          }};
    return op;
}

Func dot(const Func& a, const Func& b, int size, const std::string& name) {
    Var row("row");
    Halide::RDom c(0, size, "c");
    Func out(name);
    out(row) = 0.0f;
    out(row) += a(c, row) * b(c, row);
    return out;
}

}  // namespace siamc::compiler
