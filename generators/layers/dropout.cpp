// dropout (Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014): in training each
// number is 0 with probability `rate`, else divided by 1 - rate; everywhere else it stays as it is.
//
// What is dropped is a function of the step, the image and the number's place alone.
#include <cmath>

#include "layers/hash.h"
#include "layers/structural.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;

namespace {

// Of a layer, so that two of them drop others.
long salt_of(const std::string& name) {
    std::uint32_t hash = 2166136261u;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash;
}

constexpr std::uint32_t spread = 0x9E3779B9u;  // 2^32 over the golden ratio

// Numbers below are dropped.
std::uint32_t dropped_below(const Node& node) {
    return static_cast<std::uint32_t>(std::ldexp(real(node.attributes, "rate"), 32));
}

Func dropout_algorithm(const AlgorithmContext& context) {
    const Node& node = context.node;
    const auto vars = index_vars(node.shape);
    Expr place = 0;
    int stride = 1;
    for (std::size_t d = 0; d < node.shape.dims.size(); ++d) {
        place += vars[d] * stride;
        stride *= node.shape.dims[d];
    }
    const auto salt = static_cast<std::uint32_t>(integer(node.attributes, "salt"));
    const Expr noise = Halide::cast<std::uint32_t>(context.inputs[1](vars.back()));
    const Expr counter = Halide::cast<std::uint32_t>(place) * word(spread) + word(salt);
    const Expr kept = hashed(noise ^ counter) >= word(dropped_below(node));
    const auto scale = static_cast<float>(1 / (1 - real(node.attributes, "rate")));
    Func out("dropout");
    out(vars) = select(kept, context.inputs[0](vars) * scale, 0.0f);
    return out;
}

std::uint32_t hashed_word(std::uint32_t x) {
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ x >> 16;
}

void dropout_reference(const Graph&, const Node& node, const std::vector<const Tensor64*>& in,
                       Tensor64& out) {
    const auto size = static_cast<std::size_t>(node.shape.size());
    const auto salt = static_cast<std::uint32_t>(integer(node.attributes, "salt"));
    for (std::size_t i = 0; i < out.data.size(); ++i) {
        const auto noise = static_cast<std::uint32_t>(static_cast<long>(in[1]->data[i / size]));
        const std::uint32_t counter = static_cast<std::uint32_t>(i % size) * spread + salt;
        const bool kept = hashed_word(noise ^ counter) >= dropped_below(node);
        out.data[i] = kept ? in[0]->data[i] / (1 - real(node.attributes, "rate")) : 0;
    }
}

// (value, noise of the image). An adjoint goes the same way.
const Op& dropout_op() {
    static const Op op = {"dropout",
                          Pattern::elementwise,
                          shape_of_first,
                          dropout_algorithm,
                          [](Graph& graph, NodeId self, Edge adjoint) {
                              const Node node = graph[self];
                              return std::vector<Edge>{
                                  add_for(graph, node, dropout_op(), ".grad",
                                          {adjoint, node.inputs[1]}, node.attributes),
                                  Edge{}};
                          },
                          dropout_reference};
    return op;
}

Edge build_dropout(Graph& graph, const LayerUse& use) {
    if (!use.training) return use.inputs[0];
    const Edge noise = source_of_rows(graph, noise_op(), use);
    return {graph.add({&dropout_op(),
                       use.name,
                       {use.inputs[0], noise},
                       {{"rate", use.attributes.at("rate")}, {"salt", salt_of(use.name)}},
                       {},
                       use.location})};
}

}  // namespace

Layer dropout_layer() {
    Layer layer{"dropout", LayerKind::layer,
                "in training each number is 0 at random, or larger for those that are"};
    AttributeRule rate{"rate", AttributeType::real, 0.5, 0, "the probability of 0"};
    rate.maximum = 0.99;
    rate.samples = {0.5, 0.125};
    layer.attributes = {rate};
    layer.build = build_dropout;
    return layer;
}

}  // namespace siamc::compiler
