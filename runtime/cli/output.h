// stdout, where data goes: what is printed must arrive. (core/tell.h is for words to people.)
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace siamc {

// Writes to stdout; flush_output() says whether it arrived.
void print_text(std::string_view text);

template <typename... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
    print_text(fmt::format(format, std::forward<Args>(args)...));
}

// Everything printed so far has left the program. cannot_write if any of it could not be written: a
// full disk, a closed stdout, a reader that is gone.
void flush_output();

}  // namespace siamc
