// Batches for losses that see the whole batch: P classes, K images of each (Hermans, Beyer and
// Leibe 2017).
//
// Rows are image numbers; labels are the classes' numbers from 0 on, in their order.
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/class_index.h"

namespace siamc {

// How a batch is made up.
struct BatchShape {
    int classes = 0, images_each = 0;

    int size() const { return classes * images_each; }
};

// Of at most `batch` images: `images_each` of as many classes as there is room for; where there are
// fewer classes, more images of each. usage unless there is room for two classes of two images.
BatchShape batch_shape(int classes, int batch, int images_each);

// In every epoch classes come equally often, but for one time. The images of a class come in an
// order that is shuffled anew whenever all had their turn; a batch shows one twice only where a
// class has fewer than images_each.
class ClassBatchSampler {
  public:
    // labels[i] is the class of image i; those of a class that has no other are not shown. bad_data
    // if that leaves none, or if there is only one class.
    ClassBatchSampler(const std::vector<int>& labels, BatchShape shape, std::uint64_t seed);

    // As many batches as show about each image once; at least one.
    long batches() const;

    // Fills rows and labels (batches() * shape.size()): a pure function of (seed, epoch), epoch >=
    // 0.
    void epoch(int epoch, std::vector<std::int32_t>& rows, std::vector<float>& labels) const;

  private:
    ClassIndex classes_;
    std::vector<ClassIndex::Group> groups_;  // of two images at least
    BatchShape shape_;
    std::uint64_t seed_;
};

}  // namespace siamc
