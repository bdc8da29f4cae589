#include "cli/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace siamc {

namespace fs = std::filesystem;

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

// Words of a small file of the kernel; none if it cannot be read.
std::vector<std::string> words_of(const fs::path& file) {
    std::ifstream stream(file);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

// Microseconds of processor time in microseconds; "max" and -1 mean no limit.
double quota(const std::string& time, const std::string& period) {
    std::istringstream time_text(time), period_text(period);
    double used = 0, whole = 0;
    if (!(time_text >> used) || !(period_text >> whole) || !(used > 0) || !(whole > 0))
        return unlimited;
    return used / whole;
}

double quota_of_version_2(const fs::path& group) {
    const std::vector<std::string> words = words_of(group / "cpu.max");
    return words.size() == 2 ? quota(words[0], words[1]) : unlimited;
}

double quota_of_version_1(const fs::path& group) {
    const std::vector<std::string> time = words_of(group / "cpu.cfs_quota_us");
    const std::vector<std::string> period = words_of(group / "cpu.cfs_period_us");
    return time.size() == 1 && period.size() == 1 ? quota(time[0], period[0]) : unlimited;
}

// The least quota from a group up to the root of its tree. A container often sees its own group as
// the root while its path is still the host's: levels that are not there say nothing.
template <typename QuotaOf>
double least_quota(const fs::path& mount, const std::string& path, const QuotaOf& quota_of) {
    double least = quota_of(mount);
    fs::path group = mount;
    for (const fs::path& part : fs::path(path).relative_path()) {
        group /= part;
        least = std::min(least, quota_of(group));
    }
    return least;
}

bool names_cpu(const std::string& controllers) {
    std::istringstream stream(controllers);
    for (std::string controller; std::getline(stream, controller, ',');)
        if (controller == "cpu") return true;
    return false;
}

int processors_of_affinity() {
    // The kernel refuses a mask smaller than its own, whose size it does not tell.
    for (std::size_t processors = 1024; processors <= (1u << 20); processors *= 2) {
        std::vector<unsigned long> mask(processors / (8 * sizeof(unsigned long)));
        const std::size_t bytes = mask.size() * sizeof(unsigned long);
        auto* set = reinterpret_cast<cpu_set_t*>(mask.data());
        if (sched_getaffinity(0, bytes, set) == 0) return CPU_COUNT_S(bytes, set);
    }
    return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

double cgroup_processors(const fs::path& cgroup, const fs::path& mount) {
    std::ifstream stream(cgroup);
    double least = unlimited;
    for (std::string line; std::getline(stream, line);) {  // "4:cpu,cpuacct:/path", "0::/path"
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (controllers.empty())
            least = std::min(least, least_quota(mount, path, quota_of_version_2));
        if (!names_cpu(controllers)) continue;
        for (const fs::path& tree : {mount / controllers, mount / "cpu"})
            least = std::min(least, least_quota(tree, path, quota_of_version_1));
    }
    return least;
}

int usable_processors() {
    const double allowed = processors_of_affinity();
    const double paid = std::ceil(cgroup_processors("/proc/self/cgroup", "/sys/fs/cgroup"));
    return static_cast<int>(std::clamp(std::min(allowed, paid), 1.0, double{most_threads}));
}

}  // namespace siamc
