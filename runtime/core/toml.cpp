#include "core/toml.h"

#include "core/toml_guard.h"

namespace siamc {

toml::table read_toml(std::string_view text) {
    if (text.size() > max_toml_bytes)
        throw TomlFault(0, 0, "the file is larger than 1 MiB",
                        "what siamc reads as TOML is a few kilobytes of text",
                        "the name of such a file");
    refuse_unparsable(text);
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        const toml::source_position& place = error.source().begin;
        throw TomlFault(static_cast<int>(place.line), static_cast<int>(place.column),
                        "not valid TOML", std::string(error.description()),
                        "valid TOML: each key once, text in quotes; see "
                        "https://toml.io/en/v1.0.0");
    }
}

}  // namespace siamc
