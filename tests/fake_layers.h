// A small table of layers for tests of the model language, so that their expectations do not
// change when layers are added to the compiler.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "layers/op.h"

namespace siamc::compiler {

inline Layer fake_layer(std::string name, LayerKind kind, std::vector<AttributeRule> attributes) {
    Layer layer;
    layer.name = std::move(name);
    layer.kind = kind;
    layer.attributes = std::move(attributes);
    return layer;
}

// Layers dense, relu, leaky and flatten; distances euclidean and minkowski; losses contrastive and
// triplet.
inline const std::vector<Layer>& fake_layers() {
    const AttributeRule margin = {"margin", AttributeType::real, 1.0, 0, "how far apart to push"};
    static const std::vector<Layer> layers = {
        fake_layer("dense", LayerKind::layer,
                   {{"units", AttributeType::integer, std::nullopt, 1, "outputs"},
                    {"bias", AttributeType::boolean, true, 0, "add a constant to each unit"},
                    {"activation", AttributeType::text, std::string("none"), 0,
                     "a layer to apply to the sums"}}),
        fake_layer("relu", LayerKind::layer, {}),
        fake_layer("leaky", LayerKind::layer,
                   {{"slope", AttributeType::real, 0.25, 0, "slope below zero"},
                    {"activation", AttributeType::text, std::string("none"), 0, "ignored here"}}),
        fake_layer("flatten", LayerKind::layer, {}),
        fake_layer("euclidean", LayerKind::distance, {}),
        fake_layer("minkowski", LayerKind::distance,
                   {{"power", AttributeType::real, std::nullopt, 1, "the exponent"}}),
        fake_layer("contrastive", LayerKind::loss, {margin}),
        fake_layer("triplet", LayerKind::loss, {margin}),
    };
    return layers;
}

}  // namespace siamc::compiler
