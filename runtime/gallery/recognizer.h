// Finds the nearest of a gallery's identities: exactly, by the model's own distance, with the
// kernel that the model's library has for it.
#pragma once

#include <span>
#include <vector>

#include "core/buffer.h"
#include "core/model.h"
#include "gallery/gallery.h"

namespace siamc {

// What an image is compared with: every template of an identity, the nearest of which counts, or
// one prototype for each.
enum class Match { templates, prototypes };

// Distances to identities; those of equal distance are in the order of their names.
struct Recognition {
    std::int32_t identity =
        -1;                    // the nearest one's place among the names; -1: the gallery is empty
    double distance = 0;       // to it
    std::int32_t second = -1;  // the nearest of the others; -1: there is none
    double second_distance = 0;

    // How much nearer the nearest is than the second.
    double margin() const { return second_distance - distance; }
};

class Recognizer {
  public:
    // The model and the parameters must outlive it.
    Recognizer(Model& model, const FloatBuffer& parameters, Templates templates, Match match);

    const std::vector<std::string>& names() const { return templates_.names; }
    // How many distances an image is judged by.
    long comparisons() const { return static_cast<long>(identity_.size()); }

    // bad_data if a distance is not finite.
    Recognition recognize(std::span<const float> embedding);
    // To one identity, by its place among the names: the nearest of its templates, or its
    // prototype.
    double distance(std::span<const float> embedding, std::int32_t identity);

  private:
    std::span<const float> distances_of(std::span<const float> embedding);

    Model& model_;
    const FloatBuffer& parameters_;
    Templates templates_;
    std::vector<std::int32_t> identity_;  // of each row after the first
    std::vector<float> rows_;          // the image in question, then all that it is compared with
    std::vector<std::int32_t> pairs_;  // of row 0 with each of them
    std::vector<float> distances_;
};

// The mean of some embeddings [n][size], as long as they are on average: a prototype of embeddings
// of unit length is of unit length, as in prototypical recognition by cosines (oneshot.h). All
// zeros where they cancel out.
std::vector<float> prototype(std::span<const float> embeddings, int size);

}  // namespace siamc
