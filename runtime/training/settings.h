// A program's settings as a TOML file: one `key = value` a line, no tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <variant>

namespace siamc {

using Setting = std::variant<bool, std::int64_t, double, std::string>;
// Keys are the command line's flags without their dashes: letters, digits, '-' and '_'.
using Settings = std::map<std::string, Setting>;

// A setting as the command line takes it: true, 128, 0.001, adam.
std::string to_text(const Setting& setting);

// The file's text, which is UTF-8. Paths may hold other bytes: each stands as a character of
// Unicode's private use, U+F700 + byte, and is a byte again when the text is read.
std::string settings_text(const Settings& settings);

// The settings of such a text, which messages call `file`. bad_data with line and column if a line
// is neither blank nor a comment nor a key with one value, or if a key repeats.
Settings parse_settings(const std::string& text, const std::string& file);

// Writes atomically; errors as write_file_atomically.
void write_settings(const std::filesystem::path& path, const Settings& settings);

// Errors as parse_settings and read_file.
Settings read_settings(const std::filesystem::path& path);

}  // namespace siamc
