// Messages for people, on stderr.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <utility>

namespace siamc {

// What cannot be written (a full disk, a terminal that is gone) is dropped: no work is lost for it.
template <typename... Args>
void tell(fmt::format_string<Args...> format, Args&&... args) {
    const std::string text = fmt::format(format, std::forward<Args>(args)...);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

// Opens the standard streams that are closed, as ones that refuse to be written to; or the next
// file that a program opens would take their place, and receive its messages. Call it first in
// main().
void occupy_standard_streams();

}  // namespace siamc
