#include "core/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "sampling/random.h"

namespace siamc {

namespace {

void check(int error, const char* what) {
    if (error) fail(Exit::internal, "{}: {} (code {})", what, siamc_error_text(error), error);
}

template <typename Entry>
const Entry& find(const Entry* entries, int count, const std::string& name, const char* what) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
        if (name == entries[i].name) return entries[i];
        names.emplace_back(entries[i].name);
    }
    fail(Exit::usage, "the model has no {} '{}'\n  write: one of {}", what, name,
         fmt::join(names, ", "));
}

std::string variant_names(const siamc_library& library) {
    std::vector<std::string> names;
    for (int v = 0; v < library.variant_count; ++v) names.emplace_back(library.variants[v].name);
    return fmt::format("{}", fmt::join(names, ", "));
}

// Fails with usage unless the library has kernels that are to run here.
void check_variant(const siamc_model& tables) {
    const std::int32_t chosen = siamc_choose(tables.library);
    if (chosen > 0) return;
    const std::string names = variant_names(*tables.library);
    const char* now = std::getenv("SIAMC_VARIANT");
    const std::string forced = now ? now : "";
    if (chosen == SIAMC_UNKNOWN_VARIANT)
        fail(Exit::usage,
             "SIAMC_VARIANT: model {} has no variant '{}'\n  write: one of {}, or leave the "
             "environment variable unset",
             tables.name, forced, names);
    if (chosen == SIAMC_UNUSABLE_VARIANT)
        fail(Exit::usage,
             "SIAMC_VARIANT: this processor cannot run '{}'\n  write: another of {}, or leave the "
             "environment variable unset",
             forced, names);
    fail(Exit::usage,
         "model {}: this processor can run none of its variants ({})\n  write: a library for it, "
         "as siamc compile makes with --target host",
         tables.name, names);
}

// Of tables of another version nothing but the version can be read.
const siamc_model& check_version(const siamc_model& tables) {
    if (tables.abi_version != SIAMC_ABI_VERSION)
        fail(Exit::internal,
             "a model's library has ABI version {}, this program {}: it would read the library's "
             "tables wrongly\n  write: siamc compile and this program's build again, both from "
             "one release",
             tables.abi_version, SIAMC_ABI_VERSION);
    return tables;
}

}  // namespace

Tuples Tuples::part(long first, int most, int branches) const {
    const long tuples = std::min<long>(most, count - first);
    const auto begin = static_cast<std::size_t>(first * branches);
    const auto length = static_cast<std::size_t>(tuples * branches);
    Tuples result;
    result.count = static_cast<int>(tuples);
    result.rows = rows.subspan(begin, length);
    if (!shifts.empty()) result.shifts = shifts.subspan(2 * begin, 2 * length);
    if (!labels.empty())
        result.labels =
            labels.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(tuples));
    return result;
}

Model::Model(const siamc_model& tables)
    : tables_(check_version(tables)),
      arena_(tables.device ? 0 : static_cast<std::size_t>(tables.arena_bytes) / sizeof(float) + 1) {
    check_variant(tables);
}

void* Model::arena() {
    if (tables_.device)
        fail(Exit::internal, "model {}: its library is for {}, not for this processor", name(),
             tables_.device);
    return arena_.data();
}

std::string Model::variant() const {
    return siamc_variant_name(&tables_);
}

std::string Model::describe_variant() const {
    return fmt::format("kernels: {} (of {})", variant(), variant_names(*tables_.library));
}

const siamc_loss& Model::loss(const std::string& name) const {
    return find(tables_.losses, tables_.loss_count, name, "loss");
}

const siamc_optimizer& Model::optimizer(const std::string& name) const {
    return find(tables_.optimizers, tables_.optimizer_count, name, "optimizer");
}

const siamc_loss* Model::loss_that_sees(siamc_sees what) const {
    for (int l = 0; l < tables_.loss_count; ++l)
        if (tables_.losses[l].sees == what) return &tables_.losses[l];
    return nullptr;
}

FloatBuffer Model::flat_buffer() const {
    return FloatBuffer(static_cast<std::size_t>(tables_.parameter_floats));
}

std::size_t size_of(const siamc_parameter& parameter) {
    std::size_t size = 1;
    for (int d = 0; d < parameter.dimensions; ++d)
        size *= static_cast<std::size_t>(parameter.dims[d]);
    return size;
}

void Model::initialize(FloatBuffer& parameters, std::uint64_t seed) const {
    std::fill_n(parameters.data(), parameters.size(), 0.0f);
    for (int t = 0; t < tables_.parameter_tensors; ++t) {
        const siamc_parameter& tensor = tables_.parameters[t];
        if (!tensor.is_drawn) {
            std::fill_n(parameters.data() + tensor.offset, size_of(tensor), tensor.initial);
            continue;
        }
        // [height][width] of a convolution's window, then [inputs][outputs].
        const int last = tensor.dimensions - 1;
        long window = 1;
        for (int d = 0; d < last - 1; ++d) window *= tensor.dims[d];
        const long inputs = tensor.dims[last - 1], outputs = tensor.dims[last];
        const auto limit =
            static_cast<float>(std::sqrt(6.0 / static_cast<double>(window * (inputs + outputs))));
        Random random(seed, Stream::parameters, 0, static_cast<std::uint32_t>(t));
        float* values = parameters.data() + tensor.offset;
        for (long i = 0; i < window * inputs * outputs; ++i)
            values[i] = limit * (2 * random.uniform() - 1);
    }
}

PictureSize Model::picture_size() const {
    const std::span dims(tables_.image_dims, static_cast<std::size_t>(tables_.image_dimensions));
    const int channels = dims.size() == 3 ? dims[2] : 1;
    const bool reads_pictures = dims.size() >= 2 && (channels == 1 || channels == 3);
    return reads_pictures ? PictureSize{dims[0], dims[1], channels} : PictureSize{};
}

void Model::check_image_size(int height, int width, int channels) const {
    if (height == tables_.image_dims[0] && width == tables_.image_dims[1] &&
        std::int64_t{height} * width * channels == tables_.image_bytes)
        return;
    const std::span shape(tables_.image_dims, static_cast<std::size_t>(tables_.image_dimensions));
    fail(Exit::bad_data,
         "the images are {} x {} {} pixels, model {} reads {}\n  write: another --data, or a "
         "model with [input] shape = [{}, {}{}]",
         height, width, channels == 1 ? "grey" : "coloured", tables_.name, fmt::join(shape, " x "),
         height, width, channels == 1 ? "" : ", 3");
}

void Model::check_images(const ImageSet& images) const {
    check_image_size(images.height, images.width, images.channels);
    constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
    if (images.pixels.size() > most)
        fail(Exit::bad_data,
             "the images have {} pixels together, more than the {} that kernels count\n  write: "
             "--classes or another --data, with at most {} images",
             images.pixels.size(), most, most / images.image_bytes());
}

void Model::parallel(int count, const std::function<void(int)>& work) const {
    const auto call = [](void*, int number, std::uint8_t* closure) {
        (*reinterpret_cast<const std::function<void(int)>*>(closure))(number);
        return 0;
    };
    auto* const closure =
        reinterpret_cast<std::uint8_t*>(const_cast<std::function<void(int)>*>(&work));
    tables_.library->functions->parallel_for(nullptr, call, 0, count, closure);
}

std::vector<float> Model::embed(const FloatBuffer& parameters, const ImageSet& images) {
    const auto count = static_cast<std::int32_t>(images.size());
    std::vector<std::int32_t> rows(static_cast<std::size_t>(count));
    std::iota(rows.begin(), rows.end(), 0);
    std::vector<float> embeddings(rows.size() * static_cast<std::size_t>(embedding_size()));
    check(siamc_embed(&tables_, parameters.data(), images.pixels.data(), count, rows.data(), count,
                      embeddings.data(), arena()),
          "embed");
    return embeddings;
}

namespace {

siamc_batch batch_of(const Tuples& tuples) {
    return {tuples.rows.data(), tuples.shifts.data(), tuples.labels.data(), tuples.count};
}

}  // namespace

siamc_results Model::gradient(const siamc_loss& loss, const FloatBuffer& parameters,
                              const ImageSet& images, const Tuples& tuples, FloatBuffer& gradient) {
    const siamc_batch batch = batch_of(tuples);
    siamc_results results{};
    check(siamc_gradient(&loss, parameters.data(), images.pixels.data(),
                         static_cast<std::int32_t>(images.size()), &batch, gradient.data(), arena(),
                         &results),
          loss.name);
    return results;
}

siamc_results Model::step(const siamc_loss& loss, const Update& update, FloatBuffer& parameters,
                          const ImageSet& images, const Tuples& tuples, FloatBuffer& gradient) {
    const siamc_batch batch = batch_of(tuples);
    siamc_trainer trainer{};
    trainer.model = &tables_;
    trainer.loss = &loss;
    trainer.optimizer = &update.optimizer;
    trainer.buffers = {
        parameters.data(), gradient.data(), {update.moments[0], update.moments[1]}, arena()};
    trainer.images = images.pixels.data();
    trainer.stored = static_cast<std::int32_t>(images.size());
    trainer.seed = tuples.seed;
    siamc_results results{};
    check(siamc_train(&trainer, &batch, update.hyper.data(), &results), loss.name);
    return results;
}

double Model::evaluate(const siamc_loss& loss, const FloatBuffer& parameters,
                       std::span<const float> embeddings, const Tuples& tuples,
                       std::vector<std::vector<float>>& distances) {
    const int branches = loss.evaluate->branches;
    const auto stored =
        static_cast<std::int32_t>(embeddings.size() / static_cast<std::size_t>(embedding_size()));
    distances.assign(static_cast<std::size_t>(branches - 1), {});
    double total = 0;
    for (int done = 0; done < tuples.count;) {
        const int most = tuples.together ? tuples.together : loss.evaluate->batch;
        const int count = std::min(most, tuples.count - done);
        const float* labels = tuples.labels.empty() ? nullptr : tuples.labels.data() + done;
        const siamc_batch batch = {tuples.rows.data() + static_cast<long>(branches) * done, nullptr,
                                   labels, count};
        siamc_results results{};
        check(siamc_evaluate(&tables_, &loss, parameters.data(), embeddings.data(), stored, &batch,
                             arena(), &results),
              loss.name);
        for (int b = 0; b + 1 < branches; ++b)
            distances[static_cast<std::size_t>(b)].insert(
                distances[static_cast<std::size_t>(b)].end(), results.distances[b],
                results.distances[b] + count);
        total += results.loss * count;
        done += count;
    }
    return total / tuples.count;
}

std::vector<float> Model::distances(const FloatBuffer& parameters,
                                    std::span<const float> embeddings,
                                    std::span<const std::int32_t> pairs) {
    const auto stored =
        static_cast<std::int32_t>(embeddings.size() / static_cast<std::size_t>(embedding_size()));
    std::vector<float> distances(pairs.size() / 2);
    check(siamc_distances(&tables_, parameters.data(), embeddings.data(), stored, pairs.data(),
                          static_cast<std::int32_t>(distances.size()), distances.data(), arena()),
          "distances");
    return distances;
}

}  // namespace siamc
