// siamc inspect of a manifest: what a library on disk says it is, and whether it still is that.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace siamc::compiler {

struct ManifestReport {
    std::string text;  // what the manifest tells, and the state of its files
    std::vector<std::string> missing, changed;  // files beside it
};

// Whether a file holds JSON, as manifests do and models never: it begins with a brace.
bool looks_like_manifest(const std::filesystem::path& file);

// Throws Error: missing_input if the manifest cannot be read, bad_data if it is none.
ManifestReport inspect_manifest(const std::filesystem::path& file);

}  // namespace siamc::compiler
