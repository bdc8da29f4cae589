// proxy_anchor: each of the C classes has a proxy, a trained column of `proxy_anchor.kernel`; c(i,
// p) is the cosine between it and the embedding of image i of class y(i). With a = alpha, d = delta
// and
//   P(p) = sum over images of class p of exp(-a (c(i, p) - d)),
//   N(p) = sum over all other images of exp(a (c(i, p) + d)),
// the batch costs
//   mean over the proxies p with an image of log(1 + P(p)) + mean over all of log(1 + N(p))
// (Kim, Kim, Cho and Kwak 2020), and so does each of its images.
#include <fmt/format.h>

#include <cmath>

#include "frontend/model_spec.h"
#include "layers/batch_total.h"
#include "layers/class_cosines.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Attribute: whether a proxy's own images are meant, or the others.
constexpr const char* of_own = "own";

// exp(sign (a c) + a d) is what an image adds to a sum, 0 where it is not meant.
double sign_of(const Node& node) {
    return std::get<bool>(node.attributes.at(of_own)) ? -1 : 1;
}

// Images that pad the batch, of class -1, are nobody's.
Func exponential_algorithm(const AlgorithmContext& context) {
    const auto& in = context.inputs;
    const Node& node = context.node;
    const double alpha = real(node.attributes, "alpha");
    const auto slope = static_cast<float>(alpha * sign_of(node));
    const auto offset = static_cast<float>(alpha * real(node.attributes, "delta"));
    const Var p("p"), row("row");
    const Expr own = in[1](row) == Halide::cast<float>(p);
    const Expr meant = sign_of(node) < 0 ? own : in[1](row) >= 0.0f && !own;
    Func out("proxy_exponential");
    out(p, row) = select(meant, exp(slope * in[0](p, row) + offset), 0.0f);
    return out;
}

// (exponentials, adjoint)
const Op& exponential_grad_op() {
    static const Op op = {
        "proxy_anchor.exponential.grad", Pattern::rowwise, shape_of_first,
        [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const Node& node = context.node;
            const auto slope = static_cast<float>(real(node.attributes, "alpha") * sign_of(node));
            const Var p("p"), row("row");
            Func out("proxy_exponential_grad");
            out(p, row) = slope * in[0](p, row) * in[1](p, row);
            return out;
        }};
    return op;
}

// (cosines, class) -> what each image adds to P or N.
const Op& exponential_op() {
    static const Op op = {
        "proxy_anchor.exponential",
        Pattern::rowwise,
        shape_of_first,
        exponential_algorithm,
        [](Graph& graph, NodeId self, Edge adjoint) {
            const Node node = graph[self];
            return std::vector<Edge>{add_for(graph, node, exponential_grad_op(), ".grad",
                                             {{self}, adjoint}, node.attributes),
                                     Edge{}};
        },
        [](const Graph&, const Node& node, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto classes = static_cast<std::size_t>(out.shape.dims[0]);
            const double alpha = real(node.attributes, "alpha");
            const double delta = real(node.attributes, "delta"), sign = sign_of(node);
            for (std::size_t i = 0; i < out.data.size(); ++i) {
                const double y = in[1]->data[i / classes];
                const bool own = y == static_cast<double>(i % classes);
                const bool meant = y >= 0 && own == (sign < 0);
                out.data[i] = meant ? std::exp(alpha * (sign * in[0]->data[i] + delta)) : 0;
            }
        }};
    return op;
}

// (cosines, class) -> 1 for the image's proxy, 0 for the others.
const Op& is_own_op() {
    static const Op op = {
        "proxy_anchor.is_own",
        Pattern::rowwise,
        shape_of_first,
        [](const AlgorithmContext& context) {
            const Var p("p"), row("row");
            Func out("is_own");
            out(p, row) = select(context.inputs[1](row) == Halide::cast<float>(p), 1.0f, 0.0f);
            return out;
        },
        {},
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto classes = static_cast<std::size_t>(out.shape.dims[0]);
            for (std::size_t i = 0; i < out.data.size(); ++i)
                out.data[i] = in[1]->data[i / classes] == static_cast<double>(i % classes);
        }};
    return op;
}

// Over the proxies of a row's P, N and images: sums, and how many have an image.
struct Proxies {
    explicit Proxies(const AlgorithmContext& context)
        : classes(context.graph.shape_of(context.node.inputs[0]).dims[0]) {
        const auto& in = context.inputs;
        const Var row("row");
        const RDom p(0, classes, "p");
        shown = Func("shown_proxies");
        shown(row) = 0.0f;
        shown(row) += select(in[2](p, row) > 0.0f, 1.0f, 0.0f);
        own = Func("own_cost");
        own(row) = 0.0f;
        own(row) += log(1.0f + in[0](p, row));
        others = Func("others_cost");
        others(row) = 0.0f;
        others(row) += log(1.0f + in[1](p, row));
    }

    Expr own_share(const Expr& row) const { return 1.0f / max(shown(row), 1.0f); }
    Expr others_share() const { return 1.0f / static_cast<float>(classes); }

    int classes;
    Func shown, own, others;
};

// (P, N, images, adjoint) -> of P, and of N (attribute of_own).
const Op& proxy_grad_op() {
    static const Op op = {
        "proxy_anchor.grad", Pattern::rowwise, shape_of_first, [](const AlgorithmContext& context) {
            const auto& in = context.inputs;
            const Proxies proxies(context);
            const bool own = sign_of(context.node) < 0;
            const Var p("p"), row("row");
            Func scale("scale"), out("proxy_anchor_grad");
            scale(row) = in[3](row) * (own ? proxies.own_share(row) : proxies.others_share());
            out(p, row) = scale(row) / (1.0f + in[own ? 0 : 1](p, row));
            return out;
        }};
    return op;
}

// (P, N, images of each proxy)
const Op& proxy_anchor_op() {
    static const Op op = {
        "proxy_anchor",
        Pattern::rowwise,
        [](const Graph& graph, const Node& node) {
            return Shape{{}, graph.shape_of(node.inputs[0]).rows};
        },
        [](const AlgorithmContext& context) {
            const Proxies proxies(context);
            const Var row("row");
            Func out("proxy_anchor");
            out(row) = proxies.own(row) * proxies.own_share(row) +
                       proxies.others(row) * proxies.others_share();
            return out;
        },
        [](Graph& graph, NodeId self, Edge adjoint) {
            const Node node = graph[self];
            std::vector<Edge> gradients;
            for (const bool own : {true, false})
                gradients.push_back(add_for(
                    graph, node, proxy_grad_op(), own ? ".grad_own" : ".grad_others",
                    {node.inputs[0], node.inputs[1], node.inputs[2], adjoint}, {{of_own, own}}));
            gradients.push_back({});
            return gradients;
        },
        [](const Graph&, const Node&, const std::vector<const Tensor64*>& in, Tensor64& out) {
            const auto classes = static_cast<std::size_t>(in[0]->shape.dims[0]);
            for (std::size_t row = 0; row < out.data.size(); ++row) {
                double own = 0, others = 0, shown = 0;
                for (std::size_t i = row * classes; i < (row + 1) * classes; ++i) {
                    own += std::log1p(in[0]->data[i]);
                    others += std::log1p(in[1]->data[i]);
                    shown += in[2]->data[i] > 0;
                }
                out.data[row] = own / std::max(shown, 1.0) + others / static_cast<double>(classes);
            }
        }};
    return op;
}

// Sums of exponentials have to be floats.
void check_exponents(const LayerUse& use) {
    constexpr double most = 60;
    const double alpha = real(use.attributes, "alpha"), delta = real(use.attributes, "delta");
    if (alpha * (1 + delta) <= most) return;
    throw ModelError(
        use.location, fmt::format("alpha * (1 + delta) is {:.4g}", alpha * (1 + delta)),
        fmt::format("the exponents of proxy_anchor reach it, and are at most {:.0f}", most),
        "alpha = 32.0 and delta = 0.1, as published");
}

Edge build_proxy_anchor(Graph& graph, const LayerUse& use) {
    check_exponents(use);
    const Edge cosines = class_cosines(graph, use, "proxy_anchor");
    std::vector<Edge> sums;
    for (const bool own : {true, false}) {
        const Attributes attributes{{"alpha", use.attributes.at("alpha")},
                                    {"delta", use.attributes.at("delta")},
                                    {of_own, own}};
        const Edge each{graph.add({&exponential_op(),
                                   use.name + (own ? ".own" : ".others"),
                                   {cosines, use.inputs[1]},
                                   attributes,
                                   {},
                                   use.location})};
        sums.push_back(batch_total(graph, each));
    }
    const Edge is_own{graph.add(
        {&is_own_op(), use.name + ".is_own", {cosines, use.inputs[1]}, {}, {}, use.location})};
    sums.push_back(batch_total(graph, is_own));
    return {graph.add({&proxy_anchor_op(), use.name, sums, {}, {}, use.location})};
}

}  // namespace

Layer proxy_anchor_layer() {
    Layer layer{"proxy_anchor", LayerKind::loss,
                "images: each class's trained proxy against all images of the batch"};
    layer.sees = Sees::image;
    AttributeRule alpha{"alpha", AttributeType::real, 32.0, 0.001,
                        "how steeply far images weigh more"};
    alpha.samples = {8.0, 2.0};
    AttributeRule delta{"delta", AttributeType::real, 0.1, 0,
                        "how much cosines are to be beyond 0"};
    layer.attributes = {classes_rule(), alpha, delta};
    layer.build = build_proxy_anchor;
    return layer;
}

}  // namespace siamc::compiler
