#include "training/protocol.h"

#include <algorithm>

#include "sampling/class_batches.h"
#include "sampling/triplets.h"

namespace siamc {

namespace {

// Validation looks at the same tuples in every run, whatever its seed.
constexpr std::uint64_t validation_seed = 0;

void add(Judged& judged, bool same, float distance) {
    (same ? judged.same : judged.different) += distance;
    ++(same ? judged.sames : judged.differents);
}

// A pair is judged right on the right side of the threshold.
void judge_pair(Judged& judged, float label, float distance, double threshold) {
    const bool same = label == 1.0f;
    add(judged, same, distance);
    judged.right += same == (distance < threshold);
    ++judged.judged;
}

class PairProtocol : public Protocol {
  public:
    explicit PairProtocol(const Sampling& sampling)
        : sampler_(sampling.labels, sampling.seed, sampling.noise), batch_(sampling.batch) {}

    long tuples() const override { return sampler_.size(); }
    int step_tuples() const override { return batch_; }
    void sample(int epoch, TupleList& tuples) const override {
        tuples.branches = 2;
        sampler_.epoch(epoch, tuples.rows, tuples.labels);
    }
    TupleList validation(const std::vector<int>& labels) const override {
        return validation_pairs(labels);
    }
    void judge(const TupleList& tuples, long first,
               const std::vector<std::vector<float>>& distances, double threshold,
               Judged& judged) const override {
        for (std::size_t t = 0; t < distances[0].size(); ++t)
            judge_pair(judged, tuples.labels[static_cast<std::size_t>(first) + t], distances[0][t],
                       threshold);
    }

  private:
    PairSampler sampler_;
    int batch_;
};

// A triplet is judged right where the positive is nearer than the negative.
class TripletProtocol : public Protocol {
  public:
    explicit TripletProtocol(const Sampling& sampling)
        : sampler_(sampling.labels, sampling.seed), batch_(sampling.batch) {}

    long tuples() const override { return sampler_.size(); }
    int step_tuples() const override { return batch_; }
    void sample(int epoch, TupleList& tuples) const override {
        tuples.branches = 3;
        sampler_.epoch(epoch, tuples.rows);
    }
    TupleList validation(const std::vector<int>& labels) const override {
        return {evaluation_triplets(labels, validation_seed).rows, {}, 3, 0};
    }
    void judge(const TupleList&, long, const std::vector<std::vector<float>>& distances, double,
               Judged& judged) const override {
        for (std::size_t t = 0; t < distances[0].size(); ++t) {
            add(judged, true, distances[0][t]);
            add(judged, false, distances[1][t]);
            judged.right += distances[0][t] < distances[1][t];
            ++judged.judged;
        }
    }

  private:
    TripletSampler sampler_;
    int batch_;
};

// Single images, of which each is compared with the others of its batch: a step says nothing of any
// one distance.
class BatchProtocol : public Protocol {
  public:
    BatchProtocol(const siamc_loss& loss, const Sampling& sampling)
        : evaluation_batch_(loss.evaluate->batch),
          images_per_class_(sampling.images_per_class),
          shape_(batch_shape(static_cast<int>(ClassIndex(sampling.labels).paired_groups().size()),
                             sampling.batch, sampling.images_per_class)),
          sampler_(sampling.labels, shape_, sampling.seed) {}

    long tuples() const override { return sampler_.batches() * shape_.size(); }
    int step_tuples() const override { return shape_.size(); }
    void sample(int epoch, TupleList& tuples) const override {
        tuples.branches = 1;
        sampler_.epoch(epoch, tuples.rows, tuples.labels);
    }
    // Batches of the size that evaluation takes at once.
    TupleList validation(const std::vector<int>& labels) const override {
        const auto classes = static_cast<int>(ClassIndex(labels).paired_groups().size());
        const BatchShape shape = batch_shape(classes, evaluation_batch_,
                                             std::min(images_per_class_, evaluation_batch_ / 2));
        TupleList tuples;
        tuples.together = shape.size();
        ClassBatchSampler(labels, shape, validation_seed).epoch(0, tuples.rows, tuples.labels);
        return tuples;
    }
    void judge(const TupleList&, long, const std::vector<std::vector<float>>&, double,
               Judged&) const override {}

  private:
    int evaluation_batch_, images_per_class_;
    BatchShape shape_;
    ClassBatchSampler sampler_;
};

}  // namespace

std::unique_ptr<Protocol> make_protocol(const siamc_loss& loss, const Sampling& sampling) {
    if (loss.sees == SIAMC_PAIRS) return std::make_unique<PairProtocol>(sampling);
    if (loss.sees == SIAMC_TRIPLETS) return std::make_unique<TripletProtocol>(sampling);
    return std::make_unique<BatchProtocol>(loss, sampling);
}

TupleList validation_pairs(const std::vector<int>& labels) {
    const PairSet pairs = evaluation_pairs(labels, validation_seed);
    return {pairs.rows, pairs.labels, 2, 0};
}

void judge_pairs(const TupleList& pairs, const std::vector<float>& distances, double threshold,
                 Judged& judged) {
    for (std::size_t t = 0; t < distances.size(); ++t)
        judge_pair(judged, pairs.labels[t], distances[t], threshold);
}

}  // namespace siamc
