#include "evaluation/open_set.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "core/error.h"

namespace siamc {
namespace {

long count_below(const std::vector<double>& ascending, double threshold) {
    return std::lower_bound(ascending.begin(), ascending.end(), threshold) - ascending.begin();
}

void check_probe(const Probe& probe, std::size_t number) {
    if (!std::isfinite(probe.nearest) || std::isnan(probe.second)) {
        fail(Exit::bad_data,
             "probe number {} (from 0) is {} from the nearest identity and {} from the next: the "
             "weights are NaN or too large; train again with a lower learning rate",
             number, probe.nearest, probe.second);
    }
    if (probe.second < probe.nearest)
        fail(Exit::internal, "probe number {}: the second identity is at {}, the nearest at {}",
             number, probe.second, probe.nearest);
    if (probe.right && !probe.known)
        fail(Exit::internal, "probe number {} is a stranger with the right identity", number);
}

}  // namespace

Probe probe_of(std::span<const float> distances, std::span<const int> identities, int label) {
    if (distances.size() != identities.size())
        fail(Exit::internal, "{} distances to templates of {} identities", distances.size(),
             identities.size());
    if (distances.empty()) fail(Exit::bad_data, "the gallery is empty: enroll images of a class");
    check_distances(distances);
    const std::size_t best = static_cast<std::size_t>(
        std::min_element(distances.begin(), distances.end()) - distances.begin());
    Probe probe{distances[best], std::numeric_limits<float>::infinity(), identities[best] == label,
                false};
    for (std::size_t i = 0; i < distances.size(); ++i) {
        probe.known = probe.known || identities[i] == label;
        if (identities[i] != identities[best]) probe.second = std::min(probe.second, distances[i]);
    }
    return probe;
}

OpenSet::OpenSet(std::span<const Probe> probes) {
    for (std::size_t i = 0; i < probes.size(); ++i) {
        const Probe& probe = probes[i];
        check_probe(probe, i);
        known_ += probe.known;
        if (!probe.known) strangers_.push_back(probe.nearest);
        if (probe.right && probe.nearest < probe.second) right_.push_back(probe.nearest);
    }
    if (known_ == 0 || strangers_.empty()) {
        fail(Exit::bad_data,
             "{} probes of known classes and {} of strangers: both are needed; enroll some of the "
             "classes",
             known_, strangers_.size());
    }
    std::sort(right_.begin(), right_.end());
    std::sort(strangers_.begin(), strangers_.end());
}

ProbeRate OpenSet::rank1() const {
    return {static_cast<long>(right_.size()), known_};
}

ProbeRate OpenSet::fnir(double threshold) const {
    return {known_ - count_below(right_, threshold), known_};
}

ProbeRate OpenSet::fpir(double threshold) const {
    return {count_below(strangers_, threshold), static_cast<long>(strangers_.size())};
}

Detection OpenSet::detection_at_far(double far) const {
    if (!(far >= 0 && far <= 1))
        fail(Exit::usage, "a share of {} of strangers is out of range: give one from 0 to 1", far);
    // The first stranger that would be one too many; those as near as it is are rejected with it.
    const auto all = static_cast<double>(strangers_.size());
    std::size_t rejected = 0;
    while (rejected < strangers_.size() && static_cast<double>(rejected + 1) / all <= far)
        ++rejected;
    const double threshold = rejected < strangers_.size() ? strangers_[rejected]
                                                          : std::numeric_limits<double>::infinity();
    return {{count_below(right_, threshold), known_}, fpir(threshold), threshold};
}

}  // namespace siamc
