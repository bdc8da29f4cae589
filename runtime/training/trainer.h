// Training: epochs of steps on sampled tuples, and validation after each.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "training/engine.h"
#include "training/metrics.h"
#include "training/optimizer.h"
#include "training/protocol.h"
#include "training/recipe.h"

namespace siamc {

struct TrainConfig {
    std::string loss = "contrastive";
    std::string optimizer = "adam";
    Semantics semantics = Semantics::keras;
    Recipe recipe;
    std::uint64_t seed = 0;
    double threshold = 0.5;  // a pair is similar where D < threshold
};

// Where an epoch stands between two steps, with all that its row of metrics adds up. Samples are
// functions of seed and epoch, so the number of steps is the samplers' position.
struct EpochTotals {
    long steps = 0, tuples = 0, right = 0;  // right: of those that the loss has distances of
    double loss = 0;                        // summed over the tuples
    double seconds = 0;                     // of training
};

// After every step (on a device: after some): how far the epoch is.
struct Progress {
    int epoch = 0;  // from 1
    long step = 0, steps = 0;
    double loss = 0, accuracy = 0;  // means over the epoch so far; accuracy NaN: not known
};

// What a fixed set of tuples says about a state of the weights.
struct Validation {
    double loss = 0;
    double accuracy = 0;  // triplets: D(a, p) < D(a, n); else pairs at the threshold
    double mean_positive_distance = 0, mean_negative_distance = 0;
};

class Trainer {
  public:
    // The model and the image sets must outlive the trainer. usage if batch or epochs are out of
    // range, or for an average on a device.
    Trainer(Model& model, const ImageSet& train, const ImageSet& validation, TrainConfig config);

    // Trains an epoch from where `totals` stand (all 0: from its beginning), which go along, and
    // validates. After each step `after_step` is asked whether to go on; if not, there is no row.
    // Throws Error(collapsed) if the loss is not finite or all embeddings have become one point;
    // bad_data if the epoch has no such place.
    std::optional<EpochRow> epoch(int number, EpochTotals& totals,
                                  const std::function<bool(const Progress&)>& after_step);

    // What is validated and is the run's result (Engine::evaluated).
    const FloatBuffer& evaluated() { return engine_->evaluated(); }
    const TrainingState& state() { return engine_->state(); }
    // bad_data if the state lacks the average that the recipe keeps, or has one that it does not.
    void load(TrainingState state);
    long tuples_per_epoch() const { return protocol_->tuples(); }

  private:
    void check_classes(const ImageSet& images) const;
    void check_recipe() const;
    void warp_images(int number);
    Tuples sample(int number);
    double rate_of(int number, long step) const;
    bool averages() const { return config_.recipe.averaging.kind != Averaging::Kind::none; }
    long steps_per_epoch() const;
    void plan(int number);
    void take(int number, EpochTotals& totals);
    Validation validate();
    EpochRow row_of(int number, const EpochTotals& totals);
    double accuracy(const EpochTotals& totals) const;
    void check_alive(const EpochRow& row) const;

    Model& model_;
    const ImageSet &train_, &validation_;
    TrainConfig config_;
    ImageSet warped_;  // the training images of the epoch; empty where they are not warped
    const siamc_loss& loss_;
    const siamc_optimizer& optimizer_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Protocol> protocol_;
    std::vector<HyperParameters> hyper_;  // of each step of the epoch
    std::vector<std::uint32_t> seeds_;    // likewise
    std::vector<float> pulls_;            // the same of the average; none if there is none
    TupleList sampled_, validated_;
    TupleList validated_pairs_;  // of a loss that has no distances of tuples; else none
    std::vector<std::int32_t> shifts_;
};

}  // namespace siamc
