// prototypical: a batch is an episode (Snell, Swersky and Zemel 2017). The distance between image i
// and a class k of n images is
//   d(i, k) = mean over j in k of D(i, j) - 1/2 mean over j, l in k of D(j, l),
// with squared_euclidean the squared distance between i and the mean of the class. Of the own class
// the image itself is left out. The loss is softmax cross-entropy with the logits -d / temperature;
// an image that is alone in its class costs nothing.
//
// With A(i, k) the sum of D(i, j) over the class and S(k) that of A(j, k) over its images j,
//   d(i, k) = (n A(i, k) - S(k) / 2) / m^2,  m = n, or n - 1 for the own class:
// A is added up row by row, S across the batch, and nothing takes B^3 steps. What belongs to a
// class lies at the place of its first image.
#include <algorithm>
#include <cmath>

#include "layers/batch_loss.h"
#include "layers/pairwise.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Expr is_same(const Func& own, const Func& classes, const Expr& j, const Expr& row) {
    return classes(j) >= 0.0f && classes(j) == own(row);
}

// (class, classes of the batch, ordinal) -> place of the class's first image; the own for padding.
const Op& prototypical_first_op() {
    static const Op op = {
        "prototypical.first",
        Pattern::rowwise,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const Var row("row");
            const RDom j(0, context.batch_rows, "j");
            Func first("first"), out("first_of_class");
            first(row) = context.batch_rows;
            first(row) =
                min(first(row), select(is_same(in[0], in[1], j, row), Expr(j), context.batch_rows));
            out(row) = Halide::cast<float>(min(first(row), row_in_batch(context, in[2], row)));
            return out;
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const std::vector<double>& classes = in[1]->data;
            for (std::size_t i = 0; i < out.data.size(); ++i) {
                std::size_t first = i;
                for (std::size_t j = i; j-- > 0;)
                    if (classes[i] >= 0 && classes[j] == classes[i]) first = j;
                out.data[i] = static_cast<double>(first);
            }
        }};
    return op;
}

// (class, classes of the batch[, a number of each image]) -> its sum over the images of the class;
// without, how many they are.
Func same_class_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const Var row("row");
    const RDom j(0, context.batch_rows, "j");
    Func out("same_class");
    out(row) = 0.0f;
    out(row) += select(is_same(in[0], in[1], j, row), in.size() > 2 ? in[2](j) : Expr(1.0f), 0.0f);
    return out;
}

void same_class_reference(const Graph&, const Node&, const std::vector<const Tensor64*>& in,
                          Tensor64& out) {
    for (std::size_t i = 0; i < out.data.size(); ++i) {
        out.data[i] = 0;
        for (std::size_t j = 0; j < in[1]->data.size(); ++j)
            if (in[1]->data[j] >= 0 && in[1]->data[j] == in[0]->data[i])
                out.data[i] += in.size() > 2 ? in[2]->data[j] : 1;
    }
}

const Op& prototypical_count_op() {
    static const Op op = {
        "prototypical.count", Pattern::rowwise, shape_of_first, same_class_algorithm, {},
        same_class_reference};
    return op;
}

// Its own adjoint: j is in i's class where i is in j's.
const Op& prototypical_class_total_op() {
    static const Op op = {"prototypical.class_total",
                          Pattern::rowwise,
                          shape_of_first,
                          same_class_algorithm,
                          [](Graph& graph, NodeId self, Edge adjoint) {
                              const Node node = graph[self];
                              const Edge x =
                                  add_for(graph, node, prototypical_class_total_op(), ".grad",
                                          {node.inputs[0], node.inputs[1], across(graph, adjoint)});
                              return std::vector<Edge>{Edge{}, Edge{}, across(graph, x)};
                          },
                          same_class_reference};
    return op;
}

// In a line of the matrix.
Expr place(const AlgorithmContext& context, const Expr& first) {
    return clamp(Halide::cast<int>(first), 0, context.node.shape.dims[0] - 1);
}

// (adjoint of the sums, first images of the batch) -> of the distances.
const Op& prototypical_class_sums_grad_op() {
    static const Op op = {"prototypical.class_sums.grad", Pattern::rowwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const Var j("j"), row("row");
                              const Expr column = min(j, context.batch_rows - 1);
                              Func out("class_sums_grad");
                              out(j, row) = select(j < context.batch_rows,
                                                   in[0](place(context, in[1](column)), row), 0.0f);
                              return out;
                          }};
    return op;
}

// (distances, first images of the batch) -> A at the first image of each class, 0 elsewhere.
const Op& prototypical_class_sums_op() {
    static const Op op = [] {
        Op sums = {
            "prototypical.class_sums",
            Pattern::rowwise,
            shape_of_first,
            [](const AlgorithmContext& context) {
                const auto& in = context.inputs;
                const Var k("k"), row("row");
                const RDom j(0, context.batch_rows, "j");
                Func out("class_sums");
                out(k, row) = 0.0f;
                out(place(context, in[1](j)), row) += in[0](j, row);
                return out;
            },
            [](Graph& graph, NodeId self, Edge adjoint) {
                const Node node = graph[self];
                return std::vector<Edge>{add_for(graph, node, prototypical_class_sums_grad_op(),
                                                 ".grad", {adjoint, node.inputs[1]}),
                                         Edge{}};
            },
            [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
                const auto columns = static_cast<std::size_t>(out.shape.dims[0]);
                std::fill(out.data.begin(), out.data.end(), 0.0);
                for (std::size_t i = 0; i < in[0]->data.size() / columns; ++i)
                    for (std::size_t j = 0; j < in[1]->data.size(); ++j)
                        out.data[i * columns + static_cast<std::size_t>(in[1]->data[j])] +=
                            in[0]->data[i * columns + j];
            }};
        sums.through_memory = true;
        return sums;
    }();
    return op;
}

// (distances, class, classes of the batch, adjoint) -> of the distances.
const Op& prototypical_own_sum_grad_op() {
    static const Op op = {"prototypical.own_sum.grad", Pattern::rowwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const Var j("j"), row("row");
                              const Expr column = min(j, context.batch_rows - 1);
                              Func out("own_sum_grad");
                              out(j, row) = select(
                                  j < context.batch_rows && is_same(in[1], in[2], column, row),
                                  in[3](row), 0.0f);
                              return out;
                          }};
    return op;
}

// (distances, class, classes of the batch) -> A of the own class.
const Op& prototypical_own_sum_op() {
    static const Op op = {
        "prototypical.own_sum",
        Pattern::rowwise,
        [](const Graph& graph, const Node& node) { return graph.shape_of(node.inputs[1]); },
        [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const Var row("row");
            const RDom j(0, context.batch_rows, "j");
            Func out("own_sum");
            out(row) = 0.0f;
            out(row) += select(is_same(in[1], in[2], j, row), in[0](j, row), 0.0f);
            return out;
        },
        [](Graph& graph, NodeId self, Edge adjoint) {
            const Node node = graph[self];
            std::vector<Edge> inputs = node.inputs;
            inputs.push_back(adjoint);
            return std::vector<Edge>{
                add_for(graph, node, prototypical_own_sum_grad_op(), ".grad", inputs), {}, {}};
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto columns = static_cast<std::size_t>(in[0]->shape.dims[0]);
            for (std::size_t i = 0; i < out.data.size(); ++i) {
                out.data[i] = 0;
                for (std::size_t j = 0; j < in[2]->data.size(); ++j)
                    if (in[2]->data[j] >= 0 && in[2]->data[j] == in[1]->data[i])
                        out.data[i] += in[0]->data[i * columns + j];
            }
        }};
    return op;
}

// ---- the loss -----------------------------------------------------------------------------------

// Its inputs: A, first image, of all images of the batch first image, count and S.
struct Episode {
    explicit Episode(const AlgorithmContext& context)
        : in(context.inputs),
          images(context.batch_rows),
          inverse(static_cast<float>(1 / real(context.node.attributes, "temperature"))) {
        const Var row("row");
        const RDom k(0, images, "k");
        const Expr none = BatchLoss::none;
        nearest = Func("nearest_class");
        nearest(row) = none;
        nearest(row) = min(nearest(row), select(is_class(k), distance(k, row), none));
        own = Func("own_distance");
        own(row) = 0.0f;
        own(row) += select(is_class(k) && is_own(k, row), distance(k, row), 0.0f);
        others = Func("others_of_class");
        others(row) = -1.0f;
        others(row) += select(is_own(k, row), in[3](k), 0.0f);
        sum = Func("exponentials");
        sum(row) = 0.0f;
        sum(row) += exponential(k, row);
    }

    Expr is_class(const Expr& k) const {
        return in[3](k) > 0.0f && in[2](k) == Halide::cast<float>(k);
    }
    Expr is_own(const Expr& k, const Expr& row) const {
        return in[1](row) == Halide::cast<float>(k);
    }
    // 1 / m^2; any number for an image that is alone.
    Expr inverse_square(const Expr& k, const Expr& row) const {
        const Expr m = max(in[3](k) - select(is_own(k, row), 1.0f, 0.0f), 1.0f);
        return 1.0f / (m * m);
    }
    Expr distance(const Expr& k, const Expr& row) const {
        return (in[3](k) * in[0](k, row) - 0.5f * in[4](k)) * inverse_square(k, row);
    }
    Expr exponential(const Expr& k, const Expr& row) const {
        return select(is_class(k), exp((nearest(row) - distance(k, row)) * inverse), 0.0f);
    }

    const std::vector<Func>& in;
    Expr images;
    float inverse;
    Func nearest, own, others, sum;
};

Func prototypical_algorithm(const AlgorithmContext& context) {
    const Episode episode(context);
    const Var row("row");
    Func out("prototypical");
    out(row) = select(episode.others(row) > 0.0f,
                      (episode.own(row) - episode.nearest(row)) * episode.inverse +
                          log(max(episode.sum(row), 1.0f)),
                      0.0f);
    return out;
}

// (the loss's inputs, adjoint) -> of A: ([k is own] - softmax) / temperature * n / m^2.
const Op& prototypical_grad_op() {
    static const Op op = {
        "prototypical.grad", Pattern::rowwise, shape_of_first, [](const AlgorithmContext& context) {
            const Episode episode(context);
            const Var k("k"), row("row");
            Func scale("scale"), out("prototypical_grad");
            scale(row) =
                select(episode.others(row) > 0.0f, context.inputs[5](row) * episode.inverse, 0.0f);
            const Expr at = min(k, episode.images - 1);
            const Expr share = episode.exponential(at, row) / max(episode.sum(row), 1.0f);
            out(k, row) = select(k < episode.images && episode.is_class(at),
                                 scale(row) * episode.in[3](at) * episode.inverse_square(at, row) *
                                     (select(episode.is_own(at, row), 1.0f, 0.0f) - share),
                                 0.0f);
            return out;
        }};
    return op;
}

// (count, adjoints of A of all images of the batch, ordinal) -> of S: where A has slope n / m^2, S
// has -1 / (2 m^2).
const Op& prototypical_total_grad_op() {
    static const Op op = {"prototypical.total_grad", Pattern::rowwise, shape_of_first,
                          [](const AlgorithmContext& context) {
                              const auto& in = context.inputs;
                              const Var row("row");
                              const RDom i(0, context.batch_rows, "i");
                              Func sum("column_sum"), out("total_grad");
                              sum(row) = 0.0f;
                              sum(row) += in[1](row_in_batch(context, in[2], row), i);
                              out(row) = sum(row) * -0.5f / max(in[0](row), 1.0f);
                              return out;
                          }};
    return op;
}

// The loss's own inputs, and for its gradient each image's count and ordinal.
std::vector<Edge> prototypical_gradient(Graph& graph, NodeId self, Edge adjoint) {
    const Node node = graph[self];
    std::vector<Edge> inputs(node.inputs.begin(), node.inputs.begin() + 5);
    inputs.push_back(adjoint);
    const Edge sums =
        add_for(graph, node, prototypical_grad_op(), ".grad", inputs, node.attributes);
    const Edge total = add_for(graph, node, prototypical_total_grad_op(), ".total_grad",
                               {node.inputs[5], across(graph, sums), node.inputs[6]});
    return {sums, {}, {}, {}, across(graph, total), {}, {}};
}

void prototypical_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                            Tensor64& out) {
    const double t = real(node.attributes, "temperature");
    const auto columns = static_cast<std::size_t>(in[0]->shape.dims[0]);
    const std::vector<double>&firsts = in[2]->data, &counts = in[3]->data;
    for (std::size_t i = 0; i < out.data.size(); ++i) {
        const auto own = static_cast<std::size_t>(in[1]->data[i]);
        double sum = 0, logit = 0;
        for (std::size_t k = 0; k < firsts.size(); ++k) {
            if (!(counts[k] > 0) || firsts[k] != static_cast<double>(k)) continue;
            const double m = std::max(1.0, counts[k] - (k == own ? 1 : 0));
            const double d =
                (counts[k] * in[0]->data[i * columns + k] - in[4]->data[k] / 2) / (m * m);
            sum += std::exp(-d / t);
            if (k == own) logit = -d / t;
        }
        out.data[i] = counts[own] > 1 ? std::log(sum) - logit : 0;
    }
}

const Op& prototypical_op() {
    static const Op op = {
        "prototypical",
        Pattern::rowwise,
        [](const Graph& graph, const Node& node) { return graph.shape_of(node.inputs[1]); },
        prototypical_algorithm,
        prototypical_gradient,
        prototypical_reference};
    return op;
}

Edge build_prototypical(Graph& graph, const LayerUse& use) {
    const Edge matrix = use.inputs[0], own = use.inputs[1], classes = use.inputs[2],
               ordinal = use.inputs[3];
    const auto add = [&](const Op& op, const std::string& name, std::vector<Edge> inputs) {
        return Edge{graph.add({&op, use.name + name, std::move(inputs), {}, {}, use.location})};
    };
    const Edge first = add(prototypical_first_op(), ".first", {own, classes, ordinal});
    const Edge count = add(prototypical_count_op(), ".count", {own, classes});
    const Edge firsts = across(graph, first);
    const Edge sums = add(prototypical_class_sums_op(), ".class_sums", {matrix, firsts});
    const Edge own_sum = add(prototypical_own_sum_op(), ".own_sum", {matrix, own, classes});
    const Edge total =
        add(prototypical_class_total_op(), ".class_total", {own, classes, across(graph, own_sum)});
    return {graph.add(
        {&prototypical_op(),
         use.name,
         {sums, first, firsts, across(graph, count), across(graph, total), count, ordinal},
         use.attributes,
         {},
         use.location})};
}

}  // namespace

Layer prototypical_layer() {
    Layer layer{"prototypical", LayerKind::loss,
                "batch: each image against the means of the classes, by softmax"};
    layer.sees = Sees::batch;
    layer.attributes = {
        {"temperature", AttributeType::real, 1.0, 0.001, "distances are divided by it"}};
    layer.build = build_prototypical;
    return layer;
}

}  // namespace siamc::compiler
