// The tuples that timed steps see.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/model.h"

namespace siamc {

// That steps go round: enough for their average to be that of an epoch, few enough for others to be
// given the same ones.
constexpr long timed_batches = 16;

// Tuples, taken batch by batch and again from the start.
class TupleQueue {
  public:
    TupleQueue(std::vector<std::int32_t> rows, std::vector<float> labels, int branches);

    Tuples next(int count);
    long size() const { return static_cast<long>(rows_.size() / branches_); }

  private:
    std::vector<std::int32_t> rows_;
    std::vector<float> labels_;
    std::size_t branches_, done_ = 0;
};

// The first batches of an epoch, as the training loop samples it; of a loss that sees the whole
// batch distinct_tuples.
std::shared_ptr<TupleQueue> training_tuples(const ImageSet& images, const siamc_loss& loss,
                                            int batch);

// That many tuples of any of the first `stored` images, with made-up labels or classes.
std::shared_ptr<TupleQueue> distinct_tuples(const siamc_loss& loss, long tuples,
                                            std::uint32_t stored);

// The share of the queue's tuples that cost something at these parameters: the others have a
// gradient of 0. `gradient` is overwritten.
double share_of_active(Model& model, const siamc_loss& loss, const FloatBuffer& parameters,
                       const ImageSet& images, TupleQueue& tuples, int batch,
                       FloatBuffer& gradient);

}  // namespace siamc
