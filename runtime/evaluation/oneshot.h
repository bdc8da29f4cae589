// One-shot and few-shot recognition: is a query's class found among N, each shown by K images?
#pragma once

#include <span>

#include "evaluation/accuracy.h"
#include "sampling/episodes.h"

namespace siamc {

// The embeddings of a set of images: image i's are values[i * size] …, `size` of them.
struct Embeddings {
    std::span<const float> values;
    int size = 0;
};

struct OneshotResult {
    double accuracy = 0;  // over all queries
    // Over episodes: from the spread of their accuracies, since the queries of an episode share its
    // supports and fail together. Wilson's, with as many trials as that spread amounts to.
    Interval ci95;
    long episodes = 0, queries = 0;
};

// Classifies an episode's queries by the nearest prototype and returns how many are right. A
// class's prototype is the mean of its K support embeddings, each scaled to unit length; the
// nearest one has the largest cosine with the query. On unit vectors that is the smallest Euclidean
// distance to the prototype scaled to unit length, and for K = 1 the nearest neighbour. A query is
// right if its class alone is the nearest: ties are wrong, so a constant embedding scores 0.
// bad_data if an embedding isn't finite.
long count_right(const Embeddings& embeddings, const Episode& episode);

// The episodes 0 … episodes - 1 of the sampler, whose images are those of the embeddings. usage if
// there are fewer than 2.
OneshotResult evaluate_oneshot(const Embeddings& embeddings, const EpisodeSampler& sampler,
                               int episodes);

}  // namespace siamc
