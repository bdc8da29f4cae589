// Lays out C structures as the constants of an object file.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "emit/object_file.h"

namespace siamc::compiler {

// Structures are copied as they lie in this process: targets have its byte order, its sizes of
// numbers and pointers of 8 bytes. Their pointers are NULL until point() gives them something.
class DataBuilder {
  public:
    // `base`: the symbol of the start.
    explicit DataBuilder(std::string base) : base_(std::move(base)) {}

    // Where it lies, in bytes from the start.
    template <typename T>
    std::size_t add(const std::vector<T>& values) {
        static_assert(std::is_trivially_copyable_v<T> && sizeof(void*) == 8);
        return add_bytes(values.data(), values.size() * sizeof(T), alignof(T));
    }
    template <typename T>
    std::size_t add(const T& value) {
        return add(std::vector<T>{value});
    }
    std::size_t add_text(const std::string& text);

    // Sets the pointer that lies at `at`.
    void point(std::size_t at, std::size_t to);
    void point(std::size_t at, const std::string& symbol);
    void point_to_text(std::size_t at, const std::string& text) { point(at, add_text(text)); }

    void name(const std::string& symbol, std::size_t at, std::size_t bytes, bool exported);
    DataSection section() const;

  private:
    std::size_t add_bytes(const void* data, std::size_t bytes, std::size_t alignment);

    std::string base_;
    DataSection section_;
};

}  // namespace siamc::compiler
