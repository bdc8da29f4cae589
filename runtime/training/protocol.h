// What a loss sees, as training goes: what an epoch's tuples are, and what validation looks at.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/model.h"
#include "sampling/pairs.h"

namespace siamc {

// Tuples that own their rows.
struct TupleList {
    std::vector<std::int32_t> rows;
    std::vector<float> labels;
    int branches = 1;
    int together = 0;  // as Tuples

    int count() const { return static_cast<int>(rows.size()) / branches; }
    Tuples tuples() const { return {rows, {}, labels, count(), together}; }
};

// Distances between images of one class and of different ones, and how many were judged right.
struct Judged {
    double same = 0, different = 0;  // summed distances
    long sames = 0, differents = 0;
    long right = 0, judged = 0;  // judged 0: this protocol judges nothing
};

class Protocol {
  public:
    virtual ~Protocol() = default;

    // Of an epoch, the same number in each.
    virtual long tuples() const = 0;
    // The most tuples of a step: --batch, or what whole classes leave of it.
    virtual int step_tuples() const = 0;
    // Fills rows and labels: a pure function of the seed and the epoch, from 0.
    virtual void sample(int epoch, TupleList& tuples) const = 0;
    // What a fixed set of tuples of validation images says, whatever the run's seed.
    virtual TupleList validation(const std::vector<int>& labels) const = 0;
    // Looks at tuples first ... of a list, whose distances are those of the loss.
    virtual void judge(const TupleList& tuples, long first,
                       const std::vector<std::vector<float>>& distances, double threshold,
                       Judged& judged) const = 0;
};

// How the images of a run are sampled.
struct Sampling {
    const std::vector<int>& labels;  // of the training images
    std::uint64_t seed;
    int batch;             // tuples a step
    int images_per_class;  // of a loss that sees the whole batch
    LabelNoise noise;      // of a loss that sees pairs
};

// usage if the batch is too small for the loss, bad_data if there are too few images or classes.
std::unique_ptr<Protocol> make_protocol(const siamc_loss& loss, const Sampling& sampling);

// The pairs that validation judges where the loss has no distances of tuples itself.
TupleList validation_pairs(const std::vector<int>& labels);
void judge_pairs(const TupleList& pairs, const std::vector<float>& distances, double threshold,
                 Judged& judged);

}  // namespace siamc
