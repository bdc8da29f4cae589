#include "training/checkpoint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <tuple>

#include "core/error.h"
#include "training/weights.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

constexpr const char* checkpoint_format = "siamc checkpoint 1";
constexpr const char* best_prefix = "best/";
constexpr const char* average_prefix = "average/";
constexpr std::size_t most_header_bytes = std::size_t{1} << 24;  // 70,000 epochs' metrics

std::string moment_prefix(std::size_t moment) {
    return fmt::format("moment{}/", moment + 1);
}

// Whether the file has a flat buffer of that prefix.
bool has_flat(const SafetensorsFile& file, const char* prefix) {
    return std::any_of(file.tensors().begin(), file.tensors().end(),
                       [&](const TensorView& tensor) { return tensor.name.starts_with(prefix); });
}

void require_finite(const FloatBuffer& flat, const char* what) {
    if (std::all_of(flat.span().begin(), flat.span().end(),
                    [](float value) { return std::isfinite(value); }))
        return;
    fail(Exit::collapsed,
         "training collapsed: {} are not finite any more; the last checkpoint is as it was\n"
         "  why: the learning rate is too high for this data\n  write: a smaller --rate",
         what);
}

// The metadata of a checkpoint, each entry of which has to be there.
class Reader {
  public:
    Reader(std::string file, const SafetensorsFile::Metadata& metadata)
        : file_(std::move(file)), metadata_(metadata) {}

    const std::string& text(const char* key) const {
        const auto found = metadata_.find(key);
        if (found == metadata_.end())
            fail(Exit::bad_data, "{}: not a checkpoint: its metadata has no {}", file_, key);
        return found->second;
    }
    template <typename Number>
    void read(const char* key, Number& number) const {
        const std::string& digits = text(key);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error != std::errc() || end != digits.data() + digits.size() || !(number >= 0))
            fail(Exit::bad_data, "{}: not a checkpoint: its {} is not a number from 0 on", file_,
                 key);
    }

  private:
    std::string file_;
    const SafetensorsFile::Metadata& metadata_;
};

RunProgress read_progress(const fs::path& path, const SafetensorsFile::Metadata& metadata) {
    const Reader reader(path.string(), metadata);
    if (reader.text("format") != checkpoint_format)
        fail(Exit::bad_data, "{}: not a checkpoint of this version: format '{}', not '{}'",
             path.string(), reader.text("format"), checkpoint_format);
    RunProgress progress;
    progress.settings = parse_settings(reader.text("settings"), path.string() + ": settings");
    progress.rows = parse_metrics(reader.text("metrics"), path.string() + ": metrics");
    progress.data = reader.text("data");
    reader.read("steps", progress.totals.steps);
    reader.read("tuples", progress.totals.tuples);
    reader.read("right", progress.totals.right);
    reader.read("loss", progress.totals.loss);
    reader.read("seconds", progress.totals.seconds);
    return progress;
}

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "labels are hashed as they lie in memory");

std::string data_hash(const ImageSet& train, const ImageSet& validation) {
    XXH64_hash_t hash = 0;  // each part's hash seeds the next one's
    for (const ImageSet* images : {&train, &validation}) {
        hash = XXH64(images->pixels.data(), images->pixels.size(), hash);
        hash = XXH64(images->labels.data(), images->labels.size() * sizeof(int), hash);
    }
    return fmt::format("{:016x}", hash);
}

void save_checkpoint(const fs::path& path, const Model& model, const RunProgress& progress,
                     const TrainingState& state, const FloatBuffer* best) {
    require_finite(state.parameters, "weights");
    std::vector<TensorView> tensors = tensors_of(model, state.parameters);
    const auto add = [&](const FloatBuffer& flat, const std::string& prefix) {
        for (TensorView& tensor : tensors_of(model, flat, prefix))
            tensors.push_back(std::move(tensor));
    };
    for (std::size_t m = 0; m < state.moments.size(); ++m) {
        require_finite(state.moments[m], "the optimiser's moments");
        add(state.moments[m], moment_prefix(m));
    }
    if (state.average) {
        require_finite(*state.average, "the averages of the weights");
        add(*state.average, average_prefix);
    }
    if (best) add(*best, best_prefix);
    SafetensorsFile::Metadata metadata = metadata_of(model, checkpoint_format);
    metadata["settings"] = settings_text(progress.settings);
    metadata["data"] = progress.data;
    metadata["metrics"] = metrics_text(progress.rows);
    metadata["steps"] = fmt::format("{}", progress.totals.steps);
    metadata["tuples"] = fmt::format("{}", progress.totals.tuples);
    metadata["right"] = fmt::format("{}", progress.totals.right);
    metadata["loss"] = fmt::format("{}", progress.totals.loss);
    metadata["seconds"] = fmt::format("{}", progress.totals.seconds);
    write_safetensors(path, tensors, metadata);
}

TrainingState Checkpoint::state(const Model& model, int moments) const {
    const std::string name = path.string();
    const bool averages = has_flat(file, average_prefix);
    const int buffers = 1 + moments + averages + has_flat(file, best_prefix);
    check_fit(file, name, model, static_cast<std::size_t>(buffers));
    TrainingState state{take_flat(file, name, model), {}, {}};
    if (averages) state.average = take_flat(file, name, model, average_prefix);
    for (int m = 0; m < moments; ++m)
        state.moments.push_back(
            take_flat(file, name, model, moment_prefix(static_cast<std::size_t>(m))));
    return state;
}

std::optional<FloatBuffer> Checkpoint::best(const Model& model) const {
    if (!has_flat(file, best_prefix)) return std::nullopt;
    return take_flat(file, path.string(), model, best_prefix);
}

Checkpoint read_checkpoint(const fs::path& path) {
    ReadLimits limits;
    limits.header_bytes = most_header_bytes;
    SafetensorsFile file = read_safetensors(path, limits);
    RunProgress progress = read_progress(path, file.metadata());
    return {path, std::move(progress), std::move(file)};
}

std::optional<Checkpoint> newest_checkpoint(std::span<const fs::path> paths,
                                            std::vector<std::string>& complaints) {
    std::optional<Checkpoint> newest;
    const auto place = [](const Checkpoint& any) {
        return std::tuple(any.progress.rows.size(), any.progress.totals.steps);
    };
    for (const fs::path& path : paths) {
        std::error_code missing;
        if (!fs::exists(fs::symlink_status(path, missing))) continue;
        try {
            Checkpoint checkpoint = read_checkpoint(path);
            if (!newest || place(checkpoint) > place(*newest)) newest = std::move(checkpoint);
        } catch (const Error& error) {
            complaints.emplace_back(error.what());
        }
    }
    if (newest || complaints.empty()) return newest;
    fail(Exit::bad_data,
         "{}\n  why: there is no other checkpoint to resume from\n  write: --force instead of "
         "--resume to start again",
         complaints.front());
}

}  // namespace siamc
