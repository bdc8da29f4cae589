// Faults of a model as a whole, of its [input], and of its TOML: the whole message, exactly.
#include "catch.h"
#include "model_error_cases.h"

namespace siamc::compiler {

using namespace model_error_cases;

TEST_CASE("faults at the top of a model", "[errors]") {
    check({
        {"an empty file", "",
         R"(m.toml:1:1: error: the model has no name
  why: the generated library, header and functions are named after it
  write: name = "fc" above the first [table])"},
        {"a misspelt table", "name = \"m\"\n[[layers]]\n",
         R"(m.toml:2:3: error: unknown key "layers" in the model
  why: the model has name, input, layer, distance and loss only
  write: [[layer]])"},
        {"an unknown key", "name = \"m\"\nversion = 3\n",
         R"(m.toml:2:1: error: unknown key "version" in the model
  why: the model has name, input, layer, distance and loss only
  write: the model without this key)"},
        {"no name", "[input]\nshape = [4, 4]\n",
         R"(m.toml:1:1: error: the model has no name
  why: the generated library, header and functions are named after it
  write: name = "fc" above the first [table])"},
        {"a name below [input]", "[input]\nname = \"m\"\nshape = [4, 4]\n",
         R"(m.toml:1:1: error: the model has no name
  why: the generated library, header and functions are named after it
  write: name = "fc" above the first [table])"},
        {"a name that is no text", "name = 7\n",
         R"(m.toml:1:8: error: the model's name must be a short identifier, not 7
  why: the generated library, header and functions are named after it
  write: a letter, then letters, digits or _, 40 at most)"},
        {"a name of the C library's", "name = \"string\"\n",
         R"(m.toml:1:8: error: a model cannot be named "string"
  why: its header, string.h, would be found where the system's string.h is asked for
  write: name = "my_string")"},
        {"one that a file system takes for it", "name = \"Features\"\n",
         R"(m.toml:1:8: error: a model cannot be named "Features"
  why: its header, Features.h, would be found where the system's features.h is asked for
  write: name = "my_Features")"},
        {"a name of the runtime's", "name = \"siamc_run\"\n",
         R"(m.toml:1:8: error: a model cannot be named "siamc_run"
  why: names that begin with siamc are those of the runtime's own functions
  write: name = "my_siamc_run")"},
        {"a name with a hyphen", "name = \"my-net\"\n",
         R"(m.toml:1:8: error: the model's name must be a short identifier, not the text "my-net"
  why: the generated library, header and functions are named after it
  write: a letter, then letters, digits or _, 40 at most)"},
        {"a name that begins with a digit", "name = \"2net\"\n",
         R"(m.toml:1:8: error: the model's name must be a short identifier, not the text "2net"
  why: the generated library, header and functions are named after it
  write: a letter, then letters, digits or _, 40 at most)"},
        {"an empty name", "name = \"\"\n",
         R"(m.toml:1:8: error: the model's name must be a short identifier, not the text ""
  why: the generated library, header and functions are named after it
  write: a letter, then letters, digits or _, 40 at most)"},
        {"a name of 41 letters", "name = \"" + std::string(41, 'a') + "\"\n",
         R"(m.toml:1:8: error: the model's name must be a short identifier, not the text "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  why: the generated library, header and functions are named after it
  write: a letter, then letters, digits or _, 40 at most)"},
        {"no [input]", "name = \"m\"\n" + layer,
         R"(m.toml:1:1: error: the model has no [input]
  why: it says what an image of the data set looks like
  write: [input] on a line of its own, its keys below)"},
        {"an input that is no table", "name = \"m\"\ninput = 784\n",
         R"(m.toml:2:9: error: [input] must be a table, not 784
  why: it says what an image of the data set looks like
  write: [input] on a line of its own, once, its keys below)"},
        {"two inputs", "name = \"m\"\n[[input]]\nshape = [4]\n",
         R"(m.toml:2:1: error: [input] must be a table, not a list
  why: it says what an image of the data set looks like
  write: [input] on a line of its own, once, its keys below)"},
        {"no [[layer]]", head + distance + loss,
         R"(m.toml:1:1: error: the model has no [[layer]]
  why: the layers make an embedding of an image
  write: [[layer]] on a line of its own for each layer, its keys below)"},
        {"no [distance]", head + layer + loss,
         R"(m.toml:1:1: error: the model has no [distance]
  why: training and recognition compare embeddings with it
  write: [distance] on a line of its own, its keys below)"},
        {"no loss", head + layer + distance,
         R"(m.toml:1:1: error: the model has no loss
  why: [loss] holds a table for each loss to train with, named after its type
  write: [loss.contrastive] or [loss.triplet], its attributes below)"},
    });
}

TEST_CASE("faults of [input]", "[errors]") {
    check({
        {"a misspelt key", in_input("sahpe = [4, 4]\n"),
         R"(m.toml:3:1: error: unknown key "sahpe" in [input]
  why: [input] has shape, type and scale only
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"no shape", in_input("scale = 1.0\n"),
         R"(m.toml:2:1: error: [input] has no "shape"
  why: the sizes of all layers follow from it
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"a shape that is no list", in_input("shape = 16\n"),
         R"(m.toml:3:9: error: "shape" of [input] must list 1 to 3 whole numbers, not 16
  why: an image has one to three extents, its last running fastest
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"an empty shape", in_input("shape = []\n"),
         R"(m.toml:3:9: error: "shape" of [input] must list 1 to 3 whole numbers, not 0 of them
  why: an image has one to three extents, its last running fastest
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"a shape of four extents", in_input("shape = [1, 2, 3, 4]\n"),
         R"(m.toml:3:9: error: "shape" of [input] must list 1 to 3 whole numbers, not 4 of them
  why: an image has one to three extents, its last running fastest
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"an extent of zero", in_input("shape = [28, 0]\n"),
         R"(m.toml:3:14: error: an extent of [input] must be a whole number of at least 1, not 0
  why: an image has one to three extents, its last running fastest
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"a negative extent", in_input("shape = [-28, 28]\n"),
         R"(m.toml:3:10: error: an extent of [input] must be a whole number of at least 1, not -28
  why: an image has one to three extents, its last running fastest
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"a real extent", in_input("shape = [28,\n  28.0]\n"),
         R"(m.toml:4:3: error: an extent of [input] must be a whole number of at least 1, not 28.0
  why: an image has one to three extents, its last running fastest
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"an extent in quotes", in_input("shape = [\"28\", 28]\n"),
         R"(m.toml:3:10: error: an extent of [input] must be a whole number of at least 1, not the text "28"
  why: an image has one to three extents, its last running fastest
  write: shape = [28, 28]: the extents as stored, outermost first)"},
        {"one value too many", in_input("shape = [16777217]\n"),
         R"(m.toml:3:10: error: the image of [input] is too large
  why: an image has 16777216 values at most
  write: smaller extents: scale or crop the images first)"},
        {"a product that is too large", in_input("shape = [4096, 4097]\n"),
         R"(m.toml:3:16: error: the image of [input] is too large
  why: an image has 16777216 values at most
  write: smaller extents: scale or crop the images first)"},
        {"a product beyond 64 bits", in_input("shape = [4096, 4096, 9223372036854775807]\n"),
         R"(m.toml:3:22: error: the image of [input] is too large
  why: an image has 16777216 values at most
  write: smaller extents: scale or crop the images first)"},
        {"an element type that is not known", in_input("shape = [4]\ntype = \"float32\"\n"),
         R"(m.toml:4:8: error: "type" of [input] must be the text "uint8", not the text "float32"
  why: images are read as stored, one byte a value
  write: type = "uint8")"},
        {"an element type that is no text", in_input("shape = [4]\ntype = 8\n"),
         R"(m.toml:4:8: error: "type" of [input] must be the text "uint8", not 8
  why: images are read as stored, one byte a value
  write: type = "uint8")"},
        {"a scale of zero", in_input("shape = [4]\nscale = 0\n"),
         R"(m.toml:4:9: error: "scale" of [input] must be a finite 32-bit number above 0, not 0
  why: a stored value times scale is what the first layer gets
  write: scale = 0.00392156862745098 to bring bytes to 0..1, or leave it out for 1.0)"},
        {"a negative scale", in_input("shape = [4]\nscale = -0.5\n"),
         R"(m.toml:4:9: error: "scale" of [input] must be a finite 32-bit number above 0, not -0.5
  why: a stored value times scale is what the first layer gets
  write: scale = 0.00392156862745098 to bring bytes to 0..1, or leave it out for 1.0)"},
        {"a scale that is not a number", in_input("shape = [4]\nscale = nan\n"),
         R"(m.toml:4:9: error: "scale" of [input] must be a finite 32-bit number above 0, not nan
  why: a stored value times scale is what the first layer gets
  write: scale = 0.00392156862745098 to bring bytes to 0..1, or leave it out for 1.0)"},
        {"an infinite scale", in_input("shape = [4]\nscale = +inf\n"),
         R"(m.toml:4:9: error: "scale" of [input] must be a finite 32-bit number above 0, not inf
  why: a stored value times scale is what the first layer gets
  write: scale = 0.00392156862745098 to bring bytes to 0..1, or leave it out for 1.0)"},
        {"a scale that a float rounds to zero", in_input("shape = [4]\nscale = 1e-300\n"),
         R"(m.toml:4:9: error: "scale" of [input] must be a finite 32-bit number above 0, not 1e-300
  why: a stored value times scale is what the first layer gets
  write: scale = 0.00392156862745098 to bring bytes to 0..1, or leave it out for 1.0)"},
        {"a scale in quotes", in_input("shape = [4]\nscale = \"1/255\"\n"),
         R"(m.toml:4:9: error: "scale" of [input] must be a finite 32-bit number above 0, not the text "1/255"
  why: a stored value times scale is what the first layer gets
  write: scale = 0.00392156862745098 to bring bytes to 0..1, or leave it out for 1.0)"},
    });
}

TEST_CASE("faults of TOML", "[errors]") {
    check({
        {"a key twice", "name = \"m\"\nname = \"n\"\n",
         R"(m.toml:2:8: error: not valid TOML
  why: Error while parsing key-value pair: cannot redefine existing string 'name'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"a table twice", head + "[input]\n",
         R"(m.toml:4:1: error: not valid TOML
  why: Error while parsing table header: cannot redefine existing table 'input'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"a loss twice", head + "[loss.triplet]\n[loss.triplet]\n",
         R"(m.toml:5:1: error: not valid TOML
  why: Error while parsing table header: cannot redefine existing table 'loss.triplet'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"text without quotes", "name = m\n",
         R"(m.toml:1:8: error: not valid TOML
  why: Error while parsing value: could not determine value type
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"text without an end", "name = \"m\n[input]\n",
         R"(m.toml:1:10: error: not valid TOML
  why: Error while parsing string: unescaped control characters other than TAB (U+0009) are explicitly prohibited
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"a key without a value", "name =\n",
         R"(m.toml:1:7: error: not valid TOML
  why: Error while parsing key-value pair: expected value, saw '\n'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"a key without an equals sign", "name\n",
         R"(m.toml:1:5: error: not valid TOML
  why: Error while parsing key-value pair: expected '=', saw '\n'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"a header without an end", "name = \"m\"\n[input\n",
         R"(m.toml:2:7: error: not valid TOML
  why: Error while parsing table header: expected ']', saw '\n'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"an unknown escape", "name = \"\\m\"\n",
         R"(m.toml:1:10: error: not valid TOML
  why: Error while parsing string: unknown escape sequence '\m'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"a number beyond a double", head + "scale = 1e999\n",
         R"(m.toml:4:14: error: not valid TOML
  why: Error while parsing floating-point: '1e999' could not be interpreted as a value
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"a list without an end", in_input("shape = [28, 28\n"),
         R"(m.toml:3:17: error: not valid TOML
  why: Error while parsing array: encountered end-of-file
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
        {"two values", head + "scale = 1 2\n",
         R"(m.toml:4:11: error: not valid TOML
  why: Error while parsing key-value pair: expected a comment or whitespace, saw '2'
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)"},
    });
}

}  // namespace siamc::compiler
