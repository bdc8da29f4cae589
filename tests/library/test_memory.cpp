// Every buffer between pages that may not be touched: whatever the shifts, the library stays inside
// what its header asks for, and refuses indices of images that are not there.
#include <cstring>

#include "catch.h"
#include "library/fixture.h"
#include "support/guarded_memory.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// The world's buffers, each in memory that holds no byte more than the header says.
class Guarded {
  public:
    explicit Guarded(Against side)
        : parameters_(FC_PARAMETER_FLOATS * sizeof(float), side),
          gradient_(FC_PARAMETER_FLOATS * sizeof(float), side),
          arena_(FC_ARENA_BYTES, side),
          images_(784 * stored_images, side),
          embeddings_(stored_images * FC_EMBEDDING * sizeof(float), side) {
        std::memcpy(parameters_.data(), world.parameters.data(),
                    FC_PARAMETER_FLOATS * sizeof(float));
        std::memcpy(images_.data(), world.images.data(), world.images.size());
        std::memset(gradient_.data(), 0, FC_PARAMETER_FLOATS * sizeof(float));
    }

    World world;
    float* parameters() { return as_floats(parameters_); }
    float* gradient() { return as_floats(gradient_); }
    float* embeddings() { return as_floats(embeddings_); }
    void* arena() { return arena_.data(); }
    const std::uint8_t* images() const { return images_.data(); }
    bool slack_is_whole() const {
        return parameters_.slack_is_whole() && gradient_.slack_is_whole() &&
               arena_.slack_is_whole() && images_.slack_is_whole() && embeddings_.slack_is_whole();
    }

  private:
    static float* as_floats(GuardedMemory& memory) {
        return reinterpret_cast<float*>(memory.data());
    }

    GuardedMemory parameters_, gradient_, arena_, images_, embeddings_;
};

// The first and last images, and shifts far too long among others.
void make_wild(World& world) {
    for (std::size_t i = 0; i < world.rows.size(); ++i) {
        const std::int32_t wild[] = {stored_images - 1, 0, 7, stored_images - 2, 1};
        world.rows[i] = wild[i % 5];
    }
    for (std::size_t i = 0; i < world.shifts.size(); ++i) {
        const std::int32_t wild[] = {4, -4, 5, -1000000, 2147483647, -2147483647 - 1, 0};
        world.shifts[i] = wild[i % 7];
    }
}

}  // namespace

TEST_CASE("nothing outside the buffers is touched") {
    for (const Against side : {Against::end, Against::start}) {
        Guarded guarded(side);
        make_wild(guarded.world);
        INFO("pages " << (side == Against::end ? "after" : "before"));
        for (const int n : {1, 2, 255, 256, 257, stored_images}) {
            std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
            for (std::size_t i = 0; i < rows.size(); ++i)
                rows[i] = guarded.world.rows[i % guarded.world.rows.size()];
            CHECK(fc_embed(guarded.parameters(), guarded.images(), stored_images, rows.data(), n,
                           guarded.embeddings(), guarded.arena()) == 0);
        }
        for (int loss = 0; loss < fc_model.loss_count; ++loss)
            for (const int tuples : {1, 3, 100, 128}) {
                const siamc_batch batch = guarded.world.batch(tuples);
                siamc_results results{};
                CHECK(siamc_gradient(&fc_model.losses[loss], guarded.parameters(), guarded.images(),
                                     stored_images, &batch, guarded.gradient(), guarded.arena(),
                                     &results) == 0);
                CHECK(std::isfinite(results.loss));
                CHECK(siamc_evaluate(&fc_model, &fc_model.losses[loss], nullptr,
                                     guarded.embeddings(), stored_images, &batch, guarded.arena(),
                                     &results) == 0);
                CHECK(std::isfinite(results.loss));
            }
        CHECK(guarded.slack_is_whole());
    }
}

namespace {

// The stored images, each moved right and down; what moves in is 0.
std::vector<std::uint8_t> moved_images(const World& world, int right, int down) {
    constexpr int side = 28;
    std::vector<std::uint8_t> moved(world.images.size());
    for (int i = 0; i < stored_images; ++i)
        for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x) {
                const long from_y = long{y} - down, from_x = long{x} - right;
                if (from_y < 0 || from_y >= side || from_x < 0 || from_x >= side) continue;
                moved[static_cast<std::size_t>((i * side + y) * side + x)] =
                    world.images[static_cast<std::size_t>((i * side + from_y) * side + from_x)];
            }
    return moved;
}

std::vector<float> losses_of(World& world) {
    siamc_results results{};
    REQUIRE(world.take_gradient(fc_model.losses[0], 64, results) == 0);
    return {results.losses, results.losses + 64};
}

}  // namespace

TEST_CASE("shifts of any size move the images") {
    const int moves[][2] = {{1, -1}, {4, 4}, {5, 0}, {-7, 9}, {27, -27}, {28, 0}, {0, -1000000}};
    std::vector<std::vector<float>> seen;
    for (const auto& [right, down] : moves) {
        World shifted, stored;
        for (std::size_t i = 0; i < shifted.shifts.size(); ++i) {
            shifted.shifts[i] = i % 2 ? down : right;
            stored.shifts[i] = 0;
        }
        stored.images = moved_images(stored, right, down);
        INFO(right << " right, " << down << " down");
        seen.push_back(losses_of(shifted));
        CHECK(seen.back() == losses_of(stored));
        CHECK(std::memcmp(shifted.gradient.data(), stored.gradient.data(),
                          FC_PARAMETERS * sizeof(float)) == 0);
    }
    CHECK(seen[1] != seen[2]);
    CHECK(seen[5] == seen[6]);  // FC_MAX_SHIFT leaves nothing
}
