// Calls on files that do something else in this program, when a test wants it.
#pragma once

#include <sys/types.h>

#include <functional>

namespace siamc::test {

// What the next calls of fsync and write do instead; empty: what they always do.
extern std::function<int(int)> on_fsync;
extern std::function<ssize_t(int, const void*, size_t)> on_write;

// Takes the substitutes away again.
struct Undo {
    ~Undo() {
        on_fsync = nullptr;
        on_write = nullptr;
    }
};

}  // namespace siamc::test
