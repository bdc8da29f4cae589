#include "schedules/parameters.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "emit/runtime_headers.h"
#include "frontend/model_spec.h"

namespace siamc {

namespace {

// "conv2d_28x28x1__3x3x1x32_relu" is conv2d_#x#x#__#x#x#x#_relu with seven extents. A digit that
// follows a letter is part of a name.
struct Extents {
    std::string pattern;
    std::vector<double> numbers;
};

Extents extents_of(const std::string& kernel) {
    Extents found;
    for (size_t i = 0; i < kernel.size();) {
        const bool starts = std::isdigit(static_cast<unsigned char>(kernel[i])) && i > 0 &&
                            (kernel[i - 1] == '_' || kernel[i - 1] == 'x');
        if (!starts) {
            found.pattern += kernel[i++];
            continue;
        }
        size_t length = 0;
        found.numbers.push_back(std::stod(kernel.substr(i), &length));
        while (i < kernel.size() && std::isdigit(static_cast<unsigned char>(kernel[i]))) ++i;
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

template <typename Value>
Value value_of(const toml::table& entry, const char* key) {
    const std::optional<Value> value = entry[key].value<Value>();
    const auto line = static_cast<int>(entry.source().begin.line);
    if (!value)
        throw ModelError({line, 1}, fmt::format("a [[schedule]] has no {}", key),
                         "a table of schedules is written by siamc tune",
                         "the file as siamc tune wrote it");
    return *value;
}

TunedSchedule read_entry(const toml::table& entry) {
    const auto number = [&](const char* key) {
        return static_cast<int>(value_of<std::int64_t>(entry, key));
    };
    TunedSchedule schedule;
    schedule.kernel = value_of<std::string>(entry, "kernel");
    schedule.family = value_of<std::string>(entry, "family");
    schedule.parameters = {number("vectors"), number("wide")};
    schedule.us = value_of<double>(entry, "us");
    schedule.rule_us = value_of<double>(entry, "rule_us");
    schedule.candidates = number("candidates");
    schedule.machine = value_of<std::string>(entry, "machine");
    schedule.date = value_of<std::string>(entry, "date");
    return schedule;
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
        if (!apart || *apart >= least) continue;
        least = *apart;
        best = {entry.parameters, *apart == 0 ? "tuned" : "nearest: " + entry.kernel};
    }
    return best;
}

ScheduleTable parse_schedules(const std::string& text) {
    ScheduleTable table;
    try {
        const toml::table file = toml::parse(text);
        const toml::array* entries = file["schedule"].as_array();
        if (!entries) return table;
        for (const toml::node& entry : *entries)
            if (const toml::table* fields = entry.as_table()) table.push_back(read_entry(*fields));
    } catch (const toml::parse_error& error) {
        throw ModelError({static_cast<int>(error.source().begin.line),
                          static_cast<int>(error.source().begin.column)},
                         "no TOML: " + std::string(error.description()),
                         "a table of schedules is written by siamc tune",
                         "the file as siamc tune wrote it");
    }
    return table;
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
            "rule_us = {:.3f}\ncandidates = {}\nmachine = \"{}\"\ndate = \"{}\"\n",
            entry.kernel, entry.family, entry.parameters.vectors, entry.parameters.wide, entry.us,
            entry.rule_us, entry.candidates, entry.machine, entry.date);
    return text;
}

const ScheduleTable& built_in_schedules() {
    static const ScheduleTable table = parse_schedules(tuned_schedules);
    return table;
}

}  // namespace siamc
