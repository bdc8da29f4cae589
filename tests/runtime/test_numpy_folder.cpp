#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "catch.h"
#include "data/dataset.h"
#include "data/npy.h"
#include "runtime/data_helpers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

namespace fs = std::filesystem;

Bytes bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}

// As numpy 2.3 writes it: the header is filled up with spaces to a multiple of 64.
Bytes npy(const std::string& type, const std::string& shape, const Bytes& values,
          const std::string& order = "False", int version = 1) {
    std::string text =
        "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
    const std::size_t front = version == 1 ? 10 : 12;
    while ((front + text.size() + 1) % 64 != 0) text += ' ';
    text += '\n';
    Bytes file = bytes_of("\x93NUMPY");
    file.push_back(static_cast<std::uint8_t>(version));
    file.push_back(0);
    for (std::size_t i = 0; i < front - 8; ++i)
        file.push_back(static_cast<std::uint8_t>(text.size() >> (8 * i) & 255));
    return file + bytes_of(text) + values;
}

// Three images of 2 x 2 to train, with labels 7, -1, 300, and one to test.
struct NumpyFolder : TempFolder {
    NumpyFolder() {
        write("x_train.npy", images);
        write("y_train.npy", npy("<i2", "(3,)", {7, 0, 255, 255, 44, 1}));
        write("x_test.npy", npy("|u1", "(1, 2, 2, 1)", {9, 8, 7, 6}, "False", 2));
        write("y_test.npy", npy("<u8", "(1, 1)", {5, 0, 0, 0, 0, 0, 0, 0}));
    }

    Failure failure(const DataRequest& request = {}) const {
        return failure_of([&] { load_dataset(path().string(), request); });
    }
    Failure failure_with(const std::string& name, const Bytes& bytes) const {
        write(name, bytes);
        return failure();
    }

    const Bytes images = npy("|u1", "(3, 2, 2)", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
};

}  // namespace

TEST_CASE("numpy's files are read, whatever integers the labels are", "[dataset]") {
    const NumpyFolder folder;
    for (const char* slash : {"", "/"}) {
        const Dataset data = load_dataset(folder.path().string() + slash);
        CHECK(data.name == folder.path().filename().string());
        CHECK(data.train.labels == std::vector<int>{7, -1, 300});
        CHECK(data.train.height == 2);
        CHECK(data.train.pixels == Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
        CHECK(data.test.labels == std::vector<int>{5});
        CHECK(data.test.pixels == Bytes{9, 8, 7, 6});
    }
    const Dataset turned = load_dataset(folder.path().string(), {.transposed = true});
    CHECK(turned.test.pixels == Bytes{9, 7, 8, 6});
}

TEST_CASE("of numpy's files only those that are asked for need be there", "[dataset]") {
    const NumpyFolder folder;
    fs::remove(folder.path() / "x_test.npy");
    CHECK(load_dataset(folder.path().string(), {.test = false}).train.size() == 3);
    const Failure failure = folder.failure();
    CHECK(failure.code == Exit::missing_input);
    CHECK(failure.mentions("x_test.npy"));
    CHECK(failure.mentions("--holdout"));
}

TEST_CASE("numpy's files of other kinds are refused, with what to write", "[dataset]") {
    const NumpyFolder folder;
    struct Case {
        const char* name;
        Bytes bytes;
        const char* message;
    };
    const Bytes twelve(12, 1);
    const Case cases[] = {
        {"x_train.npy", npy("<f4", "(3, 2, 2)", Bytes(48)), "numpy.uint8"},
        {"x_train.npy", npy("|i1", "(3, 2, 2)", twelve), "unsigned bytes"},
        {"x_train.npy", npy("|u1", "(3, 4)", twelve), "[n][height][width]"},
        {"x_train.npy", npy("|u1", "(3, 2, 2)", twelve, "True"), "ascontiguousarray"},
        {"x_train.npy", npy("|u1", "(3, 2, 2, 3)", Bytes(36)), "grey"},
        {"x_train.npy", npy("|u1", "(0, 2, 2)", {}), "announces 0 images"},
        {"x_train.npy", npy("|u1", "(3, 99999, 2)", twelve), "sides of 1 to"},
        {"x_train.npy", npy("|u1", "(3, 2, 99999999999999999999)", twelve), "sides of 1 to"},
        {"x_train.npy", npy("|u1", "(3, 20000, 20000)", twelve), "cut short"},
        {"x_train.npy", npy("|u1", "(3, 2, 2)", Bytes(11)), "cut short"},
        {"x_train.npy", npy("|u1", "(3, 2, 2)", Bytes(13)), "not as long"},
        {"x_train.npy", npy(">u2", "(3, 2, 2)", Bytes(24)), "little-endian"},
        {"x_train.npy", bytes_of("no header"), "numpy.save"},
        {"x_train.npy", bytes_of("\x93NUM"), "cut short"},
        {"x_train.npy", Bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 255, 255}, "65535 bytes"},
        {"y_train.npy", npy("|u1", "(2,)", {1, 2}), "belong together"},
        {"y_train.npy", npy("|u1", "(3, 2)", Bytes(6)), "belong together"},
        {"y_train.npy", npy("<i8", "(3,)", Bytes(24, 1)), "beyond 32 bits"},
        {"y_train.npy", npy("<u8", "(3,)", Bytes(24, 255)), "beyond 32 bits"},
        {"x_test.npy", npy("|u1", "(1, 2, 3)", Bytes(6)), "don't belong together"},
    };
    for (const Case& wrong : cases) {
        const NumpyFolder fresh;
        const Failure failure = fresh.failure_with(wrong.name, wrong.bytes);
        INFO(wrong.message << ": " << failure.message);
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions(wrong.message));
    }
}

TEST_CASE("a file of numpy's cut anywhere is refused", "[dataset]") {
    const NumpyFolder folder;
    for (std::size_t length = 0; length < folder.images.size(); ++length) {
        const Bytes part(folder.images.begin(), folder.images.begin() + static_cast<long>(length));
        INFO(length << " bytes");
        CHECK(folder.failure_with("x_train.npy", part).code == Exit::bad_data);
    }
    CHECK(folder.failure_with("x_train.npy", folder.images).code == Exit::ok);
}

TEST_CASE("an array that is written is read again", "[dataset]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "e.npy";
    const std::vector<float> values = {1, -2.5f, 3, 4, 5, 6};
    write_npy(file, {'f', 4}, {2, 3}, std::as_bytes(std::span(values)));
    NpyFile back(file);
    CHECK(back.type().kind == 'f');
    CHECK(back.shape() == std::vector<std::uint64_t>{2, 3});
    const std::vector<std::uint8_t> bytes = back.values();
    REQUIRE(bytes.size() == 24);
    CHECK(std::memcmp(bytes.data(), values.data(), 24) == 0);
    CHECK(fs::file_size(file) % 64 == 24);
    for (std::size_t n : {std::size_t{0}, std::size_t{12345678}}) {
        const std::vector<std::byte> some(n);
        write_npy(file, {'u', 1}, {n}, some);
        CHECK(NpyFile(file).shape() == std::vector<std::uint64_t>{n});
        CHECK(fs::file_size(file) == 128 + n);
    }
}
