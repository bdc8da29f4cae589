// How many threads are of use.
#pragma once

#include <filesystem>

namespace siamc {

// More threads are never asked for: the libraries' limit.
constexpr int most_threads = 256;

// The processors that this process may use: those of its affinity mask, no more than the processor
// time of its control groups (version 1 or 2, as containers set it, rounded up), 1 to most_threads.
int usable_processors();

// The quota of the control groups that `cgroup`, a file as /proc/self/cgroup, names below `mount`,
// a folder as /sys/fs/cgroup: in processors, the least of all levels. Infinite if there is none.
double cgroup_processors(const std::filesystem::path& cgroup, const std::filesystem::path& mount);

}  // namespace siamc
