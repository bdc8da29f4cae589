// Names that a model cannot have: the headers that this machine's compiler reads are the witnesses.
#include <cstdio>
#include <filesystem>
#include <set>
#include <sstream>

#include "catch.h"
#include "frontend/reserved_names.h"

namespace siamc::compiler {

namespace {

namespace fs = std::filesystem;

// The headers right in a folder of headers, so included as <NAME.h>, that a program reads which
// includes all of C++ and what the runtime needs.
std::set<std::string> headers_read() {
    const char* const command =
        "printf '#include <%s>\\n' bits/stdc++.h pthread.h unistd.h dlfcn.h sched.h math.h "
        "signal.h "
        "sys/wait.h sys/mman.h semaphore.h spawn.h | c++ -std=c++20 -M -x c++ -";
    std::string text;
    FILE* pipe = ::popen(command, "r");
    REQUIRE(pipe);
    for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
    REQUIRE(::pclose(pipe) == 0);
    std::set<std::string> names;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        const fs::path file = word;
        const std::string folder = file.parent_path().filename();
        if (file.extension() == ".h" && (folder == "include" || folder.ends_with("-linux-gnu")))
            names.insert(file.stem());
    }
    return names;
}

}  // namespace

TEST_CASE("names of headers that a program reads", "[errors]") {
    const std::set<std::string> names = headers_read();
    CHECK(names.size() >= 25);
    for (const std::string& name : names)
        if (name.find('-') == std::string::npos)  // no identifier, so no model's name
            CHECK(name_conflict(name) != "");
}

TEST_CASE("names that models may have", "[errors]") {
    for (const char* name : {"fc", "cnn", "m", "net", "mnist", "my_string", "strings2", "siames",
                             "HalideRuntime", "vector", "intrinsics"})
        CHECK(name_conflict(name) == "");
    for (const char* name : {"String", "STDINT", "avx512fintrin", "siamc", "SIAMC", "Siamc_x"})
        CHECK(name_conflict(name) != "");
}

}  // namespace siamc::compiler
