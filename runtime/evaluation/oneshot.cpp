#include "evaluation/oneshot.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "core/error.h"

namespace siamc {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// A vector of zeros stays as it is: it has no direction.
void scale_to_unit(Vector& vector) {
    const double length = std::sqrt(dot(vector, vector));
    if (length == 0) return;
    for (double& value : vector) value /= length;
}

Vector unit_embedding(const Embeddings& embeddings, std::int32_t image) {
    const auto size = static_cast<std::size_t>(embeddings.size);
    const auto row = embeddings.values.subspan(static_cast<std::size_t>(image) * size, size);
    Vector vector(row.begin(), row.end());
    if (!std::all_of(vector.begin(), vector.end(), [](double v) { return std::isfinite(v); })) {
        fail(Exit::bad_data,
             "the embedding of image {} isn't finite: the weights are NaN or too large; train "
             "again with a lower learning rate",
             image);
    }
    scale_to_unit(vector);
    return vector;
}

std::vector<Vector> prototypes(const Embeddings& embeddings, const Episode& episode) {
    const std::size_t shots = episode.support.size() / episode.classes.size();
    std::vector<Vector> result;
    for (std::size_t i = 0; i < episode.support.size(); ++i) {
        if (i % shots == 0) result.emplace_back(static_cast<std::size_t>(embeddings.size));
        const Vector support = unit_embedding(embeddings, episode.support[i]);
        std::transform(support.begin(), support.end(), result.back().begin(), result.back().begin(),
                       std::plus<>());
    }
    for (Vector& prototype : result) scale_to_unit(prototype);
    return result;
}

}  // namespace

long count_right(const Embeddings& embeddings, const Episode& episode) {
    const std::vector<Vector> ways = prototypes(embeddings, episode);
    long right = 0;
    for (std::size_t q = 0; q < episode.query.size(); ++q) {
        const Vector query = unit_embedding(embeddings, episode.query[q]);
        const auto truth = static_cast<std::size_t>(episode.query_way[q]);
        const double nearness = dot(query, ways[truth]);
        bool nearest = true;
        for (std::size_t way = 0; way < ways.size(); ++way)
            nearest = nearest && (way == truth || nearness > dot(query, ways[way]));
        right += nearest;
    }
    return right;
}

OneshotResult evaluate_oneshot(const Embeddings& embeddings, const EpisodeSampler& sampler,
                               int episodes) {
    if (episodes < 2) fail(Exit::usage, "{} episodes have no spread: ask for 2 at least", episodes);
    double right = 0, squares = 0;  // whole numbers, so exact
    long queries = 0;
    for (int number = 0; number < episodes; ++number) {
        const Episode episode = sampler.episode(number);
        const auto count = static_cast<double>(count_right(embeddings, episode));
        right += count;
        squares += count * count;
        queries += static_cast<long>(episode.query.size());
    }
    const double all = static_cast<double>(queries);
    const double n = episodes;
    const double share = right / all;
    const double variance = (squares - right * right / n) / (n - 1) * n / (all * all);  // of share
    // Independent trials would vary by share * (1 - share) / trials. There are never more of them
    // than queries: a few episodes may agree by chance.
    const double trials = variance > 0 && right > 0 && right < all
                              ? std::min(all, share * (1 - share) / variance)
                              : all;
    return {share, wilson95(share, trials), episodes, queries};
}

}  // namespace siamc
