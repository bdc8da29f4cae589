#include "training/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "training/safetensors.h"

namespace siamc {

namespace {

std::vector<long> shape_of(const siamc_parameter& parameter) {
    return {parameter.dims, parameter.dims + parameter.dimensions};
}

std::size_t size_of(const siamc_parameter& parameter) {
    std::size_t size = 1;
    for (long extent : shape_of(parameter)) size *= static_cast<std::size_t>(extent);
    return size;
}

}  // namespace

void save_weights(const std::filesystem::path& path, const Model& model,
                  const FloatBuffer& parameters) {
    const siamc_model& tables = model.tables();
    std::vector<TensorView> tensors;
    for (int t = 0; t < tables.parameter_tensors; ++t) {
        const siamc_parameter& parameter = tables.parameters[t];
        tensors.push_back({parameter.name, shape_of(parameter),
                           parameters.span().subspan(static_cast<std::size_t>(parameter.offset),
                                                     size_of(parameter))});
    }
    write_safetensors(path, tensors, {{"format", "siamc weights 1"}, {"model", tables.name}});
}

FloatBuffer load_weights(const std::filesystem::path& path, const Model& model) {
    const siamc_model& tables = model.tables();
    const SafetensorsFile file = read_safetensors(path);
    if (static_cast<int>(file.tensors().size()) != tables.parameter_tensors)
        fail(Exit::bad_data, "{}: {} tensors, model {} has {}\n  write: the weights of this model",
             path.string(), file.tensors().size(), tables.name, tables.parameter_tensors);
    FloatBuffer parameters = model.flat_buffer();
    for (int t = 0; t < tables.parameter_tensors; ++t) {
        const siamc_parameter& parameter = tables.parameters[t];
        const TensorView& tensor = file.tensor(parameter.name);
        if (tensor.shape != shape_of(parameter))
            fail(Exit::bad_data,
                 "{}: tensor {} has shape [{}], model {} needs [{}]\n  write: the weights of this "
                 "model",
                 path.string(), tensor.name, fmt::join(tensor.shape, ", "), tables.name,
                 fmt::join(shape_of(parameter), ", "));
        std::copy(tensor.data.begin(), tensor.data.end(), parameters.data() + parameter.offset);
    }
    return parameters;
}

}  // namespace siamc
