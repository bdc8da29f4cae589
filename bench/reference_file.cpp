#include "reference_file.h"

#include <algorithm>
#include <deque>
#include <numeric>

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

void write_reference(const std::filesystem::path& file, Model& model, const siamc_loss& loss,
                     const FloatBuffer& parameters, const ImageSet& images, TupleQueue& tuples,
                     int batch) {
    const siamc_model& tables = model.tables();
    const Tuples all = tuples.next(static_cast<int>(tuples.size()));
    const Tuples first = all.part(0, batch, loss.train->branches);
    const ImageSet shown = take(images, all.rows);
    std::vector<float> pixels(shown.pixels.size());
    for (std::size_t i = 0; i < pixels.size(); ++i)
        pixels[i] = static_cast<float>(shown.pixels[i]) / 255.0f;
    std::vector<float> labels(static_cast<std::size_t>(all.count));
    std::copy(all.labels.begin(), all.labels.end(), labels.begin());
    FloatBuffer gradient = model.flat_buffer();
    const siamc_results results = model.gradient(loss, parameters, images, first, gradient);

    TensorList list;
    list.add("loss", {1}, {static_cast<float>(results.loss)});
    list.add_parameters("grad/", tables, gradient);
    list.add_parameters("params/", tables, parameters);
    list.add("images", {shown.size(), tables.image_bytes}, std::move(pixels));
    list.add("labels", {all.count}, std::move(labels));
    list.add("embedding", {static_cast<long>(first.rows.size()), model.embedding_size()},
             model.embed(parameters, take(images, first.rows)));
    write_safetensors(file, list.tensors(), {});
}

}  // namespace siamc
