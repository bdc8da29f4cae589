// What every routine on files shares: a descriptor that is closed, and system calls tried again.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace siamc {

// Calls again what a signal interrupted; gives up (-1, EINTR) when it happens so often in a row
// that no signal can be the reason.
template <typename Call>
auto uninterrupted(Call&& call) {
    constexpr int most_tries = 100;
    auto result = call();
    for (int tries = 1; result == -1 && errno == EINTR && tries < most_tries; ++tries)
        result = call();
    return result;
}

class Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    int number() const { return number_; }
    bool open() const { return number_ >= 0; }
    // Whether closing went well. Linux closes even where it was interrupted.
    bool close() {
        const int status = ::close(std::exchange(number_, -1));
        return status == 0 || errno == EINTR;
    }

  private:
    int number_;
};

}  // namespace siamc
