// N-way K-shot episodes: recognise a query image among N classes, each shown K times.
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/class_index.h"

namespace siamc {

struct Episode {
    std::vector<int> classes;             // the N labels, in random order
    std::vector<std::int32_t> support;    // N * K image numbers, class-major: way * K + shot
    std::vector<std::int32_t> query;      // N * Q image numbers, class-major
    std::vector<std::int32_t> query_way;  // the right answer of each query: 0 … N-1
};

class EpisodeSampler {
  public:
    // ways: N classes; shots: K support images of each; queries: Q query images of each. An image
    // is never both support and query. usage if an argument is below 1 (ways: 2) or if there are
    // too few classes, or too few images of a class, for such an episode.
    EpisodeSampler(const std::vector<int>& labels, int ways, int shots, int queries,
                   std::uint64_t seed);

    // A pure function of (seed, number), number >= 0.
    Episode episode(int number) const;

  private:
    void check_ways() const;
    void check_images() const;

    ClassIndex classes_;
    int ways_, shots_, queries_;
    std::uint64_t seed_;
};

}  // namespace siamc
