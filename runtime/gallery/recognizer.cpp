#include "gallery/recognizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/error.h"
#include "evaluation/accuracy.h"

namespace siamc {
namespace {

double length_of(std::span<const float> vector) {
    double squares = 0;
    for (const double value : vector) squares += value * value;
    return std::sqrt(squares);
}

}  // namespace

std::vector<float> prototype(std::span<const float> embeddings, int size) {
    const auto extent = static_cast<std::size_t>(size);
    const std::size_t count = embeddings.size() / extent;
    std::vector<double> sum(extent);
    double lengths = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto row = embeddings.subspan(i * extent, extent);
        lengths += length_of(row);
        for (std::size_t e = 0; e < extent; ++e) sum[e] += row[e];
    }
    double squares = 0;
    for (const double value : sum) squares += value * value;
    const double scale =
        squares > 0 ? lengths / static_cast<double>(count) / std::sqrt(squares) : 0;
    std::vector<float> result;
    for (const double value : sum) result.push_back(static_cast<float>(value * scale));
    return result;
}

Recognizer::Recognizer(Model& model, const FloatBuffer& parameters, Templates templates,
                       Match match)
    : model_(model), parameters_(parameters), templates_(std::move(templates)) {
    const auto size = static_cast<std::size_t>(model.embedding_size());
    const std::span<const float> embeddings = templates_.embeddings;
    rows_.assign(size, 0);
    if (match == Match::templates) {
        rows_.insert(rows_.end(), embeddings.begin(), embeddings.end());
        identity_ = templates_.identity;
    } else {
        for (std::size_t begin = 0, end = 0; begin < templates_.identity.size(); begin = end) {
            const std::int32_t who = templates_.identity[begin];
            while (end < templates_.identity.size() && templates_.identity[end] == who) ++end;
            const std::vector<float> one = prototype(
                embeddings.subspan(begin * size, (end - begin) * size), model.embedding_size());
            rows_.insert(rows_.end(), one.begin(), one.end());
            identity_.push_back(who);
        }
    }
    templates_.embeddings = {};  // they are rows now
    for (std::int32_t row = 1; row <= static_cast<std::int32_t>(identity_.size()); ++row)
        pairs_.insert(pairs_.end(), {0, row});
}

std::span<const float> Recognizer::distances_of(std::span<const float> embedding) {
    std::copy(embedding.begin(), embedding.end(), rows_.begin());
    distances_ = model_.distances(parameters_, rows_, pairs_);
    check_distances(distances_);
    return distances_;
}

Recognition Recognizer::recognize(std::span<const float> embedding) {
    Recognition found;
    const std::span<const float> distances = distances_of(embedding);
    for (std::size_t i = 0; i < distances.size(); ++i) {
        const std::int32_t who = identity_[i];
        const double distance = distances[i];
        if (found.identity < 0 || distance < found.distance) {
            if (who != found.identity) {
                found.second = found.identity;
                found.second_distance = found.distance;
            }
            found.identity = who;
            found.distance = distance;
        } else if (who != found.identity &&
                   (found.second < 0 || distance < found.second_distance)) {
            found.second = who;
            found.second_distance = distance;
        }
    }
    return found;
}

double Recognizer::distance(std::span<const float> embedding, std::int32_t identity) {
    const std::span<const float> distances = distances_of(embedding);
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < distances.size(); ++i)
        if (identity_[i] == identity) nearest = std::min<double>(nearest, distances[i]);
    return nearest;
}

}  // namespace siamc
