// Random numbers that are a pure function of (seed, stream, epoch, index): no hidden state, the
// same on every platform, and any number can be had without drawing those before it.
//
// The generator is Philox4x32 with 10 rounds: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011), doi:10.1145/2063384.2063405. The
// tests hold it to the known answers published with the authors' Random123 library.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

namespace siamc {

// What the numbers are for. Two uses of one seed never share a stream, so they are independent.
// The values are part of every result's reproducibility: append, never renumber.
enum class Stream : std::uint32_t {
    parameters = 0,           // initial weights
    augmentation = 1,         // random shifts of training images
    pairs = 2,                // partners of a training epoch's pairs
    pair_order = 3,           // their shuffling
    triplets = 4,             // partners of a training epoch's triplets
    triplet_order = 5,        // their shuffling
    evaluation_pairs = 6,     // the fixed pairs
    evaluation_triplets = 7,  // the fixed triplets
    episodes = 8,             // N-way K-shot episodes
    split = 9,                // training/validation split
    glyph_classes = 10,       // strokes of the embedded data set's classes
    glyph_train = 11,         // jitter of its training images
    glyph_test = 12,          // jitter of its test images
    batch_classes = 13,       // order of classes in batches of them
    batch_images = 14,        // order of each class's images there
    warps = 15,               // deformations of training images
    dropout = 16,             // seeds of a training epoch's steps
    bootstrap_images = 17,    // images of a replicate of pairs
    bootstrap_classes = 18,   // classes of a replicate of retrieval
    class_split = 19,         // classes that are held out
    drawing = 20,             // turns, sizes, slants, gaps and brightness of training images
};

using PhiloxBlock = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

// Four random words for one counter and key.
constexpr PhiloxBlock philox4x32_10(PhiloxBlock counter, PhiloxKey key) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
        const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
        counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0],
                   static_cast<std::uint32_t>(b),
                   static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1],
                   static_cast<std::uint32_t>(a)};
        key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
    }
    return counter;
}

// The sequence of numbers of one (seed, stream, epoch, index): up to 2^34 of them.
class Random {
  public:
    constexpr Random(std::uint64_t seed, Stream stream, std::uint32_t epoch = 0,
                     std::uint32_t index = 0)
        : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
          counter_{0, index, epoch, static_cast<std::uint32_t>(stream)} {}

    // Uniform over all 32-bit words.
    constexpr std::uint32_t next() {
        if (used_ == 4) {
            block_ = philox4x32_10(counter_, key_);
            ++counter_[0];
            used_ = 0;
        }
        return block_[used_++];
    }

    // Uniform over 0 … n-1 without bias; n > 0. Multiply and reject: D. Lemire, "Fast random
    // integer generation in an interval", ACM TOMACS 29 (2019), doi:10.1145/3230636.
    constexpr std::uint32_t below(std::uint32_t n) {
        std::uint64_t product = std::uint64_t{next()} * n;
        if (static_cast<std::uint32_t>(product) < n) {
            const std::uint32_t threshold = (0u - n) % n;
            while (static_cast<std::uint32_t>(product) < threshold)
                product = std::uint64_t{next()} * n;
        }
        return static_cast<std::uint32_t>(product >> 32);
    }

    // Uniform over the integers low … high, both included; low <= high.
    constexpr int between(int low, int high) {
        return low + static_cast<int>(below(static_cast<std::uint32_t>(high - low) + 1));
    }

    // Uniform over the multiples of 2^-24 in [0, 1): exact in float, never 1.
    constexpr float uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }

  private:
    PhiloxKey key_;
    PhiloxBlock counter_;
    PhiloxBlock block_{};
    unsigned used_ = 4;
};

// Brings n things into a uniformly random order (Fisher-Yates): calls swap(i, j) with j <= i < n.
// With a Random keyed by (seed, epoch) the order is a pure function of the two.
template <typename Swap>
constexpr void shuffle(std::uint32_t n, Random random, Swap&& swap) {
    for (std::uint32_t i = n; i > 1; --i) swap(i - 1, random.below(i));
}

}  // namespace siamc
