#include "training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "sampling/random.h"
#include "sampling/shifts.h"
#include "sampling/warps.h"

namespace siamc {

namespace {

// Pairs whose images are all at one point: no classes are told apart any more.
constexpr double collapsed_distance = 1e-3;

bool are_all_the_same(const ImageSet& images) {
    for (long i = 1; i < images.size(); ++i)
        if (!std::equal(images.image(i), images.image(i) + images.image_bytes(), images.image(0)))
            return false;
    return true;
}

// Images of which nothing can be learnt collapse at any learning rate.
void check_differ(const ImageSet& images, const char* which, int epoch) {
    if (!are_all_the_same(images)) return;
    const std::uint8_t* first = images.image(0);
    const bool blank = std::all_of(first, first + images.image_bytes(),
                                   [&](std::uint8_t value) { return value == *first; });
    fail(Exit::collapsed,
         "training collapsed in epoch {}: all {} {} images are the same{}\n  why: nothing tells "
         "their classes apart; the learning rate is not to blame\n  write: another --data, after a "
         "look at its pictures",
         epoch, images.size(), which, blank ? fmt::format(", blank ({} throughout)", *first) : "");
}

}  // namespace

Trainer::Trainer(Model& model, const ImageSet& train, const ImageSet& validation,
                 TrainConfig config)
    : model_(model),
      train_(train),
      validation_(validation),
      config_(std::move(config)),
      loss_(model.loss(config_.loss)),
      optimizer_(model.optimizer(config_.optimizer)) {
    check_recipe();
    model.check_images(train);
    model.check_images(validation);
    check_classes(train);
    check_classes(validation);
    FloatBuffer parameters = model.flat_buffer();
    model.initialize(parameters, config_.seed);
    const Recipe& recipe = config_.recipe;
    if (!recipe.warp.is_none()) warped_ = train;
    engine_ = make_engine({model, loss_, optimizer_, recipe.warp.is_none() ? train_ : warped_,
                           std::move(parameters), averages()});
    protocol_ = make_protocol(
        loss_, {train.labels, config_.seed, recipe.batch, recipe.images_per_class, recipe.noise});
    validated_ = protocol_->validation(validation.labels);
    if (loss_.sees == SIAMC_BATCH) validated_pairs_ = validation_pairs(validation.labels);
}

// Losses on single images know so many classes, whatever their labels are: they are numbered.
void Trainer::check_classes(const ImageSet& images) const {
    const std::int32_t known = loss_.train->classes;
    const int shown = images.classes();
    if (known == 0 || shown <= known) return;
    fail(Exit::usage,
         "--loss: {} knows {} classes, the images are of {}\n  write: classes = {} or more under "
         "[loss.{}] in the model, or --classes with fewer",
         loss_.name, known, shown, shown, loss_.name);
}

void Trainer::check_recipe() const {
    if (config_.recipe.batch < 1 || config_.recipe.batch > loss_.train->batch)
        fail(Exit::usage,
             "--batch: {} tuples a step; model {} was compiled for 1 to {}\n  write: a smaller "
             "batch, or compile the model with siamc compile --batch",
             config_.recipe.batch, model_.name(), loss_.train->batch);
    if (config_.recipe.epochs < 1) fail(Exit::usage, "--epochs: at least 1");
    if (averages() && model_.tables().device)
        fail(Exit::usage,
             "--average: on a device there is none\n  why: it takes steps without handing out the "
             "weights of each\n  write: --device cpu, or --average none");
}

// All of them anew: an image that several tuples of an epoch show is the same in each.
void Trainer::warp_images(int number) {
    const ImageWarper warper(train_, config_.recipe.warp, config_.seed);
    constexpr long at_once = 256;
    const auto tasks = static_cast<int>((train_.size() + at_once - 1) / at_once);
    model_.parallel(tasks, [&](int task) {
        const long last = std::min((task + 1) * at_once, train_.size());
        for (long i = task * at_once; i < last; ++i)
            warper.warp(static_cast<std::uint32_t>(number - 1), i,
                        &warped_.pixels[static_cast<std::size_t>(i) * train_.image_bytes()]);
    });
}

Tuples Trainer::sample(int number) {
    protocol_->sample(number - 1, sampled_);
    Tuples tuples = sampled_.tuples();
    if (config_.recipe.shift == 0) return tuples;
    const Random random(config_.seed, Stream::augmentation, static_cast<std::uint32_t>(number - 1));
    draw_shifts(sampled_.rows, sampled_.branches, config_.recipe.shift, random, shifts_);
    tuples.shifts = shifts_;
    return tuples;
}

long Trainer::steps_per_epoch() const {
    return (protocol_->tuples() + protocol_->step_tuples() - 1) / protocol_->step_tuples();
}

// Of a loss without distances of tuples there is none.
double Trainer::accuracy(const EpochTotals& totals) const {
    if (loss_.sees == SIAMC_BATCH) return std::numeric_limits<double>::quiet_NaN();
    return static_cast<double>(totals.right) / static_cast<double>(totals.tuples);
}

double Trainer::rate_of(int number, long step) const {
    const long steps = steps_per_epoch();
    return config_.recipe.schedule.rate((number - 1) * steps + step, steps * config_.recipe.epochs);
}

void Trainer::plan(int number) {
    const long steps = steps_per_epoch();
    hyper_.clear();
    seeds_.clear();
    pulls_.clear();
    Random seeds(config_.seed, Stream::dropout, static_cast<std::uint32_t>(number - 1));
    for (long step = 0; step < steps; ++step) {
        const long of_run = (number - 1) * steps + step + 1;
        hyper_.push_back(
            hyper_parameters(optimizer_, config_.semantics, rate_of(number, step), of_run));
        seeds_.push_back(seeds.next());
        if (averages()) pulls_.push_back(config_.recipe.averaging.pull(of_run));
    }
    const bool warps = !config_.recipe.warp.is_none();
    if (warps) warp_images(number);
    engine_->plan({sample(number), protocol_->step_tuples(), hyper_, seeds_, pulls_, warps});
}

void Trainer::load(TrainingState state) {
    if (state.average.has_value() != averages())
        fail(Exit::bad_data, "the checkpoint has {} average of the weights, the recipe {}",
             state.average ? "an" : "no", averages() ? "keeps one" : "does not");
    engine_->load(std::move(state));
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
        if (!after_step({number, totals.steps, steps, totals.loss / seen, accuracy(totals)}))
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
    row.train_accuracy = accuracy(totals);
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
    Judged judged;
    protocol_->judge(sampled_, first * protocol_->step_tuples(), results.distances,
                     config_.threshold, judged);
    totals.right += judged.right;
    totals.loss += results.loss;
    totals.tuples += results.tuples;
    totals.steps += results.steps;
}

Validation Trainer::validate() {
    std::vector<std::vector<float>> distances;
    Validation validation;
    Judged judged;
    validation.loss =
        engine_->validate(validation_, validated_.tuples(), validated_pairs_.tuples(), distances);
    if (validated_pairs_.count())
        judge_pairs(validated_pairs_, distances[0], config_.threshold, judged);
    else
        protocol_->judge(validated_, 0, distances, config_.threshold, judged);
    validation.accuracy = static_cast<double>(judged.right) / static_cast<double>(judged.judged);
    validation.mean_positive_distance = judged.same / static_cast<double>(judged.sames);
    validation.mean_negative_distance = judged.different / static_cast<double>(judged.differents);
    return validation;
}

void Trainer::check_alive(const EpochRow& row) const {
    if (!std::isfinite(row.mean_positive_distance) || !std::isfinite(row.mean_negative_distance))
        fail(Exit::collapsed,
             "training collapsed in epoch {}: distances are not finite any more\n  why: the "
             "learning rate ({:g}) is too high for this data\n  write: a smaller --rate",
             row.epoch, row.learning_rate);
    if (row.mean_negative_distance > collapsed_distance) return;
    check_differ(train_, "training", row.epoch);
    check_differ(validation_, "validation", row.epoch);
    fail(Exit::collapsed,
         "training collapsed in epoch {}: different images are {:g} apart on average\n  why: all "
         "embeddings have become one point; the learning rate ({:g}) is too high\n  write: a "
         "smaller --rate",
         row.epoch, row.mean_negative_distance, row.learning_rate);
}

}  // namespace siamc
