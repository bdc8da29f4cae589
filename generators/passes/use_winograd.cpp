#include <cmath>

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
    int results;           // of a side
    double image, result;  // of the transforms, for a channel and for a filter
};

constexpr TileCost tile_costs[] = {{2, 300, 300}, {4, 500, 440}};

double round_up_to(double value, int multiple) {
    return std::ceil(value / multiple) * multiple;
}

// Of a convolution whose kernel is transformed once for so many images.
double cost_of(const TileCost& tile, const Node& node, const Shape& kernel, int images) {
    const int side = winograd_side(tile.results);
    const int parts = winograd_parts(kernel, 2) * winograd_parts(kernel, 3);
    const double filters = round_up_to(kernel.dims[0], filter_block);
    const double channels = parts * round_up_to(kernel.dims[1], filter_block);
    const double weights = parts * side * side * kernel.dims[1] * filters;
    const double transforms =
        channels * tile.image * std::ceil(filters / filters_together) + filters * tile.result;
    return winograd_tiles(node.shape, tile.results) * (weights / product_rate + transforms) +
           weights * kernel_transform / images;
}

double direct_cost(const Node& node, const Shape& kernel) {
    const double places = static_cast<double>(node.shape.dims[1]) * node.shape.dims[2];
    const double filters = round_up_to(kernel.dims[0], filter_block);
    return places * kernel.dims[2] * kernel.dims[3] * kernel.dims[1] * filters / direct_rate;
}

// Of a tile's side: 2, 4, or 0 for the direct form.
long best_results(const Graph& graph, const Node& node, int images) {
    if (node.op != &conv2d_op() || integer(node.attributes, "stride") != 1 || !is_plain(node))
        return 0;
    const Shape& kernel = graph.shape_of(node.inputs[1]);
    const int filters = kernel.dims[0], channels = kernel.dims[1];
    if (filters < filter_block) return 0;
    if (channels > most_ragged_channels && channels % filter_block != 0) return 0;
    long best = 0;
    double least = direct_cost(node, kernel);
    for (const TileCost& tile : tile_costs) {
        const double cost = cost_of(tile, node, kernel, images);
        if (cost >= least) continue;
        best = tile.results;
        least = cost;
    }
    return best;
}

}  // namespace

Graph use_winograd(const Graph& graph, int images) {
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto&) {
        if (const long results = best_results(graph, graph[id], images)) {
            node.attributes[filters_attribute] = static_cast<long>(node.shape.dims[0]);
            node.attributes[results_attribute] = results;
            node.attributes[parts_attribute] =
                static_cast<long>(winograd_parts(graph.shape_of(graph[id].inputs[1]), 2));
            node.inputs[1] = add_for(result, node, winograd_kernel_op(), ".kernel_transformed",
                                     {node.inputs[1]}, {{results_attribute, results}});
            node.op = &winograd_op();
        }
        return result.add(std::move(node));
    });
}

}  // namespace siamc::compiler
