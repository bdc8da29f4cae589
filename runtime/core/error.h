// How a program of this project fails: one exception type that carries the exit code.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace siamc {

// Exit codes are a contract with scripts; see docs/architecture.md.
enum class Exit : int {
    ok = 0,
    usage = 2,
    collapsed = 3,
    bad_data = 65,
    missing_input = 66,
    internal = 70,
    out_of_memory = 71,
    cannot_create = 73,
    cannot_write = 74,
    hung_up = 129,  // each by its signal, after saving
    interrupted = 130,
    terminated = 143,
};

// what() says what went wrong, where (file:offset, line:column or flag), why, and the next step.
class Error : public std::runtime_error {
  public:
    Error(Exit code, const std::string& message) : std::runtime_error(message), code_(code) {}
    Exit code() const { return code_; }

  private:
    Exit code_;
};

template <typename... Args>
[[noreturn]] void fail(Exit code, fmt::format_string<Args...> format, Args&&... args) {
    throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace siamc
