#include "schedules/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "core/files.h"
#include "core/wording.h"
#include "emit/runtime_headers.h"
#include "frontend/toml_text.h"

namespace siamc::compiler {

namespace {

// "conv2d_28x28x1__3x3x1x32_relu" is conv2d_#x#x#__#x#x#x#_relu with seven extents. A digit that
// follows a letter is part of a name.
struct Extents {
    std::string pattern;
    std::vector<double> numbers;
};

// More than any kernel's; names in a table may hold digits without end.
constexpr double largest_extent = 1e9;

Extents extents_of(const std::string& kernel) {
    Extents found;
    for (size_t i = 0; i < kernel.size();) {
        const bool starts = std::isdigit(static_cast<unsigned char>(kernel[i])) && i > 0 &&
                            (kernel[i - 1] == '_' || kernel[i - 1] == 'x');
        if (!starts) {
            found.pattern += kernel[i++];
            continue;
        }
        double number = 0;
        while (i < kernel.size() && std::isdigit(static_cast<unsigned char>(kernel[i])))
            number = 10 * number + (kernel[i++] - '0');
        found.numbers.push_back(std::min(number, largest_extent));
        found.pattern += '#';
    }
    return found;
}

// How unlike the extents are; nothing where the operations differ.
std::optional<double> distance(const Extents& a, const Extents& b) {
    if (a.pattern != b.pattern || a.numbers.size() != b.numbers.size()) return std::nullopt;
    double sum = 0;
    for (size_t i = 0; i < a.numbers.size(); ++i)
        sum += std::abs(std::log(a.numbers[i] / b.numbers[i]));
    return sum;
}

[[noreturn]] void refuse(const toml::node& node, const std::string& fault) {
    throw ModelError(location_of(node), fault, "a table of schedules is written by siamc tune",
                     "the file as siamc tune wrote it");
}

template <typename Value>
Value value_of(const toml::table& entry, const char* key) {
    const std::optional<Value> value = entry[key].value<Value>();
    if (!value) refuse(entry, fmt::format("a [[schedule]] has no {}", key));
    return *value;
}

// A whole number from 0 to `most`.
int whole_of(const toml::table& entry, const char* key, int most) {
    const auto value = value_of<std::int64_t>(entry, key);
    if (value < 0 || value > most)
        refuse(*entry.get(key), fmt::format("{} must be between 0 and {}", key, most));
    return static_cast<int>(value);
}

double microseconds_of(const toml::table& entry, const char* key) {
    const auto value = value_of<double>(entry, key);
    if (!(value >= 0 && std::isfinite(value)))
        refuse(*entry.get(key), fmt::format("{} must be a time in microseconds", key));
    return value;
}

// What becomes part of the manifest and of pages: a C identifier.
std::string name_of(const toml::table& entry, const char* key) {
    const auto name = value_of<std::string>(entry, key);
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) || c == '_');
    });
    constexpr std::size_t longest = 1000;
    if (!plain || name.empty() || name.size() > longest)
        refuse(*entry.get(key), fmt::format("{} is no name: {}", key, in_quotes(name)));
    return name;
}

TunedSchedule read_entry(const toml::table& entry) {
    // As many vectors, results and rows as siamc tune tries at most (candidates.cpp).
    constexpr int most_vectors = 8, most_wide = 128, most_candidates = 1 << 20;
    TunedSchedule schedule;
    schedule.kernel = name_of(entry, "kernel");
    schedule.family = name_of(entry, "family");
    schedule.parameters = {whole_of(entry, "vectors", most_vectors),
                           whole_of(entry, "wide", most_wide)};
    schedule.us = microseconds_of(entry, "us");
    schedule.rule_us = microseconds_of(entry, "rule_us");
    schedule.candidates = whole_of(entry, "candidates", most_candidates);
    schedule.machine = value_of<std::string>(entry, "machine");
    schedule.date = value_of<std::string>(entry, "date");
    return schedule;
}

// As TOML has it in quotes.
std::string quoted(const std::string& text) {
    std::ostringstream stream;
    stream << toml::value<std::string>(text);
    return stream.str();
}

}  // namespace

ScheduleOrigin find_schedule(const ScheduleTable& table, const std::string& kernel,
                             const std::string& family) {
    const Extents wanted = extents_of(kernel);
    ScheduleOrigin best;
    double least = INFINITY;
    for (const TunedSchedule& entry : table) {
        if (entry.family != family) continue;
        const std::optional<double> apart = distance(wanted, extents_of(entry.kernel));
        if (!apart || !(*apart < least)) continue;  // no number where an extent is 0
        least = *apart;
        best = {entry.parameters, *apart == 0 ? "tuned" : "nearest: " + entry.kernel};
    }
    return best;
}

ScheduleTable parse_schedules(const std::string& text) {
    const toml::table file = parse_toml(text);
    reject_unknown_keys(file, "a table of schedules", {{"schedule", "[[schedule]]"}});
    ScheduleTable table;
    const toml::node* list = file.get("schedule");
    if (!list) return table;
    if (!list->is_array_of_tables()) refuse(*list, "schedule is no list of tables");
    for (const toml::node& entry : *list->as_array())
        table.push_back(read_entry(*entry.as_table()));
    return table;
}

ScheduleTable read_schedules(const std::filesystem::path& file) {
    const std::string text = read_file(file, max_toml_bytes);
    try {
        return parse_schedules(text);
    } catch (const ModelError& error) {
        throw Error(Exit::bad_data, error.message(file.string()));
    }
}

std::string to_toml(const ScheduleTable& table) {
    std::string text =
        "# Register tiles that siamc tune has measured. vectors: of units, filters or channels.\n"
        "# wide: results of a line, or rows of a chunk. 0: the schedule's own rule. us: a call's\n"
        "# median with this tile, rule_us with the rule's, in the same run.\n";
    for (const TunedSchedule& entry : table)
        text += fmt::format(
            "\n[[schedule]]\nkernel = \"{}\"\nfamily = \"{}\"\nvectors = {}\nwide = {}\nus = "
            "{:.3f}\n"
            "rule_us = {:.3f}\ncandidates = {}\nmachine = {}\ndate = {}\n",
            entry.kernel, entry.family, entry.parameters.vectors, entry.parameters.wide, entry.us,
            entry.rule_us, entry.candidates, quoted(entry.machine), quoted(entry.date));
    return text;
}

const ScheduleTable& built_in_schedules() {
    static const ScheduleTable table = parse_schedules(tuned_schedules);
    return table;
}

}  // namespace siamc::compiler
