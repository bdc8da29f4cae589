// Checkpoints of a run: they come back exactly, and nothing damaged passes.
#include <array>
#include <cstring>
#include <limits>

#include "catch.h"
#include "core/files.h"
#include "library/fixture.h"
#include "runtime/data_helpers.h"
#include "training/checkpoint.h"
#include "training/weights.h"

using namespace siamc;
using namespace siamc::test;

namespace {

namespace fs = std::filesystem;

// A checkpoint with other values in each of its buffers, and where to save it.
struct Saved {
    TempFolder folder;
    std::array<fs::path, 2> files = {folder.path() / "a", folder.path() / "b"};
    World world;
    Model model{world.model};
    TrainingState state{model.flat_buffer(), {}, {}};
    RunProgress progress;

    Saved() {
        state.moments.push_back(model.flat_buffer());
        state.moments.push_back(model.flat_buffer());
        fill(state.parameters, 1);
        fill(state.moments[0], 2);
        fill(state.moments[1], 3);
        progress.settings = {{"epochs", std::int64_t{3}}, {"data", std::string("caf\xe9")}};
        progress.data = "0123456789abcdef";
        progress.rows = {{1, 0.1 + 0.2, 1e-3, 1.0 / 3, 0.9, 5e-324, 0.97, 1e300, 1, 123456.75}};
        progress.totals = {7, 112, 99, 0.1 + 0.7, 1.0 / 7};
    }
    // Of the parameters alone: what lies between them stays 0.
    void fill(FloatBuffer& flat, float factor) const {
        for (const TensorView& tensor : tensors_of(model, flat))
            for (std::size_t i = 0; i < tensor.data.size(); ++i)
                const_cast<float&>(tensor.data[i]) = factor * (static_cast<float>(i) + 0.1f);
    }
    void save(const fs::path& file, const FloatBuffer* best = nullptr) const {
        save_checkpoint(file, model, progress, state, best);
    }
    std::optional<Checkpoint> newest(std::vector<std::string>& complaints) const {
        return newest_checkpoint(files, complaints);
    }
};

bool same(const FloatBuffer& a, const FloatBuffer& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("a checkpoint comes back exactly", "[once]") {
    Saved saved;
    FloatBuffer best = saved.model.flat_buffer();
    saved.fill(best, 4);
    for (const FloatBuffer* kept :
         {static_cast<const FloatBuffer*>(nullptr), &std::as_const(best)}) {
        saved.save(saved.files[0], kept);
        const Checkpoint read = read_checkpoint(saved.files[0]);
        const TrainingState state = read.state(saved.model, 2);
        CHECK(same(state.parameters, saved.state.parameters));
        REQUIRE(state.moments.size() == 2);
        CHECK(same(state.moments[0], saved.state.moments[0]));
        CHECK(same(state.moments[1], saved.state.moments[1]));
        CHECK(read.best(saved.model).has_value() == (kept != nullptr));
        CHECK((!kept || same(*read.best(saved.model), best)));
        CHECK(read.progress.settings == saved.progress.settings);
        CHECK(read.progress.data == saved.progress.data);
        CHECK(metrics_text(read.progress.rows) == metrics_text(saved.progress.rows));
        CHECK(read.progress.epoch() == 2);
        CHECK(read.progress.totals.steps == 7);
        CHECK(read.progress.totals.tuples == 112);
        CHECK(read.progress.totals.right == 99);
        CHECK(read.progress.totals.loss == 0.1 + 0.7);
        CHECK(read.progress.totals.seconds == 1.0 / 7);
    }
}

TEST_CASE("the newest checkpoint that is whole is taken", "[once]") {
    Saved saved;
    std::vector<std::string> complaints;
    CHECK_FALSE(saved.newest(complaints));
    saved.save(saved.files[0]);
    CHECK(saved.newest(complaints)->path == saved.files[0]);
    saved.progress.totals.steps = 8;
    saved.save(saved.files[1]);
    CHECK(saved.newest(complaints)->path == saved.files[1]);
    saved.progress.rows.push_back(saved.progress.rows[0]);
    saved.progress.rows[1].epoch = 2;
    saved.progress.totals = {};
    saved.save(saved.files[0]);
    CHECK(saved.newest(complaints)->path == saved.files[0]);
    CHECK(complaints.empty());

    std::string bytes = read_file(saved.files[0], 1 << 24);
    bytes[bytes.size() / 2] ^= 1;
    write_file_atomically(saved.files[0], bytes);
    CHECK(saved.newest(complaints)->path == saved.files[1]);
    REQUIRE(complaints.size() == 1);
    CHECK(complaints[0].find(saved.files[0].string() + ": the file is damaged") == 0);

    fs::resize_file(saved.files[1], 1000);
    complaints.clear();
    const Failure failure = failure_of([&] { saved.newest(complaints); });
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions("there is no other checkpoint"));
}

TEST_CASE("a checkpoint of another model or optimiser is refused", "[once]") {
    const Saved saved;
    saved.save(saved.files[0]);
    const Checkpoint read = read_checkpoint(saved.files[0]);
    for (const int moments : {0, 1, 3})
        CHECK(failure_of([&] { read.state(saved.model, moments); }).code == Exit::bad_data);
    CHECK(failure_of([&] { read.state(Model(cnn_model), 2); }).code == Exit::bad_data);
    save_weights(saved.files[1], saved.model, saved.state.parameters);
    const Failure weights = failure_of([&] { read_checkpoint(saved.files[1]); });
    CHECK(weights.code == Exit::bad_data);
    CHECK(weights.mentions("not a checkpoint of this version: format 'siamc weights 1'"));
}

TEST_CASE("values that are not finite are not saved over a checkpoint", "[once]") {
    Saved saved;
    saved.save(saved.files[0]);
    const std::string before = read_file(saved.files[0], 1 << 24);
    for (FloatBuffer* flat : {&saved.state.parameters, &saved.state.moments[1]}) {
        const float value =
            std::exchange(flat->data()[100], std::numeric_limits<float>::quiet_NaN());
        const Failure failure = failure_of([&] { saved.save(saved.files[0]); });
        CHECK(failure.code == Exit::collapsed);
        CHECK(failure.mentions("the last checkpoint is as it was"));
        CHECK(read_file(saved.files[0], 1 << 24) == before);
        flat->data()[100] = value;
    }
}

TEST_CASE("other images have another hash", "[once]") {
    ImageSet train, validation;
    train.pixels = {1, 2, 3};
    train.labels = {0, 1};
    validation.pixels = {4};
    validation.labels = {1};
    const std::string hash = data_hash(train, validation);
    CHECK(hash.size() == 16);
    CHECK(data_hash(train, validation) == hash);
    CHECK(data_hash(validation, train) != hash);
    train.labels[1] = 2;
    CHECK(data_hash(train, validation) != hash);
    train.labels[1] = 1;
    train.pixels[0] = 2;
    CHECK(data_hash(train, validation) != hash);
}
