#include <cmath>
#include <optional>

#include "layers/convolution.h"
#include "layers/structural.h"
#include "layers/winograd.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

namespace {

// What an image costs, by ways of convolution, in multiply-adds at a processor's full rate. The
// factors are measured (docs/convolution.md): of the direct form and of products of tiles, which
// share of that rate they reach; of a tile's transforms, what a vector's channels or filters take.
constexpr double direct_rate = 0.55, product_rate = 0.75;
constexpr double kernel_transform = 18;  // of a number, and to read it again: bound by memory
constexpr int filters_together = 32;     // by one transform of a tile

struct TileCost {
    WinogradForm form;
    double image, result;  // of the transforms, for a channel and for a filter
};

constexpr TileCost tile_costs[] = {{{2, 3}, 300, 300}, {{4, 3}, 500, 440}, {{4, 4}, 800, 600}};

double round_up_to(double value, int multiple) {
    return std::ceil(value / multiple) * multiple;
}

// Of a convolution whose kernel is transformed once for so many images.
double cost_of(const TileCost& tile, const Node& node, const Shape& kernel, int images) {
    const int taps = tile.form.taps;
    const int parts = winograd_parts(kernel, 2, taps) * winograd_parts(kernel, 3, taps);
    const double filters = round_up_to(kernel.dims[0], filter_block);
    const double channels = parts * round_up_to(kernel.dims[1], filter_block);
    const double weights = parts * tile.form.places() * kernel.dims[1] * filters;
    const double transforms =
        channels * tile.image * std::ceil(filters / filters_together) + filters * tile.result;
    return winograd_tiles(node.shape, tile.form.results) * (weights / product_rate + transforms) +
           weights * kernel_transform / images;
}

double direct_cost(const Node& node, const Shape& kernel) {
    const double places = static_cast<double>(node.shape.dims[1]) * node.shape.dims[2];
    const double filters = round_up_to(kernel.dims[0], filter_block);
    return places * kernel.dims[2] * kernel.dims[3] * kernel.dims[1] * filters / direct_rate;
}

// None for the direct form.
std::optional<WinogradForm> best_form(const Graph& graph, const Node& node, int images) {
    if (node.op != &conv2d_op() || integer(node.attributes, "stride") != 1 || !is_plain(node))
        return {};
    const Shape& kernel = graph.shape_of(node.inputs[1]);
    if (!fits_winograd(kernel)) return {};
    std::optional<WinogradForm> best;
    double least = direct_cost(node, kernel);
    for (const TileCost& tile : tile_costs) {
        const double cost = cost_of(tile, node, kernel, images);
        if (cost >= least) continue;
        best = tile.form;
        least = cost;
    }
    return best;
}

}  // namespace

Graph use_winograd(const Graph& graph, int images) {
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto&) {
        if (const auto form = best_form(graph, graph[id], images)) {
            const Shape& kernel = graph.shape_of(graph[id].inputs[1]);
            const Attributes sides = {{results_attribute, static_cast<long>(form->results)},
                                      {taps_attribute, static_cast<long>(form->taps)}};
            node.attributes.insert(sides.begin(), sides.end());
            node.attributes[filters_attribute] = static_cast<long>(node.shape.dims[0]);
            node.attributes[parts_attribute] =
                static_cast<long>(winograd_parts(kernel, 2, form->taps));
            node.inputs[1] = add_for(result, node, winograd_kernel_op(), ".kernel_transformed",
                                     {node.inputs[1]}, sides);
            node.op = &winograd_op();
        }
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
