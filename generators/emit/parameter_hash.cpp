#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include "emit/library.h"

namespace siamc::compiler {

std::string parameter_hash(const ParameterLayout& parameters) {
    std::string all;
    for (size_t s = 0; s < parameters.shared; ++s) {
        const ParameterSlot& slot = parameters.slots[s];
        all += fmt::format("{} [{}]\n", slot.name, fmt::join(slot.dims, ", "));
    }
    return fmt::format("{:016x}", XXH64(all.data(), all.size(), 0));
}

}  // namespace siamc::compiler
