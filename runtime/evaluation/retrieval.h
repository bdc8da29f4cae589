// Search: of all other images, are the nearest ones of the query's class?
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "evaluation/accuracy.h"

namespace siamc {

// Means over the queries, 0 … 1. R is how many other images are of the query's class. R-precision
// and MAP@R as K. Musgrave, S. Belongie, S.-N. Lim, "A metric learning reality check", ECCV 2020.
template <typename Value>
struct RetrievalOf {
    // Whether one of the class at least is among so many nearest, or among all where there are
    // fewer.
    Value recall_at_1{}, recall_at_5{}, recall_at_10{};
    Value r_precision{};  // the share of the class among the R nearest
    // (1 / R) sum of P(i) over those i = 1 … R whose i-th nearest is of the class, where P(i) is
    // the share of the class among the i nearest: unlike R-precision it tells their order.
    Value map_at_r{};
};
using RetrievalFigures = RetrievalOf<double>;
using RetrievalIntervals = RetrievalOf<Interval>;

// Writes the distances from an image to all, 0 … images - 1. What it writes for the image itself is
// never read.
using DistanceRow = std::function<void(std::int32_t image, std::span<float> distances)>;

// Every image is a query, searched for among all others. One without another of its class is no
// query but stays among what is searched. Ties count against the network: of equally distant images
// those of other classes come first, so a constant embedding finds as little as possible.
class Retrieval {
  public:
    // labels[i] is the class of image i. `row` is called once for each query, in the order of their
    // classes; one row is held at a time. bad_data if no class has two images or if a distance
    // isn't finite.
    Retrieval(const std::vector<int>& labels, const DistanceRow& row);

    long queries() const;
    long classes() const { return static_cast<long>(sums_.size()); }  // of the queries

    RetrievalFigures figures() const;

    // 95 % percentile intervals of a cluster bootstrap: classes are drawn with replacement, each
    // with all its queries, as those of a class seek the same images and fail together. What is
    // searched stays as it is. The intervals are for other classes of the kind; with fewer than
    // some thirty classes they are too narrow. A pure function of the figures and the two
    // arguments. bad_data if the queries are of one class, usage if there are fewer than 100
    // replicates.
    RetrievalIntervals intervals(int replicates, std::uint64_t seed) const;

  private:
    // Over the queries of a class.
    struct Sums {
        long queries = 0;
        RetrievalFigures figures;
    };
    static RetrievalFigures mean(const Sums& sums);

    std::vector<Sums> sums_;  // by rising label
};

}  // namespace siamc
