#include "passes/work.h"

#include <fmt/format.h>

#include <algorithm>

#include "layers/active.h"
#include "layers/dense.h"
#include "layers/structural.h"
#include "layers/windows.h"
#include "layers/winners.h"
#include "layers/winograd.h"

namespace siamc::compiler {

namespace {

// Places of a layer's result that the same weights are applied to: 1, or the pixels of an image.
long places(const Shape& result) {
    return result.dims.empty() ? 1 : result.size() / result.dims[0];
}

// "conv2d1 26 x 26 to 24 x 24" for every layer that has fewer places.
std::string trimmed_places(const Graph& written, const Graph& trimmed) {
    std::string text;
    for (const Node& node : trimmed.nodes) {
        const NodeId before = written.find(node.name);
        if (before < 0 || !node.attributes.count(places_attribute)) continue;
        const std::vector<int>&from = written[before].shape.dims, &to = node.shape.dims;
        if (from == to) continue;
        text += fmt::format("{}{} {} x {} to {} x {}", text.empty() ? "  (" : ", ", node.name,
                            from[1], from[2], to[1], to[2]);
    }
    return text.empty() ? text : text + ")";
}

// Each place of a tile has weights of its own.
long winograd_multiply_adds(const Graph& graph, const Node& node) {
    const WinogradForm form = winograd_form(node);
    return static_cast<long>(form.places()) * graph.shape_of(node.inputs[1]).dims[1] *
           node.shape.dims[0] * winograd_tiles(node.shape, form.results);
}

}  // namespace

long multiply_adds(const Graph& graph, const Node& node) {
    const Pattern pattern = node.op->pattern;
    if (pattern == Pattern::matmul || pattern == Pattern::convolution ||
        node.op == &dense_grad_input_op()) {
        const long kernel = graph.shape_of(node.inputs[1]).size();
        return node.op == &winograd_op() ? winograd_multiply_adds(graph, node)
                                         : kernel * places(node.shape);
    }
    if (node.op == &grad_input_won_op())
        return graph.shape_of(node.inputs[2]).size() * places(graph.shape_of(node.inputs[1]));
    const bool sums = pattern == Pattern::batch_sum || pattern == Pattern::slice_sum ||
                      pattern == Pattern::scatter;
    if (!sums || node.shape.dims.size() < 2) return 0;
    // Gradients of a kernel have the adjoint as their last input. Where that is pooled, either each
    // winner adds to the sums, or every pixel of its window does, most of them 0.
    const bool by_place = pattern == Pattern::slice_sum && node.attributes.count("window");
    return node.shape.size() * places(graph.shape_of(node.inputs[own_inputs(node) - 1])) *
           (by_place ? pooling_window(node).area() : 1);
}

long multiply_adds(const Graph& graph) {
    long sum = 0;
    for (const Node& node : graph.nodes) sum += multiply_adds(graph, node);
    return sum;
}

long training_multiply_adds(const Graph& graph) {
    std::vector<bool> trained;  // depends on a parameter
    long sum = 0;
    for (const Node& node : graph.nodes) {
        const auto depends = [&](Edge edge) { return trained[edge.node]; };
        const bool reads_trained = !node.inputs.empty() && depends(node.inputs[0]);
        trained.push_back(node.op == &parameter_op() ||
                          std::any_of(node.inputs.begin(), node.inputs.end(), depends));
        sum += multiply_adds(graph, node) * (reads_trained ? 3 : 2);
    }
    return sum;
}

std::string describe_work(const Graph& written, const Graph& trimmed, const Graph& done,
                          bool train) {
    const auto needs = [&](const Graph& graph) {
        return train ? training_multiply_adds(graph) : multiply_adds(graph);
    };
    return fmt::format(
        "multiply-adds of an image in {}\n  as written {:>10}\n  trimmed    {:>10}{}\n"
        "  done       {:>10}\n",
        done.name, needs(written), needs(trimmed), trimmed_places(written, trimmed),
        multiply_adds(done));
}

}  // namespace siamc::compiler
