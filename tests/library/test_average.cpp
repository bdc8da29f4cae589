// Moving averages of weights in training: what they are, what sees them, and that a run goes on
// with them.
#include <cmath>
#include <cstring>

#include "catch.h"
#include "library/fixture.h"
#include "runtime/data_helpers.h"
#include "training/checkpoint.h"
#include "training/protocol.h"
#include "training/trainer.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Noisy images of five classes.
ImageSet some_images(int images, std::uint32_t part) {
    ImageSet set{28, 28, {}, {}};
    Random noise(3, Stream::glyph_test, part);
    for (int i = 0; i < images; ++i) {
        const int label = i % 5;
        Random pattern(3, Stream::glyph_classes, 0, static_cast<std::uint32_t>(label));
        set.labels.push_back(label);
        for (int p = 0; p < 784; ++p)
            set.pixels.push_back(
                static_cast<std::uint8_t>(pattern.below(2) * 150 + noise.below(100)));
    }
    return set;
}

// 120 pairs an epoch: eight steps, of which the last has fewer pairs.
constexpr int steps_of_epoch = 8;

TrainConfig some_config(Averaging averaging) {
    TrainConfig config;
    config.recipe.epochs = 3;
    config.recipe.batch = 16;
    config.recipe.shift = 1;
    config.recipe.schedule.peak = 0.003;
    config.recipe.averaging = averaging;
    return config;
}

struct Training {
    ImageSet train = some_images(60, 0), validation = some_images(40, 1);
    Model model{fc_model};
    Trainer trainer;

    explicit Training(Averaging averaging)
        : trainer(model, train, validation, some_config(averaging)) {}

    // Trains the rest of an epoch; `look` is asked after each step whether to go on.
    template <typename Look>
    std::optional<EpochRow> epoch(int number, EpochTotals& totals, Look&& look) {
        return trainer.epoch(number, totals, [&](const Progress&) { return look(); });
    }
    EpochRow whole_epoch(int number) {
        EpochTotals totals;
        return *epoch(number, totals, [] { return true; });
    }
};

bool same(const FloatBuffer& a, const FloatBuffer& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The mean of all weights, each weighted by decay to the number of steps since, in double.
class WeightedMean {
  public:
    explicit WeightedMean(double decay) : decay_(decay) {}

    void add(const FloatBuffer& weights) {
        seen_.emplace_back(weights.data(), weights.data() + weights.size());
    }
    double of(std::size_t i) const {
        double sum = 0, total = 0;
        for (std::size_t step = 0; step < seen_.size(); ++step) {
            const double weight = std::pow(decay_, static_cast<double>(seen_.size() - 1 - step));
            sum += weight * static_cast<double>(seen_[step][i]);
            total += weight;
        }
        return sum / total;
    }

  private:
    double decay_;
    std::vector<std::vector<float>> seen_;
};

// The largest difference between the average of a run and what it has to be; and how far the
// weights themselves are from that.
struct Distances {
    double average = 0, weights = 0;
};

Distances distances(const TrainingState& state, const WeightedMean& expected) {
    Distances largest;
    for (std::size_t i = 0; i < state.parameters.size(); ++i) {
        const double mean = expected.of(i);
        const auto off = [&](const FloatBuffer& flat) { return std::abs(flat.data()[i] - mean); };
        largest.average = std::max(largest.average, off(*state.average));
        largest.weights = std::max(largest.weights, off(state.parameters));
    }
    return largest;
}

}  // namespace

TEST_CASE("the average is the weighted mean of the weights of all steps", "[once]") {
    for (const double decay : {0.5, 0.9, 0.999}) {
        Training run({Averaging::Kind::ema, decay});
        WeightedMean expected(decay);
        int steps = 0;
        for (int number = 1; number <= 3; ++number) {
            EpochTotals totals;
            run.epoch(number, totals, [&] {
                const TrainingState& state = run.trainer.state();
                expected.add(state.parameters);
                if (++steps != 1 && steps % 5) return true;
                const Distances off = distances(state, expected);
                CHECK(!(off.average > 1e-6));
                CHECK((steps == 1 || off.weights > 1e-4));
                return true;
            });
        }
        CHECK(steps == 3 * steps_of_epoch);
    }
}

TEST_CASE("the average is what is validated and left, and training does not see it", "[once]") {
    Training run({Averaging::Kind::ema, 0.9}), plain({});
    for (int number = 1; number <= 2; ++number) {
        const EpochRow row = run.whole_epoch(number), plain_row = plain.whole_epoch(number);
        CHECK(row.train_loss == plain_row.train_loss);
        CHECK(row.val_loss != plain_row.val_loss);
        const TrainingState& state = run.trainer.state();
        CHECK(same(state.parameters, plain.trainer.state().parameters));
        CHECK(same(state.moments[0], plain.trainer.state().moments[0]));
        CHECK(same(run.trainer.evaluated(), *state.average));
        CHECK(same(plain.trainer.evaluated(), plain.trainer.state().parameters));
        CHECK_FALSE(plain.trainer.state().average);

        const TupleList pairs = validation_pairs(run.validation.labels);
        std::vector<std::vector<float>> unused;
        const auto loss_by = [&](const FloatBuffer& weights) {
            return run.model.evaluate(run.model.loss("contrastive"), weights,
                                      run.model.embed(weights, run.validation), pairs.tuples(),
                                      unused);
        };
        CHECK(row.val_loss == loss_by(*state.average));
        CHECK(plain_row.val_loss == loss_by(state.parameters));
    }
}

TEST_CASE("a run with an average goes on from a checkpoint to the same bits", "[once]") {
    const Averaging averaging{Averaging::Kind::ema, 0.95};
    Training whole(averaging);
    whole.whole_epoch(1);
    const EpochRow last = whole.whole_epoch(2);

    const TempFolder folder;
    const auto file = folder.path() / "checkpoint";
    Training first(averaging);
    RunProgress progress;
    progress.rows = {first.whole_epoch(1)};
    const auto row = first.epoch(2, progress.totals, [&] {
        if (progress.totals.steps < 3) return true;
        save_checkpoint(file, first.model, progress, first.trainer.state(), nullptr);
        return false;
    });
    CHECK_FALSE(row);

    const Checkpoint checkpoint = read_checkpoint(file);
    Training second(averaging);
    second.trainer.load(checkpoint.state(second.model, 2));
    CHECK(same(*second.trainer.state().average, *first.trainer.state().average));
    EpochTotals totals = checkpoint.progress.totals;
    CHECK(totals.steps == 3);
    const auto resumed = second.epoch(2, totals, [] { return true; });
    REQUIRE(resumed);
    CHECK(resumed->val_loss == last.val_loss);
    const TrainingState &a = whole.trainer.state(), &b = second.trainer.state();
    CHECK(same(a.parameters, b.parameters));
    CHECK(same(a.moments[0], b.moments[0]));
    CHECK(same(a.moments[1], b.moments[1]));
    CHECK(same(*a.average, *b.average));

    Training without({});
    CHECK(failure_of([&] { without.trainer.load(checkpoint.state(without.model, 2)); }).code ==
          Exit::bad_data);
    save_checkpoint(file, without.model, progress, without.trainer.state(), nullptr);
    CHECK(failure_of([&] {
              second.trainer.load(read_checkpoint(file).state(second.model, 2));
          }).mentions("the checkpoint has no average"));
}

TEST_CASE("an average that is not finite is not saved", "[once]") {
    const TempFolder folder;
    Training run({Averaging::Kind::ema, 0.9});
    run.whole_epoch(1);
    TrainingState state{run.model.flat_buffer(), {}, run.model.flat_buffer()};
    state.average->data()[7] = std::nanf("");
    CHECK(failure_of([&] {
              save_checkpoint(folder.path() / "checkpoint", run.model, {}, state, nullptr);
          }).code == Exit::collapsed);
}
