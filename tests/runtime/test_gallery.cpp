#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "catch.h"
#include "gallery/gallery.h"
#include "gallery/recognizer.h"
#include "runtime/data_helpers.h"
#include "sampling/random.h"

using namespace siamc;
using namespace siamc::test;

namespace {

const Fingerprint of_a = {"a", "a0a0", "fit", 4}, of_b = {"a", "b0b0", "fit", 4};

Enrolment enrolment(const std::string& identity, int number) {
    Random random(static_cast<std::uint64_t>(number), Stream::glyph_test);
    std::vector<float> embedding(4);
    for (float& value : embedding) value = random.uniform();
    return {identity, "/" + std::to_string(number) + ".png", std::to_string(number),
            std::vector<std::byte>(static_cast<std::size_t>(number % 3)), embedding};
}

std::string name_of(int identity) {
    return "identity " + std::to_string(identity);
}

struct GalleryFile : TempFolder {
    std::string file(const char* name = "g.db") const { return (path() / name).string(); }

    Gallery made(const char* name = "g.db", const Fingerprint& fingerprint = of_a) const {
        Gallery gallery(file(name), Access::create);
        gallery.adopt(fingerprint);
        return gallery;
    }
};

// All that can be seen of it, but for the numbers of templates.
std::string contents(const Gallery& gallery) {
    std::string text;
    for (const Enrolment& e : gallery.enrolments()) {
        text += e.identity + "|" + e.source + "|" + e.image_sha256 + "|" +
                std::to_string(e.image.size()) + "|";
        text.append(reinterpret_cast<const char*>(e.embedding.data()), 16);
    }
    return text;
}

}  // namespace

TEST_CASE("a gallery holds what was enrolled, by names and then in order", "[gallery]") {
    const GalleryFile folder;
    Gallery gallery = folder.made();
    const EnrolResult result = gallery.enroll(std::vector{
        enrolment("b", 1), enrolment("a", 2), enrolment("b", 0), enrolment("a'; --", 3)});
    CHECK(result.added == 4);
    CHECK(result.known == 0);
    const Templates all = Gallery(folder.file(), Access::read).templates();
    CHECK(all.names == std::vector<std::string>{"a", "a'; --", "b"});
    CHECK(all.identity == std::vector<std::int32_t>{0, 1, 2, 2});
    CHECK(all.ids == std::vector<std::int64_t>{2, 4, 1, 3});
    const std::vector<float> first = enrolment("", 2).embedding;
    CHECK(std::equal(first.begin(), first.end(), all.embeddings.begin()));
    REQUIRE(gallery.identities().size() == 3);
    CHECK(gallery.identities()[2].name == "b");
    CHECK(gallery.identities()[2].templates == 2);
    CHECK(gallery.fingerprint() == of_a);

    // The same image again, of the same identity and of another one.
    CHECK(gallery.enroll(std::vector{enrolment("a", 2), enrolment("b", 2)}).known == 1);
    CHECK(gallery.templates().size() == 5);
}

TEST_CASE("a thousand enrolments and five hundred removals equal a rebuild bit for bit",
          "[gallery]") {
    const GalleryFile folder;
    Gallery changed = folder.made("changed.db"), rebuilt = folder.made("rebuilt.db");
    std::vector<int> order(1000);
    std::iota(order.begin(), order.end(), 0);
    shuffle(1000, Random(5, Stream::glyph_test),
            [&](std::size_t i, std::size_t j) { std::swap(order[i], order[j]); });
    // Two hundred identities have five images each; some leave and come back.
    std::vector<std::vector<int>> of(200);
    int removals = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
        const int identity = order[i] % 200;
        changed.enroll(std::vector{enrolment(name_of(identity), order[i])});
        of[static_cast<std::size_t>(identity)].push_back(order[i]);
        if (i % 2 == 0) continue;
        int leaving = (identity * 7 + 3) % 200;
        while (of[static_cast<std::size_t>(leaving)].empty()) leaving = (leaving + 1) % 200;
        CHECK(changed.remove(name_of(leaving)));
        of[static_cast<std::size_t>(leaving)].clear();
        ++removals;
    }
    CHECK(removals == 500);
    for (int identity = 199; identity >= 0; --identity)
        for (const int number : of[static_cast<std::size_t>(identity)])
            rebuilt.enroll(std::vector{enrolment(name_of(identity), number)});
    CHECK(changed.templates().size() > 100);
    CHECK(contents(changed) == contents(rebuilt));
}

TEST_CASE("who is removed is gone, with all images", "[gallery]") {
    const GalleryFile folder;
    Gallery gallery = folder.made();
    gallery.enroll(std::vector{enrolment("a", 0), enrolment("b", 1), enrolment("a", 2)});
    CHECK(gallery.remove("a"));
    CHECK(!gallery.remove("a"));
    CHECK(gallery.templates().names == std::vector<std::string>{"b"});
    CHECK(gallery.templates().ids == std::vector<std::int64_t>{2});
    gallery.enroll(std::vector{enrolment("c", 3)});
    CHECK(gallery.templates().ids == std::vector<std::int64_t>{2, 4});  // 3 is not given again
    const Failure failure = failure_of([&] { gallery.fail_no_identity("B "); });
    CHECK(failure.code == Exit::usage);
    CHECK(failure.mentions("write: b"));
}

TEST_CASE("an enrolment that fails half-way leaves nothing", "[gallery]") {
    const GalleryFile folder;
    Gallery gallery = folder.made();
    Enrolment wrong = enrolment("b", 1);
    wrong.embedding.push_back(0);
    CHECK(failure_of([&] {
              gallery.enroll(std::vector{enrolment("a", 0), wrong});
          }).code == Exit::internal);
    CHECK(gallery.identities().empty());
}

TEST_CASE("a reader sees one state beside a writer, and what is new when it asks", "[gallery]") {
    const GalleryFile folder;
    Gallery writer = folder.made();
    writer.enroll(std::vector{enrolment("a", 0)});
    const Gallery reader(folder.file(), Access::read), second(folder.file(), Access::read);
    const std::int64_t before = reader.version();
    CHECK(reader.version() == before);
    Database other(folder.file(), Access::write);
    {
        const Transaction transaction(other, Access::write);  // never committed
        Statement(other, "DELETE FROM identity").run();
        CHECK(reader.templates().size() == 1);
        CHECK(second.templates().size() == 1);
    }
    CHECK(reader.templates().size() == 1);
    writer.enroll(std::vector{enrolment("b", 1)});
    CHECK(reader.version() != before);
    CHECK(reader.templates().size() == 2);
}

TEST_CASE("embeddings of other weights are refused, with the remedy", "[gallery]") {
    const GalleryFile folder;
    Gallery gallery = folder.made();
    CHECK(failure_of([&] { gallery.check(of_a, "runs/a"); }).code == Exit::ok);
    gallery.adopt(of_b);  // it has one
    const Failure failure = failure_of([&] { gallery.check(of_b, "runs/b"); });
    CHECK(failure.code == Exit::bad_data);
    CHECK(failure.mentions("re-embed --gallery " + folder.file() + " --run runs/b"));
    for (const Fingerprint& other :
         {Fingerprint{"c", "a0a0", "fit", 4}, Fingerprint{"a", "a0a0", "crop", 4},
          Fingerprint{"a", "a0a0", "fit", 8}})
        CHECK(failure_of([&] { gallery.check(other, "r"); }).code == Exit::bad_data);
}

TEST_CASE("galleries of the same weights are merged", "[gallery]") {
    const GalleryFile folder;
    Gallery gallery = folder.made("a.db"), other = folder.made("b.db");
    gallery.enroll(std::vector{enrolment("a", 0), enrolment("b", 1)});
    other.enroll(std::vector{enrolment("b", 1), enrolment("b", 2), enrolment("c", 3)});
    const EnrolResult result = gallery.merge(other);
    CHECK(result.added == 2);
    CHECK(result.known == 1);
    Gallery whole = folder.made("whole.db");
    whole.enroll(
        std::vector{enrolment("a", 0), enrolment("b", 1), enrolment("b", 2), enrolment("c", 3)});
    CHECK(contents(gallery) == contents(whole));

    Gallery fresh(folder.file("fresh.db"), Access::create);
    CHECK(fresh.merge(gallery).added == 4);
    CHECK(fresh.fingerprint() == of_a);
    const Gallery foreign = folder.made("foreign.db", of_b);
    CHECK(failure_of([&] { gallery.merge(foreign); }).code == Exit::bad_data);
}

TEST_CASE("embeddings are replaced all at once", "[gallery]") {
    const GalleryFile folder;
    Gallery gallery = folder.made();
    gallery.enroll(std::vector{enrolment("b", 1), enrolment("a", 2)});
    const std::vector<KeptImage> images = gallery.images();
    REQUIRE(images.size() == 2);
    CHECK(images[0].source == "/1.png");
    CHECK(images[1].image.size() == 2);
    const std::vector<std::int64_t> ids = {images[0].id, images[1].id};
    const std::vector<float> embeddings = {1, 2, 3, 4, 5, 6};
    gallery.replace({"c", "c0c0", "crop", 3}, ids, embeddings);
    CHECK(gallery.fingerprint() == Fingerprint{"c", "c0c0", "crop", 3});
    CHECK(gallery.templates().embeddings == std::vector<float>{4, 5, 6, 1, 2, 3});
    CHECK(failure_of([&] { gallery.replace(of_a, std::span(ids).first(1), embeddings); }).code ==
          Exit::cannot_write);
}

TEST_CASE("files that are no gallery are refused and left as they are", "[gallery]") {
    const GalleryFile folder;
    CHECK(failure_of([&] { Gallery(folder.file("none.db"), Access::read); }).code ==
          Exit::missing_input);
    CHECK(!std::filesystem::exists(folder.file("none.db")));
    folder.write("text.db", Bytes(5000, 'x'));
    for (const Access access : {Access::read, Access::write, Access::create})
        CHECK(failure_of([&] { Gallery(folder.file("text.db"), access); }).code == Exit::bad_data);
    CHECK(std::filesystem::file_size(folder.file("text.db")) == 5000);

    sqlite3* handle = nullptr;  // another program's database
    REQUIRE(sqlite3_open(folder.file("other.db").c_str(), &handle) == SQLITE_OK);
    sqlite3_exec(handle, "CREATE TABLE mine (x); PRAGMA user_version = 1", nullptr, nullptr,
                 nullptr);
    sqlite3_close(handle);
    CHECK(failure_of([&] { Gallery(folder.file("other.db"), Access::create); }).code ==
          Exit::bad_data);

    folder.made("later.db");
    REQUIRE(sqlite3_open(folder.file("later.db").c_str(), &handle) == SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA user_version = 2", nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    CHECK(failure_of([&] {
              Gallery(folder.file("later.db"), Access::read);
          }).mentions("version 2, this program knows version 1"));
    CHECK(failure_of([&] { Gallery(folder.path().string(), Access::create); }).code ==
          Exit::bad_data);
    CHECK(failure_of([&] { Gallery(folder.file("no/folder.db"), Access::create); }).code ==
          Exit::cannot_create);
}

TEST_CASE("a prototype lies in the middle, as far out as what it is of", "[gallery]") {
    CHECK(prototype(std::vector<float>{3, 4}, 2) == std::vector<float>{3, 4});
    const std::vector<float> between = prototype(std::vector<float>{1, 0, 0, 1}, 2);
    CHECK(std::abs(between[0] - std::sqrt(0.5)) < 1e-7);
    CHECK(std::abs(between[1] - std::sqrt(0.5)) < 1e-7);
    const std::vector<float> along = prototype(std::vector<float>{2, 0, 4, 0}, 2);
    CHECK(along == std::vector<float>{3, 0});
    CHECK(prototype(std::vector<float>{1, 0, -1, 0}, 2) == std::vector<float>{0, 0});
}
