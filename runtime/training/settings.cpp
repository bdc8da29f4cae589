#include "training/settings.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "core/error.h"
#include "core/files.h"

namespace siamc {
namespace {

constexpr std::size_t most_bytes = 1 << 16;

bool belongs_to_key(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// Whether a line is blank, a comment, or begins as `key = value` does, where the value is a text, a
// number, true or false.
bool is_plain(std::string_view line) {
    const auto skip_blanks = [&] {
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    };
    skip_blanks();
    if (line.empty() || line.front() == '#') return true;
    const auto key_end = std::find_if_not(line.begin(), line.end(), belongs_to_key);
    if (key_end == line.begin()) return false;
    line.remove_prefix(static_cast<std::size_t>(key_end - line.begin()));
    skip_blanks();
    if (line.empty() || line.front() != '=') return false;
    line.remove_prefix(1);
    skip_blanks();
    return !line.empty() && std::string_view("\"'+-0123456789tfin").find(line.front()) != line.npos;
}

// The parser aborts on a few texts that aren't TOML, among them unfinished tables, lists and dates.
// None of these has a place here, so lines that could hold one never reach it.
void check_lines(const std::string& file, const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        if (line.ends_with('\r')) line.pop_back();
        if (!is_plain(line)) {
            fail(
                Exit::bad_data,
                "{}:{}:1: not a setting: write key = value, where the value is a text in quotes, a "
                "number, true or false",
                file, number);
        }
    }
}

Setting to_setting(const std::string& file, const toml::node& node) {
    if (const auto* value = node.as_boolean()) return value->get();
    if (const auto* value = node.as_integer()) return value->get();
    if (const auto* value = node.as_floating_point()) return value->get();
    if (const auto* value = node.as_string()) return value->get();
    fail(Exit::bad_data, "{}:{}:{}: a date: write a text in quotes, a number, true or false", file,
         node.source().begin.line, node.source().begin.column);
}

}  // namespace

std::string to_text(const Setting& setting) {
    if (const auto* text = std::get_if<std::string>(&setting)) return *text;
    if (const auto* flag = std::get_if<bool>(&setting)) return *flag ? "true" : "false";
    if (const auto* whole = std::get_if<std::int64_t>(&setting)) return fmt::format("{}", *whole);
    return fmt::format("{}", std::get<double>(setting));
}

void write_settings(const std::filesystem::path& path, const Settings& settings) {
    toml::table table;
    for (const auto& setting : settings) {
        std::visit([&](const auto& value) { table.insert(setting.first, value); }, setting.second);
    }
    std::ostringstream text;
    text << toml::toml_formatter(table, toml::format_flags::none) << "\n";  // "text" on one line
    write_file_atomically(path, text.str());
}

Settings read_settings(const std::filesystem::path& path) {
    const std::string text = read_file(path, most_bytes) + "\n";
    check_lines(path.string(), text);
    Settings settings;
    try {
        for (const auto& [key, node] : toml::parse(text))
            settings.emplace(key.str(), to_setting(path.string(), node));
    } catch (const toml::parse_error& error) {
        fail(Exit::bad_data, "{}:{}:{}: not valid TOML: {}: write key = value", path.string(),
             error.source().begin.line, error.source().begin.column, error.description());
    }
    return settings;
}

}  // namespace siamc
