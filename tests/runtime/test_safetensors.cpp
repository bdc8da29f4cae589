#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "core/files.h"
#include "runtime/data_helpers.h"
#include "training/safetensors.h"

using namespace siamc;
using namespace siamc::test;

namespace {

namespace fs = std::filesystem;

const std::vector<float> six = {0.5f, -0.0f, 1e-45f, 3.4028235e38f, -1.0f, 2.0f};
const std::vector<float> one = {std::numeric_limits<float>::infinity()};

std::vector<TensorView> two_tensors() {
    return {{"dense/kernel", {2, 3}, six}, {"bias", {}, one}};
}

std::string file_of(const std::string& header, std::size_t data_bytes, long length = -1) {
    const auto size =
        static_cast<std::uint64_t>(length < 0 ? static_cast<long>(header.size()) : length);
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &size, 8);
    return bytes + header + std::string(data_bytes, '\0');
}

// An entry of the header.
std::string entry(const std::string& name, const std::string& shape, const std::string& offsets,
                  const std::string& dtype = "\"F32\"") {
    return "\"" + name + "\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
}

Failure reading(const std::string& bytes) {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    write_file_atomically(file, bytes);
    const Failure failure = failure_of([&] { read_safetensors(file); });
    if (failure.code == Exit::ok) return failure;
    INFO(failure.message);
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.message.rfind(file.string() + ":", 0) == 0);
    return failure;
}

// FNV-1a with 64 bits, as docs/file-formats.md gives it.
std::uint64_t fnv1a64(const std::string& bytes) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
    return hash;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace

TEST_CASE("tensors come back as they were written", "[safetensors]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "weights";
    const std::map<std::string, std::string> metadata = {{"model", "fc"}, {"text", "\"\n\u00e9\\"}};
    write_safetensors(path, two_tensors(), metadata);
    SafetensorsFile read = read_safetensors(path);
    const SafetensorsFile file = std::move(read);  // the views have to follow

    CHECK(file.metadata() == metadata);
    REQUIRE(file.tensors().size() == 2);
    CHECK(file.tensors()[0].name == "dense/kernel");
    CHECK(file.tensors()[0].shape == std::vector<long>{2, 3});
    CHECK(same_bits(file.tensors()[0].data, six));
    CHECK(file.tensor("bias").shape.empty());
    CHECK(same_bits(file.tensor("bias").data, one));
}

TEST_CASE("the file's layout is the format's, with aligned values", "[safetensors]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "weights";
    write_safetensors(path, two_tensors(), {{"model", "fc"}});
    const std::string bytes = read_file(path, 10000);
    const std::string header =
        R"({"__metadata__":{"checksum":"fnv1a64:)" + bytes.substr(45, 16) +
        R"(","model":"fc"},)"
        R"("dense/kernel":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
        R"("bias":{"dtype":"F32","shape":[],"data_offsets":[24,28]}})";
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    CHECK((8 + length) % 64 == 0);
    REQUIRE(bytes.size() == 8 + length + 28);
    CHECK(bytes.substr(8, header.size()) == header);
    CHECK(bytes.substr(8 + header.size(), length - header.size()).find_first_not_of(' ') ==
          std::string::npos);
    CHECK(std::memcmp(bytes.data() + 8 + length, six.data(), 24) == 0);
    std::string blanked = bytes;
    blanked.replace(45, 16, 16, '0');
    CHECK(bytes.substr(45, 16) == fmt::format("{:016x}", fnv1a64(blanked)));
}

TEST_CASE("empty files and tensors without values are files too", "[safetensors]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "weights";
    write_safetensors(path, {}, {});
    CHECK(read_safetensors(path).tensors().empty());
    write_safetensors(
        path, std::vector<TensorView>{{"b", {0, 3}, {}}, {"a", {1}, one}, {"c", {0}, {}}}, {});
    const SafetensorsFile file = read_safetensors(path);
    CHECK(file.tensors().size() == 3);
    CHECK(file.tensor("b").shape == std::vector<long>{0, 3});
    CHECK(file.tensor("b").data.empty());
    CHECK(same_bits(file.tensor("a").data, one));
}

TEST_CASE("what could not be read back is not written", "[safetensors]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "weights";
    const auto write = [&](std::vector<TensorView> tensors) {
        return failure_of([&] { write_safetensors(path, tensors, {}); }).code;
    };
    CHECK(write({{"a", {2}, one}}) == Exit::internal);
    CHECK(write({{"a", {}, {}}}) == Exit::internal);
    CHECK(write({{"a", {1}, one}, {"a", {1}, one}}) == Exit::internal);
    CHECK(write({{"__metadata__", {1}, one}}) == Exit::internal);
    CHECK(write({{"\xff", {1}, one}}) == Exit::internal);
    CHECK(failure_of([&] {
              write_safetensors(path, {}, {{"checksum", ""}});
          }).code == Exit::internal);
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a tensor that is missing is named, with those that exist", "[safetensors]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "weights";
    write_safetensors(path, two_tensors(), {});
    const SafetensorsFile file = read_safetensors(path);
    const Failure failure = failure_of([&] { file.tensor("dense_2\n"); });
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions(path.string()));
    CHECK(failure.mentions(R"(no tensor "dense_2\n", only "dense/kernel", "bias")"));
    CHECK(failure_of([&] { read_safetensors(folder.path() / "none"); }).code ==
          Exit::missing_input);
}

TEST_CASE("headers that lie about their length are refused", "[safetensors]") {
    const std::string header = "{" + entry("a", "[1]", "[0,4]") + "}";
    REQUIRE(reading(file_of(header, 4)).code == Exit::ok);
    CHECK(reading("").mentions(":0: the file ends within the header's length"));
    CHECK(reading("1234567").mentions(":0: "));
    CHECK(reading(file_of(header, 4, 0)).mentions("no '{'"));
    CHECK(reading(file_of(header, 4, static_cast<long>(header.size()) + 5)).mentions("only"));
    CHECK(reading(file_of(header, 4, static_cast<long>(header.size()) - 1)).code == Exit::bad_data);
    CHECK(reading(file_of(header, 4, std::numeric_limits<long>::max())).mentions(":0: "));
    CHECK(reading(std::string(8, '\xff') + header).mentions(":0: "));
    const std::string long_header = header + std::string((1 << 20) - header.size(), ' ');
    CHECK(reading(file_of(long_header, 4)).code == Exit::ok);
    CHECK(reading(file_of(long_header + " ", 4)).mentions("more than the 1048576 that are read"));
}

TEST_CASE("headers that aren't the format's JSON are refused", "[safetensors]") {
    const std::string good = entry("a", "[1]", "[0,4]");
    const auto refused = [](const std::string& header, const std::string& because) {
        INFO(header);
        CHECK(reading(file_of(header, 4)).mentions(because));
    };
    refused("\xEF\xBB\xBF{" + good + "}", "no '{'");
    refused(" {" + good + "}", "no '{'");
    refused("[" + good + "]", "no '{'");
    refused("{" + good + "}" + std::string(1, '\0'), "a zero byte");
    refused("{" + good + ",}", "isn't JSON from here on");
    refused("{" + good + "} x", "isn't JSON from here on");
    refused("{" + good + "}{}", "isn't JSON from here on");
    refused("{/**/" + good + "}", "isn't JSON from here on");
    refused("{" + entry("\xff", "[1]", "[0,4]") + "}", "isn't JSON from here on");
    refused("{" + entry("a", "[1e999]", "[0,4]") + "}", "out of range");
    refused("{" + entry("a", "[[[[[[1]]]]]]", "[0,4]") + "}", "nested too deep");
    refused("{\"a\":" + std::string(100000, '[') + "}", "nested too deep");
    refused("{" + good + "," + good + "}", "\"a\" stands twice");
    refused("{" + good + "," + entry("\\u0061", "[1]", "[0,4]") + "}", "\"a\" stands twice");
    refused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
            "\"dtype\" stands twice");
    refused(R"({"__metadata__":{"x":"1","x":"2"},)" + good + "}", "\"x\" stands twice");
    refused(R"({"__metadata__":{"x":1},)" + good + "}", "\"x\" isn't a string");
    refused(R"({"__metadata__":["x"],)" + good + "}", "isn't an object");
    refused(R"({"__metadata__":null,)" + good + "}", "isn't an object");
}

TEST_CASE("tensors that don't fit their bytes are refused", "[safetensors]") {
    const auto refused = [](const std::string& tensors, std::size_t bytes,
                            const std::string& because) {
        INFO(tensors);
        CHECK(reading(file_of("{" + tensors + "}", bytes)).mentions(because));
    };
    const std::string first = entry("a", "[2]", "[0,8]") + ",";
    REQUIRE(reading(file_of("{" + first + entry("b", "[1]", "[8,12]") + "}", 12)).code == Exit::ok);
    refused(first + entry("b", "[1]", "[12,16]"), 16,
            "\"b\" starts at byte 12 of the values, where 8");
    refused(first + entry("b", "[1]", "[4,8]"), 8, "\"b\" starts at byte 4 of the values, where 8");
    refused(first + entry("b", "[2]", "[0,8]"), 8, "\"b\" starts at byte 0 of the values, where 8");
    refused(entry("a", "[1]", "[4,8]"), 8, "\"a\" starts at byte 4 of the values, where 0");
    refused(entry("a", "[2]", "[0,4]"), 4, "the shape [2] needs 8 bytes, but has bytes 0 to 4");
    refused(entry("a", "[1]", "[0,8]"), 8, "the shape [1] needs 4 bytes");
    refused(entry("a", "[1]", "[4,0]"), 4, "\"a\" starts at byte 4");
    refused(entry("a", "[1]", "[0,4]"), 8, "the tensors have 4 bytes, but the file has 8");
    refused(entry("a", "[2]", "[0,8]"), 4, "the tensors have 8 bytes, but the file has 4");
    refused("", 4, "the tensors have 0 bytes, but the file has 4");
    // Products that come out right only if they wrap around at 64 bits.
    refused(entry("a", "[4611686018427387905,1]", "[0,4]"), 4, "too large");
    refused(entry("a", "[4194305,4194305,211106198978564]", "[0,4]"), 4, "too large");
    refused(entry("a", "[9223372036854775807,9223372036854775807,0]", "[0,0]"), 0, "too large");
    refused(entry("a", "[18446744073709551615]", "[0,4]"), 4, "too large");
    refused(entry("a", "[18446744073709551616]", "[0,4]"), 4, "isn't a list of whole numbers");
}

TEST_CASE("descriptions of a tensor are taken literally", "[safetensors]") {
    const auto refused = [](const std::string& tensor, const std::string& because) {
        INFO(tensor);
        CHECK(reading(file_of("{" + tensor + "}", 4)).mentions(because));
    };
    refused(R"("a":["F32",[1],[0,4]])", "\"a\" isn't described by");
    refused(R"("a":{"dtype":"F32","shape":[1]})", "\"a\" isn't described by");
    refused(R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1})", "isn't described by");
    refused(entry("a", "[1]", "[0,4]", "\"I32\""), "values of type \"I32\", but only F32");
    refused(entry("a", "[1]", "[0,4]", "32"), "dtype isn't a string");
    for (const char* shape : {"[1.0]", "[-1]", "[-0]", "[true]", "[\"1\"]", "1", "{}", "null"})
        refused(entry("a", shape, "[0,4]"), "shape isn't a list of whole numbers");
    for (const char* offsets : {"[0]", "[0,4,4]", "[0,4.0]", "[-0,4]", "4", "{\"0\":4}", "null"})
        refused(entry("a", "[1]", offsets), "data_offsets isn't a list of two whole numbers");
}

TEST_CASE("names are escaped and shortened in messages", "[safetensors]") {
    const Failure failure =
        reading(file_of("{" + entry("\\u001b[31m\u00e9\x7f", "[1]", "[0,8]") + "}", 8));
    CHECK(failure.mentions(R"("\u001b[31m\u00e9\u007f")"));
    CHECK(failure.message.find('\x1b') == std::string::npos);
    const Failure lengthy =
        reading(file_of("{" + entry(std::string(5000, 'n'), "[1]", "[0,8]") + "}", 8));
    CHECK(lengthy.message.size() < 1000);
    CHECK(lengthy.mentions("nnn...\""));
}

TEST_CASE("every cut and every lengthening of a file is refused", "[safetensors]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "weights";
    write_safetensors(path, two_tensors(), {{"model", "fc"}});
    const std::string bytes = read_file(path, 10000);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK(reading(bytes.substr(0, size)).code == Exit::bad_data);
    CHECK(reading(bytes + std::string(1, '\0')).code == Exit::bad_data);
    CHECK(reading(bytes + std::string(4, '\0')).code == Exit::bad_data);
}

TEST_CASE("every flipped bit of a file of ours is refused", "[safetensors]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "weights";
    long refused = 0, flips = 0;
    for (const std::map<std::string, std::string>& metadata :
         {std::map<std::string, std::string>{{"format", "siamc weights 1"},
                                             {"model", "fc"},
                                             {"parameter_hash", "0123456789abcdef"}},
          std::map<std::string, std::string>{{"format", "siamc checkpoint 1"},
                                             {"parameter_hash", "0123456789abcdef"},
                                             {"metrics", "epoch\n1\n"}}}) {
        write_safetensors(path, two_tensors(), metadata);
        const std::string bytes = read_file(path, 10000);
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            std::string flipped = bytes;
            flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
            ++flips;
            refused += reading(flipped).code == Exit::bad_data;
        }
    }
    CHECK(flips > 5000);
    CHECK(refused == flips);
}

TEST_CASE("files of other programs need no checksum, but one that is there must hold",
          "[safetensors]") {
    const std::string tensor = entry("a", "[1]", "[0,4]");
    const auto file = [&](const std::string& metadata) {
        return file_of(R"({"__metadata__":)" + metadata + "," + tensor + "}", 4);
    };
    CHECK(reading(file("{}")).code == Exit::ok);
    CHECK(reading(file(R"({"format":"pt","made by":"hand"})")).code == Exit::ok);
    for (const char* metadata :
         {R"({"format":"siamc weights 1"})", R"({"parameter_hash":"0"})",
          R"({"checksum":"0123456789abcdef"})", R"({"model":"fc","checksum":"fnv1a64:0"})"})
        CHECK(reading(file(metadata)).mentions(":8: Siamc's metadata, but no checksum"));
    CHECK(reading(file(R"({"checksum":"fnv1a64:0123456789abcdef"})"))
              .mentions("the file is damaged: its checksum is "));
}
