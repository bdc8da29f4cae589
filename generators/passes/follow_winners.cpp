#include "layers/convolution.h"
#include "layers/structural.h"
#include "layers/winners.h"
#include "layers/winograd.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace siamc::compiler {

namespace {

// Fewer channels would leave most of a vector empty.
constexpr int least_channels = 8;

// A filter's sums of all places of its window are in registers, or close by: more places than in a
// window of 7 x 7 would be neither, and make long code.
constexpr long most_places = 49;

// Of the gradient of an image that Winograd's convolution could make instead: with 3 x 3 places
// both take about as long, with 4 x 4 that takes 0.76 of the time, with 7 x 7 0.77 (Koch's net, 2
// threads of a Xeon with AVX-512, November 2026).
constexpr long most_scattered = 9;

class Follower {
  public:
    Follower(const Graph& old, Graph& result, const std::vector<NodeId>& moved)
        : old_(old), result_(result), moved_(moved) {}

    // `node`: as in the old graph.
    NodeId replace(const Node& node, Node plain) {
        if (node.op == &grad_bias_op() && is_unpooled(node.inputs[0])) {
            plain.inputs = {pooled_adjoint(node.inputs[0])};
        } else if (node.op == &grad_kernel_op() && is_unpooled(node.inputs[1]) && is_plain(node) &&
                   is_small(node.shape)) {
            return kernel_sums(node);
        } else if (node.op == &grad_kernel_op() && is_wide(node)) {
            plain.op = &grad_kernel_by_image_op();
        } else if (node.op == &sum_slices_op() &&
                   result_[plain.inputs[0].node].op == &grad_kernel_won_op()) {
            plain.op = &sum_won_slices_op();
        } else if (node.op->pattern == Pattern::convolution) {
            const Node& spread = old_[node.inputs[0].node];
            if (spread.op == &pad_op() && is_plain(node) && is_unpooled(spread.inputs[0]) &&
                walks_winners(old_.shape_of(node.inputs[1]), integer(spread.attributes, "step")))
                return input_sums(node, spread);
        }
        return result_.add(std::move(plain));
    }

  private:
    // Of a kernel [filters inputs width height].
    static bool is_small(const Shape& kernel) {
        return static_cast<long>(kernel.dims[2]) * kernel.dims[3] <= most_places;
    }

    // Winograd's convolution of all places, most of them 0, is quicker where kernels are large.
    static bool walks_winners(const Shape& turned_kernel, long step) {
        const long places = static_cast<long>(turned_kernel.dims[2]) * turned_kernel.dims[3];
        const bool by_tiles = step == 1 && fits_winograd(turned_kernel);
        return places <= (by_tiles ? most_scattered : most_places);
    }

    // Has register tiles of channels and filters.
    static bool is_wide(const Node& grad_kernel) {
        return grad_kernel.shape.dims[0] >= least_channels &&
               grad_kernel.shape.dims[1] >= least_channels;
    }

    bool is_unpooled(Edge edge) const { return old_[edge.node].op == &unpool_op(); }
    Edge moved(Edge edge) const { return {moved_[edge.node]}; }
    Edge winner(Edge unpooled) const { return moved(old_[unpooled.node].inputs[0]); }
    Edge pooled_adjoint(Edge unpooled) const { return moved(old_[unpooled.node].inputs[1]); }

    // The pooling node's attributes, and what the gradient adds.
    Attributes attributes_of(Edge unpooled, long conv_stride, const std::vector<long>& dims) const {
        Attributes attributes = old_[unpooled.node].attributes;
        attributes["conv_stride"] = conv_stride;
        attributes["dims"] = dims;
        return attributes;
    }

    NodeId kernel_sums(const Node& node) {
        const Edge image = node.inputs[0], unpooled = node.inputs[1];
        const auto& dims = std::get<std::vector<long>>(node.attributes.at("dims"));
        const long filters = dims[0], channels = dims[1];
        const long stride = integer(node.attributes, "stride");
        Attributes attributes = attributes_of(unpooled, stride, dims);
        if (channels < least_channels)
            return add_for(result_, node, grad_kernel_by_place_op(), "",
                           {moved(image), winner(unpooled), pooled_adjoint(unpooled)}, attributes)
                .node;
        const std::vector<int> image_dims = old_.shape_of(image).dims;
        attributes["dims"] = std::vector<long>{channels, dims[2], dims[3], filters};
        attributes["line"] = static_cast<long>(image_dims[1]);
        const Edge pixels =
            reshape(result_, moved(image), {image_dims[0], image_dims[1] * image_dims[2]},
                    node.name + ".pixels", node.location);
        return add_for(result_, node, grad_kernel_won_op(), "",
                       {pixels, winner(unpooled), pooled_adjoint(unpooled)}, attributes)
            .node;
    }

    NodeId input_sums(const Node& node, const Node& spread) {
        const Edge unpooled = spread.inputs[0];
        const std::vector<long> dims(node.shape.dims.begin(), node.shape.dims.end());
        return add_for(result_, node, grad_input_won_op(), "",
                       {winner(unpooled), pooled_adjoint(unpooled), moved(node.inputs[1])},
                       attributes_of(unpooled, integer(spread.attributes, "step"), dims))
            .node;
    }

    const Graph& old_;
    Graph& result_;
    const std::vector<NodeId>& moved_;  // by old id
};

}  // namespace

Graph follow_winners(const Graph& graph) {
    return rewrite(graph, [&](Graph& result, NodeId id, Node node, const auto& moved) {
        return Follower(graph, result, moved).replace(graph[id], std::move(node));
    });
}

}  // namespace siamc::compiler
