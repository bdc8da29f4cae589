// What a Func of an algorithm is to the schedules that place it. An algorithm makes it by func_as,
// a schedule finds it by its role; its name is derived from the role in roles.cpp alone.
#pragma once

#include <Halide.h>

#include <string>

namespace siamc::compiler {

enum class Role {
    input,            // a kernel's argument
    view,             // shows one, or rows of it that data name
    listed_tile,      // a view whose rows are listed a register tile at a time
    bordered,         // an image with zeros around it, as bytes
    active_ranks,     // of a list (layers/active.h): how many are listed in front
    active_places,    // of a list: which are listed
    active_factor,    // a view: numbers of the listed that a sum broadcasts
    active_product,   // sums over the listed, of a register tile
    active_sum,       // sums over the listed, of a group of a parameter's lines
    active_masks,     // of a register tile's rows: which have something
    listed_masks,     // the same of rows that are listed
    each_parameter,   // of parameters, element by element
    winograd_kernel,  // a kernel, transformed
    winograd_line,    // a line of a tile of the image, transformed
    winograd_tile,    // a tile, transformed
    winograd_sum,     // their products, summed over channels
    winograd_half,    // these, transformed back along lines
    pulled_sum,       // what other images add to the adjoint of an embedding
    pixel_sum,        // what one image adds to a kernel's gradient, in vectors of filters
    image_sum,        // the same in vectors of channels
};

// The word that names of such Funcs begin with: none of them begins with another.
const char* word_of(Role role);

// A new Func; `about` goes into its name.
Halide::Func func_as(Role role, const std::string& about = "");

bool has_role(const Halide::Func& func, Role role);

}  // namespace siamc::compiler
