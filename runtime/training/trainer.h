// Training: epochs of steps on sampled tuples, and validation after each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/model.h"
#include "training/engine.h"
#include "training/optimizer.h"
#include "training/recipe.h"
#include "training/run_folder.h"

namespace siamc {

struct TrainConfig {
    std::string loss = "contrastive";
    std::string optimizer = "adam";
    Semantics semantics = Semantics::keras;
    Recipe recipe;
    std::uint64_t seed = 0;
    double threshold = 0.5;  // a pair is similar where D < threshold
};

// After every step (on a device: after some): how far the epoch is.
struct Progress {
    int epoch = 0;  // from 1
    long step = 0, steps = 0;
    double loss = 0, accuracy = 0;  // means over the epoch so far
};

// What a fixed set of tuples says about a state of the weights.
struct Validation {
    double loss = 0;
    double accuracy = 0;  // pairs: at the threshold; triplets: D(a, p) < D(a, n)
    double mean_positive_distance = 0, mean_negative_distance = 0;
};

class Trainer {
  public:
    // The image sets must outlive the trainer. usage if batch or epochs are out of range.
    Trainer(Model& model, const ImageSet& train, const ImageSet& validation, TrainConfig config);

    // Trains one epoch and validates. After each step `after_step` is asked whether to go on; if
    // not, the epoch ends there, unvalidated. Throws Error(collapsed) if the loss is not finite or
    // all embeddings have become one point.
    EpochRow epoch(int number, const std::function<bool(const Progress&)>& after_step);

    const FloatBuffer& parameters() { return engine_->parameters(); }
    long tuples_per_epoch() const { return tuples_; }

  private:
    struct Totals {
        double loss = 0;
        long right = 0, seen = 0, steps = 0;
    };

    Tuples sample(int number);
    double rate_of(int number, long step) const;
    long steps_per_epoch() const;
    void plan(int number);
    void take(long first, double rate, Totals& totals);
    Validation validate();
    void check_alive(const EpochRow& row) const;

    const ImageSet &train_, &validation_;
    TrainConfig config_;
    const siamc_loss& loss_;
    std::unique_ptr<Engine> engine_;
    std::vector<HyperParameters> hyper_;  // of each step of the epoch
    long tuples_ = 0;
    std::vector<std::int32_t> rows_, shifts_, validation_rows_;
    std::vector<float> labels_, validation_labels_;
};

}  // namespace siamc
