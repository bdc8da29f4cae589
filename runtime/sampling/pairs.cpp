#include "sampling/pairs.h"

#include <utility>

#include "sampling/row_hash.h"

namespace siamc {
namespace {

void write_pair(std::size_t pair, std::int32_t anchor, std::int32_t partner, float label,
                std::vector<std::int32_t>& rows, std::vector<float>& labels) {
    rows[2 * pair] = anchor;
    rows[2 * pair + 1] = partner;
    labels[pair] = label;
}

struct Draw {
    std::uint64_t seed;
    Stream stream;
    std::uint32_t epoch = 0;
    double noise = 0;  // share of the pairs whose label is wrong
};

// Both pairs of every anchor, pairs 2 * i and 2 * i + 1 for anchor i. Each image's partners come
// from a generator of its own index, so they don't depend on the order of the loop; noise is drawn
// last, so they don't depend on it either.
void fill_pairs(const ClassIndex& classes, const Draw& draw, std::vector<std::int32_t>& rows,
                std::vector<float>& labels) {
    const std::size_t pairs = 2 * static_cast<std::size_t>(classes.anchors());
    rows.resize(2 * pairs);
    labels.resize(pairs);
    for (const ClassIndex::Group& group : classes.paired_groups()) {
        for (std::int32_t place = group.begin; place < group.end; ++place) {
            const std::int32_t anchor = classes.order()[static_cast<std::size_t>(place)];
            const auto index = static_cast<std::uint32_t>(anchor);
            const auto pair = 2 * static_cast<std::size_t>(classes.anchor_number(anchor));
            Random random(draw.seed, draw.stream, draw.epoch, index);
            const std::int32_t positive = classes.same_class(group, place, random);
            const std::int32_t negative = classes.other_class(group, random);
            const bool wrong = random.uniform() < draw.noise,
                       wrong_too = random.uniform() < draw.noise;
            write_pair(pair, anchor, positive, wrong ? 0.0f : 1.0f, rows, labels);
            write_pair(pair + 1, anchor, negative, wrong_too ? 1.0f : 0.0f, rows, labels);
        }
    }
}

}  // namespace

PairSampler::PairSampler(const std::vector<int>& labels, std::uint64_t seed, LabelNoise noise)
    : classes_(labels), seed_(seed), noise_(noise) {
    classes_.require_partners("pairs");
}

void PairSampler::epoch(int epoch, std::vector<std::int32_t>& rows,
                        std::vector<float>& labels) const {
    const auto number = static_cast<std::uint32_t>(epoch);
    fill_pairs(classes_, {seed_, Stream::pairs, number, noise_.in(epoch)}, rows, labels);
    const auto swap_anchors = [&](std::size_t i, std::size_t j) {
        for (std::size_t r = 0; r < 4; ++r) std::swap(rows[4 * i + r], rows[4 * j + r]);
        for (std::size_t pair = 0; pair < 2; ++pair)
            std::swap(labels[2 * i + pair], labels[2 * j + pair]);
    };
    shuffle(static_cast<std::uint32_t>(classes_.anchors()),
            Random(seed_, Stream::pair_order, number), swap_anchors);
}

std::uint64_t PairSet::hash() const {
    return hash_rows(rows, labels);
}

PairSet evaluation_pairs(const std::vector<int>& labels, std::uint64_t seed) {
    const ClassIndex classes(labels);
    classes.require_partners("evaluation pairs");
    PairSet set;
    fill_pairs(classes, {seed, Stream::evaluation_pairs}, set.rows, set.labels);
    return set;
}

}  // namespace siamc
