// Random bits that are a function of a counter: no state that threads would have to share. The hash
// is lowbias32 of Chris Wellons's hash prospector (https://github.com/skeeto/hash-prospector,
// public domain); the executor's half is siamc_hash (runtime/abi/siamc/internal/batch.h).
#pragma once

#include <Halide.h>

#include <cstdint>

namespace siamc::compiler {

inline Halide::Expr word(std::uint32_t value) {
    return Halide::Internal::make_const(Halide::UInt(32), value);
}

// Of 32 bits, 32 bits.
inline Halide::Expr hashed(Halide::Expr x) {
    x = (x ^ (x >> word(16))) * word(0x7FEB352Du);
    x = (x ^ (x >> word(15))) * word(0x846CA68Bu);
    return x ^ (x >> word(16));
}

}  // namespace siamc::compiler
