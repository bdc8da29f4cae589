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

// The bytes lie in a file without a name, so that another process can map them too: one forked
// later has them anyway, another by opening `descriptor()` in /proc.
class GuardedMemory {
  public:
    GuardedMemory(size_t bytes, Against side)
        : GuardedMemory(::memfd_create("guarded", MFD_CLOEXEC), bytes, side) {
        std::memset(begin_, canary, inner_);
    }
    // The same memory in another process, which takes that file over; std::bad_alloc if it cannot.
    GuardedMemory(int file, size_t bytes, Against side) : bytes_(bytes), side_(side), file_(file) {
        const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        inner_ = std::max<size_t>(1, (bytes + page - 1) / page) * page;
        mapped_ = inner_ + 2 * page;
        void* memory = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        map_ = static_cast<uint8_t*>(memory);
        begin_ = map_ + page;
        if (ftruncate(file_, static_cast<off_t>(inner_)) != 0 ||
            mmap(begin_, inner_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_, 0) ==
                MAP_FAILED)
            throw std::bad_alloc();
        data_ = side == Against::end ? begin_ + inner_ - bytes : begin_;
    }
    ~GuardedMemory() {
        munmap(map_, mapped_);
        close(file_);
    }
    GuardedMemory(const GuardedMemory&) = delete;
    GuardedMemory& operator=(const GuardedMemory&) = delete;

    uint8_t* data() const { return data_; }
    size_t bytes() const { return bytes_; }
    Against side() const { return side_; }
    int descriptor() const { return file_; }

    // Nothing was written between the bytes and the far page.
    bool slack_is_whole() const {
        const auto is_canary = [](uint8_t byte) { return byte == canary; };
        return std::all_of(begin_, data_, is_canary) &&
               std::all_of(data_ + bytes_, begin_ + inner_, is_canary);
    }

  private:
    static constexpr uint8_t canary = 0xC5;

    size_t bytes_, inner_ = 0, mapped_ = 0;
    Against side_;
    int file_;
    uint8_t *map_ = nullptr, *begin_ = nullptr, *data_ = nullptr;
};

}  // namespace siamc::test
