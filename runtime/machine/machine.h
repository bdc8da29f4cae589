// What this machine can do at best: what measured times are held against.
#pragma once

#include <string>

namespace siamc {

// "AMD EPYC-Milan Processor, 2 cores, AVX2"
std::string describe_machine();

// Today, as 2024-12-31.
std::string today();

// Billions of floating-point operations a second in multiply-adds of the widest vectors, by that
// many threads together. The best of many short tries, so that other programs' work does not lower
// the mark that ours is held against.
double peak_gflops(int threads);

// GB/s at which each thread reads `bytes` of its own again and again, all threads together; also
// the best of many tries. Small sizes give the caches' rates; 64 MiB is the memory's.
double read_gbs(long bytes, int threads);

constexpr long memory_sized = 64L << 20;

}  // namespace siamc
