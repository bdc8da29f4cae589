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

constexpr const char* hash_key = "parameter_hash";

// What first sets the file's tensors apart from the model's parameters; empty: nothing.
std::string first_difference(const SafetensorsFile& file, const siamc_model& tables) {
    for (int t = 0; t < tables.parameter_tensors; ++t) {
        const siamc_parameter& parameter = tables.parameters[t];
        const auto tensor =
            std::find_if(file.tensors().begin(), file.tensors().end(),
                         [&](const TensorView& any) { return any.name == parameter.name; });
        if (tensor == file.tensors().end())
            return fmt::format("there is no tensor {}", parameter.name);
        if (tensor->shape != shape_of(parameter))
            return fmt::format("tensor {} has shape [{}], the model needs [{}]", parameter.name,
                               fmt::join(tensor->shape, ", "),
                               fmt::join(shape_of(parameter), ", "));
    }
    if (static_cast<int>(file.tensors().size()) == tables.parameter_tensors) return "";
    return fmt::format("there are {} tensors, the model has {}", file.tensors().size(),
                       tables.parameter_tensors);
}

// A file without a hash, as other programs write it, is judged by its tensors alone.
void check_fit(const SafetensorsFile& file, const std::string& path, const siamc_model& tables) {
    std::string why = first_difference(file, tables);
    const auto stored = file.metadata().find(hash_key);
    const bool has_hash = stored != file.metadata().end();
    if (why.empty() && has_hash && stored->second != tables.parameter_hash)
        why = "its tensors fit, but they were parameters of another order";
    if (why.empty()) return;
    fail(
        Exit::bad_data,
        "{}: these are not weights of model {}: {} (parameter hash {}, the library's {})\n"
        "  write: weights that were trained with this library, or build the program with the model "
        "file that they were trained with",
        path, tables.name, why, has_hash ? stored->second : "none", tables.parameter_hash);
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
    write_safetensors(
        path, tensors,
        {{"format", "siamc weights 1"}, {"model", tables.name}, {hash_key, tables.parameter_hash}});
}

FloatBuffer load_weights(const std::filesystem::path& path, const Model& model) {
    const siamc_model& tables = model.tables();
    const SafetensorsFile file = read_safetensors(path);
    check_fit(file, path.string(), tables);
    FloatBuffer parameters = model.flat_buffer();
    for (int t = 0; t < tables.parameter_tensors; ++t) {
        const siamc_parameter& parameter = tables.parameters[t];
        const TensorView& tensor = file.tensor(parameter.name);
        std::copy(tensor.data.begin(), tensor.data.end(), parameters.data() + parameter.offset);
    }
    return parameters;
}

}  // namespace siamc
