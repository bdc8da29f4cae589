#include "tuples.h"

#include <algorithm>
#include <span>
#include <utility>

#include "images.h"
#include "sampling/random.h"
#include "training/protocol.h"
#include "training/recipe.h"

namespace siamc {

TupleQueue::TupleQueue(std::vector<std::int32_t> rows, std::vector<float> labels, int branches)
    : rows_(std::move(rows)),
      labels_(std::move(labels)),
      branches_(static_cast<std::size_t>(branches)) {}

Tuples TupleQueue::next(int count) {
    const auto tuples = static_cast<std::size_t>(count);
    if ((done_ + tuples) * branches_ > rows_.size()) done_ = 0;
    Tuples batch;
    batch.count = count;
    batch.rows = std::span(rows_).subspan(done_ * branches_, tuples * branches_);
    if (!labels_.empty()) batch.labels = std::span(labels_).subspan(done_, tuples);
    done_ += tuples;
    return batch;
}

std::shared_ptr<TupleQueue> training_tuples(const ImageSet& images, const siamc_loss& loss,
                                            int batch) {
    const long most = timed_batches * batch;
    if (loss.sees == SIAMC_BATCH)
        return distinct_tuples(loss, most, static_cast<std::uint32_t>(images.size()));
    TupleList tuples;
    make_protocol(loss, {images.labels, 0, batch, Recipe{}.images_per_class, {}})
        ->sample(0, tuples);
    const auto kept = static_cast<std::size_t>(std::min<long>(most, tuples.count()));
    tuples.rows.resize(kept * static_cast<std::size_t>(tuples.branches));
    if (!tuples.labels.empty()) tuples.labels.resize(kept);
    return std::make_shared<TupleQueue>(std::move(tuples.rows), std::move(tuples.labels),
                                        tuples.branches);
}

std::shared_ptr<TupleQueue> distinct_tuples(const siamc_loss& loss, long tuples,
                                            std::uint32_t stored) {
    const int branches = loss.train->branches;
    Random random(0, Stream::pairs);
    std::vector<std::int32_t> rows(static_cast<std::size_t>(branches * tuples));
    for (auto& row : rows) row = static_cast<std::int32_t>(random.below(stored));
    std::vector<float> labels;
    for (long t = 0; t < tuples; ++t) {
        if (loss.sees == SIAMC_PAIRS) labels.push_back(made_up_label(t));
        if (loss.sees == SIAMC_BATCH) labels.push_back(static_cast<float>(made_up_class(t)));
    }
    return std::make_shared<TupleQueue>(std::move(rows), std::move(labels), branches);
}

double share_of_active(Model& model, const siamc_loss& loss, const FloatBuffer& parameters,
                       const ImageSet& images, TupleQueue& tuples, int batch,
                       FloatBuffer& gradient) {
    const long batches = tuples.size() / batch;
    long active = 0;
    for (long b = 0; b < batches; ++b) {
        const siamc_results results =
            model.gradient(loss, parameters, images, tuples.next(batch), gradient);
        active += std::count_if(results.losses, results.losses + batch,
                                [](float cost) { return cost > 0; });
    }
    return static_cast<double>(active) / static_cast<double>(batches * batch);
}

}  // namespace siamc
