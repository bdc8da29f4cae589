// A model description as read from its TOML file, checked against the layers' attribute rules but
// not yet a graph.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace siamc {

// A fault in a model description. what() is the whole message:
//   models/fc.toml:12:9: error: unknown layer "dens"
//     why: ...
//     write: ...
// The exit code of the program that reports it is 65 (bad data), or 66 if the file is missing.
class ModelError : public std::runtime_error {
  public:
    ModelError(SourceLocation location, std::string what, std::string why, std::string instead);
    // The message with the file's name in front, as it is shown.
    std::string message(const std::string& file) const;
    SourceLocation location() const { return location_; }

  private:
    SourceLocation location_;
};

struct LayerSpec {
    std::string type;
    Attributes attributes;  // complete: fallbacks filled in
    SourceLocation location;
};

struct InputSpec {
    std::vector<int> shape;  // as stored, outermost first: [height, width]
    std::string type = "uint8";
    double scale = 1;
    SourceLocation location;
};

struct ModelSpec {
    std::string name;  // a C identifier
    InputSpec input;
    std::vector<LayerSpec> layers;
    LayerSpec distance;
    std::vector<LayerSpec> losses;
};

// Reads and checks a model file. Throws ModelError (with the file named by message()), or
// std::system_error if the file cannot be read.
ModelSpec read_model(const std::filesystem::path& file);
// The same from text; `file` is used in messages only.
ModelSpec parse_model(const std::string& text);

}  // namespace siamc
