// Built once per instruction set, with SIAMC_LOOPS its name. Includes nothing from the standard
// library: inline functions built here for a wide instruction set could be linked into code that
// runs everywhere.
#include "machine/loops.h"

#define SIAMC_JOIN(name, set) name##set
#define SIAMC_NAME(name, set) SIAMC_JOIN(name, set)

namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, chains = 24;  // 32 registers
#elif defined(__AVX__)
constexpr int vector_bytes = 32, chains = 12;  // 16 registers
#elif defined(__aarch64__)
constexpr int vector_bytes = 16, chains = 24;
#else
constexpr int vector_bytes = 16, chains = 12;
#endif

typedef float Floats __attribute__((vector_size(vector_bytes)));
typedef long Longs __attribute__((vector_size(vector_bytes)));

constexpr int floats = vector_bytes / 4;
constexpr int streams = 8;

}  // namespace

extern "C" long SIAMC_NAME(siamc_fma_flops_, SIAMC_LOOPS)(void) {
    return 2 * chains * floats;
}

extern "C" float SIAMC_NAME(siamc_fma_, SIAMC_LOOPS)(long rounds) {
    // Values that the compiler cannot know; the sums settle near `offset`, far from subnormals.
    const Floats offset = Floats{} + static_cast<float>(rounds), scale = 0.5f / offset;
    Floats sums[chains];
    for (int c = 0; c < chains; ++c) sums[c] = offset * static_cast<float>(c);
    for (long round = 0; round < rounds; ++round)
#pragma GCC unroll 24
        for (int c = 0; c < chains; ++c) sums[c] = sums[c] * scale + offset;
    Floats total = {};
    for (int c = 0; c < chains; ++c) total += sums[c];
    float result = 0;
    for (int lane = 0; lane < floats; ++lane) result += total[lane];
    return result;
}

extern "C" long SIAMC_NAME(siamc_read_, SIAMC_LOOPS)(const void* memory, long bytes) {
    const Longs *at = static_cast<const Longs*>(memory), *end = at + bytes / vector_bytes;
    Longs seen[streams] = {};
    for (; at < end; at += streams)
#pragma GCC unroll 8
        for (int s = 0; s < streams; ++s) seen[s] ^= at[s];
    Longs all = {};
    for (int s = 0; s < streams; ++s) all ^= seen[s];
    return all[0] ^ all[1];
}
