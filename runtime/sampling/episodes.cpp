#include "sampling/episodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "core/error.h"
#include "data/class_list.h"

namespace siamc {
namespace {

// Moves `count` uniformly chosen things to the front of `things`, in random order.
template <typename T>
void choose(std::vector<T>& things, std::size_t count, Random& random) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto rest = static_cast<std::uint32_t>(things.size() - i);
        std::swap(things[i], things[i + random.below(rest)]);
    }
}

}  // namespace

EpisodeSampler::EpisodeSampler(const std::vector<int>& labels, int ways, int shots, int queries,
                               std::uint64_t seed)
    : classes_(labels), ways_(ways), shots_(shots), queries_(queries), seed_(seed) {
    if (classes_.groups().size() < 2) {
        fail(Exit::usage,
             "episodes need two classes, but there are images of {}: choose more classes, or "
             "another data set",
             classes_.groups().size());
    }
    if (ways < 2 || shots < 1 || queries < 1) {
        fail(Exit::usage,
             "episodes of {} ways, {} shots and {} queries cannot be drawn\n  write: --ways {} "
             "--shots {} --queries {}",
             ways, shots, queries, std::max(ways, 2), std::max(shots, 1), std::max(queries, 1));
    }
    check_ways();
    check_images();
}

void EpisodeSampler::check_ways() const {
    const std::size_t available = classes_.groups().size();
    if (static_cast<std::size_t>(ways_) <= available) return;
    fail(Exit::usage, "--ways {}: there are {} classes\n  write: --ways {}", ways_, available,
         available);
}

// Every class must have enough images, as any may be drawn.
void EpisodeSampler::check_images() const {
    const std::int64_t needed = std::int64_t{shots_} + queries_;
    const auto& groups = classes_.groups();
    const ClassIndex::Group& smallest = *std::min_element(
        groups.begin(), groups.end(), [](auto& a, auto& b) { return a.size() < b.size(); });
    if (smallest.size() >= needed) return;
    const std::string problem = fmt::format(
        "--shots {} --queries {}: that takes {} images of every class, but class {} has {}", shots_,
        queries_, needed, smallest.label, smallest.size());
    if (smallest.size() < 2) {
        std::set<int> others;
        for (const ClassIndex::Group& group : groups)
            if (group.size() >= needed) others.insert(group.label);
        if (others.size() < 2) fail(Exit::usage, "{}: add images of each class", problem);
        const std::string ways =
            ways_ > std::ssize(others) ? fmt::format(" --ways {}", others.size()) : "";
        fail(Exit::usage, "{}\n  write: --classes {}{}", problem, class_list(others), ways);
    }
    const int shots = std::min(shots_, smallest.size() - 1);
    fail(Exit::usage, "{}\n  write: --shots {} --queries {}", problem, shots,
         smallest.size() - shots);
}

Episode EpisodeSampler::episode(int number) const {
    Random random(seed_, Stream::episodes, 0, static_cast<std::uint32_t>(number));
    std::vector<ClassIndex::Group> groups = classes_.groups();
    choose(groups, static_cast<std::size_t>(ways_), random);

    Episode episode;
    for (std::int32_t way = 0; way < ways_; ++way) {
        const ClassIndex::Group& group = groups[static_cast<std::size_t>(way)];
        std::vector<std::int32_t> images(classes_.order().begin() + group.begin,
                                         classes_.order().begin() + group.end);
        choose(images, static_cast<std::size_t>(shots_ + queries_), random);
        const auto queries_begin = images.begin() + shots_;
        episode.classes.push_back(group.label);
        episode.support.insert(episode.support.end(), images.begin(), queries_begin);
        episode.query.insert(episode.query.end(), queries_begin, queries_begin + queries_);
        episode.query_way.insert(episode.query_way.end(), static_cast<std::size_t>(queries_), way);
    }
    return episode;
}

}  // namespace siamc
