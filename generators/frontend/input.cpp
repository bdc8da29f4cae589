#include "frontend/input.h"

#include <fmt/format.h>

#include <optional>

#include "frontend/toml_text.h"

namespace siamc::compiler {

namespace {

const char* const shape_form = "shape = [28, 28]: the extents as stored, outermost first";
constexpr long max_image_values = 1L << 24;

// The extents of an image, innermost last. Throws at the extent that takes the product too far.
std::vector<int> read_shape(const toml::node& node) {
    const std::string why = "an image has one to three extents, its last running fastest";
    const std::string instead = shape_form;
    const toml::array* extents = node.as_array();
    if (!extents || extents->empty() || extents->size() > 3) {
        throw ModelError(
            location_of(node),
            fmt::format("\"shape\" of [input] must list 1 to 3 whole numbers, not {}",
                        extents ? fmt::format("{} of them", extents->size()) : described(node)),
            why, instead);
    }
    std::vector<int> shape;
    long values = 1;
    for (const toml::node& extent : *extents) {
        if (!extent.is_integer() || extent.as_integer()->get() < 1) {
            throw ModelError(
                location_of(extent),
                fmt::format("an extent of [input] must be a whole number of at least 1, not {}",
                            described(extent)),
                why, instead);
        }
        const long size = static_cast<long>(extent.as_integer()->get());
        if (size > max_image_values / values) {
            throw ModelError(location_of(extent), "the image of [input] is too large",
                             fmt::format("an image has {} values at most", max_image_values),
                             "smaller extents: scale or crop the images first");
        }
        values *= size;
        shape.push_back(static_cast<int>(size));
    }
    return shape;
}

double read_scale(const toml::node& node) {
    const std::optional<double> scale = real_of(node);
    if (!scale || !(*scale > 0)) {
        throw ModelError(
            location_of(node),
            fmt::format("\"scale\" of [input] must be a finite 32-bit number above 0, not {}",
                        described(node)),
            "a stored value times scale is what the first layer gets",
            "scale = 0.00392156862745098 to bring bytes to 0..1, or leave it out for 1.0");
    }
    return *scale;
}

}  // namespace

InputSpec read_input(const toml::table& model) {
    const toml::table& table =
        require_table(model, "input", "it says what an image of the data set looks like");
    reject_unknown_keys(
        table, "[input]",
        {{"shape", shape_form}, {"type", "type = \"uint8\""}, {"scale", "scale = 1.0"}});
    const toml::node* shape = table.get("shape");
    if (!shape) {
        throw ModelError(location_of(table), "[input] has no \"shape\"",
                         "the sizes of all layers follow from it", shape_form);
    }
    InputSpec input;
    input.shape = read_shape(*shape);
    input.location = location_of(*shape);
    const toml::node* type = table.get("type");
    if (type && type->value<std::string>() != input.type) {
        throw ModelError(
            location_of(*type),
            fmt::format("\"type\" of [input] must be the text \"uint8\", not {}", described(*type)),
            "images are read as stored, one byte a value", "type = \"uint8\"");
    }
    if (const toml::node* scale = table.get("scale")) input.scale = read_scale(*scale);
    return input;
}

}  // namespace siamc::compiler
