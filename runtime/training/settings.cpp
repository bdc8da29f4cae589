#include "training/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/toml.h"

namespace siamc {
namespace {

constexpr std::size_t most_bytes = 1 << 16;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_control(char c) {
    const auto code = static_cast<unsigned char>(c);
    return (code < ' ' && c != '\t') || code == 0x7f;
}

void skip_blanks(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
}

// Takes the characters at the beginning for which belongs() holds.
template <typename Predicate>
std::string_view take_while(std::string_view& line, Predicate belongs) {
    const auto end = std::find_if_not(line.begin(), line.end(), belongs);
    const std::string_view taken = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    line.remove_prefix(taken.size());
    return taken;
}

// Takes what could be a number, true or false; not a date, whose hyphens follow digits.
bool take_bare_value(std::string_view& line) {
    char last = 'e';
    const std::string_view value = take_while(line, [&](char c) {
        const bool hyphen = c == '-' && (last == 'e' || last == 'E');
        last = c;
        return is_letter_or_digit(c) || hyphen || c == '+' || c == '.' || c == '_';
    });
    return !value.empty();
}

// Takes a text in quotes, if it ends on this line.
bool take_text(std::string_view& line) {
    const char quote = line.front();
    line.remove_prefix(1);
    bool escaped = false;
    take_while(line, [&](char c) {
        const bool inside = c != quote || escaped;
        escaped = quote == '"' && c == '\\' && !escaped;
        return inside;
    });
    if (line.empty()) return false;
    line.remove_prefix(1);
    return true;
}

// Whether a line is blank, a comment, or looks like `key = value` and nothing more.
bool is_plain(std::string_view line) {
    if (std::any_of(line.begin(), line.end(), is_control)) return false;
    skip_blanks(line);
    if (line.empty() || line.front() == '#') return true;
    const std::string_view key =
        take_while(line, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; });
    skip_blanks(line);
    if (key.empty() || line.empty() || line.front() != '=') return false;
    line.remove_prefix(1);
    skip_blanks(line);
    const bool quoted = line.starts_with('"') || line.starts_with('\'');
    if (!(quoted ? take_text(line) : take_bare_value(line))) return false;
    skip_blanks(line);
    return line.empty() || line.front() == '#';
}

// The parser aborts on a few texts that aren't TOML, among them unfinished tables, lists and dates.
// None of these has a place here, so lines that could hold one never reach it.
void check_lines(const std::string& file, const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        if (line.ends_with('\r')) line.pop_back();
        if (!is_plain(line)) {
            fail(Exit::bad_data,
                 "{}:{}:1: not a setting: write key = value, where the value is a text in quotes, "
                 "a number, true or false",
                 file, number);
        }
    }
}

// The length of the UTF-8 sequence at the start of the text (RFC 3629); 0 if there is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    if (byte(0) < 0x80) return 1;
    if (byte(0) >= 0xc2 && byte(0) < 0xe0) return follows(1) ? 2 : 0;
    const bool too_long =
        (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
    const bool no_character =
        (byte(0) == 0xed && byte(1) >= 0xa0) || (byte(0) == 0xf4 && byte(1) >= 0x90);
    if (too_long || no_character || byte(0) < 0xe0 || byte(0) > 0xf4) return 0;
    const std::size_t length = byte(0) < 0xf0 ? 3 : 4;
    for (std::size_t i = 1; i < length; ++i)
        if (!follows(i)) return 0;
    return length;
}

// U+F780 to U+F7FF are EF 9E 80 to EF 9F BF in UTF-8.
constexpr char stand_in = '\xef';
bool is_stand_in(std::string_view text) {
    return text.size() >= 3 && text[0] == stand_in && (text[1] == '\x9e' || text[1] == '\x9f');
}

// Bytes that are no UTF-8 become characters, as do those of such characters themselves.
std::string to_utf8(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        std::size_t length = is_stand_in(bytes) ? 0 : utf8_length(bytes);
        if (length == 0) {
            const auto byte = static_cast<unsigned char>(bytes[0]);
            text += stand_in;
            text += static_cast<char>(0x9c + (byte >> 6));
            text += static_cast<char>(0x80 | (byte & 0x3f));
            length = 1;
        } else {
            text += bytes.substr(0, length);
        }
        bytes.remove_prefix(length);
    }
    return text;
}

std::string from_utf8(std::string_view text) {
    std::string bytes;
    while (!text.empty()) {
        const bool one = is_stand_in(text);
        bytes += one ? static_cast<char>((text[1] & 3) << 6 | (text[2] & 0x3f)) : text[0];
        text.remove_prefix(one ? 3 : 1);
    }
    return bytes;
}

Setting to_setting(const toml::node& node) {
    if (const auto* value = node.as_boolean()) return value->get();
    if (const auto* value = node.as_integer()) return value->get();
    if (const auto* value = node.as_floating_point()) return value->get();
    return from_utf8(node.ref<std::string>());
}

// Numbers in the fewest digits that come back as they were; the parser's own writer spends 17.
std::string to_line(const std::string& key, const Setting& setting) {
    if (const auto* text = std::get_if<std::string>(&setting)) {
        std::ostringstream line;
        line << toml::toml_formatter(toml::table{{key, to_utf8(*text)}}, toml::format_flags::none);
        return line.str();
    }
    const std::string text = to_text(setting);
    const bool looks_whole = text.find_first_not_of("-0123456789") == std::string::npos;
    const bool is_real = std::holds_alternative<double>(setting);
    return fmt::format("{} = {}{}", key, text, is_real && looks_whole ? ".0" : "");
}

}  // namespace

std::string to_text(const Setting& setting) {
    if (const auto* text = std::get_if<std::string>(&setting)) return *text;
    if (const auto* flag = std::get_if<bool>(&setting)) return *flag ? "true" : "false";
    if (const auto* whole = std::get_if<std::int64_t>(&setting)) return fmt::format("{}", *whole);
    return fmt::format("{}", std::get<double>(setting));
}

std::string settings_text(const Settings& settings) {
    std::string text;
    for (const auto& [key, value] : settings) text += to_line(key, value) + "\n";
    return text;
}

Settings parse_settings(const std::string& text, const std::string& file) {
    check_lines(file, text);
    Settings settings;
    try {
        for (const auto& [key, node] : read_toml(text + "\n"))
            settings.emplace(key.str(), to_setting(node));
    } catch (const TomlFault& fault) {
        fail(Exit::bad_data, "{}:{}:{}: {}: {}: write key = value", file, fault.line, fault.column,
             fault.what(), fault.why);
    }
    return settings;
}

void write_settings(const std::filesystem::path& path, const Settings& settings) {
    write_file_atomically(path, settings_text(settings));
}

Settings read_settings(const std::filesystem::path& path) {
    return parse_settings(read_file(path, most_bytes), path.string());
}

}  // namespace siamc
