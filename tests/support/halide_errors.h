// What Halide has to complain about, as exceptions of ours: its own carry no message across the
// border of its library.
#pragma once

#include <Halide.h>
#include <fmt/format.h>

#include <stdexcept>

namespace siamc::compiler::test {

class ThrowOnError : public Halide::CompileTimeErrorReporter {
  public:
    void warning(const char* message) override { fmt::print(stderr, "{}\n", message); }
    void error(const char* message) override { throw std::runtime_error(message); }
};

inline void throw_halide_errors() {
    static ThrowOnError reporter;
    Halide::set_custom_compile_time_error_reporter(&reporter);
}

}  // namespace siamc::compiler::test
