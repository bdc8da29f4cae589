// The TOML side of reading a model: text to table, with faults as ModelError, and places and values
// as the messages show them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/toml.h"
#include "frontend/model_spec.h"

namespace siamc::compiler {

inline constexpr std::size_t max_model_bytes = max_toml_bytes;

// read_toml, whose faults become ModelErrors: if `text` is too long, nested too deep or not
// TOML 1.0.
toml::table parse_toml(const std::string& text);

// Where messages about something that is missing from the whole file point.
inline constexpr SourceLocation top_of_file{1, 1};

SourceLocation location_of(const toml::node& node);
SourceLocation location_of(const toml::key& key);

// "a list", "the text \"64\"", "64.0": what stands in the file where something else should.
std::string described(const toml::node& node);

// `value` so that it reads back as the same TOML float: always with a point or an exponent.
std::string real_text(double value);

// The number in the file, whole or not. Empty if it is none, or none that a 32-bit float, which is
// what models compute in, can hold: not finite, too large, or so small that it would become 0.
std::optional<double> real_of(const toml::node& node);

struct Entry {
    const toml::key* key;
    const toml::node* value;
    std::string name() const { return std::string(key->str()); }
};

// A table's entries in the order of the file; the table itself sorts them by name.
std::vector<Entry> entries(const toml::table& table);

// A key that a table may have, and how it is written in a model file.
struct KeyForm {
    std::string key;
    std::string form;
};

// Throws ModelError at the first key of `table` that is not among `forms`. `owner` is what the
// messages call the table.
void reject_unknown_keys(const toml::table& table, const std::string& owner,
                         const std::vector<KeyForm>& forms);

// The table [key] of `model`. Throws ModelError with the reason `why` if it is missing or no table.
const toml::table& require_table(const toml::table& model, const std::string& key,
                                 const std::string& why);

}  // namespace siamc::compiler
