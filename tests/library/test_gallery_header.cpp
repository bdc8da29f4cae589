// A gallery in C, beside the one of the programs.
#ifdef SIAMC_TEST_SQLITE
#define SIAMC_GALLERY_SQLITE
#endif
#include <siamc/siamc_gallery.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "gallery/recognizer.h"
#include "library/fixture.h"

#ifdef SIAMC_TEST_SQLITE
#include "runtime/data_helpers.h"
#endif

using namespace siamc;
using namespace siamc::test;

namespace {

constexpr int size = 256;

std::vector<float> embedding(int number) {
    Random random(static_cast<std::uint64_t>(number), Stream::glyph_train);
    std::vector<float> vector(size);
    for (float& value : vector) value = random.uniform() / 8;
    return vector;
}

struct CGallery {
    explicit CGallery(int capacity)
        : memory(std::malloc(siamc_gallery_bytes(&fc_model, capacity)), std::free) {
        REQUIRE(siamc_gallery_open(&gallery, &fc_model, world.parameters.data(), capacity,
                                   memory.get(), world.arena.data()) == 0);
    }
    int enroll(int number, std::int64_t identity) {
        return siamc_gallery_enroll(&gallery, embedding(number).data(), identity);
    }
    siamc_recognition recognize(const std::vector<float>& query) {
        siamc_recognition found;
        REQUIRE(siamc_gallery_recognize(&gallery, query.data(), &found) == 0);
        return found;
    }

    World world;
    std::unique_ptr<void, void (*)(void*)> memory;
    siamc_gallery gallery;
};

}  // namespace

TEST_CASE("a gallery in C finds what the programs' finds", "[gallery]") {
    CGallery gallery(100);
    Templates templates;
    for (int who = 0; who < 20; ++who) templates.names.push_back(std::to_string(who));
    for (int i = 0; i < 60; ++i) {
        REQUIRE(gallery.enroll(i, i / 3) == 0);
        templates.identity.push_back(i / 3);
        templates.ids.push_back(i + 1);
        const std::vector<float> row = embedding(i);
        templates.embeddings.insert(templates.embeddings.end(), row.begin(), row.end());
    }
    Model model(fc_model);
    Recognizer recognizer(model, gallery.world.parameters, templates, Match::templates);
    for (int i = 40; i < 120; ++i) {
        const siamc_recognition found = gallery.recognize(embedding(i));
        const Recognition expected = recognizer.recognize(embedding(i));
        REQUIRE(found.identity == expected.identity);
        REQUIRE(found.second == expected.second);
        REQUIRE(double{found.distance} == expected.distance);
        REQUIRE(double{found.second_distance} == expected.second_distance);
    }
    CHECK(gallery.recognize(embedding(7)).identity == 2);
    CHECK(gallery.recognize(embedding(7)).distance == 0);
    CHECK(siamc_gallery_remove(&gallery.gallery, 2) == 3);
    CHECK(siamc_gallery_remove(&gallery.gallery, 2) == 0);
    CHECK(gallery.gallery.count == 57);
    CHECK(gallery.recognize(embedding(7)).identity != 2);
    CHECK(gallery.recognize(embedding(10)).identity == 3);
    CHECK(gallery.recognize(embedding(10)).distance == 0);
}

TEST_CASE("a gallery in C says what is wrong", "[gallery]") {
    CGallery gallery(2);
    const std::vector<float> query = embedding(1);
    CHECK(gallery.recognize(query).identity == -1);
    CHECK(gallery.enroll(1, -1) == SIAMC_BAD_CLASS);
    CHECK(gallery.enroll(1, 5) == 0);
    CHECK(gallery.recognize(query).second == -1);
    std::vector<float> broken = query;
    broken[9] = std::numeric_limits<float>::infinity();
    siamc_recognition found;
    CHECK(siamc_gallery_enroll(&gallery.gallery, broken.data(), 1) == SIAMC_GALLERY_NO_NUMBER);
    CHECK(siamc_gallery_recognize(&gallery.gallery, broken.data(), &found) ==
          SIAMC_GALLERY_NO_NUMBER);
    CHECK(gallery.enroll(2, 5) == 0);
    CHECK(gallery.enroll(3, 5) == SIAMC_GALLERY_FULL);
    CHECK(gallery.gallery.count == 2);
    siamc_gallery other;
    const float* none = nullptr;
    void* memory = gallery.memory.get();
    CHECK(siamc_gallery_open(&other, &fc_model, none, -1, memory, memory) == SIAMC_NEGATIVE_COUNT);
    CHECK(siamc_gallery_open(&other, &fc_model, none, 1 << 23, memory, memory) == SIAMC_TOO_LARGE);
    CHECK(siamc_gallery_open(&other, &fc_model, none, 1, nullptr, memory) == SIAMC_NULL_ARGUMENT);
    for (const int error : {SIAMC_GALLERY_FULL, SIAMC_GALLERY_NO_NUMBER, SIAMC_GALLERY_NO_FILE,
                            SIAMC_GALLERY_OTHER_FILE})
        CHECK(std::string(siamc_gallery_error_text(error)) != siamc_error_text(error));
    CHECK(std::string(siamc_gallery_error_text(0)) == "no error");
}

#ifdef SIAMC_TEST_SQLITE
TEST_CASE("a gallery in C reads the programs' file", "[gallery]") {
    const TempFolder folder;
    const std::string file = (folder.path() / "g.db").string();
    Gallery written(file, Access::create);
    written.adopt({"fc", std::string(64, 'a'), "fit", size});
    written.enroll(std::vector<Enrolment>{{"ben", "", "1", {}, embedding(1)},
                                          {"anna", "", "2", {}, embedding(2)},
                                          {"ben", "", "3", {}, embedding(3)}});
    CGallery gallery(5);
    CHECK(siamc_gallery_load(&gallery.gallery, file.c_str(), std::string(64, 'a').c_str()) == 0);
    CHECK(gallery.gallery.count == 3);
    CHECK(gallery.recognize(embedding(3)).identity == 1);
    CHECK(gallery.recognize(embedding(2)).identity == 2);
    CHECK(gallery.recognize(embedding(2)).second == 1);
    CHECK(siamc_gallery_load(&gallery.gallery, file.c_str(), nullptr) == SIAMC_GALLERY_FULL);

    CGallery fresh(5);
    CHECK(siamc_gallery_load(&fresh.gallery, file.c_str(), std::string(64, 'b').c_str()) ==
          SIAMC_GALLERY_OTHER_FILE);
    CHECK(fresh.gallery.count == 0);
    CHECK(siamc_gallery_load(&fresh.gallery, (file + "x").c_str(), nullptr) ==
          SIAMC_GALLERY_NO_FILE);
    folder.write("text.db", Bytes(4096, 'x'));
    CHECK(siamc_gallery_load(&fresh.gallery, (folder.path() / "text.db").c_str(), nullptr) ==
          SIAMC_GALLERY_OTHER_FILE);
    Gallery smaller((folder.path() / "s.db").string(), Access::create);
    smaller.adopt({"fc", "", "fit", 4});
    smaller.enroll(std::vector<Enrolment>{{"a", "", "1", {}, {1, 2, 3, 4}}});
    CHECK(siamc_gallery_load(&fresh.gallery, (folder.path() / "s.db").c_str(), nullptr) ==
          SIAMC_GALLERY_OTHER_FILE);
}
#endif
