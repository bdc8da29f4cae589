#include "sampling/triplets.h"

#include <utility>

#include "sampling/row_hash.h"

namespace siamc {
namespace {

// Triplet i has anchor i. Each image's partners come from a generator of its own index.
void fill_triplets(const ClassIndex& classes, std::uint64_t seed, Stream stream,
                   std::uint32_t epoch, std::vector<std::int32_t>& rows) {
    rows.resize(3 * static_cast<std::size_t>(classes.anchors()));
    for (const ClassIndex::Group& group : classes.paired_groups()) {
        for (std::int32_t place = group.begin; place < group.end; ++place) {
            const std::int32_t anchor = classes.order()[static_cast<std::size_t>(place)];
            const auto index = static_cast<std::uint32_t>(anchor);
            Random random(seed, stream, epoch, index);
            std::int32_t* row = &rows[3 * static_cast<std::size_t>(classes.anchor_number(anchor))];
            row[0] = anchor;
            row[1] = classes.same_class(group, place, random);
            row[2] = classes.other_class(group, random);
        }
    }
}

}  // namespace

TripletSampler::TripletSampler(const std::vector<int>& labels, std::uint64_t seed)
    : classes_(labels), seed_(seed) {
    classes_.require_partners("triplets");
}

void TripletSampler::epoch(int epoch, std::vector<std::int32_t>& rows) const {
    const auto number = static_cast<std::uint32_t>(epoch);
    fill_triplets(classes_, seed_, Stream::triplets, number, rows);
    shuffle(static_cast<std::uint32_t>(size()), Random(seed_, Stream::triplet_order, number),
            [&](std::size_t i, std::size_t j) {
                for (std::size_t branch = 0; branch < 3; ++branch)
                    std::swap(rows[3 * i + branch], rows[3 * j + branch]);
            });
}

std::uint64_t TripletSet::hash() const {
    return hash_rows(rows, {});
}

TripletSet evaluation_triplets(const std::vector<int>& labels, std::uint64_t seed) {
    const ClassIndex classes(labels);
    classes.require_partners("evaluation triplets");
    TripletSet set;
    fill_triplets(classes, seed, Stream::evaluation_triplets, 0, set.rows);
    return set;
}

}  // namespace siamc
