// Faults of layers, distances and losses in a model: the whole message, exactly.
#include "catch.h"
#include "model_error_cases.h"

namespace siamc::compiler {

using namespace model_error_cases;

TEST_CASE("faults of layers", "[errors]") {
    check({
        {"single brackets", head + "[layer]\ntype = \"relu\"\n",
         R"(m.toml:4:1: error: "layer" must be a list of tables, not a table
  why: the layers make an embedding of an image, in the order of the file
  write: [[layer]] on a line of its own for each layer, its keys below)"},
        {"an empty list", "layer = []\n" + head,
         R"(m.toml:1:9: error: "layer" must be a list of tables, not an empty list
  why: the layers make an embedding of an image, in the order of the file
  write: [[layer]] on a line of its own for each layer, its keys below)"},
        {"a layer that is no table", "layer = [\"relu\"]\n" + head,
         R"(m.toml:1:10: error: a layer must be a table, not the text "relu"
  why: a layer has a type and attributes
  write: [[layer]] on a line of its own for each layer, its keys below)"},
        {"no type", in_layer("units = 64\n"),
         R"(m.toml:4:1: error: a layer without "type"
  why: the type says what it computes
  write: type = one of dense, relu, leaky or flatten)"},
        {"a type that is no text", in_layer("type = 3\n"),
         R"(m.toml:5:8: error: "type" of a layer must be text in quotes, not 3
  why: the type says what it computes
  write: type = one of dense, relu, leaky or flatten)"},
        {"a misspelt type", in_layer("type = \"Dens\"\n"),
         R"(m.toml:5:8: error: unknown layer "Dens"
  why: there are dense, relu, leaky and flatten
  write: type = "dense")"},
        {"a type like no other", in_layer("type = \"transformer\"\n"),
         R"(m.toml:5:8: error: unknown layer "transformer"
  why: there are dense, relu, leaky and flatten
  write: one of these names)"},
        {"a distance as a layer", in_layer("type = \"euclidean\"\n"),
         R"(m.toml:5:8: error: unknown layer "euclidean"
  why: euclidean is a distance
  write: [distance] with type = "euclidean")"},
        {"a loss as a layer", in_layer("type = \"triplet\"\n"),
         R"(m.toml:5:8: error: unknown layer "triplet"
  why: triplet is a loss
  write: [loss.triplet])"},
        {"a missing attribute", in_layer("type = \"dense\"\nbias = false\n"),
         R"(m.toml:5:8: error: layer "dense" has no "units"
  why: units: outputs; it has no default
  write: units = a whole number of at least 1)"},
        {"a misspelt attribute", in_layer("type = \"dense\"\nunit = 64\n"),
         R"(m.toml:6:1: error: layer "dense" has no attribute "unit"
  why: dense takes units, bias and activation
  write: units = ...)"},
        {"an attribute like no other", in_layer("type = \"dense\"\nunits = 64\ndropout = 0.5\n"),
         R"(m.toml:7:1: error: layer "dense" has no attribute "dropout"
  why: dense takes units, bias and activation
  write: the model without this line)"},
        {"an attribute where there are none", in_layer("type = \"relu\"\nslope = 0.1\n"),
         R"(m.toml:6:1: error: layer "relu" has no attribute "slope"
  why: relu takes no attributes
  write: the model without this line)"},
        {"a whole number in quotes", in_layer("type = \"dense\"\nunits = \"64\"\n"),
         R"(m.toml:6:9: error: "units" of layer "dense" must be a whole number, not the text "64"
  why: units: outputs
  write: units = a whole number of at least 1)"},
        {"a real for a whole number", in_layer("type = \"dense\"\nunits = 64.0\n"),
         R"(m.toml:6:9: error: "units" of layer "dense" must be a whole number, not 64.0
  why: units: outputs
  write: units = a whole number of at least 1)"},
        {"a whole number below its minimum", in_layer("type = \"dense\"\nunits = 0\n"),
         R"(m.toml:6:9: error: "units" of layer "dense" must be at least 1, not 0
  why: units: outputs
  write: units = a whole number of at least 1)"},
        {"a whole number beyond an int", in_layer("type = \"dense\"\nunits = 2147483648\n"),
         R"(m.toml:6:9: error: "units" of layer "dense" must be at most 2147483647, not 2147483648
  why: units: outputs
  write: units = a whole number of at least 1)"},
        {"a number for true or false", in_layer("type = \"dense\"\nunits = 64\nbias = 1\n"),
         R"(m.toml:7:8: error: "bias" of layer "dense" must be true or false, not 1
  why: bias: add a constant to each unit
  write: bias = true or false, or leave it out for true)"},
        {"a real in quotes", in_layer("type = \"leaky\"\nslope = \"0.1\"\n"),
         R"(m.toml:6:9: error: "slope" of layer "leaky" must be a finite 32-bit number, not the text "0.1"
  why: slope: slope below zero
  write: slope = a finite 32-bit number of at least 0, or leave it out for 0.25)"},
        {"a boolean for a real", in_layer("type = \"leaky\"\nslope = true\n"),
         R"(m.toml:6:9: error: "slope" of layer "leaky" must be a finite 32-bit number, not true
  why: slope: slope below zero
  write: slope = a finite 32-bit number of at least 0, or leave it out for 0.25)"},
        {"a real below its minimum", in_layer("type = \"leaky\"\nslope = -1\n"),
         R"(m.toml:6:9: error: "slope" of layer "leaky" must be at least 0, not -1
  why: slope: slope below zero
  write: slope = a finite 32-bit number of at least 0, or leave it out for 0.25)"},
        {"a real that is not a number", in_layer("type = \"leaky\"\nslope = nan\n"),
         R"(m.toml:6:9: error: "slope" of layer "leaky" must be a finite 32-bit number, not nan
  why: slope: slope below zero
  write: slope = a finite 32-bit number of at least 0, or leave it out for 0.25)"},
        {"an infinite real", in_layer("type = \"leaky\"\nslope = inf\n"),
         R"(m.toml:6:9: error: "slope" of layer "leaky" must be a finite 32-bit number, not inf
  why: slope: slope below zero
  write: slope = a finite 32-bit number of at least 0, or leave it out for 0.25)"},
        {"a real beyond a float", in_layer("type = \"leaky\"\nslope = 1e39\n"),
         R"(m.toml:6:9: error: "slope" of layer "leaky" must be a finite 32-bit number, not 1e+39
  why: slope: slope below zero
  write: slope = a finite 32-bit number of at least 0, or leave it out for 0.25)"},
        {"a date for a real", in_layer("type = \"leaky\"\nslope = 2024-02-29\n"),
         R"(m.toml:6:9: error: a date
  why: no key takes a date
  write: a number, or text in quotes)"},
        {"a list for a whole number", in_layer("type = \"dense\"\nunits = [64]\n"),
         R"(m.toml:6:9: error: "units" of layer "dense" must be a whole number, not a list
  why: units: outputs
  write: units = a whole number of at least 1)"},
        {"an activation that is no text",
         in_layer("type = \"dense\"\nunits = 64\nactivation = false\n"),
         R"(m.toml:7:14: error: "activation" of layer "dense" must be text in quotes, not false
  why: activation: a layer to apply to the sums
  write: activation = text in quotes, or leave it out for "none")"},
        {"a misspelt activation", in_layer("type = \"dense\"\nunits = 64\nactivation = \"rely\"\n"),
         R"(m.toml:7:14: error: unknown activation "rely"
  why: there are "none", "relu", "leaky" and "flatten"
  write: activation = "relu")"},
        {"an activation like no other",
         in_layer("type = \"dense\"\nunits = 64\nactivation = \"swish\"\n"),
         R"(m.toml:7:14: error: unknown activation "swish"
  why: there are "none", "relu", "leaky" and "flatten"
  write: one of these names)"},
        {"a distance as an activation",
         in_layer("type = \"dense\"\nunits = 64\nactivation = \"euclidean\"\n"),
         R"(m.toml:7:14: error: unknown activation "euclidean"
  why: there are "none", "relu", "leaky" and "flatten"
  write: one of these names)"},
        {"an activation that needs attributes",
         in_layer("type = \"dense\"\nunits = 64\nactivation = \"dense\"\n"),
         R"(m.toml:7:14: error: "dense" cannot be an activation
  why: it needs units, and an activation has no attributes
  write: a [[layer]] of its own with type = "dense")"},
        {"the first fault of several",
         head + layer + "\n# ß\n[[layer]]\ntype = \"relo\"\n[[layer]]\ntype = \"x\"\n",
         R"(m.toml:9:8: error: unknown layer "relo"
  why: there are dense, relu, leaky and flatten
  write: type = "relu")"},
    });
}

TEST_CASE("faults of the distance and the losses", "[errors]") {
    check({
        {"a distance that is no table", "distance = \"euclidean\"\n" + head + layer + loss,
         R"(m.toml:1:12: error: [distance] must be a table, not the text "euclidean"
  why: training and recognition compare embeddings with it
  write: [distance] on a line of its own, once, its keys below)"},
        {"two distances", head + layer + "[[distance]]\ntype = \"euclidean\"\n" + loss,
         R"(m.toml:6:1: error: [distance] must be a table, not a list
  why: training and recognition compare embeddings with it
  write: [distance] on a line of its own, once, its keys below)"},
        {"a distance without a type", head + layer + "[distance]\n" + loss,
         R"(m.toml:6:1: error: a distance without "type"
  why: the type says what it computes
  write: type = one of euclidean or minkowski)"},
        {"a misspelt distance", head + layer + "[distance]\ntype = \"euclidian\"\n" + loss,
         R"(m.toml:7:8: error: unknown distance "euclidian"
  why: there are euclidean and minkowski
  write: type = "euclidean")"},
        {"a layer as a distance", head + layer + "[distance]\ntype = \"relu\"\n" + loss,
         R"(m.toml:7:8: error: unknown distance "relu"
  why: relu is a layer
  write: [[layer]] with type = "relu")"},
        {"an attribute of a distance that takes none",
         head + layer + distance + "power = 2\n" + loss,
         R"(m.toml:8:1: error: distance "euclidean" has no attribute "power"
  why: euclidean takes no attributes
  write: the model without this line)"},
        {"a missing attribute of a distance",
         head + layer + "[distance]\ntype = \"minkowski\"\n" + loss,
         R"(m.toml:7:8: error: distance "minkowski" has no "power"
  why: power: the exponent; it has no default
  write: power = a finite 32-bit number of at least 1)"},
        {"a distance's attribute below its minimum",
         head + layer + "[distance]\ntype = \"minkowski\"\npower = 0.5\n" + loss,
         R"(m.toml:8:9: error: "power" of distance "minkowski" must be at least 1, not 0.5
  why: power: the exponent
  write: power = a finite 32-bit number of at least 1)"},
        {"losses that are no table", "loss = \"triplet\"\n" + head + layer + distance,
         R"(m.toml:1:8: error: "loss" must be a table of losses, not the text "triplet"
  why: [loss] holds a table for each loss to train with, named after its type
  write: [loss.contrastive] or [loss.triplet], its attributes below)"},
        {"no loss in [loss]", head + layer + distance + "[loss]\n",
         R"(m.toml:8:1: error: "loss" must be a table of losses, not an empty table
  why: [loss] holds a table for each loss to train with, named after its type
  write: [loss.contrastive] or [loss.triplet], its attributes below)"},
        {"a loss by type", head + layer + distance + "[loss]\ntype = \"triplet\"\n",
         R"(m.toml:9:8: error: "type" of [loss] must be a table, not the text "triplet"
  why: [loss] holds a table for each loss to train with, named after its type
  write: [loss.contrastive] or [loss.triplet], its attributes below)"},
        {"a misspelt loss", head + layer + distance + "[loss.tripplet]\n",
         R"(m.toml:8:7: error: unknown loss "tripplet"
  why: there are contrastive and triplet
  write: [loss.triplet])"},
        {"a loss like no other", head + layer + distance + "[loss.cross_entropy]\n",
         R"(m.toml:8:7: error: unknown loss "cross_entropy"
  why: there are contrastive and triplet
  write: one of these names)"},
        {"a list of a loss", head + layer + distance + "[[loss.triplet]]\n",
         R"(m.toml:8:1: error: "triplet" of [loss] must be a table, not a list
  why: [loss] holds a table for each loss to train with, named after its type
  write: [loss.contrastive] or [loss.triplet], its attributes below)"},
        {"a distance as a loss", head + layer + distance + "[loss.euclidean]\n",
         R"(m.toml:8:7: error: unknown loss "euclidean"
  why: euclidean is a distance
  write: [distance] with type = "euclidean")"},
        {"a type in a loss", head + layer + distance + "[loss.triplet]\ntype = \"triplet\"\n",
         R"(m.toml:9:1: error: loss "triplet" has no attribute "type"
  why: triplet takes margin
  write: the model without this line)"},
        {"a misspelt attribute of a loss", head + layer + distance + "[loss.triplet]\nmagrin = 1\n",
         R"(m.toml:9:1: error: loss "triplet" has no attribute "magrin"
  why: triplet takes margin
  write: margin = ...)"},
        {"a negative margin",
         head + layer + distance + "[loss.triplet]\n" + loss + "margin = -1.0\n",
         R"(m.toml:10:10: error: "margin" of loss "contrastive" must be at least 0, not -1.0
  why: margin: how far apart to push
  write: margin = a finite 32-bit number of at least 0, or leave it out for 1.0)"},
        {"a margin that is not a number",
         head + layer + distance + "[loss.triplet]\nmargin = nan\n",
         R"(m.toml:9:10: error: "margin" of loss "triplet" must be a finite 32-bit number, not nan
  why: margin: how far apart to push
  write: margin = a finite 32-bit number of at least 0, or leave it out for 1.0)"},
        {"a table for a margin", head + layer + distance + "[loss.triplet.margin]\nvalue = 1\n",
         R"(m.toml:8:1: error: "margin" of loss "triplet" must be a finite 32-bit number, not a table
  why: margin: how far apart to push
  write: margin = a finite 32-bit number of at least 0, or leave it out for 1.0)"},
    });
}

}  // namespace siamc::compiler
