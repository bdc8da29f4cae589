#include "evaluation/retrieval.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "sampling/class_index.h"
#include "sampling/random.h"

namespace siamc {
namespace {

struct RetrievalField {
    double RetrievalFigures::*figure;
    Interval RetrievalIntervals::*interval;
};

constexpr RetrievalField retrieval_fields[] = {
    {&RetrievalFigures::recall_at_1, &RetrievalIntervals::recall_at_1},
    {&RetrievalFigures::recall_at_5, &RetrievalIntervals::recall_at_5},
    {&RetrievalFigures::recall_at_10, &RetrievalIntervals::recall_at_10},
    {&RetrievalFigures::r_precision, &RetrievalIntervals::r_precision},
    {&RetrievalFigures::map_at_r, &RetrievalIntervals::map_at_r},
};

void add(RetrievalFigures& sum, const RetrievalFigures& figures) {
    for (const auto& [figure, interval] : retrieval_fields) sum.*figure += figures.*figure;
}

struct Found {
    float distance;
    bool same;

    // Of equally distant ones those of other classes come first.
    bool operator<(const Found& other) const {
        return std::tie(distance, same) < std::tie(other.distance, other.same);
    }
};

// All images but the query, unsorted.
void fill_found(const std::vector<int>& labels, std::size_t query, std::span<const float> distances,
                std::vector<Found>& found) {
    found.clear();
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (i == query) continue;
        if (!std::isfinite(distances[i])) {
            fail(Exit::bad_data,
                 "the distance from image {} to image {} is {}: the weights are NaN or too large; "
                 "train again with a lower learning rate",
                 query, i, distances[i]);
        }
        found.push_back({distances[i], labels[i] == labels[query]});
    }
}

// Of one query. Only as many of the nearest are sorted as are looked at.
RetrievalFigures judge(std::vector<Found>& found, std::size_t r) {
    const std::size_t depth = std::min(found.size(), std::max(r, std::size_t{10}));
    const auto end = found.begin() + static_cast<std::ptrdiff_t>(depth);
    std::nth_element(found.begin(), end, found.end());
    std::sort(found.begin(), end);
    RetrievalFigures figures;
    double right = 0;
    for (std::size_t i = 0; i < depth; ++i) {
        if (!found[i].same) continue;
        if (i < 1) figures.recall_at_1 = 1;
        if (i < 5) figures.recall_at_5 = 1;
        if (i < 10) figures.recall_at_10 = 1;
        if (i >= r) continue;
        ++right;
        figures.map_at_r += right / static_cast<double>(i + 1);
    }
    figures.r_precision = right / static_cast<double>(r);
    figures.map_at_r /= static_cast<double>(r);
    return figures;
}

}  // namespace

Retrieval::Retrieval(const std::vector<int>& labels, const DistanceRow& row) {
    const ClassIndex classes(labels);
    std::vector<float> distances(labels.size());
    std::vector<Found> found;
    for (const ClassIndex::Group& group : classes.groups()) {
        if (group.size() < 2) continue;
        Sums& sums = sums_.emplace_back();
        for (std::int32_t place = group.begin; place < group.end; ++place) {
            const std::int32_t query = classes.order()[static_cast<std::size_t>(place)];
            row(query, distances);
            fill_found(labels, static_cast<std::size_t>(query), distances, found);
            add(sums.figures, judge(found, static_cast<std::size_t>(group.size() - 1)));
            ++sums.queries;
        }
    }
    if (sums_.empty())
        fail(Exit::bad_data,
             "no class has two images, so there is nothing to be found: add images");
}

long Retrieval::queries() const {
    long queries = 0;
    for (const Sums& sums : sums_) queries += sums.queries;
    return queries;
}

RetrievalFigures Retrieval::mean(const Sums& sums) {
    RetrievalFigures figures = sums.figures;
    for (const auto& [figure, interval] : retrieval_fields)
        figures.*figure /= static_cast<double>(sums.queries);
    return figures;
}

RetrievalFigures Retrieval::figures() const {
    Sums all;
    for (const Sums& sums : sums_) {
        all.queries += sums.queries;
        add(all.figures, sums.figures);
    }
    return mean(all);
}

RetrievalIntervals Retrieval::intervals(int replicates, std::uint64_t seed) const {
    if (sums_.size() < 2) {
        fail(Exit::bad_data,
             "all queries are of one class, which tells nothing of others: add a "
             "class with two images");
    }
    std::vector<RetrievalFigures> drawn;
    for (int replicate = 0; replicate < replicates; ++replicate) {
        Random random(seed, Stream::bootstrap_classes, 0, static_cast<std::uint32_t>(replicate));
        Sums all;
        for (std::size_t i = 0; i < sums_.size(); ++i) {
            const Sums& sums = sums_[random.below(static_cast<std::uint32_t>(sums_.size()))];
            all.queries += sums.queries;
            add(all.figures, sums.figures);
        }
        drawn.push_back(mean(all));
    }
    RetrievalIntervals result;
    for (const auto& [figure, interval] : retrieval_fields) {
        std::vector<double> values;
        for (const RetrievalFigures& each : drawn) values.push_back(each.*figure);
        result.*interval = percentile95(std::move(values));
    }
    return result;
}

}  // namespace siamc
