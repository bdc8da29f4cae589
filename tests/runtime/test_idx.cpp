#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "catch.h"
#include "data/idx.h"
#include "runtime/data_helpers.h"
#include "sampling/random.h"

using namespace siamc;
using namespace siamc::test;

namespace {

namespace fs = std::filesystem;

// Three images, 2 high and 5 wide, with pixels 0 … 29, of classes 7, 0 and 255.
Bytes small_values() {
    Bytes values(30);
    std::iota(values.begin(), values.end(), std::uint8_t{0});
    return values;
}
Bytes small_images() {
    return idx_header({3, 2, 5}) + small_values();
}
Bytes small_labels() {
    return idx_header({3}) + Bytes{7, 0, 255};
}

ImageSet read_files(const fs::path& images, const fs::path& labels) {
    return IdxFiles(images, labels).read();
}

bool is_small(const ImageSet& set) {
    return set.height == 2 && set.width == 5 && set.pixels == small_values() &&
           set.labels == std::vector<int>{7, 0, 255};
}

Failure read_failure(const fs::path& images, const fs::path& labels) {
    return failure_of([&] { read_files(images, labels); });
}

// Refused as bad data with the file's name, an offset within it, and what to do.
void check_refused(const Failure& failure, const fs::path& file, std::size_t length) {
    INFO(failure.message);
    REQUIRE(failure.code == Exit::bad_data);
    const std::string start = file.string() + ":";
    REQUIRE(failure.message.rfind(start, 0) == 0);
    const std::size_t offset = std::stoul(failure.message.substr(start.size()));
    CHECK(offset <= length);
    CHECK(failure.message.size() > start.size() + 20);
}

Bytes noise(std::size_t size) {
    Bytes bytes(size);
    Random random(1, Stream::split);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    return bytes;
}

}  // namespace

TEST_CASE("IDX files are read plain and packed, whatever their names", "[idx]") {
    const TempFolder folder;
    const fs::path plain = folder.write("plain", small_images());
    const fs::path packed = folder.write("packed", gzipped(small_images()));
    const fs::path named_gz = folder.write("named.gz", small_images());
    const fs::path labels = folder.write("labels.gz", gzipped(small_labels()));
    for (const fs::path& images : {plain, packed, named_gz}) {
        const ImageSet set = read_files(images, labels);
        CHECK(is_small(set));
        CHECK(set.size() == 3);
        CHECK(set.classes() == 3);
        CHECK(set.image(2) == set.pixels.data() + 20);
    }
}

TEST_CASE("a gzip file may be several streams in a row", "[idx]") {
    const TempFolder folder;
    const Bytes all = small_images();
    const auto cut = all.begin() + 13;
    const fs::path images = folder.write(
        "images", gzipped(Bytes(all.begin(), cut)) + gzipped({}) + gzipped(Bytes(cut, all.end())));
    CHECK(is_small(read_files(images, folder.write("labels", small_labels()))));
}

TEST_CASE("zeros after the last stream are passed over, as gzip does", "[idx]") {
    const TempFolder folder;
    const fs::path labels = folder.write("labels", small_labels());
    const Bytes all = small_images();
    const Bytes two =
        gzipped(Bytes(all.begin(), all.begin() + 20)) + gzipped(Bytes(all.begin() + 20, all.end()));
    for (const Bytes& packed : {gzipped(all), two})
        for (const std::size_t zeros : {1u, 2u, 511u, 40000u})
            CHECK(is_small(read_files(folder.write("images", packed + Bytes(zeros)), labels)));
    for (const Bytes& after : {Bytes{0, 1}, Bytes(40000) + Bytes{1}, Bytes{0} + gzipped({})}) {
        const fs::path file = folder.write("images", gzipped(all) + after);
        check_refused(read_failure(file, labels), file, gzipped(all).size() + after.size());
    }
}

TEST_CASE("a set larger than every buffer is read whole", "[idx]") {
    const TempFolder folder;
    const Bytes values = noise(700 * 61 * 67);
    const Bytes images = idx_header({700, 61, 67}) + values;
    const fs::path labels = folder.write("labels", idx_header({700}) + noise(700));
    for (const fs::path& file :
         {folder.write("plain", images), folder.write("packed", gzipped(images))}) {
        const ImageSet set = read_files(file, labels);
        CHECK(set.size() == 700);
        CHECK(set.pixels == values);
    }
    // Packs better than the reader's first guess of the size.
    const Bytes black = idx_header({700, 61, 67}) + Bytes(700 * 61 * 67);
    CHECK(read_files(folder.write("black", gzipped(black)), labels).pixels == Bytes(700 * 61 * 67));
}

TEST_CASE("every truncation of every file is refused", "[idx]") {
    const TempFolder folder;
    const fs::path images = folder.write("images", small_images());
    const fs::path labels = folder.write("labels", small_labels());
    for (const bool pack : {false, true}) {
        const Bytes whole_images = pack ? gzipped(small_images()) : small_images();
        for (std::size_t length = 0; length < whole_images.size(); ++length) {
            const fs::path cut = folder.write(
                "cut", {whole_images.begin(), whole_images.begin() + static_cast<long>(length)});
            check_refused(read_failure(cut, labels), cut, length);
        }
        const Bytes whole_labels = pack ? gzipped(small_labels()) : small_labels();
        for (std::size_t length = 0; length < whole_labels.size(); ++length) {
            const fs::path cut = folder.write(
                "cut", {whole_labels.begin(), whole_labels.begin() + static_cast<long>(length)});
            check_refused(read_failure(images, cut), cut, length);
        }
    }
}

TEST_CASE("packed data that end early are refused where they end", "[idx]") {
    const TempFolder folder;
    const fs::path labels = folder.write("labels", small_labels());
    const Bytes whole = small_images();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const fs::path cut = folder.write(
            "cut", gzipped({whole.begin(), whole.begin() + static_cast<long>(length)}));
        const Failure failure = read_failure(cut, labels);
        check_refused(failure, cut, length);
        CHECK(failure.message.rfind(fmt::format("{}:{}: ", cut.string(), length), 0) == 0);
    }
}

TEST_CASE("a flipped bit in a packed file is refused or changes nothing", "[idx]") {
    const TempFolder folder;
    const fs::path labels = folder.write("labels", small_labels());
    const Bytes whole = gzipped(small_images());
    int harmless = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        Bytes damaged = whole;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1u << bit % 8);
        const fs::path file = folder.write("damaged", damaged);
        ImageSet set;
        const Failure failure = failure_of([&] { set = read_files(file, labels); });
        INFO("bit " << bit);
        if (failure.code == Exit::ok) {
            CHECK(is_small(set));
            ++harmless;
        } else {
            CHECK(failure.code == Exit::bad_data);
        }
    }
    // The text flag, the time stamp, compression level and system's name, and up to 7 bits that pad
    // the data before the checksum.
    CHECK(harmless <= 1 + 32 + 8 + 8 + 7);
}

TEST_CASE("a wrong checksum or length is refused as damage", "[idx]") {
    const TempFolder folder;
    const fs::path labels = folder.write("labels", small_labels());
    const Bytes whole = gzipped(small_images());
    for (const std::size_t from_end : {8u, 4u}) {
        Bytes damaged = whole;
        ++damaged[damaged.size() - from_end];
        const fs::path file = folder.write("damaged.gz", damaged);
        const Failure failure = read_failure(file, labels);
        check_refused(failure, file, damaged.size());
        CHECK(failure.mentions(from_end == 8 ? "incorrect data check" : "incorrect length check"));
        CHECK(failure.mentions("the file is damaged, fetch it again"));
    }
}

TEST_CASE("bytes left over are refused, inside and outside of the packing", "[idx]") {
    const TempFolder folder;
    const fs::path labels = folder.write("labels", small_labels());
    const Bytes longer = small_images() + Bytes{0};
    for (const fs::path& file :
         {folder.write("plain", longer), folder.write("packed", gzipped(longer))}) {
        CHECK(read_failure(file, labels).message ==
              file.string() +
                  ":46: has more bytes after the 3 images of 2 x 5 that its header announces: "
                  "check that it is the right file");
    }
    for (const Bytes& extra : {Bytes{1}, Bytes{0x1f, 0x8b}, noise(100)}) {
        const fs::path file = folder.write("extra", gzipped(small_images()) + extra);
        check_refused(read_failure(file, labels), file, gzipped(small_images()).size() + 1000);
    }
    const fs::path more_labels = folder.write("labels4", small_labels() + Bytes{1});
    check_refused(read_failure(folder.write("images", small_images()), more_labels), more_labels,
                  11);
}

TEST_CASE("lying and hostile dimensions are refused before memory is set aside", "[idx]") {
    const TempFolder folder;
    const auto labels_of = [&](std::uint32_t count) {
        return folder.write("labels", idx_header({count}) + Bytes(std::min(count, 100u)));
    };
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    const std::string out_of_range =
        "there must be 1 to 2147483647 images with sides of 1 to 32768";
    const std::string too_much = "can hold: it is cut short or its header is wrong";
    const std::string cut_short = ":46: the data ends here";
    struct Lie {
        std::array<std::uint32_t, 3> dims;
        std::string plain, packed;  // what the messages say
    };
    const std::vector<Lie> lies = {
        {{0x80000000, 28, 28}, out_of_range, out_of_range},
        {{0xffffffff, 0xffffffff, 0xffffffff}, out_of_range, out_of_range},
        {{1u << 22, 1u << 21, 1u << 21}, out_of_range, out_of_range},  // 0 in 64 bits
        {{65536, 65536, 65536}, out_of_range, out_of_range},           // 0 in 48 bits
        {{65536, 32768, 2}, too_much, too_much},                       // 0 in 32 bits
        {{0x7fffffff, 32768, 32768}, too_much, too_much},              // the most that is allowed
        {{1, 32768, 32768}, too_much, too_much},
        {{60000, 28, 28}, too_much, too_much},
        {{4, 2, 5}, too_much, cut_short},
        {{3, 0, 5}, out_of_range, out_of_range},
        {{3, 2, 0}, out_of_range, out_of_range},
        {{0, 28, 28}, out_of_range, out_of_range},
        {{1, 32769, 1}, out_of_range, out_of_range},
        {{1, 1, 32769}, out_of_range, out_of_range},
    };
    for (const Lie& lie : lies) {
        const Bytes header = idx_header({lie.dims[0], lie.dims[1], lie.dims[2]});
        const Bytes whole = header + small_values();
        const fs::path plain = folder.write("plain", whole), bare = folder.write("bare", header);
        const fs::path packed = folder.write("packed", gzipped(whole));
        for (const fs::path& file : {plain, bare, packed}) {
            const Failure failure = read_failure(file, labels_of(lie.dims[0]));
            check_refused(failure, file, whole.size());
            CHECK(failure.mentions(file == packed ? lie.packed : lie.plain));
        }
    }
    // Long enough on disk for the announced gigabyte to be possible after unpacking.
    const Bytes padded = gzipped(idx_header({1, 32768, 32768}) + noise(2'000'000));
    const fs::path file = folder.write("padded", padded);
    const Failure failure = read_failure(file, labels_of(1));
    check_refused(failure, file, 2'000'016);
    CHECK(failure.mentions(":2000016: the data ends here, but the header announces 1 images"));
    getrusage(RUSAGE_SELF, &after);
    CHECK(after.ru_maxrss - before.ru_maxrss < 64 * 1024);  // KiB
}

TEST_CASE("a file of labels cannot announce more than it has either", "[idx]") {
    const TempFolder folder;
    const fs::path images = folder.write("images", small_images());
    for (const std::uint32_t count : {0u, 2u, 4u, 0x7fffffffu, 0xffffffffu}) {
        const fs::path labels = folder.write("labels", idx_header({count}) + Bytes{7, 0, 255});
        const Failure failure = read_failure(images, labels);
        check_refused(failure, labels, 11);
        CHECK(failure.message ==
              fmt::format("{}:4: announces {} labels for the 3 images of {}: check that the two "
                          "files belong together",
                          labels.string(), count, images.string()));
    }
}

TEST_CASE("what isn't IDX is named for what it is", "[idx]") {
    const TempFolder folder;
    const fs::path images = folder.write("images", small_images());
    const fs::path labels = folder.write("labels", small_labels());

    const fs::path png = folder.write("png", {0x89, 'P', 'N', 'G', 13, 10, 26, 10});
    CHECK(read_failure(png, labels).message ==
          png.string() +
              ":0: not an IDX file: it begins with 89 50 instead of 00 00: check that "
              "it is the right file");
    Bytes floats = small_images();
    floats[2] = 0x0d;
    const fs::path real = folder.write("real", floats);
    CHECK(read_failure(real, labels).message ==
          real.string() +
              ":2: holds values of IDX type 0x0d, but only unsigned bytes (0x08) are "
              "read: convert the file");
    CHECK(read_failure(labels, images).message ==
          labels.string() +
              ":3: has 1 dimensions instead of 3: images have 3 and labels 1, check "
              "that the two files aren't exchanged");
    const Failure swapped = read_failure(images, images);
    CHECK(swapped.code == Exit::bad_data);
    CHECK(swapped.mentions(":3: has 3 dimensions instead of 1"));
}

TEST_CASE("a missing file is named", "[idx]") {
    const TempFolder folder;
    const fs::path images = folder.write("images", small_images());
    const fs::path absent = folder.path() / "absent";
    for (const Failure& failure : {read_failure(absent, images), read_failure(images, absent)}) {
        CHECK(failure.code == Exit::missing_input);
        CHECK(failure.message ==
              absent.string() +
                  ": cannot be opened: No such file or directory: check the path "
                  "and its permissions");
    }
}

TEST_CASE("folders, FIFOs and devices are refused in words, and nothing waits", "[idx]") {
    const TempFolder folder;
    const fs::path images = folder.write("images", small_images());
    const fs::path fifo = folder.path() / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const std::vector<std::pair<fs::path, std::string>> kinds = {
        {folder.path(), "is a folder"}, {fifo, "is a FIFO"}, {"/dev/zero", "is a device"}};
    for (const auto& [path, words] : kinds) {
        for (const Failure& failure : {read_failure(path, images), read_failure(images, path)}) {
            CHECK(failure.code == Exit::bad_data);
            CHECK(failure.message.rfind(path.string() + ": " + words, 0) == 0);
        }
    }
}

TEST_CASE("nothing is unpacked before both headers have been looked at", "[idx]") {
    // Some 200 kB of gzip that would be 200 MB of black images.
    const TempFolder folder;
    const auto bomb = [&](const Bytes& header) {
        return folder.write("bomb", gzipped(header, 200'000'000));
    };
    const fs::path images = bomb(idx_header({200'000, 25, 40}));
    const fs::path labels = folder.write("labels", small_labels());
    const auto refused = [](const fs::path& a, const fs::path& b) {
        rusage before{}, after{};
        getrusage(RUSAGE_SELF, &before);
        const Failure failure = read_failure(a, b);
        getrusage(RUSAGE_SELF, &after);
        CHECK(failure.code == Exit::bad_data);
        CHECK(after.ru_maxrss - before.ru_maxrss < 8 * 1024);  // KiB
        return failure.message;
    };
    CHECK(refused(images, labels) ==
          labels.string() + ":4: announces 3 labels for the 200000 images of " + images.string() +
              ": check that the two files belong together");
    const fs::path small = folder.write("images", small_images());
    const fs::path many = bomb(idx_header({3}));
    CHECK(refused(small, many) ==
          many.string() +
              ":11: has more bytes after the 3 labels that its header announces: "
              "check that it is the right file");
}
