// A generated model at run time: its tables (siamc/siamc.h) with errors as exceptions.
#pragma once

#include <siamc/siamc.h>

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "data/dataset.h"

namespace siamc {

// The tuples of a step, rows and shifts interleaved as siamc_batch describes.
struct Tuples {
    std::span<const std::int32_t> rows;    // branches a tuple
    std::span<const std::int32_t> shifts;  // two a row; empty: none
    std::span<const float> labels;         // one a pair or an image's class; empty for triplets
    int count = 0;
    int together = 0;        // that one evaluation takes; 0: as many as fit
    std::uint32_t seed = 0;  // of what dropout leaves out

    // At most `most` of them, from `first` on.
    Tuples part(long first, int most, int branches) const;
};

using HyperParameters = std::array<float, SIAMC_HYPERPARAMETERS>;

// What an optimiser is to do in a step.
struct Update {
    const siamc_optimizer& optimizer;
    HyperParameters hyper;
    std::array<float*, SIAMC_MAX_MOMENTS> moments;
};

// Floats of a parameter.
std::size_t size_of(const siamc_parameter& parameter);

class Model {
  public:
    // internal if the tables are of another ABI version; usage if they have no kernels that this
    // processor can run, or not those that the environment variable SIAMC_VARIANT names.
    explicit Model(const siamc_model& tables);

    const siamc_model& tables() const { return tables_; }
    std::string name() const { return tables_.name; }
    // The instruction set of the kernels that run: "avx512", "avx2", "sse41", "neon".
    std::string variant() const;
    std::string describe_variant() const;  // the same for people, beside the others
    int embedding_size() const { return tables_.embedding_size; }

    // usage, naming those there are, if the model has no such loss or optimiser.
    const siamc_loss& loss(const std::string& name) const;
    const siamc_optimizer& optimizer(const std::string& name) const;
    // The first loss that sees those; nullptr if there is none.
    const siamc_loss* loss_that_sees(siamc_sees what) const;

    // A flat buffer for parameters, a gradient or a moment.
    FloatBuffer flat_buffer() const;
    // Glorot-uniform kernels (Glorot and Bengio 2010: +-sqrt(6 / (inputs + outputs)), each
    // times the places of a convolution's window); of other parameters what the library says: zero
    // biases, ones for what normalisations multiply by. A pure function of the seed and the
    // parameters' order.
    void initialize(FloatBuffer& parameters, std::uint64_t seed) const;

    // What pictures are to be made into for it; no pixels if it reads neither grey nor coloured
    // ones.
    PictureSize picture_size() const;
    // bad_data unless images of so many pixels are what the model reads.
    void check_image_size(int height, int width, int channels = 1) const;
    // The same for images that are there.
    void check_images(const ImageSet& images) const;

    // Calls work(0) … work(count - 1), on the library's threads; it must not throw.
    void parallel(int count, const std::function<void(int)>& work) const;

    // What follows runs on this processor: internal for a device's library (training/engine.h).

    // Embeddings of all images: [images.size()][embedding_size].
    std::vector<float> embed(const FloatBuffer& parameters, const ImageSet& images);

    // Mean loss and gradient of a batch; results lie in the model's arena until its next use.
    siamc_results gradient(const siamc_loss& loss, const FloatBuffer& parameters,
                           const ImageSet& images, const Tuples& tuples, FloatBuffer& gradient);

    // The same, and then the update of the parameters: a step of training.
    siamc_results step(const siamc_loss& loss, const Update& update, FloatBuffer& parameters,
                       const ImageSet& images, const Tuples& tuples, FloatBuffer& gradient);

    // Losses and distances of any number of tuples of embeddings: distances[b] compares each
    // tuple's image 0 with its image b + 1 (none, of a loss that sees the batch). Returns the mean
    // loss.
    double evaluate(const siamc_loss& loss, const FloatBuffer& parameters,
                    std::span<const float> embeddings, const Tuples& tuples,
                    std::vector<std::vector<float>>& distances);

    // Of pairs of embeddings, rows interleaved: by the model's distance, whatever its losses are.
    std::vector<float> distances(const FloatBuffer& parameters, std::span<const float> embeddings,
                                 std::span<const std::int32_t> pairs);

  private:
    void* arena();

    const siamc_model& tables_;
    FloatBuffer arena_;  // of steps and embedding
};

}  // namespace siamc
