// The one way in for TOML: models, tables of tiles, recipes, a run's settings.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace siamc {

// What no file of siamc comes near: bytes, and levels of tables that one line may open with dots.
inline constexpr std::size_t max_toml_bytes = std::size_t{1} << 20;
inline constexpr int max_toml_dots = 64;

// Why a text is not read. what() is the fault; lines and columns count from 1, in characters, and
// are 0 for the whole file.
struct TomlFault : std::runtime_error {
    TomlFault(int at_line, int at_column, const std::string& fault, std::string reason,
              std::string cure)
        : std::runtime_error(fault),
          line(at_line),
          column(at_column),
          why(std::move(reason)),
          instead(std::move(cure)) {}

    int line, column;
    std::string why, instead;
};

// Throws TomlFault if the text is longer than max_toml_bytes, nested too deep, no TOML 1.0, or one
// of the few texts that the parser does not survive. Dates, and backslashes at a line's end, are
// among those. What the fault quotes of the text is as it stands there: printable() it.
toml::table read_toml(std::string_view text);

}  // namespace siamc
