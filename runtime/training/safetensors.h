// The safetensors format: 8 bytes with the length of the header (little-endian), a JSON header that
// gives every tensor's type, shape and place, then the values. Nothing in such a file is code, and
// Python's `safetensors` opens what is written here.
//
// Files of this project carry a checksum of all their bytes (docs/file-formats.md), the first entry
// of the header's metadata, so that no flipped bit passes. Files of other programs have none.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace siamc {

// A named array of float32: as many values as the shape's product, last dimension innermost.
struct TensorView {
    std::string name;
    std::vector<long> shape;  // outermost first; empty for a single value
    std::span<const float> data;
};

// The bytes of a file of the tensors in their order, with a checksum. The values start at a
// multiple of 64 bytes. internal if names repeat, aren't UTF-8 or are "__metadata__", if the
// metadata has a "checksum", or if a shape doesn't fit its data.
std::string safetensors_bytes(std::span<const TensorView> tensors,
                              const std::map<std::string, std::string>& metadata);

// Writes such a file, atomically; other errors as write_file_atomically.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata);

// What longer files are refused for before their values are read.
struct ReadLimits {
    std::size_t header_bytes = std::size_t{1} << 20;
    std::size_t file_bytes = std::size_t{1} << 30;
};

// A file's tensors, with the memory they lie in.
class SafetensorsFile {
  public:
    using Metadata = std::map<std::string, std::string>;

    SafetensorsFile(SafetensorsFile&&) = default;  // moving a vector leaves its values in place
    SafetensorsFile& operator=(SafetensorsFile&&) = default;

    const std::vector<TensorView>& tensors() const { return tensors_; }  // as they lie in the file
    const Metadata& metadata() const { return metadata_; }               // but for the checksum
    // bad_data, naming the tensors that there are, if there is none of that name.
    const TensorView& tensor(const std::string& name) const;

  private:
    friend SafetensorsFile read_safetensors(const std::filesystem::path&, const ReadLimits&);
    SafetensorsFile() = default;

    std::string file_;
    std::vector<float> values_;
    std::vector<TensorView> tensors_;  // views of values_
    Metadata metadata_;
};

// Reads a file as strictly as the format's reference implementation, and beyond it: every tensor is
// float32 (F32), no key repeats or is unknown, header and file are within the limits. What is
// accepted here, the reference accepts with the same contents.
//
// The checksum must be that of the file, and a file that says in any way that it is this project's
// (a "checksum", a "parameter_hash" or a "format" that starts with "siamc" in its metadata) must
// have one: no single flipped bit hides all of these.
//
// bad_data, saying where and why, otherwise; missing_input if the file cannot be read.
SafetensorsFile read_safetensors(const std::filesystem::path& path, const ReadLimits& limits = {});

}  // namespace siamc
