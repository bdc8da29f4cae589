#include "training/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"

namespace siamc {

namespace {

std::vector<long> shape_of(const siamc_parameter& parameter) {
    return {parameter.dims, parameter.dims + parameter.dimensions};
}

// Of tensors that losses had with which the weights were trained, and the model does not have.
constexpr std::size_t most_bytes_of_losses = std::size_t{1} << 28;

constexpr const char* weights_format = "siamc weights 1";
constexpr const char* hash_key = "parameter_hash";

std::size_t values_of(const Model& model) {
    std::size_t values = 0;
    for (int t = 0; t < model.tables().parameter_tensors; ++t)
        values += size_of(model.tables().parameters[t]);
    return values;
}

// nullptr if the file has none of that name.
const TensorView* find_tensor(const SafetensorsFile& file, const std::string& name) {
    const auto tensor = std::find_if(file.tensors().begin(), file.tensors().end(),
                                     [&](const TensorView& any) { return any.name == name; });
    return tensor == file.tensors().end() ? nullptr : &*tensor;
}

// What first sets the file's tensors of that prefix apart from the first `count` parameters; empty:
// nothing.
std::string first_difference(const SafetensorsFile& file, const siamc_model& tables,
                             const std::string& prefix, int count) {
    for (int t = 0; t < count; ++t) {
        const siamc_parameter& parameter = tables.parameters[t];
        const std::string name = prefix + parameter.name;
        const TensorView* tensor = find_tensor(file, name);
        if (!tensor) return fmt::format("there is no tensor {}", name);
        if (tensor->shape != shape_of(parameter))
            return fmt::format("tensor {} has shape [{}], the model needs [{}]", name,
                               fmt::join(tensor->shape, ", "),
                               fmt::join(shape_of(parameter), ", "));
    }
    return "";
}

bool has_hash(const SafetensorsFile& file, const siamc_model& tables) {
    const auto stored = file.metadata().find(hash_key);
    return stored != file.metadata().end() && stored->second == tables.parameter_hash;
}

// Of a file whose tensors fit, with so many in all: what else sets it apart; empty: nothing. A file
// of other programs has no hash.
std::string other_difference(const SafetensorsFile& file, const siamc_model& tables,
                             std::size_t tensors) {
    if (file.tensors().size() != tensors)
        return fmt::format("there are {} tensors, the model has {}", file.tensors().size(),
                           tensors);
    if (file.metadata().count(hash_key) && !has_hash(file, tables))
        return "its tensors fit, but they were parameters of another order";
    return "";
}

[[noreturn]] void fail_to_fit(const SafetensorsFile& file, const std::string& path,
                              const siamc_model& tables, const std::string& why) {
    const auto stored = file.metadata().find(hash_key);
    fail(Exit::bad_data,
         "{}: these are not weights of model {}: {} (parameter hash {}, the model's {})\n"
         "  why: they were trained with another model, or with this one before it was changed\n"
         "  write: --model with the model as it was then, or train this one anew",
         path, tables.name, why, stored == file.metadata().end() ? "none" : stored->second,
         tables.parameter_hash);
}

void check_finite(const TensorView& tensor, const std::string& path) {
    const auto bad = std::find_if_not(tensor.data.begin(), tensor.data.end(),
                                      [](float value) { return std::isfinite(value); });
    if (bad == tensor.data.end()) return;
    fail(Exit::bad_data,
         "{}: tensor {}: value {} is {}: such weights give results that mean nothing\n"
         "  write: weights of a training that did not collapse",
         path, tensor.name, bad - tensor.data.begin(), *bad);
}

// The parameters that the file has in the model's shape; the others as they are before training, 0
// where they would be drawn.
FloatBuffer copy_tensors(const SafetensorsFile& file, const std::string& path, const Model& model,
                         const std::string& prefix) {
    const siamc_model& tables = model.tables();
    FloatBuffer flat = model.flat_buffer();
    for (int t = 0; t < tables.parameter_tensors; ++t) {
        const siamc_parameter& parameter = tables.parameters[t];
        float* values = flat.data() + parameter.offset;
        const TensorView* tensor = find_tensor(file, prefix + parameter.name);
        if (!tensor || tensor->shape != shape_of(parameter)) {
            std::fill_n(values, size_of(parameter), parameter.initial);
            continue;
        }
        check_finite(*tensor, path);
        std::copy(tensor->data.begin(), tensor->data.end(), values);
    }
    return flat;
}

}  // namespace

std::vector<TensorView> tensors_of(const Model& model, const FloatBuffer& flat,
                                   const std::string& prefix) {
    const siamc_model& tables = model.tables();
    std::vector<TensorView> tensors;
    for (int t = 0; t < tables.parameter_tensors; ++t) {
        const siamc_parameter& parameter = tables.parameters[t];
        tensors.push_back(
            {prefix + parameter.name, shape_of(parameter),
             flat.span().subspan(static_cast<std::size_t>(parameter.offset), size_of(parameter))});
    }
    return tensors;
}

SafetensorsFile::Metadata metadata_of(const Model& model, const std::string& format) {
    return {{"format", format}, {"model", model.name()}, {hash_key, model.tables().parameter_hash}};
}

// A file without a hash, as other programs write it, is judged by its tensors alone.
void check_fit(const SafetensorsFile& file, const std::string& path, const Model& model,
               std::size_t buffers) {
    const siamc_model& tables = model.tables();
    const std::size_t tensors = buffers * static_cast<std::size_t>(tables.parameter_tensors);
    std::string why = first_difference(file, tables, "", tables.parameter_tensors);
    if (why.empty()) why = other_difference(file, tables, tensors);
    if (!why.empty()) fail_to_fit(file, path, tables, why);
}

FloatBuffer take_flat(const SafetensorsFile& file, const std::string& path, const Model& model,
                      const std::string& prefix) {
    const siamc_model& tables = model.tables();
    const std::string why = first_difference(file, tables, prefix, tables.parameter_tensors);
    if (!why.empty()) fail_to_fit(file, path, tables, why);
    return copy_tensors(file, path, model, prefix);
}

std::size_t most_bytes_of(const Model& model, std::size_t buffers) {
    return buffers * values_of(model) * sizeof(float);
}

std::string save_weights(const std::filesystem::path& path, const Model& model,
                         const FloatBuffer& parameters) {
    const std::string bytes =
        safetensors_bytes(tensors_of(model, parameters), metadata_of(model, weights_format));
    write_file_atomically(path, bytes);
    return sha256(std::as_bytes(std::span(bytes)));
}

FloatBuffer load_weights(const std::filesystem::path& path, const Model& model) {
    ReadLimits limits;
    limits.file_bytes = most_bytes_of(model, 1) + limits.header_bytes + most_bytes_of_losses;
    const SafetensorsFile file = read_safetensors(path, limits);
    const siamc_model& tables = model.tables();
    const auto format = file.metadata().find("format");
    const bool ours = format != file.metadata().end() && format->second == weights_format;
    if (!ours || !has_hash(file, tables)) check_fit(file, path.string(), model);
    const std::string why = first_difference(file, tables, "", tables.shared_tensors);
    if (!why.empty()) fail_to_fit(file, path.string(), tables, why);
    return copy_tensors(file, path.string(), model, "");
}

}  // namespace siamc
