// The tuples that timed steps see.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/model.h"

namespace siamc {

// Tuples, taken batch by batch and again from the start.
class TupleQueue {
  public:
    TupleQueue(std::vector<std::int32_t> rows, std::vector<float> labels, int branches);

    Tuples next(int count);

  private:
    std::vector<std::int32_t> rows_;
    std::vector<float> labels_;
    std::size_t branches_, done_ = 0;
};

// An epoch, as the training loop samples it; of a loss that sees the whole batch as many distinct
// tuples as there are images.
std::shared_ptr<TupleQueue> training_tuples(const ImageSet& images, const siamc_loss& loss,
                                            int batch);

// That many tuples of any of the first `stored` images, with made-up labels or classes.
std::shared_ptr<TupleQueue> distinct_tuples(const siamc_loss& loss, long tuples,
                                            std::uint32_t stored);

}  // namespace siamc
