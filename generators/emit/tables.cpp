#include "emit/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <stdexcept>

#include "abi/siamc/siamc.h"
#include "emit/data_builder.h"
#include "emit/program_tables.h"
#include "layers/op.h"

namespace siamc::compiler {

namespace {

// What kernels are called with is Halide's own structure.
static_assert(sizeof(siamc_tensor) == sizeof(halide_buffer_t) &&
              offsetof(siamc_tensor, device_interface) ==
                  offsetof(halide_buffer_t, device_interface) &&
              offsetof(siamc_tensor, host) == offsetof(halide_buffer_t, host) &&
              offsetof(siamc_tensor, flags) == offsetof(halide_buffer_t, flags) &&
              offsetof(siamc_tensor, type_code) == offsetof(halide_buffer_t, type) &&
              offsetof(siamc_tensor, type_lanes) ==
                  offsetof(halide_buffer_t, type) + offsetof(halide_type_t, lanes) &&
              offsetof(siamc_tensor, dimensions) == offsetof(halide_buffer_t, dimensions) &&
              offsetof(siamc_tensor, dim) == offsetof(halide_buffer_t, dim) &&
              sizeof(siamc_extent) == sizeof(halide_dimension_t));

const Program& program_named(const Library& library, const std::string& name) {
    for (const NamedProgram& named : library.programs)
        if (named.name == name) return named.program;
    throw std::logic_error("no program " + name);
}

std::int32_t sees_of(const LayerSpec& loss) {
    switch (find_layer(loss.type, LayerKind::loss)->sees) {
        case Sees::pairs:
            return SIAMC_PAIRS;
        case Sees::triplets:
            return SIAMC_TRIPLETS;
        default:
            return SIAMC_BATCH;
    }
}

class Tables {
  public:
    explicit Tables(const Library& library) : library_(library), data_(library_symbol("_tables")) {}

    DataObject run() {
        add_library();
        ProgramTables programs(library_, data_, shared_);
        for (const NamedProgram& named : library_.programs)
            programs_[named.name] = programs.add(named);
        optimizers_ = programs.add_optimizers();
        const std::size_t model = add_model();
        data_.name(model_symbol(library_), model, sizeof(siamc_model), true);
        DataObject object;
        object.constants = data_.section();
        object.variables.bytes.resize(sizeof(siamc_state));
        object.variables.symbols.push_back({state_symbol(), 0, sizeof(siamc_state), false});
        return object;
    }

  private:
    std::string library_symbol(const std::string& suffix) const {
        return symbol_prefix(library_) + suffix;
    }
    std::string state_symbol() const { return library_symbol("_state"); }

    // ---- what all programs share

    std::size_t add_functions() {
        const std::size_t at = data_.add(siamc_functions{});
        data_.point(at + offsetof(siamc_functions, parallel_for), "halide_do_par_for");
        data_.point(at + offsetof(siamc_functions, get_threads), "halide_get_num_threads");
        data_.point(at + offsetof(siamc_functions, set_threads), "halide_set_num_threads");
        data_.point(at + offsetof(siamc_functions, stop_threads), "halide_shutdown_thread_pool");
        data_.point(at + offsetof(siamc_functions, can_use_features),
                    "halide_can_use_target_features");
        if (!on_device(library_.target)) return at;
        data_.point(at + offsetof(siamc_functions, device_interface),
                    "halide_" + device_of(library_.target) + "_device_interface");
        data_.point(at + offsetof(siamc_functions, device_malloc), "halide_device_malloc");
        data_.point(at + offsetof(siamc_functions, device_free), "halide_device_free");
        data_.point(at + offsetof(siamc_functions, copy_to_device), "halide_copy_to_device");
        data_.point(at + offsetof(siamc_functions, copy_to_host), "halide_copy_to_host");
        data_.point(at + offsetof(siamc_functions, device_crop), "halide_device_crop");
        data_.point(at + offsetof(siamc_functions, release_crop), "halide_device_release_crop");
        data_.point(at + offsetof(siamc_functions, set_error_handler), "halide_set_error_handler");
        return at;
    }

    std::size_t add_features(const Halide::Target& target) {
        std::vector<std::uint64_t> bits((Halide::Target::FeatureEnd + 63) / 64);
        for (int f = 0; f < Halide::Target::FeatureEnd; ++f)
            if (target.has_feature(static_cast<Halide::Target::Feature>(f)))
                bits[static_cast<std::size_t>(f / 64)] |= std::uint64_t{1} << f % 64;
        return data_.add(bits);
    }

    std::size_t add_variants() {
        const std::vector<Variant>& variants = library_.target.variants;
        require_limit(variants.size() <= SIAMC_MAX_VARIANTS, "SIAMC_MAX_VARIANTS");
        std::vector<siamc_variant> list(variants.size());
        for (std::size_t v = 0; v < list.size(); ++v) {
            const Halide::Target& target = variants[v].target;
            list[v].feature_words = (Halide::Target::FeatureEnd + 63) / 64;
            list[v].needs =
                (target.has_feature(Halide::Target::AVX) ? SIAMC_NEEDS_AVX : 0) |
                (target.has_feature(Halide::Target::AVX512) ? SIAMC_NEEDS_AVX512 : 0) |
                (target.has_feature(Halide::Target::AVX512_Zen4) ? SIAMC_NEEDS_ZEN4 : 0);
        }
        const std::size_t at = data_.add(list);
        for (std::size_t v = 0; v < list.size(); ++v) {
            const std::size_t variant = at + v * sizeof(siamc_variant);
            data_.point_to_text(variant + offsetof(siamc_variant, name), variants[v].name);
            data_.point_to_text(variant + offsetof(siamc_variant, target),
                                variants[v].target.to_string());
            data_.point(variant + offsetof(siamc_variant, features),
                        add_features(variants[v].target));
        }
        return at;
    }

    void add_library() {
        siamc_library library = {};
        library.variant_count = static_cast<std::int32_t>(library_.target.variants.size());
        shared_ = data_.add(library);
        data_.point(shared_ + offsetof(siamc_library, functions), add_functions());
        data_.point(shared_ + offsetof(siamc_library, state), state_symbol());
        data_.point(shared_ + offsetof(siamc_library, variants), add_variants());
    }

    // ---- the model

    std::size_t add_parameters() {
        const std::vector<ParameterSlot>& slots = library_.parameters.slots;
        std::vector<siamc_parameter> list(slots.size());
        for (std::size_t s = 0; s < slots.size(); ++s) {
            require_limit(slots[s].dims.size() <= SIAMC_MAX_DIMS, "SIAMC_MAX_DIMS");
            list[s].offset = slots[s].offset;
            list[s].dimensions = static_cast<std::int32_t>(slots[s].dims.size());
            std::copy(slots[s].dims.rbegin(), slots[s].dims.rend(), list[s].dims);
            list[s].is_drawn = !slots[s].initial;
            list[s].initial = static_cast<float>(slots[s].initial.value_or(0));
        }
        const std::size_t at = data_.add(list);
        for (std::size_t s = 0; s < slots.size(); ++s)
            data_.point_to_text(at + s * sizeof(siamc_parameter) + offsetof(siamc_parameter, name),
                                slots[s].name);
        return at;
    }

    // Parameters that the loss does not train: some of other losses, or of the distance. What it
    // has of its own lies together among them.
    void fill_idle(const std::string& loss, siamc_loss& table) const {
        const std::vector<ParameterSlot>& slots = library_.parameters.slots;
        const Graph& graph = program_named(library_, loss).graph;
        const auto trained = [&](const ParameterSlot& slot) {
            return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                               [&](const Node& node) { return node.gradient_of == slot.name; });
        };
        const auto offset = [&](auto slot) {
            return slot == slots.end() ? library_.parameters.padded : slot->offset;
        };
        const auto first = std::find_if_not(slots.begin(), slots.end(), trained);
        const auto own = std::find_if(first, slots.end(), trained);
        const auto rest = std::find_if_not(own, slots.end(), trained);
        if (std::any_of(rest, slots.end(), trained))
            throw std::logic_error("tables: parameters of " + loss + " lie apart");
        table.idle[0] = {offset(first), offset(own) - offset(first)};
        table.idle[1] = {offset(rest), library_.parameters.padded - offset(rest)};
    }

    std::size_t add_losses() {
        const std::vector<LayerSpec>& losses = library_.model.losses;
        std::vector<siamc_loss> list(losses.size());
        for (std::size_t l = 0; l < losses.size(); ++l) {
            list[l].sees = sees_of(losses[l]);
            fill_idle(losses[l].type, list[l]);
        }
        const std::size_t all = data_.add(list);
        for (std::size_t l = 0; l < losses.size(); ++l) {
            const std::size_t at = all + l * sizeof(siamc_loss);
            data_.point_to_text(at + offsetof(siamc_loss, name), losses[l].type);
            data_.point(at + offsetof(siamc_loss, train), programs_.at(losses[l].type));
            data_.point(at + offsetof(siamc_loss, evaluate),
                        programs_.at(losses[l].type + "_evaluation"));
        }
        return all;
    }

    siamc_model model_numbers() const {
        const ModelSpec& model = library_.model;
        siamc_model table = {};
        table.abi_version = SIAMC_ABI_VERSION;
        table.embedding_size = library_.embedding_size;
        require_limit(model.input.shape.size() <= 3, "image_dims");
        std::copy(model.input.shape.begin(), model.input.shape.end(), table.image_dims);
        table.image_dimensions = static_cast<std::int32_t>(model.input.shape.size());
        table.image_bytes = 1;
        for (int extent : model.input.shape) table.image_bytes *= extent;
        table.parameter_count = library_.parameters.count;
        table.parameter_floats = library_.parameters.padded;
        table.statistic_floats = library_.parameters.statistics;
        table.arena_bytes = arena_bytes_of(library_);
        table.encoder_bytes = encoder_bytes_of(library_);
        table.parameter_tensors = static_cast<std::int32_t>(library_.parameters.slots.size());
        table.shared_tensors = static_cast<std::int32_t>(library_.parameters.shared);
        table.loss_count = static_cast<std::int32_t>(model.losses.size());
        table.optimizer_count = static_cast<std::int32_t>(optimizer_rules().size());
        return table;
    }

    std::size_t add_model() {
        const std::size_t at = data_.add(model_numbers());
        const auto text = [&](std::size_t field, const std::string& value) {
            data_.point_to_text(at + field, value);
        };
        text(offsetof(siamc_model, name), library_.model.name);
        text(offsetof(siamc_model, target), library_.target.name);
        text(offsetof(siamc_model, hash), library_.hash);
        text(offsetof(siamc_model, parameter_hash), parameter_hash(library_.parameters));
        if (on_device(library_.target))
            text(offsetof(siamc_model, device), device_of(library_.target));
        data_.point(at + offsetof(siamc_model, parameters), add_parameters());
        data_.point(at + offsetof(siamc_model, losses), add_losses());
        data_.point(at + offsetof(siamc_model, optimizers), optimizers_);
        data_.point(at + offsetof(siamc_model, embed_one), programs_.at("embed_one"));
        data_.point(at + offsetof(siamc_model, embed), programs_.at("embed"));
        data_.point(at + offsetof(siamc_model, distances), programs_.at("distances"));
        data_.point(at + offsetof(siamc_model, library), shared_);
        return at;
    }

    const Library& library_;
    DataBuilder data_;
    std::size_t shared_ = 0, optimizers_ = 0;
    std::map<std::string, std::size_t> programs_;
};

}  // namespace

std::string model_symbol(const Library& library) {
    return symbol_prefix(library) + "_model";
}

long arena_bytes_of(const Library& library) {
    long bytes = 0;
    for (const NamedProgram& named : library.programs)
        bytes = std::max(bytes, named.program.arena_bytes);
    return bytes;
}

long encoder_bytes_of(const Library& library) {
    const long embed = program_named(library, "embed").arena_bytes;
    return (embed + SIAMC_ALIGNMENT - 1) / SIAMC_ALIGNMENT * SIAMC_ALIGNMENT +
           program_named(library, "embed_one").arena_bytes;
}

DataObject tables_of(const Library& library) {
    return Tables(library).run();
}

}  // namespace siamc::compiler
