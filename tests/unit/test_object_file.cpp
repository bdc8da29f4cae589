// Objects that hold data alone: what is refused, and what the formats' limits change. That they
// link and run is tested with libraries (tests/end_to_end/test_formats, test_shared,
// test_versions).
#include <Halide.h>

#include <cstring>

#include "catch.h"
#include "emit/object_file.h"

namespace siamc::compiler {

namespace {

const char* const formats[] = {"x86-64-linux", "arm-64-linux", "arm-64-android", "x86-64-osx",
                               "arm-64-osx",   "arm-64-ios",   "x86-64-windows"};

// Text, and `pointers` pointers to it.
DataObject sample(std::size_t pointers) {
    DataObject object;
    object.constants.bytes.resize(8 * pointers + 5);
    std::memcpy(object.constants.bytes.data() + 8 * pointers, "text", 5);
    object.constants.symbols = {{"start", 0, object.constants.bytes.size(), false},
                                {"shown", 0, 8, true}};
    for (std::size_t p = 0; p < pointers; ++p)
        object.constants.relocations.push_back(
            {8 * p, "start", static_cast<std::int64_t>(8 * pointers)});
    object.variables.bytes.resize(16);
    object.variables.symbols = {{"changed", 0, 16, false}};
    return object;
}

std::uint64_t number(const std::string& bytes, std::size_t at, int size) {
    std::uint64_t value = 0;
    for (int b = size; b-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(b)));
    return value;
}

}  // namespace

TEST_CASE("the same data object for the same data", "[object_file]") {
    for (const char* name : formats) {
        const Halide::Target target(name);
        const std::string object = data_object(sample(3), target);
        CHECK(data_object(sample(3), target) == object);
        CHECK(data_object(sample(4), target) != object);
        // What is hidden already stays as it is; what is shown is hidden.
        DataObject hidden = sample(3);
        for (DataSymbol& symbol : hidden.constants.symbols) symbol.exported = false;
        const std::string expected = data_object(hidden, target);
        CHECK(hide_symbols(expected, target) == expected);
        CHECK(hide_symbols(object, target) == expected);
    }
}

TEST_CASE("an empty data object", "[object_file]") {
    for (const char* name : formats) CHECK_FALSE(data_object({}, Halide::Target(name)).empty());
}

TEST_CASE("data objects that cannot be", "[object_file]") {
    for (const char* name : {"x86-32-linux", "arm-32-linux", "arm-64-windows", "wasm-32-wasmrt"})
        CHECK_THROWS_AS(data_object(sample(1), Halide::Target(name)), std::logic_error);
    for (const char* name : formats) {
        const Halide::Target target(name);
        DataObject twice = sample(1);
        twice.variables.symbols.push_back({"shown", 8, 8, true});
        CHECK_THROWS_AS(data_object(twice, target), std::logic_error);
        DataObject pointing = sample(1);
        pointing.variables.relocations.push_back({0, "start", 0});
        CHECK_THROWS_AS(data_object(pointing, target), std::logic_error);
    }
}

TEST_CASE("symbols of what is no object, or half of one", "[object_file]") {
    // Mach-O ends with the names of symbols, which are not looked at.
    for (const auto& [name, unread] :
         {std::pair("x86-64-linux", std::size_t{0}),
          std::pair("arm-64-osx", sizeof "\0_start\0_shown\0_changed")}) {
        const Halide::Target target(name);
        const std::string object = data_object(sample(3), target);
        CHECK_THROWS_AS(hide_symbols("", target), std::logic_error);
        CHECK_THROWS_AS(hide_symbols(std::string(4000, 'x'), target), std::logic_error);
        for (std::size_t size = 1; size < object.size() - unread; ++size) {
            INFO(name << ", " << size << " bytes");
            CHECK_THROWS_AS(hide_symbols(object.substr(0, size), target), std::logic_error);
        }
    }
}

// Linkers refuse objects of another platform; the load command behind that of the sections.
TEST_CASE("objects for iOS and macOS", "[object_file]") {
    for (const auto& [name, platform] :
         {std::pair("arm-64-ios", 2u), std::pair("arm-64-osx", 1u)}) {
        const std::string object = data_object(sample(1), Halide::Target(name));
        const std::size_t command = 32 + number(object, 36, 4);
        CHECK(number(object, command, 4) == 0x32);
        CHECK(number(object, command + 8, 4) == platform);
    }
}

// A section's header counts in 16 bits: from 65535 on the first entry holds the number.
TEST_CASE("more relocations than COFF counts", "[object_file]") {
    const Halide::Target target("x86-64-windows");
    for (const std::size_t pointers : {65534, 65535, 70000}) {
        const std::string object = data_object(sample(pointers), target);
        const bool more = pointers >= 65535;
        const std::size_t section = 20, table = number(object, section + 24, 4);
        CHECK(number(object, section + 32, 2) == (more ? 65535 : pointers));
        CHECK((number(object, section + 36, 4) >> 24 & 1) == more);
        if (more) CHECK(number(object, table, 4) == pointers + 1);
        const std::size_t last = table + 10 * (pointers + more - 1);
        CHECK(number(object, last, 4) == 8 * (pointers - 1));
        CHECK(number(object, last + 8, 2) == 1);   // ADDR64
        CHECK(number(object, 8, 4) == last + 10);  // the symbols follow
    }
}

}  // namespace siamc::compiler
