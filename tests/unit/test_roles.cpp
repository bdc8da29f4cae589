// Schedules find Funcs by roles, which lie in names: no role may be taken for another.
#include "catch.h"
#include "layers/roles.h"

using namespace siamc::compiler;

TEST_CASE("a Func has the role that it was made for, and no other", "[roles]") {
    for (int made = 0; made <= static_cast<int>(Role::image_sum); ++made)
        for (const char* about : {"", "sum", "tile", "product"}) {
            const Halide::Func first = func_as(static_cast<Role>(made), about);
            const Halide::Func second = func_as(static_cast<Role>(made), about);  // another name
            for (int asked = 0; asked <= static_cast<int>(Role::image_sum); ++asked) {
                INFO(first.name() << ", " << second.name() << " as "
                                  << word_of(static_cast<Role>(asked)));
                CHECK(has_role(first, static_cast<Role>(asked)) == (asked == made));
                CHECK(has_role(second, static_cast<Role>(asked)) == (asked == made));
            }
        }
}

TEST_CASE("a Func of its own name has no role", "[roles]") {
    for (const char* name : {"dense", "index", "viewed", "winograd", "listed"})
        for (int role = 0; role <= static_cast<int>(Role::image_sum); ++role)
            CHECK(!has_role(Halide::Func(name), static_cast<Role>(role)));
}
