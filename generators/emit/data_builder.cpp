#include "emit/data_builder.h"

#include <cstring>

namespace siamc::compiler {

std::size_t DataBuilder::add_bytes(const void* data, std::size_t bytes, std::size_t alignment) {
    std::vector<std::uint8_t>& all = section_.bytes;
    const std::size_t at = (all.size() + alignment - 1) / alignment * alignment;
    all.resize(at + bytes);
    if (bytes > 0) std::memcpy(all.data() + at, data, bytes);
    return at;
}

std::size_t DataBuilder::add_text(const std::string& text) {
    return add_bytes(text.c_str(), text.size() + 1, 1);
}

void DataBuilder::point(std::size_t at, std::size_t to) {
    section_.relocations.push_back({at, base_, static_cast<std::int64_t>(to)});
}

void DataBuilder::point(std::size_t at, const std::string& symbol) {
    section_.relocations.push_back({at, symbol, 0});
}

void DataBuilder::name(const std::string& symbol, std::size_t at, std::size_t bytes,
                       bool exported) {
    section_.symbols.push_back({symbol, at, bytes, exported});
}

DataSection DataBuilder::section() const {
    DataSection section = section_;
    section.symbols.push_back({base_, 0, section.bytes.size(), false});
    return section;
}

}  // namespace siamc::compiler
