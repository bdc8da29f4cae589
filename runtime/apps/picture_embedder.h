// Pictures as a trained run's model sees them, and their embeddings.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "apps/trained_run.h"
#include "gallery/gallery.h"

namespace siamc {

class PictureEmbedder {
  public:
    // The run must outlive it. usage if the model reads no pictures, or the run was trained on
    // transposed images.
    explicit PictureEmbedder(TrainedRun& run);

    // A file's bytes: decoded, resized and inverted as in training. `name` is for messages.
    // Errors as decode_picture. Some are embedded together, so pixels take little memory.
    void add(std::span<const std::uint8_t> file, const std::string& name);
    // Of all that were added since the last call: [n][embedding_size].
    std::vector<float> take();

  private:
    void embed();

    TrainedRun& run_;
    DataFlags flags_;
    PictureSize size_;
    ImageSet images_;  // not embedded yet
    std::vector<float> embeddings_;
};

// What embeddings of the run are comparable with.
Fingerprint fingerprint_of(const TrainedRun& run);

// What a path holds for a gallery: pictures with who they show, or embeddings.
struct NamedPicture {
    std::string source;               // its path, or where it is in a zip
    std::string identity;             // its class folder; empty: none
    std::vector<std::uint8_t> bytes;  // of the file
};

// Calls `each` with every picture of a file, a folder or a zip, in the order of their paths.
// missing_input if there is none; errors as open_picture_files.
void for_each_picture(const std::string& path,
                      const std::function<void(const NamedPicture&)>& each);

// The rows of NAME.npy: float32 [n][size]. bad_data if it holds anything else, or a number that is
// none.
std::vector<float> read_embeddings(const std::string& path, int size);
bool is_embeddings(const std::string& path);

}  // namespace siamc
