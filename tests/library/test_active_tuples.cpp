// Tuples without a gradient are left out of the backward pass: the same bits as if they were not.
// The same library with every tuple flagged as active leaves out none.
#include <HalideRuntime.h>

#include <cstring>
#include <limits>

#include "catch.h"
#include "library/fixture.h"
#include "training/optimizer.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Images of two classes, bright on the left (even numbers) or on the right, and weights that have
// learned to tell them apart.
class TwoClasses {
  public:
    explicit TwoClasses(const siamc_model& tables)
        : world_(tables),
          arena_(static_cast<std::size_t>(tables.arena_bytes) / sizeof(float) + most_tuples) {
        for (std::size_t i = 0; i < world_.images.size(); ++i)
            world_.images[i] = (i % 28 < 14) == (i / 784 % 2 == 0)
                                   ? static_cast<std::uint8_t>(128 + world_.images[i] / 2)
                                   : 0;
        std::fill(world_.shifts.begin(), world_.shifts.end(), 0);
        const Model model(tables);
        Optimizer optimizer(model, "adam", Semantics::keras);
        for (int s = 0; s < 40; ++s) {
            const bool pairs = s % 2 == 0;
            arrange(pairs ? 2 : 3, 16, [&](int t) { return pairs && t % 2 == 0; });
            REQUIRE(world_.step(tables.losses[s % 2], optimizer.next(0.001), 16) == 0);
        }
    }

    // Gradients of tuples of which those cost something for which `costs` says so.
    template <typename Costs>
    void check(const siamc_loss& loss, int tuples, Costs&& costs) {
        const int active = arrange(loss.train->branches, tuples, costs);
        const std::vector<float> skipped = gradient(loss, tuples, false);
        int with_loss = 0;
        for (int t = 0; t < tuples; ++t) with_loss += results_.losses[t] > 0;
        REQUIRE(with_loss == active);
        const std::vector<float> whole = gradient(loss, tuples, true);
        const bool same_bits =
            std::memcmp(skipped.data(), whole.data(), whole.size() * sizeof(float)) == 0;
        CHECK(same_bits);
        const bool zero = std::all_of(whole.begin(), whole.end(), [](float g) { return g == 0; });
        CHECK(zero == (active == 0));
    }

    World& world() { return world_; }

    std::vector<float> gradient(const siamc_loss& loss, int tuples, bool flag_all) {
        siamc_program program = *loss.train;
        REQUIRE(program.active_offset >= 0);
        siamc_loss patched = loss;
        patched.train = &program;
        const auto flags = static_cast<std::size_t>(world_.model.arena_bytes) / sizeof(float);
        std::fill(arena_.data() + flags, arena_.data() + arena_.size(), 1.0f);
        if (flag_all) program.active_offset = static_cast<std::int64_t>(flags * sizeof(float));
        const siamc_batch batch = world_.batch(tuples);
        std::fill(world_.gradient.span().begin(), world_.gradient.span().end(),
                  std::numeric_limits<float>::quiet_NaN());
        REQUIRE(siamc_gradient(&patched, world_.parameters.data(), world_.images.data(),
                               stored_images, &batch, world_.gradient.data(), arena_.data(),
                               &results_) == 0);
        std::vector<float> parts;  // without what lies between them, which nobody writes
        for (int p = 0; p < world_.model.parameter_tensors; ++p) {
            const siamc_parameter& part = world_.model.parameters[p];
            std::int64_t size = 1;
            for (int d = 0; d < part.dimensions; ++d) size *= part.dims[d];
            const float* first = world_.gradient.data() + part.offset;
            parts.insert(parts.end(), first, first + size);
        }
        return parts;
    }

  private:
    static constexpr std::size_t most_tuples = 128;

    // A pair of one class costs its distance, one of two nothing; a triplet that is in order
    // nothing, one with positive and negative exchanged its margin and more. How many cost.
    template <typename Costs>
    int arrange(int branches, int tuples, Costs&& costs) {
        int active = 0;
        for (int t = 0; t < tuples; ++t) {
            const auto row = static_cast<std::size_t>(branches * t);
            const int image = (31 * t + t % 3) % stored_images;
            const int like = (image + 2) % stored_images, unlike = (image + 1) % stored_images;
            world_.rows[row] = image;
            world_.rows[row + 1] = costs(t) == (branches == 2) ? like : unlike;
            if (branches == 3) world_.rows[row + 2] = costs(t) ? like : unlike;
            world_.labels[static_cast<std::size_t>(t)] = costs(t) ? 1.0f : 0.0f;
            active += costs(t);
        }
        return active;
    }

    World world_;
    FloatBuffer arena_;
    siamc_results results_{};
};

template <typename Costs>
void check_sizes(TwoClasses& classes, const siamc_model& tables, Costs&& costs) {
    for (const siamc_loss* loss : {&tables.losses[0], &tables.losses[1]})
        for (int tuples : {1, 3, 31, 128}) {
            INFO(tables.name << ", " << loss->name << ", " << tuples << " tuples");
            classes.check(*loss, tuples, [&](int t) { return costs(t, tuples); });
        }
}

}  // namespace

TEST_CASE("tuples without a gradient change no bit of it") {
    for (const siamc_model* tables : {&fc_model, &cnn_model}) {
        TwoClasses classes(*tables);
        check_sizes(classes, *tables, [](int, int) { return true; });
        check_sizes(classes, *tables, [](int, int) { return false; });
        check_sizes(classes, *tables, [](int t, int tuples) { return t == tuples / 2; });
        check_sizes(classes, *tables, [](int t, int) { return t % 5 == 1; });
    }
}

TEST_CASE("gradients of some tuples are the same bits on any number of threads", "[many]") {
    for (const siamc_model* tables : {&fc_model, &cnn_model}) {
        TwoClasses classes(*tables);
        classes.check(tables->losses[1], 100, [](int t) { return t % 7 < 2; });
        halide_set_num_threads(1);
        const std::vector<float> one = classes.gradient(tables->losses[1], 100, false);
        for (int threads : {2, 5}) {
            halide_set_num_threads(threads);
            const std::vector<float> other = classes.gradient(tables->losses[1], 100, false);
            INFO(tables->name << ", " << threads << " threads");
            CHECK(std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0);
        }
    }
}
