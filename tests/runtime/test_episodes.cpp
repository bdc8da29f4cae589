// Episodes of N ways and K shots.
#include <map>
#include <set>
#include <vector>

#include "catch.h"
#include "runtime/data_helpers.h"
#include "runtime/sampler_helpers.h"
#include "sampling/episodes.h"

using namespace siamc;
using namespace siamc::test;

TEST_CASE("episodes have distinct images of the right classes", "[samplers]") {
    const std::vector<int> labels = some_labels(400);
    const EpisodeSampler sampler(labels, 4, 3, 2, 1);
    for (int number = 0; number < 100; ++number) {
        const Episode episode = sampler.episode(number);
        REQUIRE(episode.classes.size() == 4);
        REQUIRE(episode.support.size() == 12);
        REQUIRE(episode.query.size() == 8);
        REQUIRE(episode.query_way.size() == 8);
        CHECK(std::set<int>(episode.classes.begin(), episode.classes.end()).size() == 4);
        std::set<std::int32_t> images(episode.support.begin(), episode.support.end());
        images.insert(episode.query.begin(), episode.query.end());
        CHECK(images.size() == 20);
        for (std::size_t i = 0; i < 12; ++i)
            CHECK(label_of(labels, episode.support[i]) == episode.classes[i / 3]);
        for (std::size_t i = 0; i < 8; ++i) {
            CHECK(episode.query_way[i] == static_cast<std::int32_t>(i / 2));
            CHECK(label_of(labels, episode.query[i]) == episode.classes[i / 2]);
        }
    }
}

TEST_CASE("episodes depend on seed and number alone", "[samplers]") {
    const std::vector<int> labels = some_labels(400);
    const EpisodeSampler sampler(labels, 4, 3, 2, 1);
    const Episode fifth = sampler.episode(5);
    sampler.episode(0);
    CHECK(sampler.episode(5).support == fifth.support);
    CHECK(sampler.episode(5).query == fifth.query);
    CHECK(sampler.episode(6).support != fifth.support);
    CHECK(EpisodeSampler(labels, 4, 3, 2, 2).episode(5).support != fifth.support);
}

TEST_CASE("episodes choose classes and images uniformly", "[samplers]") {
    const EpisodeSampler sampler(three_classes, 2, 2, 1, 3);
    std::map<std::int32_t, long> first_class, support, query;
    for (int number = 0; number < 6000; ++number) {
        const Episode episode = sampler.episode(number);
        ++first_class[episode.classes[0]];
        for (std::size_t way = 0; way < 2; ++way) {
            if (episode.classes[way] != 1) continue;
            ++support[episode.support[2 * way]];
            ++query[episode.query[way]];
        }
    }
    CHECK(first_class.size() == 3);
    CHECK(support.size() == 5);
    CHECK(query.size() == 5);
    CHECK(roughly_equal(values(first_class)));
    CHECK(roughly_equal(values(support)));
    CHECK(roughly_equal(values(query)));
}

TEST_CASE("episodes may use every image of a class, and no more", "[samplers]") {
    // The smallest class has five images.
    CHECK(EpisodeSampler(three_classes, 3, 2, 3, 0).episode(0).query.size() == 9);
    const Failure greedy = failure_of([] { EpisodeSampler(three_classes, 3, 2, 4, 0); });
    CHECK(greedy.code == Exit::usage);
    CHECK(greedy.message ==
          "--shots 2 --queries 4: that takes 6 images of every class, but class 0 has 5\n  write: "
          "--shots 2 --queries 3");
    const Failure wide = failure_of([] { EpisodeSampler(three_classes, 4, 1, 1, 0); });
    CHECK(wide.code == Exit::usage);
    CHECK(wide.message == "--ways 4: there are 3 classes\n  write: --ways 3");
    const std::vector<int> rare = {0, 1, 1, 1, 2, 2, 2};
    CHECK(failure_of([&] { EpisodeSampler(rare, 3, 1, 2, 0); }).message ==
          "--shots 1 --queries 2: that takes 3 images of every class, but class 0 has 1\n  write: "
          "--classes 1,2 --ways 2");
    CHECK(failure_of([] { EpisodeSampler({7, 7, 7}, 2, 1, 1, 0); }).mentions("need two classes"));
    CHECK(failure_of([] { EpisodeSampler(three_classes, 1, 1, 1, 0); }).code == Exit::usage);
    CHECK(failure_of([] { EpisodeSampler(three_classes, 2, 0, 1, 0); }).code == Exit::usage);
    CHECK(failure_of([] { EpisodeSampler(three_classes, 2, 1, 0, 0); }).code == Exit::usage);
    const int huge = 2147483647;
    CHECK(failure_of([] { EpisodeSampler(three_classes, 2, huge, huge, 0); }).code == Exit::usage);
}
