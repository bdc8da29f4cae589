#include "layers/roles.h"

#include <stdexcept>

namespace siamc::compiler {

const char* word_of(Role role) {
    switch (role) {
        case Role::input:
            return "in";
        case Role::view:
            return "view";
        case Role::listed_tile:
            return "listed_tile";
        case Role::bordered:
            return "bordered";
        case Role::active_ranks:
            return "active_ranks";
        case Role::active_places:
            return "active_places";
        case Role::active_factor:
            return "active_factor";
        case Role::active_product:
            return "active_product";
        case Role::active_sum:
            return "active_sum";
        case Role::active_masks:
            return "active_masks";
        case Role::listed_masks:
            return "listed_masks";
        case Role::each_parameter:
            return "each_parameter";
        case Role::winograd_kernel:
            return "winograd_kernel";
        case Role::winograd_line:
            return "winograd_line";
        case Role::winograd_tile:
            return "winograd_tile";
        case Role::winograd_sum:
            return "winograd_sum";
        case Role::winograd_half:
            return "winograd_half";
        case Role::pulled_sum:
            return "pulled_sum";
        case Role::pixel_sum:
            return "pixel_sum";
        case Role::image_sum:
            return "image_sum";
    }
    throw std::logic_error("a role without a word");
}

Halide::Func func_as(Role role, const std::string& about) {
    const std::string word = word_of(role);
    return Halide::Func(about.empty() ? word : word + "_" + about);
}

bool has_role(const Halide::Func& func, Role role) {
    const std::string &name = func.name(), word = word_of(role);
    if (!name.starts_with(word)) return false;
    // Halide makes names unique by a $ and a number.
    return name.size() == word.size() || name[word.size()] == '_' || name[word.size()] == '$';
}

}  // namespace siamc::compiler
