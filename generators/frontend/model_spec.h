// A model description as read from its TOML file, checked against the layers' attribute rules but
// not yet a graph. The language is described in models/README.md.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace siamc::compiler {

struct Layer;  // layers/op.h: a layer's, distance's or loss's attribute rules

// A fault in a model description. message(file) is the whole message as it is shown:
//   models/fc.toml:12:8: error: unknown layer "dens"
//     why: there are dense, relu, flatten and l2_normalize
//     write: type = "dense"
// what() is the same without the file's name. A fault without a place in the file (line 0) is
// shown as "models/fc.toml: error: ...".
// The exit code of the program that reports it is 65 (bad data).
class ModelError : public std::runtime_error {
  public:
    ModelError(SourceLocation location, const std::string& what, const std::string& why,
               const std::string& instead);
    std::string message(const std::string& file) const;
    SourceLocation location() const { return location_; }

  private:
    SourceLocation location_;
};

struct LayerSpec {
    std::string type;
    Attributes attributes;  // complete: fallbacks filled in
    // Of the name that chose it: the value of `type`, the NAME in [loss.NAME], or the value of
    // `activation`. Columns count characters, from 1.
    SourceLocation location;
};

struct InputSpec {
    std::vector<int> shape;  // as stored, outermost first: [height, width]; at most 2^24 values
    std::string type = "uint8";
    double scale = 1;         // a stored value times this is what the first layer gets
    SourceLocation location;  // of the value of `shape`
};

struct ModelSpec {
    std::string name;  // a C identifier
    InputSpec input;
    std::vector<LayerSpec> layers;  // never empty; an `activation` is a layer of its own here
    LayerSpec distance;
    std::vector<LayerSpec> losses;  // never empty; in the order of the file
};

// Reads and checks a regular file of at most 1 MiB. Throws ModelError, or what read_file does:
// Error missing_input if the file cannot be read, bad_data if it is no such file.
ModelSpec read_model(const std::filesystem::path& file);
// The same from text.
ModelSpec parse_model(const std::string& text);
// The same with another table of layers than all_layers().
ModelSpec parse_model(const std::string& text, const std::vector<Layer>& layers);

}  // namespace siamc::compiler
