#include <png.h>
#include <turbojpeg.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "data/picture.h"
#include "runtime/data_helpers.h"
#include "runtime/picture_helpers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

Failure failure_with(const Bytes& bytes) {
    return failure_of([&] { decode_picture(bytes, 1, "a picture"); });
}

Bytes text(const std::string& bytes) {
    return {bytes.begin(), bytes.end()};
}

Bytes from_hex(const std::string& digits) {
    Bytes bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return bytes;
}

Bytes jpeg(const Bytes& pixels, int height, int width, int format) {
    const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), tjDestroy);
    unsigned char* packed = nullptr;
    unsigned long size = 0;
    const int sampling = format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_444;
    REQUIRE(tjCompress2(encoder.get(), pixels.data(), width, 0, height, format, &packed, &size,
                        sampling, 95, 0) == 0);
    const Bytes bytes(packed, packed + size);
    tjFree(packed);
    return bytes;
}

}  // namespace

TEST_CASE("pictures get another size as Pillow makes them", "[picture]") {
    std::ifstream file(std::filesystem::path(SIAMC_SOURCE_DIR) /
                       "tests/golden/resize_vectors.json");
    const auto cases = nlohmann::json::parse(file);
    REQUIRE(cases.size() == 30);
    for (const auto& each : cases) {
        const auto [height, width, channels] = each["from"].get<std::array<int, 3>>();
        const Picture picture{height, width, channels, from_hex(each["pixels"])};
        const auto to = each["to"].get<std::array<int, 2>>();
        const auto mode = resize_mode(each["mode"].get<std::string>());
        REQUIRE(mode);
        INFO(each["mode"] << " of " << each["from"] << " to " << each["to"]);
        CHECK(resize(picture, to[0], to[1], *mode) == from_hex(each["result"]));
    }
    CHECK(!resize_mode("stretch"));
}

TEST_CASE("a PNG is decoded, in grey or in colours", "[picture]") {
    const Bytes grey = {0, 10, 255, 7, 8, 9};
    const Picture same = decode_picture(png(grey, 2, 3, PNG_FORMAT_GRAY), 1, "");
    CHECK((same.height == 2 && same.width == 3 && same.channels == 1));
    CHECK(same.pixels == grey);
    CHECK(decode_picture(png(grey, 2, 3, PNG_FORMAT_GRAY), 3, "").pixels ==
          Bytes{0, 0, 0, 10, 10, 10, 255, 255, 255, 7, 7, 7, 8, 8, 8, 9, 9, 9});
    const Bytes colours = {255, 0, 0, 0, 255, 0, 0, 0, 255};
    CHECK(decode_picture(png(colours, 1, 3, PNG_FORMAT_RGB), 3, "").pixels == colours);
    // BT.601: 0.299, 0.587, 0.114 of 255.
    CHECK(decode_picture(png(colours, 1, 3, PNG_FORMAT_RGB), 1, "").pixels == Bytes{76, 150, 29});
    // What shows through lies on white.
    CHECK(decode_picture(png({0, 0, 0, 255}, 1, 2, PNG_FORMAT_GA), 1, "").pixels == Bytes{255, 0});
}

TEST_CASE("a JPEG is decoded, in grey or in colours", "[picture]") {
    const Bytes grey(8 * 16, 100), red = [] {
        Bytes pixels;
        for (int i = 0; i < 8 * 16; ++i) pixels.insert(pixels.end(), {250, 0, 0});
        return pixels;
    }();
    const Picture plain = decode_picture(jpeg(grey, 8, 16, TJPF_GRAY), 1, "");
    CHECK((plain.height == 8 && plain.width == 16 && plain.channels == 1));
    for (const std::uint8_t pixel : plain.pixels) CHECK(std::abs(pixel - 100) <= 2);
    const Picture coloured = decode_picture(jpeg(red, 8, 16, TJPF_RGB), 3, "");
    REQUIRE(coloured.pixels.size() == red.size());
    CHECK(std::abs(coloured.pixels[0] - 250) <= 4);
    CHECK(coloured.pixels[1] <= 4);
    const Picture as_grey = decode_picture(jpeg(red, 8, 16, TJPF_RGB), 1, "");
    CHECK(std::abs(as_grey.pixels[0] - 75) <= 3);
    CHECK(decode_picture(jpeg(grey, 8, 16, TJPF_GRAY), 3, "").pixels.size() == 3 * grey.size());
}

TEST_CASE("PBM, PGM and PPM are decoded, as text and as bytes", "[picture]") {
    const auto grey = [](const std::string& bytes) {
        return decode_picture(text(bytes), 1, "").pixels;
    };
    CHECK(grey("P2 # by hand\n 2 2\n 15\n0 15\n# a line\n5 10\n") == Bytes{0, 255, 85, 170});
    CHECK(grey("P5\n2 1\n255\n\x07\x80") == Bytes{7, 128});
    CHECK(grey(std::string("P5 1 2 65535\n\x80\x00\xFF\xFF", 17)) == Bytes{128, 255});
    CHECK(grey("P1\n3 2\n101\n0 1 0\n") == Bytes{0, 255, 0, 255, 0, 255});
    CHECK(grey(std::string("P4\n10 2\n\xAA\x80\x00\x40", 12)) ==
          Bytes{0,   255, 0,   255, 0,   255, 0,   255, 0,   255,
                255, 255, 255, 255, 255, 255, 255, 255, 255, 0});
    CHECK(decode_picture(text("P3\n1 1\n255\n1 2 3"), 3, "").pixels == Bytes{1, 2, 3});
    CHECK(decode_picture(text("P6 1 1 255 abc"), 3, "").pixels == Bytes{'a', 'b', 'c'});
}

TEST_CASE("what is no whole picture is refused, with the reason", "[picture]") {
    const Bytes whole = png(Bytes(64 * 64, 9), 64, 64, PNG_FORMAT_GRAY);
    const Bytes photo = jpeg(Bytes(64 * 64, 9), 64, 64, TJPF_GRAY);
    const Bytes damaged = [&] {
        Bytes bytes = whole;
        bytes[bytes.size() - 20] ^= 0x55;
        return bytes;
    }();
    for (const auto& [bytes, why] : std::vector<std::pair<Bytes, std::string>>{
             {{}, "is empty"},
             {text("GIF89a"), "is neither PNG, JPEG"},
             {Bytes(whole.begin(), whole.end() - 20), "is no whole PNG"},
             {damaged, "is no whole PNG"},
             {Bytes(whole.begin(), whole.begin() + 6), "is no whole PNG"},
             {Bytes(photo.begin(), photo.end() - 40), "is a damaged JPEG"},
             {Bytes(photo.begin(), photo.begin() + 30), "ends within its header"},
             {text("P5\n2 2\n255\nabc"), "is cut short"},
             {text("P5\n2 2\n0\nabcd"), "largest value"},
             {text("P5\n2"), "how large it is"},
             {text("P5\n2 2\n255"), "ends within its header"},
             {text("P5\n0 2\n255\n"), "announces 2 x 0"},
             {text("P2\n1 1\n15\n16"), "values beyond its largest"},
             {text("P1\n1 1\n7"), "values beyond its largest"},
             {text("P5\n32768 32768\n255\n"), "at most 67108864 pixels"},
             {text("P5\n40000 1\n255\n"), "announces 1 x 40000"}}) {
        const Failure failure = failure_with(bytes);
        CHECK(failure.code == Exit::bad_data);
        CHECK_THAT(failure.message, Catch::Contains(why));
        CHECK_THAT(failure.message, Catch::StartsWith("a picture: "));
    }
}
