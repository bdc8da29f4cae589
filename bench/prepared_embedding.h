// Embedding with weights that were prepared beforehand.
#pragma once

#include <siamc/siamc.h>

#include <numeric>
#include <stdexcept>
#include <vector>

#include "core/model.h"

namespace siamc {

// As a program that recognises image after image embeds: with weights prepared beforehand.
class PreparedEmbedding {
  public:
    PreparedEmbedding(const siamc_model& tables, const FloatBuffer& parameters, ImageSet images)
        : images_(std::move(images)),
          rows_(static_cast<std::size_t>(images_.size())),
          embeddings_(rows_.size() * static_cast<std::size_t>(tables.embedding_size)),
          memory_(static_cast<std::size_t>(tables.encoder_bytes) / sizeof(float) + 1) {
        std::iota(rows_.begin(), rows_.end(), 0);
        check(siamc_encoder_open(&encoder_, &tables, parameters.data(), memory_.data()));
    }

    void embed() {
        const auto count = static_cast<std::int32_t>(rows_.size());
        check(siamc_encode(&encoder_, images_.pixels.data(), count, rows_.data(), count,
                           embeddings_.data()));
    }

  private:
    static void check(int error) {
        if (error != 0) throw std::runtime_error(siamc_error_text(error));
    }

    ImageSet images_;
    std::vector<std::int32_t> rows_;
    std::vector<float> embeddings_;
    FloatBuffer memory_;
    siamc_encoder encoder_{};
};

}  // namespace siamc
