// Means over an image's pixels, a number a channel: what normalisations of images are made of.
#pragma once

#include <string>
#include <vector>

#include "layers/op.h"

namespace siamc::compiler {

enum class MeanOf {
    value,    // of the image
    square,   // of its squared distance from a second input, a number a channel
    product,  // of its product with a second image
};

// (image[, other]) -> the mean of each channel, for `node` and with its name and a suffix.
Edge channel_mean(Graph& graph, const Node& node, const std::string& suffix, MeanOf of,
                  std::vector<Edge> inputs);

// (variance, a number a channel) -> 1 / sqrt(variance + epsilon), attribute "epsilon" of `node`.
Edge inverse_deviation(Graph& graph, const Node& node, const std::string& suffix, Edge variance);

// (image, mean, 1 / deviation[, ...]) -> (image - mean) / deviation.
Halide::Func normal_algorithm(const AlgorithmContext& context);

}  // namespace siamc::compiler
