#include "core/toml_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/toml.h"

namespace siamc {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// What stands for each byte of a string in a skeleton: with escapes, or as it is.
constexpr char basic = 'b', literal = 's';

// Just past the string that begins at `begin`. An unfinished one ends with its line or the text.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
    const char quote = text[begin];
    const std::string fence(3, quote);
    const bool multi_line = text.substr(begin, 3) == fence;
    for (std::size_t i = begin + (multi_line ? 3 : 1); i < text.size(); i++) {
        if (quote == '"' && text[i] == '\\') {
            i++;
        } else if (!multi_line && text[i] == '\n') {
            return i;
        } else if (!multi_line && text[i] == quote) {
            return i + 1;
        } else if (multi_line && text.substr(i, 3) == fence) {
            i += 3;  // and up to two quotes that are part of the string
            for (int extra = 0; extra < 2 && i < text.size() && text[i] == quote; extra++) i++;
            return i;
        }
    }
    return text.size();
}

// The text with comments and the byte-order mark blanked and strings replaced by letters, so that
// brackets, dots and line ends in it are TOML's own. Offsets stay the same.
std::string skeleton_of(std::string_view text) {
    std::string skeleton(text);
    const auto replace = [&](std::size_t begin, std::size_t end, char by) {
        end = std::min(end, text.size());
        std::fill(skeleton.begin() + static_cast<std::ptrdiff_t>(begin),
                  skeleton.begin() + static_cast<std::ptrdiff_t>(end), by);
        return end;
    };
    std::size_t i = 0;
    if (text.substr(0, byte_order_mark.size()) == byte_order_mark) {
        i = replace(0, byte_order_mark.size(), ' ');
    }
    while (i < text.size()) {
        if (text[i] == '#') {
            i = replace(i, text.find('\n', i), ' ');
        } else if (text[i] == '"' || text[i] == '\'') {
            i = replace(i, end_of_string(text, i), text[i] == '"' ? basic : literal);
        } else {
            i++;
        }
    }
    return skeleton;
}

// At the byte at `offset`.
[[noreturn]] void refuse_at(std::string_view text, std::size_t offset, const std::string& fault,
                            const std::string& why, const std::string& instead) {
    int line = 1, column = 1;
    const bool marked = text.substr(0, byte_order_mark.size()) == byte_order_mark;
    for (std::size_t i = marked ? byte_order_mark.size() : 0; i < offset; i++) {
        if (text[i] == '\n') {
            ++line;
            column = 1;
        } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
            column++;
        }
    }
    throw TomlFault(line, column, fault, why, instead);
}

// A dotted key nests one table per dot, and the parser's tables are freed by recursion: some
// ten thousand dots in one key would exhaust the stack. A key cannot span lines, and values nest
// 256 deep at most, so a limit per line bounds the depth.
void limit_dots(std::string_view text, std::string_view skeleton) {
    int dots = 0;
    for (std::size_t i = 0; i < skeleton.size(); i++) {
        if (skeleton[i] == '\n') dots = 0;
        if (skeleton[i] != '.' || ++dots <= max_toml_dots) continue;
        refuse_at(text, i, fmt::format("a line with more than {} dots", max_toml_dots),
                  "each dot of a key is a level, and three are the most that are needed",
                  "one short key a line, e.g. [loss.contrastive]");
    }
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool begins_key(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// The parser takes for granted that a name follows the brackets that open a table header. No
// sound model has a line that begins with a bracket but is no header.
void require_header_names(std::string_view text, std::string_view skeleton) {
    std::size_t begin = 0;
    while (begin < skeleton.size()) {
        const std::size_t end = std::min(skeleton.find('\n', begin), skeleton.size());
        const auto skip_blanks = [&](std::size_t i) {
            return std::min(skeleton.find_first_not_of(" \t", i), end);
        };
        std::size_t i = skip_blanks(begin);
        if (i < end && skeleton[i] == '[') {
            i++;
            if (i < end && skeleton[i] == '[') i++;
            i = skip_blanks(i);
            if (i == end || !begins_key(skeleton[i])) {
                refuse_at(text, i, "a table header without a name",
                          "a line that begins with [ names a table",
                          "a name in the brackets, as in [input] or [[layer]]");
            }
        }
        begin = end + 1;
    }
}

// Outside of strings and comments TOML is ASCII; the parser takes Unicode's line separators for the
// end of a value that has not begun. It is also how typographic quotes show.
void refuse_non_ascii(std::string_view text, std::string_view skeleton) {
    for (std::size_t i = 0; i < skeleton.size(); i++) {
        if (static_cast<unsigned char>(skeleton[i]) < 0x80) continue;
        refuse_at(text, i, "a character beyond ASCII outside of quotes",
                  "only text in quotes and comments may have any",
                  "plain quotes, blanks and minus signs, in a file saved as UTF-8");
    }
}

// The parser takes for granted that no brace closes where an element of a list should be.
void refuse_braces_for_values(std::string_view text, std::string_view skeleton) {
    char last = ' ';  // the last character that is no blank
    for (std::size_t i = 0; i < skeleton.size(); i++) {
        if (skeleton[i] == '}' && (last == '[' || last == ',')) {
            refuse_at(text, i, "a closing brace in place of a value",
                      fmt::format("a value or a key has to follow {}", last),
                      "the missing value, or the list without its last comma");
        }
        if (std::string_view(" \t\r\n").find(skeleton[i]) == std::string_view::npos) {
            last = skeleton[i];
        }
    }
}

// The parser looks for a time of day after a date and a blank without asking whether anything
// follows. It knows a date by its hyphens alone, even in "1'79-05-27", so what looks like a string
// within one is searched, too.
void refuse_dates(std::string_view text, std::string_view skeleton) {
    for (std::size_t i = 0; i < text.size(); i++) {
        if (!is_digit(skeleton[i])) continue;
        std::string start;  // up to the second hyphen: "2024-02-"
        for (std::size_t j = i; j < text.size() && start.size() < 8; j++) {
            const bool ends = skeleton[j] == ' ' ||
                              std::string_view("\t\r\n]},").find(text[j]) != std::string_view::npos;
            if (ends) break;
            if (text[j] != '_') start += text[j];
        }
        if (start.size() == 8 && start[4] == '-' && start[7] == '-')
            refuse_at(text, i, "a date", "no key takes a date", "a number, or text in quotes");
    }
}

// The parser skips blanks of all scripts behind a backslash at the end of a line, and does not
// survive all of them.
void refuse_continued_lines(std::string_view text, std::string_view skeleton) {
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '\\' || skeleton[i] != basic) continue;
        const char next = i + 1 < text.size() ? text[i + 1] : '\n';
        if (next == '\\') i++;
        if (std::string_view(" \t\r\n").find(next) == std::string_view::npos &&
            static_cast<unsigned char>(next) < 0x80)
            continue;
        refuse_at(text, i, "a backslash before a blank or the end of a line",
                  "lines of text are not continued", "the text on one line");
    }
}

}  // namespace

void refuse_unparsable(std::string_view text) {
    const std::string skeleton = skeleton_of(text);
    limit_dots(text, skeleton);
    require_header_names(text, skeleton);
    refuse_non_ascii(text, skeleton);
    refuse_braces_for_values(text, skeleton);
    refuse_dates(text, skeleton);
    refuse_continued_lines(text, skeleton);
}

}  // namespace siamc
