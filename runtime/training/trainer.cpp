#include "training/trainer.h"

#include <chrono>
#include <cmath>

#include "core/error.h"
#include "sampling/pairs.h"
#include "sampling/random.h"
#include "sampling/shifts.h"
#include "sampling/triplets.h"

namespace siamc {

namespace {

// Validation looks at the same tuples in every run, whatever its seed.
constexpr std::uint64_t validation_seed = 0;

// Pairs whose images are all at one point: no classes are told apart any more.
constexpr double collapsed_distance = 1e-3;

}  // namespace

Trainer::Trainer(Model& model, const ImageSet& train, const ImageSet& validation,
                 TrainConfig config)
    : train_(train),
      validation_(validation),
      config_(std::move(config)),
      loss_(model.loss(config_.loss)),
      optimizer_(model.optimizer(config_.optimizer)) {
    if (config_.recipe.batch < 1 || config_.recipe.batch > loss_.train->batch)
        fail(Exit::usage,
             "--batch: {} tuples a step; model {} was compiled for 1 to {}\n  write: a smaller "
             "batch, or compile the model with siamc compile --batch",
             config_.recipe.batch, model.name(), loss_.train->batch);
    if (config_.recipe.epochs < 1) fail(Exit::usage, "--epochs: at least 1");
    model.check_images(train);
    model.check_images(validation);
    FloatBuffer parameters = model.flat_buffer();
    model.initialize(parameters, config_.seed);
    engine_ = make_engine({model, loss_, optimizer_, train, std::move(parameters)});
    if (loss_.train->branches == 2) {
        const PairSet pairs = evaluation_pairs(validation.labels, validation_seed);
        validation_rows_ = pairs.rows;
        validation_labels_ = pairs.labels;
        tuples_ = PairSampler(train.labels, config_.seed).size();
    } else {
        validation_rows_ = evaluation_triplets(validation.labels, validation_seed).rows;
        tuples_ = TripletSampler(train.labels, config_.seed).size();
    }
}

Tuples Trainer::sample(int number) {
    if (loss_.train->branches == 2)
        PairSampler(train_.labels, config_.seed).epoch(number - 1, rows_, labels_);
    else
        TripletSampler(train_.labels, config_.seed).epoch(number - 1, rows_);
    Tuples tuples;
    tuples.count = static_cast<int>(tuples_);
    tuples.rows = rows_;
    tuples.labels = labels_;
    if (config_.recipe.shift == 0) return tuples;
    const Random random(config_.seed, Stream::augmentation, static_cast<std::uint32_t>(number - 1));
    draw_shifts(rows_, loss_.train->branches, config_.recipe.shift, random, shifts_);
    tuples.shifts = shifts_;
    return tuples;
}

long Trainer::steps_per_epoch() const {
    return (tuples_ + config_.recipe.batch - 1) / config_.recipe.batch;
}

double Trainer::rate_of(int number, long step) const {
    const long steps = steps_per_epoch();
    return config_.recipe.schedule.rate((number - 1) * steps + step, steps * config_.recipe.epochs);
}

void Trainer::plan(int number) {
    const long steps = steps_per_epoch();
    hyper_.clear();
    for (long step = 0; step < steps; ++step)
        hyper_.push_back(hyper_parameters(optimizer_, config_.semantics, rate_of(number, step),
                                          (number - 1) * steps + step + 1));
    engine_->plan(sample(number), config_.recipe.batch, hyper_);
}

std::optional<EpochRow> Trainer::epoch(int number, EpochTotals& totals,
                                       const std::function<bool(const Progress&)>& after_step) {
    const long steps = steps_per_epoch();
    if (number < 1 || number > config_.recipe.epochs || totals.steps < 0 || totals.steps > steps)
        fail(Exit::bad_data, "a run of {} epochs of {} steps has no epoch {} after {} steps",
             config_.recipe.epochs, steps, number, totals.steps);
    const double before = totals.seconds;
    const auto start = std::chrono::steady_clock::now();
    plan(number);
    while (totals.steps < steps) {
        take(number, totals);
        totals.seconds =
            before +
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        const auto seen = static_cast<double>(totals.tuples);
        if (!after_step({number, totals.steps, steps, totals.loss / seen,
                         static_cast<double>(totals.right) / seen}))
            return std::nullopt;
    }
    return row_of(number, totals);
}

EpochRow Trainer::row_of(int number, const EpochTotals& totals) {
    const auto start = std::chrono::steady_clock::now();
    const auto seen = static_cast<double>(totals.tuples);
    EpochRow row;
    row.epoch = number;
    row.learning_rate = rate_of(number, totals.steps - 1);
    row.train_loss = totals.loss / seen;
    row.train_accuracy = static_cast<double>(totals.right) / seen;
    row.images_per_second = seen * loss_.train->branches / totals.seconds;
    const Validation validation = validate();
    row.val_loss = validation.loss;
    row.val_accuracy = validation.accuracy;
    row.mean_positive_distance = validation.mean_positive_distance;
    row.mean_negative_distance = validation.mean_negative_distance;
    check_alive(row);
    row.seconds = totals.seconds +
                  std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return row;
}

void Trainer::take(int number, EpochTotals& totals) {
    const long first = totals.steps;
    const StepResults& results = engine_->run(first);
    if (!std::isfinite(results.loss))
        fail(Exit::collapsed,
             "training collapsed: the loss is not finite any more\n  why: the learning rate ({:g}) "
             "is too high for this data\n  write: a smaller --rate",
             rate_of(number, first));
    const long tuple = first * config_.recipe.batch;
    for (long t = 0; t < results.tuples; ++t) {
        const auto at = static_cast<std::size_t>(t);
        if (loss_.train->branches == 2) {
            const bool similar = results.distances[0][at] < config_.threshold;
            totals.right += similar == (labels_[static_cast<std::size_t>(tuple + t)] == 1.0f);
        } else {
            totals.right += results.distances[0][at] < results.distances[1][at];
        }
    }
    totals.loss += results.loss;
    totals.tuples += results.tuples;
    totals.steps += results.steps;
}

Validation Trainer::validate() {
    Tuples tuples;
    tuples.rows = validation_rows_;
    tuples.labels = validation_labels_;
    tuples.count = static_cast<int>(validation_rows_.size()) / loss_.evaluate->branches;
    std::vector<std::vector<float>> distances;
    Validation validation;
    validation.loss = engine_->validate(validation_, tuples, distances);
    double sums[2] = {0, 0};  // of different, of same
    long counts[2] = {0, 0}, right = 0;
    for (std::size_t t = 0; t < static_cast<std::size_t>(tuples.count); ++t) {
        const auto add = [&](bool same, float distance) {
            sums[same] += distance;
            ++counts[same];
        };
        if (loss_.evaluate->branches == 2) {
            const bool same = tuples.labels[t] == 1.0f;
            add(same, distances[0][t]);
            right += same == (distances[0][t] < config_.threshold);
        } else {
            add(true, distances[0][t]);
            add(false, distances[1][t]);
            right += distances[0][t] < distances[1][t];
        }
    }
    validation.accuracy = static_cast<double>(right) / tuples.count;
    validation.mean_positive_distance = sums[1] / static_cast<double>(counts[1]);
    validation.mean_negative_distance = sums[0] / static_cast<double>(counts[0]);
    return validation;
}

void Trainer::check_alive(const EpochRow& row) const {
    if (!std::isfinite(row.mean_positive_distance) || !std::isfinite(row.mean_negative_distance))
        fail(Exit::collapsed,
             "training collapsed in epoch {}: distances are not finite any more\n  why: the "
             "learning rate ({:g}) is too high for this data\n  write: a smaller --rate",
             row.epoch, row.learning_rate);
    if (row.mean_negative_distance > collapsed_distance) return;
    fail(Exit::collapsed,
         "training collapsed in epoch {}: different images are {:g} apart on average\n  why: all "
         "embeddings have become one point; the learning rate ({:g}) is too high\n  write: a "
         "smaller --rate",
         row.epoch, row.mean_negative_distance, row.learning_rate);
}

}  // namespace siamc
