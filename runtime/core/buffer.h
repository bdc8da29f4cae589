// Memory as the generated code wants it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace siamc {

// A fixed number of floats, zero at first, starting on a cache line. Memory that is never used
// takes no time: the system hands out pages of zeros as they are touched.
class FloatBuffer {
  public:
    explicit FloatBuffer(std::size_t size) : size_(size) {
        memory_.reset(std::calloc(1, size * sizeof(float) + line));
        if (!memory_) throw std::bad_alloc();
        const auto address = reinterpret_cast<std::uintptr_t>(memory_.get());
        data_ = reinterpret_cast<float*>((address + line - 1) / line * line);
    }

    float* data() { return data_; }
    const float* data() const { return data_; }
    std::size_t size() const { return size_; }
    std::span<float> span() { return {data(), size_}; }
    std::span<const float> span() const { return {data(), size_}; }

  private:
    static constexpr std::size_t line = 64;
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };

    std::unique_ptr<void, Free> memory_;
    float* data_ = nullptr;
    std::size_t size_;
};

}  // namespace siamc
