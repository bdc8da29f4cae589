#include "training/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "core/error.h"
#include "core/files.h"

static_assert(std::endian::native == std::endian::little,
              "values are stored as they lie in memory");

namespace siamc {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::size_t alignment = 64;
constexpr int most_nested = 3;  // the header, a tensor, its shape
constexpr const char* metadata_key = "__metadata__";
constexpr const char* checksum_key = "checksum";

// How every file of this project starts, after the header's length: the checksum always has the
// same place. It is of the whole file, with zeros for its own digits.
constexpr std::string_view checksum_start = R"({"__metadata__":{"checksum":"fnv1a64:)";
constexpr std::string_view checksum_zeros = "0000000000000000";
constexpr std::size_t checksum_place = length_bytes + checksum_start.size();

// A name from a file as messages may show it: escaped, in quotes, not too long.
std::string quoted(const std::string& name) {
    constexpr std::size_t most_shown = 80;
    std::string text =
        nlohmann::json(name).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > most_shown) text = text.substr(0, most_shown) + "...\"";
    return text;
}

// FNV-1a with 64 bits (Fowler, Noll, Vo): short in any language, and each byte passes through
// bijections alone, so that a change within one byte always shows.
std::uint64_t fnv1a64(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325u) {
    for (const char byte : bytes) {
        hash ^= static_cast<unsigned char>(byte);
        hash *= 0x100000001b3u;
    }
    return hash;
}

std::string checksum_of(std::string_view file) {
    std::uint64_t hash = fnv1a64(file.substr(0, checksum_place));
    hash = fnv1a64(checksum_zeros, hash);
    hash = fnv1a64(file.substr(checksum_place + checksum_zeros.size()), hash);
    return fmt::format("{:016x}", hash);
}

bool says_ours(const SafetensorsFile::Metadata& metadata) {
    const auto format = metadata.find("format");
    return metadata.contains(checksum_key) || metadata.contains("parameter_hash") ||
           (format != metadata.end() && format->second.starts_with("siamc"));
}

struct Entry {
    std::string name;
    std::vector<long> shape;
    std::size_t begin = 0, end = 0;  // bytes from where the values start
};

// Reads the header of one file; everything that is wrong with it ends in fail_header().
class HeaderReader {
  public:
    HeaderReader(std::string file, std::string_view bytes, std::size_t most_bytes)
        : file_(std::move(file)), bytes_(bytes), most_bytes_(most_bytes) {}

    // How many bytes the file's header takes, its length included.
    std::size_t read_length();
    void read(std::vector<Entry>& entries, SafetensorsFile::Metadata& metadata);
    void check_sum(const SafetensorsFile::Metadata& metadata) const;

  private:
    template <typename... Args>
    [[noreturn]] void fail_header(std::size_t offset, fmt::format_string<Args...> format,
                                  Args&&... args) const {
        fail(Exit::bad_data, "{}:{}: {}: the file is damaged or not a safetensors file of float32",
             file_, offset, fmt::format(format, std::forward<Args>(args)...));
    }
    nlohmann::json parse() const;
    Entry entry(const std::string& name, const nlohmann::json& description) const;
    void check_place(const Entry& entry, std::size_t expected_begin) const;

    std::string file_;
    std::string_view bytes_;  // the whole file
    std::size_t most_bytes_;  // of the header
    std::size_t data_ = 0;    // where the values start
};

std::size_t HeaderReader::read_length() {
    if (bytes_.size() < length_bytes) fail_header(0, "the file ends within the header's length");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), length_bytes);
    if (length > most_bytes_) {
        fail_header(0, "the header would have {} bytes, more than the {} that are read", length,
                    most_bytes_);
    }
    if (length > bytes_.size() - length_bytes) {
        fail_header(0, "the header would have {} bytes, but only {} follow", length,
                    bytes_.size() - length_bytes);
    }
    data_ = length_bytes + static_cast<std::size_t>(length);
    return data_;
}

nlohmann::json HeaderReader::parse() const {
    const std::string_view header = bytes_.substr(length_bytes, data_ - length_bytes);
    // The parser would skip a byte order mark, and take a zero byte for the end.
    if (header.empty() || header.front() != '{')
        fail_header(length_bytes, "no '{{' starts the header");
    if (const std::size_t zero = header.find('\0'); zero != header.npos)
        fail_header(length_bytes + zero, "a zero byte stands in the header");

    std::vector<std::set<std::string>> keys;  // of the objects that are open
    const auto check = [&](int depth, nlohmann::json::parse_event_t event,
                           const nlohmann::json& value) {
        if (depth > most_nested) fail_header(length_bytes, "the header is nested too deep");
        if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
        if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
        if (event == nlohmann::json::parse_event_t::key) {
            const auto& key = value.get_ref<const std::string&>();
            if (!keys.back().insert(key).second)
                fail_header(length_bytes, "{} stands twice in the header", quoted(key));
        }
        return true;
    };
    try {
        return nlohmann::json::parse(header, check);
    } catch (const nlohmann::json::parse_error& error) {
        fail_header(length_bytes + error.byte - 1, "the header isn't JSON from here on");
    } catch (const nlohmann::json::out_of_range&) {
        fail_header(length_bytes, "a number in the header is out of range");
    }
}

// A JSON array of whole numbers, none negative.
bool read_numbers(const nlohmann::json& array, std::vector<std::size_t>& numbers) {
    if (!array.is_array()) return false;
    for (const nlohmann::json& number : array) {
        if (!number.is_number_unsigned()) return false;
        numbers.push_back(number.get<std::size_t>());
    }
    return true;
}

Entry HeaderReader::entry(const std::string& name, const nlohmann::json& description) const {
    const std::string shown = quoted(name);
    if (!description.is_object() || description.size() != 3 || !description.contains("dtype") ||
        !description.contains("shape") || !description.contains("data_offsets")) {
        fail_header(length_bytes, "tensor {} isn't described by dtype, shape and data_offsets",
                    shown);
    }
    const nlohmann::json& type = description["dtype"];
    if (!type.is_string()) fail_header(length_bytes, "tensor {}: dtype isn't a string", shown);
    if (type != "F32") {
        fail_header(length_bytes, "tensor {} has values of type {}, but only F32 is read", shown,
                    quoted(type.get<std::string>()));
    }
    std::vector<std::size_t> shape, place;
    if (!read_numbers(description["shape"], shape))
        fail_header(length_bytes, "tensor {}: shape isn't a list of whole numbers", shown);
    if (!read_numbers(description["data_offsets"], place) || place.size() != 2)
        fail_header(length_bytes, "tensor {}: data_offsets isn't a list of two whole numbers",
                    shown);

    Entry result{name, {}, place[0], place[1]};
    for (const std::size_t extent : shape) {
        if (extent > static_cast<std::size_t>(std::numeric_limits<long>::max()))
            fail_header(length_bytes, "tensor {}: {} is too large an extent", shown, extent);
        result.shape.push_back(static_cast<long>(extent));
    }
    return result;
}

// Tensors follow each other without gaps, and each has the bytes that its shape needs.
void HeaderReader::check_place(const Entry& entry, std::size_t expected_begin) const {
    const std::string shown = quoted(entry.name);
    if (entry.begin != expected_begin) {
        fail_header(length_bytes, "tensor {} starts at byte {} of the values, where {} was due",
                    shown, entry.begin, expected_begin);
    }
    std::size_t size = 1;
    bool overflow = false;
    for (const long extent : entry.shape)
        overflow |= __builtin_mul_overflow(size, static_cast<std::size_t>(extent), &size);
    overflow |= __builtin_mul_overflow(size, sizeof(float), &size);
    if (overflow) {
        fail_header(length_bytes, "tensor {}: the shape [{}] is too large", shown,
                    fmt::join(entry.shape, ", "));
    }
    if (entry.end < entry.begin || entry.end - entry.begin != size) {
        fail_header(length_bytes,
                    "tensor {}: the shape [{}] needs {} bytes, but has bytes {} to {}", shown,
                    fmt::join(entry.shape, ", "), size, entry.begin, entry.end);
    }
}

void HeaderReader::read(std::vector<Entry>& entries, SafetensorsFile::Metadata& metadata) {
    const nlohmann::json header = parse();
    for (const auto& [key, value] : header.items()) {
        if (key != metadata_key) {
            entries.push_back(entry(key, value));
            continue;
        }
        if (!value.is_object()) fail_header(length_bytes, "{} isn't an object", metadata_key);
        for (const auto& [name, text] : value.items()) {
            if (!text.is_string()) {
                fail_header(length_bytes, "{}: {} isn't a string", metadata_key, quoted(name));
            }
            metadata.emplace(name, text.get<std::string>());
        }
    }
    // A tensor without values may share its place with the next one, and goes before it.
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::size_t end = 0;
    for (const Entry& entry : entries) {
        check_place(entry, end);
        end = entry.end;
    }
    if (end != bytes_.size() - data_) {
        fail_header(data_ + std::min(end, bytes_.size() - data_),
                    "the tensors have {} bytes, but the file has {} for them", end,
                    bytes_.size() - data_);
    }
}

void HeaderReader::check_sum(const SafetensorsFile::Metadata& metadata) const {
    if (!says_ours(metadata)) return;
    const bool in_place = bytes_.substr(length_bytes, checksum_start.size()) == checksum_start &&
                          bytes_.size() >= checksum_place + checksum_zeros.size();
    if (!in_place) {
        fail(Exit::bad_data,
             "{}:{}: Siamc's metadata, but no checksum at its place: the file is damaged, or "
             "another program changed it; a file without that metadata is judged by its tensors",
             file_, length_bytes);
    }
    const std::string_view stored = bytes_.substr(checksum_place, checksum_zeros.size());
    if (const std::string actual = checksum_of(bytes_); stored != actual) {
        fail(Exit::bad_data,
             "{}: the file is damaged: its checksum is {}, the one in it {}: use a copy of it, or "
             "train again",
             file_, actual, quoted(std::string(stored)));
    }
}

void check_tensor(const TensorView& tensor) {
    std::size_t size = 1;
    for (const long extent : tensor.shape) size *= static_cast<std::size_t>(extent);
    if (size != tensor.data.size() || tensor.name == metadata_key) {
        fail(Exit::internal, "tensor {} of shape [{}] with {} values cannot be stored",
             quoted(tensor.name), fmt::join(tensor.shape, ", "), tensor.data.size());
    }
}

}  // namespace

std::string safetensors_bytes(std::span<const TensorView> tensors,
                              const std::map<std::string, std::string>& metadata) {
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    header[metadata_key][checksum_key] = fmt::format("fnv1a64:{}", checksum_zeros);
    for (const auto& [key, value] : metadata) {
        if (key == checksum_key) fail(Exit::internal, "the metadata has a checksum already");
        header[metadata_key][key] = value;
    }
    std::size_t offset = 0;
    for (const TensorView& tensor : tensors) {
        check_tensor(tensor);
        if (header.contains(tensor.name))
            fail(Exit::internal, "two tensors are called {}", quoted(tensor.name));
        const std::size_t end = offset + tensor.data.size_bytes();
        header[tensor.name] = {
            {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text;
    try {
        text = header.dump();
    } catch (const nlohmann::json::type_error&) {
        fail(Exit::internal, "a tensor's name or the metadata isn't UTF-8");
    }
    const std::size_t start = (length_bytes + text.size() + alignment - 1) / alignment * alignment;
    text.resize(start - length_bytes, ' ');

    const std::uint64_t length = text.size();
    std::string bytes(reinterpret_cast<const char*>(&length), length_bytes);
    bytes.reserve(start + offset);
    bytes += text;
    for (const TensorView& tensor : tensors)
        bytes.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size_bytes());
    bytes.replace(checksum_place, checksum_zeros.size(), checksum_of(bytes));
    return bytes;
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
    write_file_atomically(path, safetensors_bytes(tensors, metadata));
}

SafetensorsFile read_safetensors(const std::filesystem::path& path, const ReadLimits& limits) {
    const std::string bytes = read_file(path, limits.file_bytes);
    HeaderReader reader(path.string(), bytes, limits.header_bytes);
    const std::size_t start = reader.read_length();
    SafetensorsFile result;
    result.file_ = path.string();
    std::vector<Entry> entries;
    reader.read(entries, result.metadata_);
    reader.check_sum(result.metadata_);
    result.metadata_.erase(checksum_key);

    result.values_.resize((bytes.size() - start) / sizeof(float));
    if (!result.values_.empty())
        std::memcpy(result.values_.data(), bytes.data() + start, bytes.size() - start);
    const std::span<const float> values(result.values_);
    for (Entry& entry : entries) {
        result.tensors_.push_back({std::move(entry.name), std::move(entry.shape),
                                   values.subspan(entry.begin / sizeof(float),
                                                  (entry.end - entry.begin) / sizeof(float))});
    }
    return result;
}

const TensorView& SafetensorsFile::tensor(const std::string& name) const {
    std::vector<std::string> names;
    for (const TensorView& tensor : tensors_) {
        if (tensor.name == name) return tensor;
        names.push_back(quoted(tensor.name));
    }
    fail(Exit::bad_data, "{}: there is no tensor {}, only {}: is it another model's file?", file_,
         quoted(name), fmt::join(names, ", "));
}

}  // namespace siamc
