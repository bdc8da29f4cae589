// Which images a step computes: those of a slice once, however many of its tuples show them.
#include <algorithm>
#include <array>
#include <set>

#include "catch.h"
#include "library/fixture.h"
#include "sampling/pairs.h"
#include "sampling/shifts.h"

using namespace siamc;
using namespace siamc::test;

namespace {

using Image = std::array<std::int32_t, 3>;  // row and shift

// A batch in the arena, read back.
class Prepared {
  public:
    Prepared(const siamc_program& program, const siamc_batch& batch)
        : program_(program), batch_(batch) {
        siamc_start(&run_, arena_.data(), nullptr, stored_images);
        siamc_prepare_batch(&run_, &program, &batch, 0);
    }

    int images() const { return run_.counts[SIAMC_IMAGES]; }
    int slices() const { return run_.counts[SIAMC_SLICES]; }
    int first_image(int slice) const { return integers(program_.first_images_offset)[slice]; }

    Image image(int number) const {
        const std::int32_t* shift = integers(program_.shifts_offset) + 2 * number;
        return {integers(program_.indices_offset)[number], shift[0], shift[1]};
    }
    // What the batch wants to be shown there.
    Image wanted(int tuple, int branch) const {
        const int row = program_.branches * tuple + branch;
        const std::int32_t* shift = batch_.shifts + 2 * row;
        return {batch_.indices[row], shift[0], shift[1]};
    }
    Image shown(int tuple, int branch) const {
        const int slice = tuple / siamc_slice_tuples(&program_, run_.counts[SIAMC_TUPLES]);
        const int place = integers(program_.members_offset)[program_.branches * tuple + branch];
        REQUIRE(place >= 0);
        REQUIRE(first_image(slice) + place < first_image(slice + 1));
        return image(first_image(slice) + place);
    }

  private:
    const std::int32_t* integers(std::int64_t offset) const {
        return reinterpret_cast<const std::int32_t*>(
            reinterpret_cast<const std::uint8_t*>(arena_.data()) + offset);
    }

    const siamc_program& program_;
    const siamc_batch& batch_;
    FloatBuffer arena_{static_cast<std::size_t>(fc_model.arena_bytes) / sizeof(float) + 1};
    siamc_run run_;
};

void check(const siamc_program& program, const siamc_batch& batch) {
    INFO(program.name << ", " << batch.tuples << " tuples");
    const Prepared prepared(program, batch);
    for (int tuple = 0; tuple < batch.tuples; ++tuple)
        for (int branch = 0; branch < program.branches; ++branch)
            REQUIRE(prepared.shown(tuple, branch) == prepared.wanted(tuple, branch));
    CHECK(prepared.first_image(0) == 0);
    CHECK(prepared.first_image(prepared.slices()) == prepared.images());
    for (int slice = 0; slice < prepared.slices(); ++slice) {
        const int first = prepared.first_image(slice), end = prepared.first_image(slice + 1);
        CHECK(first % program.tuple_quantum == 0);
        std::set<Image> images;
        int repeated = 0;  // those that fill up the last register tile may
        for (int image = first; image < end; ++image)
            repeated += !images.insert(prepared.image(image)).second;
        CHECK(repeated < program.tuple_quantum);
    }
}

}  // namespace

TEST_CASE("tuples are shown their images, each computed once a slice") {
    for (const int stored : {1, 2, 7, 300}) {
        World world;
        for (std::int32_t& row : world.rows) row %= stored;
        for (std::int32_t& shift : world.shifts) shift /= 3;
        for (const siamc_program* program : {fc_model.losses[0].train, fc_model.losses[1].train})
            for (const int tuples : {1, 2, 3, 4, 5, 17, 100, 127, 128})
                check(*program, world.batch(tuples));
    }
}

TEST_CASE("the anchors of sampled pairs are computed once") {
    std::vector<int> labels(stored_images);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 10);
    std::vector<std::int32_t> rows, shifts;
    std::vector<float> similar;
    PairSampler(labels, 1).epoch(0, rows, similar);
    draw_shifts(rows, 2, 4, Random(1, Stream::augmentation), shifts);
    const siamc_batch batch = {rows.data(), shifts.data(), similar.data(), 128};
    const Prepared prepared(*fc_model.losses[0].train, batch);
    CHECK(prepared.images() <= 192);  // 64 anchors and their 128 partners
    CHECK(prepared.images() > 160);
    check(*fc_model.losses[0].train, batch);
}

TEST_CASE("no tuples have no loss and no gradient") {
    World world;
    for (int l = 0; l < fc_model.loss_count; ++l) {
        const siamc_loss& loss = fc_model.losses[l];
        std::fill_n(world.gradient.data(), FC_PARAMETERS, 1.0f);
        siamc_results results{};
        REQUIRE(world.take_gradient(loss, 0, results) == 0);
        CHECK(results.loss == 0);
        for (int i = 0; i < FC_PARAMETERS; ++i) REQUIRE(world.gradient.data()[i] == 0);
    }
}

TEST_CASE("an image shown everywhere gets the sum of its gradients") {
    World world, once;
    std::fill(world.rows.begin(), world.rows.end(), 5);
    std::fill(world.shifts.begin(), world.shifts.end(), 1);
    // A pair of one image twice has distance 0: whatever its label, no gradient.
    siamc_results results{};
    REQUIRE(world.take_gradient(fc_model.losses[0], 128, results) == 0);
    for (int i = 0; i < FC_PARAMETERS; ++i) REQUIRE(world.gradient.data()[i] == 0);
    // The same pair 128 times: the mean of equal gradients.
    for (std::size_t row = 0; row < world.rows.size(); row += 2) world.rows[row] = 6;
    std::fill(world.labels.begin(), world.labels.end(), 1.0f);
    once.rows = world.rows, once.shifts = world.shifts, once.labels = world.labels;
    REQUIRE(world.take_gradient(fc_model.losses[0], 128, results) == 0);
    REQUIRE(once.take_gradient(fc_model.losses[0], 1, results) == 0);
    double largest = 0, error = 0;
    for (int i = 0; i < FC_PARAMETERS; ++i) {
        const double expected = once.gradient.data()[i];
        const double difference = std::abs(world.gradient.data()[i] - expected);
        largest = std::max(largest, std::abs(expected));
        error = difference <= error ? error : difference;  // a NaN stays
    }
    CHECK(largest > 0);
    CHECK(error <= 1e-5 * largest);
}
