#include "sampling/episodes.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

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
    if (ways < 2 || shots < 1 || queries < 1) {
        fail(Exit::usage,
             "episodes of {} ways, {} shots and {} queries cannot be drawn: there must be at least "
             "2 ways, 1 shot and 1 query",
             ways, shots, queries);
    }
    const std::size_t available = classes_.groups().size();
    if (static_cast<std::size_t>(ways) > available) {
        fail(Exit::usage,
             "episodes of {} ways need {} classes, but there are {}: ask for at most {} ways or "
             "add classes",
             ways, ways, available, available);
    }
    const std::int64_t needed = std::int64_t{shots} + queries;
    for (const ClassIndex::Group& group : classes_.groups()) {
        if (group.size() < needed) {
            fail(Exit::usage,
                 "episodes of {} shots and {} queries need {} images of every class, but class {} "
                 "has {}: ask for fewer shots or queries, or leave the class out",
                 shots, queries, needed, group.label, group.size());
        }
    }
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
