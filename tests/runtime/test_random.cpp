#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "catch.h"
#include "runtime/data_helpers.h"
#include "sampling/random.h"

using namespace siamc;
using namespace siamc::test;

// The lines "philox4x32 10" of kat_vectors, published with the Random123 library.
TEST_CASE("Philox gives the published known answers", "[random]") {
    CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
          PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(
        philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(
        philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("seed, stream, epoch and index each have their place in key and counter", "[random]") {
    Random random(0x1111111122222222, Stream::episodes, 33, 44);
    std::vector<std::uint32_t> words(8);
    for (std::uint32_t& word : words) word = random.next();
    const auto stream = static_cast<std::uint32_t>(Stream::episodes);
    const PhiloxBlock first = philox4x32_10({0, 44, 33, stream}, {0x22222222, 0x11111111});
    const PhiloxBlock second = philox4x32_10({1, 44, 33, stream}, {0x22222222, 0x11111111});
    CHECK(std::equal(first.begin(), first.end(), words.begin()));
    CHECK(std::equal(second.begin(), second.end(), words.begin() + 4));
}

TEST_CASE("below is without bias where plain scaling would double some values", "[random]") {
    // Scaling 2^32 words to 3 * 2^30 values without rejection gives every third value twice.
    Random random(1, Stream::pairs);
    std::vector<long> counts(3);
    for (int i = 0; i < 30000; ++i) {
        const std::uint32_t value = random.below(3u << 30);
        REQUIRE(value < 3u << 30);
        ++counts[value % 3];
    }
    CHECK(roughly_equal(counts));
}

TEST_CASE("below reaches every value equally often", "[random]") {
    const std::uint32_t n = GENERATE(1u, 2u, 7u, 10u, 127u, 1000u);
    Random random(n, Stream::pairs);
    std::vector<long> counts(n);
    for (std::uint32_t i = 0; i < 200 * n; ++i) {
        const std::uint32_t value = random.below(n);
        REQUIRE(value < n);
        ++counts[value];
    }
    if (n == 1) {
        CHECK(counts[0] == 200);
    } else {
        CHECK(roughly_equal(counts));
    }
}

TEST_CASE("between includes both ends", "[random]") {
    Random random(2, Stream::pairs);
    std::map<int, int> seen;
    for (int i = 0; i < 1000; ++i) ++seen[random.between(-2, 2)];
    CHECK(seen.size() == 5);
    CHECK(seen.begin()->first == -2);
    CHECK(seen.rbegin()->first == 2);
    CHECK(random.between(5, 5) == 5);
}

TEST_CASE("uniform is at least 0, below 1 and evenly spread", "[random]") {
    Random random(3, Stream::parameters), words(3, Stream::parameters);
    std::vector<long> counts(64);
    for (int i = 0; i < 64000; ++i) {
        const float value = random.uniform();
        REQUIRE(value == static_cast<float>(words.next() >> 8) / 16777216.0f);
        REQUIRE((value >= 0.0f && value < 1.0f));
        ++counts[static_cast<std::size_t>(value * 64)];
    }
    CHECK(roughly_equal(counts));
    CHECK(static_cast<float>(0xffffffffu >> 8) * 0x1p-24f < 1.0f);
}

TEST_CASE("shuffle makes every order equally likely", "[random]") {
    std::map<std::vector<int>, long> seen;
    for (std::uint32_t epoch = 0; epoch < 4800; ++epoch) {
        std::vector<int> things = {0, 1, 2, 3};
        shuffle(4, Random(4, Stream::pair_order, epoch),
                [&](std::size_t i, std::size_t j) { std::swap(things[i], things[j]); });
        ++seen[things];
    }
    std::vector<long> counts;
    for (const auto& [order, count] : seen) counts.push_back(count);
    REQUIRE(counts.size() == 24);
    CHECK(roughly_equal(counts));
}

TEST_CASE("shuffle of nothing and of one thing swaps nothing", "[random]") {
    int swaps = 0;
    const auto count = [&](std::size_t, std::size_t) { ++swaps; };
    shuffle(0, Random(5, Stream::pair_order), count);
    shuffle(1, Random(5, Stream::pair_order), count);
    CHECK(swaps == 0);
    shuffle(2, Random(5, Stream::pair_order), count);
    CHECK(swaps == 1);
}
