// What schedules leave open: the register tile of a kernel's sums. siamc tune measures it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace siamc::compiler {

struct ScheduleParameters {
    int vectors = 0;  // of units, filters or channels side by side; 0: the schedule's own rule
    int wide = 0;  // convolutions: results of a line, or Winograd tiles; weight gradients: rows of
                   // a chunk; 0: rule

    bool operator==(const ScheduleParameters&) const = default;
};

// A tile that was measured, and how.
struct TunedSchedule {
    std::string kernel;  // name, as fuse() gives it; "__one" follows where one image is alone
    std::string family;  // of targets: "avx2"
    ScheduleParameters parameters;
    double us = 0, rule_us = 0;  // a call's median, with it and with the rule's tile
    int candidates = 0;          // that were tried
    std::string machine, date;
};

using ScheduleTable = std::vector<TunedSchedule>;

// A kernel's tile and where it is from: "rule", "tuned", or "nearest: NAME" for a kernel of the
// same operations whose extents are the most alike.
struct ScheduleOrigin {
    ScheduleParameters parameters;
    std::string from = "rule";
};

ScheduleOrigin find_schedule(const ScheduleTable& table, const std::string& kernel,
                             const std::string& family);

// Throws ModelError at the line of what is not a table of schedules: keys that are unknown, tiles
// larger than siamc tune tries, names that no kernel can have.
ScheduleTable parse_schedules(const std::string& toml);
// The same from a regular file of at most 1 MiB; faults are Error(bad_data) with file and line, or
// what read_file throws.
ScheduleTable read_schedules(const std::filesystem::path& file);
std::string to_toml(const ScheduleTable& table);

// The table that is part of siamc: generators/schedules/tuned.toml.
const ScheduleTable& built_in_schedules();

}  // namespace siamc::compiler
