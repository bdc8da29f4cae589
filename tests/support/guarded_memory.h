// Memory with a page on either side that nobody may touch.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

namespace siamc::test {

enum class Against { end, start };  // the page that the bytes lie against

// Shared with processes forked later.
class GuardedMemory {
  public:
    GuardedMemory(size_t bytes, Against side) : bytes_(bytes) {
        const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        inner_ = std::max<size_t>(1, (bytes + page - 1) / page) * page;
        mapped_ = inner_ + 2 * page;
        void* memory = mmap(nullptr, mapped_, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        map_ = static_cast<uint8_t*>(memory);
        begin_ = map_ + page;
        if (mprotect(begin_, inner_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
        std::memset(begin_, canary, inner_);
        data_ = side == Against::end ? begin_ + inner_ - bytes : begin_;
    }
    ~GuardedMemory() { munmap(map_, mapped_); }
    GuardedMemory(const GuardedMemory&) = delete;
    GuardedMemory& operator=(const GuardedMemory&) = delete;

    uint8_t* data() const { return data_; }

    // Nothing was written between the bytes and the far page.
    bool slack_is_whole() const {
        const auto is_canary = [](uint8_t byte) { return byte == canary; };
        return std::all_of(begin_, data_, is_canary) &&
               std::all_of(data_ + bytes_, begin_ + inner_, is_canary);
    }

  private:
    static constexpr uint8_t canary = 0xC5;

    size_t bytes_, inner_ = 0, mapped_ = 0;
    uint8_t *map_ = nullptr, *begin_ = nullptr, *data_ = nullptr;
};

}  // namespace siamc::test
