// Memory that a process shares with those that it forks.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace siamc::compiler {

class SharedFloats {
  public:
    // Zeros. Throws std::system_error if there is no memory.
    explicit SharedFloats(long count) : bytes_(static_cast<std::size_t>(count) * sizeof(float)) {
        memory_ =
            ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    }
    ~SharedFloats() { ::munmap(memory_, bytes_); }
    SharedFloats(const SharedFloats&) = delete;
    SharedFloats& operator=(const SharedFloats&) = delete;

    float* data() const { return static_cast<float*>(memory_); }

  private:
    std::size_t bytes_;
    void* memory_ = nullptr;
};

}  // namespace siamc::compiler
