// Finding and running other programs.
#include <filesystem>
#include <system_error>

#include "catch.h"
#include "core/programs.h"

using namespace siamc;
namespace fs = std::filesystem;

TEST_CASE("programs are found as a shell finds them") {
    CHECK(find_program("sh").is_absolute());
    CHECK(find_program("/bin/sh") == "/bin/sh");
    CHECK(find_program("no-such-program").empty());
    CHECK(find_program("/etc/passwd").empty());
    CHECK(find_program("/bin").empty());
    const fs::path self = fs::read_symlink("/proc/self/exe");
    CHECK(find_program_beside(self.filename().string()) == self);
    CHECK(find_program_beside("sh") == find_program("sh"));
}

TEST_CASE("a program's end is told") {
    CHECK(run_and_wait({"true"}) == 0);
    CHECK(describe_status(run_and_wait({"sh", "-c", "exit 3"})) == "exit code 3");
    CHECK(describe_status(run_and_wait({"sh", "-c", "kill -9 $$"})) == "signal 9");
    CHECK_THROWS_AS(run_and_wait({"/no/such/program"}), std::system_error);
}

TEST_CASE("a program gets the environment but for one variable") {
    const std::string script = "test -n \"$PATH\" && test -z \"${HOME+set}\"";
    CHECK(run_and_wait({"sh", "-c", script}, "HOME") == 0);
    CHECK(run_and_wait({"sh", "-c", "test -n \"$PATH\""}, "PAT") == 0);
}
