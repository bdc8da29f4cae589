#include "core/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>

namespace siamc {

namespace {

bool continues_sequence(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The C1 controls U+0080 to U+009F are two bytes, C2 80 to C2 9F; some terminals obey them.
bool is_c1_control(std::string_view text, std::size_t i) {
    return text[i] == '\xC2' && i + 1 < text.size() &&
           (static_cast<unsigned char>(text[i + 1]) & 0xE0) == 0x80;
}

// The fewest characters to insert, delete, replace or swap with their neighbour (optimal string
// alignment), by the usual table of which the last three rows are kept.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); i++) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
    }
    return last.back();
}

}  // namespace

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

std::string printable(std::string_view text, std::size_t limit) {
    const bool cut = text.size() > limit;
    if (cut) {
        while (limit > 0 && continues_sequence(text[limit])) limit--;
        text = text.substr(0, limit);
    }
    std::string result;
    for (std::size_t i = 0; i < text.size(); i++) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7F) {
            result += fmt::format("\\x{:02x}", byte);
        } else if (is_c1_control(text, i)) {
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
        } else {
            result += text[i];
        }
    }
    if (cut) result += "...";
    return result;
}

std::string in_quotes(std::string_view text) {
    return '"' + printable(text, 48) + '"';
}

std::string listed(const std::vector<std::string>& names, std::string_view conjunction) {
    if (names.empty()) return "none";
    std::string result = names[0];
    for (std::size_t i = 1; i < names.size(); i++) {
        result += i + 1 < names.size() ? ", " : fmt::format(" {} ", conjunction);
        result += names[i];
    }
    return result;
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
    constexpr std::size_t longest_name = 64;  // bounds the work on hostile files
    if (name.size() > longest_name) return {};
    std::string best;
    std::size_t fewest = longest_name + 1;
    for (const std::string& candidate : known) {
        const std::size_t edits = edit_distance(lower(name), lower(candidate));
        if (edits < fewest && 3 * edits <= std::max(name.size(), candidate.size()) + 2) {
            best = candidate;
            fewest = edits;
        }
    }
    return best;
}

}  // namespace siamc
