// The loops that machine.cpp times. loops.cpp is built once per instruction set; each build has its
// own pair of functions, and only those that the processor can run may be called.
#pragma once

extern "C" {

// Multiply-adds of vectors, in as many chains as the registers hold: `rounds` times
// siamc_fma_flops_<set>() floating-point operations. The result only keeps them from being left
// out.
float siamc_fma_baseline(long rounds);
long siamc_fma_flops_baseline(void);
// Reads `bytes`, a multiple of 512, from an address on a cache line.
long siamc_read_baseline(const void* memory, long bytes);

float siamc_fma_avx2(long rounds);
long siamc_fma_flops_avx2(void);
long siamc_read_avx2(const void* memory, long bytes);

float siamc_fma_avx512(long rounds);
long siamc_fma_flops_avx512(void);
long siamc_read_avx512(const void* memory, long bytes);
}
