#include "reference_file.h"

#include <deque>
#include <numeric>

#include "images.h"
#include "training/safetensors.h"

namespace siamc {

namespace {

// Tensors and the memory of those that are made for the file.
class TensorList {
  public:
    void add(const std::string& name, std::vector<long> shape, std::vector<float> data) {
        kept_.push_back(std::move(data));
        tensors_.push_back({name, std::move(shape), kept_.back()});
    }

    // Every parameter's part of a flat buffer.
    void add_parameters(const std::string& prefix, const siamc_model& model,
                        const FloatBuffer& flat) {
        for (int t = 0; t < model.parameter_tensors; ++t) {
            const siamc_parameter& tensor = model.parameters[t];
            const std::vector<long> shape(tensor.dims, tensor.dims + tensor.dimensions);
            const long size = std::accumulate(shape.begin(), shape.end(), 1L, std::multiplies<>());
            const float* first = flat.data() + tensor.offset;
            add(prefix + tensor.name, shape, {first, first + size});
        }
    }

    const std::vector<TensorView>& tensors() const { return tensors_; }

  private:
    std::deque<std::vector<float>> kept_;
    std::vector<TensorView> tensors_;
};

}  // namespace

void write_reference(const std::filesystem::path& file, const siamc_model& tables,
                     const std::string& data, int tuples) {
    Model model(tables);
    FloatBuffer parameters = model.flat_buffer(), gradient = model.flat_buffer();
    model.initialize(parameters, 0);
    int branches = 0;
    for (int l = 0; l < tables.loss_count; ++l)
        branches = std::max(branches, tables.losses[l].train->branches);
    const long count = static_cast<long>(branches) * tuples;
    const ImageSet images = bench_images(data, tables, count);
    std::vector<std::int32_t> rows(static_cast<std::size_t>(count));
    std::iota(rows.begin(), rows.end(), 0);
    std::vector<float> labels, classes;
    for (int t = 0; t < tuples; ++t) {
        labels.push_back(made_up_label(t));
        classes.push_back(static_cast<float>(made_up_class(t)));
    }

    TensorList list;
    std::vector<float> pixels(images.pixels.size());
    for (std::size_t i = 0; i < pixels.size(); ++i)
        pixels[i] = static_cast<float>(images.pixels[i]) / 255.0f;
    list.add("images", {count, tables.image_bytes}, std::move(pixels));
    list.add("labels", {tuples}, labels);
    list.add("classes", {tuples}, classes);
    list.add_parameters("params/", tables, parameters);
    for (int l = 0; l < tables.loss_count; ++l) {
        const siamc_loss& loss = tables.losses[l];
        Tuples batch;
        batch.count = tuples;
        batch.rows = std::span(rows).first(static_cast<std::size_t>(loss.train->branches) *
                                           static_cast<std::size_t>(tuples));
        if (loss.sees == SIAMC_PAIRS) batch.labels = labels;
        if (loss.sees == SIAMC_BATCH) batch.labels = classes;
        const siamc_results results = model.gradient(loss, parameters, images, batch, gradient);
        const std::string name = loss.name;
        list.add("loss/" + name, {1}, {static_cast<float>(results.loss)});
        list.add_parameters("grad/" + name + "/", tables, gradient);
    }
    list.add("embedding", {count, model.embedding_size()}, model.embed(parameters, images));
    write_safetensors(file, list.tensors(), {});
}

}  // namespace siamc
