// Memory as the generated code wants it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace siamc {

// A fixed number of floats, zero at first, starting on a cache line.
class FloatBuffer {
  public:
    explicit FloatBuffer(std::size_t size) : size_(size) {
        const std::size_t bytes = (size * sizeof(float) + line - 1) / line * line;
        data_.reset(static_cast<float*>(std::aligned_alloc(line, std::max(bytes, line))));
        if (!data_) throw std::bad_alloc();
        std::fill_n(data_.get(), size, 0.0f);
    }

    float* data() { return data_.get(); }
    const float* data() const { return data_.get(); }
    std::size_t size() const { return size_; }
    std::span<float> span() { return {data(), size_}; }
    std::span<const float> span() const { return {data(), size_}; }

  private:
    static constexpr std::size_t line = 64;
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };

    std::unique_ptr<float, Free> data_;
    std::size_t size_;
};

}  // namespace siamc
