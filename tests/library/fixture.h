// A small world to call a generated library in: weights, images, tuples.
#pragma once

#include <vector>

#include "cnn.h"
#include "core/buffer.h"
#include "core/model.h"
#include "fc.h"
#include "sampling/random.h"

namespace siamc::test {

constexpr int stored_images = 300;

struct World {
    explicit World(const siamc_model& tables = fc_model) : model(tables) {
        Random random(7, Stream::glyph_test);
        Model(model).initialize(parameters, 3);
        for (int i = 0; i < model.parameter_count; ++i)
            if (parameters.data()[i] == 0) parameters.data()[i] = random.uniform() * 0.2f - 0.1f;
        for (std::uint8_t& pixel : images)
            pixel = random.below(5) == 0 ? static_cast<std::uint8_t>(random.below(256)) : 0;
        for (std::int32_t& row : rows) row = static_cast<std::int32_t>(random.below(stored_images));
        for (std::int32_t& shift : shifts) shift = random.between(-4, 4);
        for (float& label : labels) label = static_cast<float>(random.below(2));
    }

    siamc_batch batch(int tuples) const {
        return {rows.data(), shifts.data(), labels.data(), tuples};
    }

    // Loss and gradient of the first tuples; 0 if all is well.
    int take_gradient(const siamc_loss& loss, int tuples, siamc_results& results) {
        const siamc_batch tuples_of_step = batch(tuples);
        return siamc_gradient(&loss, parameters.data(), images.data(), stored_images,
                              &tuples_of_step, gradient.data(), arena.data(), &results);
    }

    // A step of training; 0 if all is well.
    int step(const siamc_loss& loss, const Update& update, int tuples = 128) {
        siamc_trainer trainer{};
        trainer.loss = &loss;
        trainer.optimizer = &update.optimizer;
        trainer.buffers = {parameters.data(),
                           gradient.data(),
                           {update.moments[0], update.moments[1]},
                           arena.data()};
        trainer.images = images.data();
        trainer.stored = stored_images;
        const siamc_batch tuples_of_step = batch(tuples);
        siamc_results results{};
        return siamc_train(&trainer, &tuples_of_step, update.hyper.data(), &results);
    }

    // The embeddings of stored images; empty if something failed.
    std::vector<float> embed(const std::vector<std::int32_t>& wanted) {
        std::vector<float> out(wanted.size() * static_cast<std::size_t>(model.embedding_size));
        const int error =
            siamc_embed(&model, parameters.data(), images.data(), stored_images, wanted.data(),
                        static_cast<int>(wanted.size()), out.data(), arena.data());
        return error ? std::vector<float>{} : out;
    }

    const siamc_model& model;
    FloatBuffer parameters{static_cast<std::size_t>(model.parameter_floats)};
    FloatBuffer gradient{static_cast<std::size_t>(model.parameter_floats)};
    FloatBuffer arena{static_cast<std::size_t>(model.arena_bytes) / sizeof(float) + 1};
    std::vector<std::uint8_t> images = std::vector<std::uint8_t>(784 * stored_images);
    std::vector<std::int32_t> rows = std::vector<std::int32_t>(3 * 128);
    std::vector<std::int32_t> shifts = std::vector<std::int32_t>(2 * 3 * 128);
    std::vector<float> labels = std::vector<float>(128);
};

}  // namespace siamc::test
