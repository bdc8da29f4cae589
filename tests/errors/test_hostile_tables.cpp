// Tables of tiles that siamc tune never wrote: each is refused at its line, or harmless.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "catch.h"
#include "core/error.h"
#include "frontend/model_spec.h"
#include "schedules/parameters.h"
#include "support/scratch_folder.h"

namespace siamc::compiler {

namespace {

const std::string sound =
    "[[schedule]]\nkernel = \"dense_784x64\"\nfamily = \"avx2\"\nvectors = 2\nwide = 0\n"
    "us = 1.5\nrule_us = 2.25\ncandidates = 7\nmachine = \"a \\\"machine\\\"\"\n"
    "date = \"2026-11-25\"\n";

// "" if the text is a table of schedules.
std::string fault_of(const std::string& text) {
    try {
        parse_schedules(text);
    } catch (const ModelError& error) {
        return error.message("t.toml");
    }
    return "";
}

std::string with(const std::string& key, const std::string& value) {
    const std::size_t begin = sound.find(key + " = ") + key.size() + 3;
    std::string text = sound;
    return text.replace(begin, text.find('\n', begin) - begin, value);
}

std::string repeated(const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; i++) result += text;
    return result;
}

}  // namespace

TEST_CASE("a table of schedules is guarded as a model is", "[errors]") {
    CHECK(fault_of(sound) == "");
    CHECK(fault_of("a" + repeated(".a", 200000) + " = 1\n").find("t.toml:1:130: error: a line") ==
          0);
    CHECK(fault_of("a = [}").find("closing brace") != std::string::npos);
    CHECK(fault_of("a = \"\"\"\\\n\ufefd\"\"\"").find("a backslash before") != std::string::npos);
    CHECK(fault_of(std::string((1 << 20) + 1, '\n')).find("larger than 1 MiB") !=
          std::string::npos);
}

TEST_CASE("tiles and names beyond what siamc tune writes are refused at their line", "[errors]") {
    const std::vector<std::pair<std::string, std::string>> faults = {
        {with("vectors", "9"), "t.toml:4:11: error: vectors must be between 0 and 8"},
        {with("vectors", "-1"), "t.toml:4:11: error: vectors must be between 0 and 8"},
        {with("wide", "9223372036854775807"), "t.toml:5:8: error: wide must be between 0 and 128"},
        {with("us", "nan"), "t.toml:6:6: error: us must be a time in microseconds"},
        {with("rule_us", "-1.0"), "t.toml:7:11: error: rule_us must be a time"},
        {with("kernel", "\"a\\u001b[31m\""),
         "t.toml:2:10: error: kernel is no name: \"a\\x1b[31m\""},
        {with("kernel", "\"\""), "t.toml:2:10: error: kernel is no name"},
        {with("kernel", "\"" + std::string(2000, '9') + "\""), "t.toml:2:10: error: kernel is no"},
        {"[[tile]]\n" + sound, "t.toml:1:3: error: unknown key \"tile\""},
        {"schedule = 3\n", "t.toml:1:12: error: schedule is no list of tables"},
    };
    for (const auto& [text, fault] : faults) {
        INFO(text.substr(0, 200) << "\n" << fault_of(text));
        CHECK(fault_of(text).find(fault) == 0);
    }
}

TEST_CASE("numbers of any length and zeros in names are near to nothing", "[errors]") {
    for (const std::string& extent : {std::string(400, '9'), std::string("0")}) {
        const ScheduleTable table = parse_schedules(with("kernel", "\"dense_" + extent + "x64\""));
        const ScheduleOrigin found = find_schedule(table, "dense_784x64", "avx2");
        CHECK(found.from != "tuned");
        CHECK(find_schedule(table, "dense_" + extent + "x64", "avx2").parameters.vectors <= 2);
    }
}

TEST_CASE("what siamc tune writes comes back, whatever the machine is called", "[errors]") {
    ScheduleTable table = parse_schedules(sound);
    REQUIRE(table.size() == 1);
    CHECK(table[0].machine == "a \"machine\"");
    table[0].machine = "new\nline \\ \"\x1b";
    const ScheduleTable again = parse_schedules(to_toml(table));
    REQUIRE(again.size() == 1);
    CHECK(again[0].machine == table[0].machine);
}

TEST_CASE("a table of schedules is a regular file", "[errors]") {
    const test::ScratchFolder folder;
    const std::filesystem::path fifo = folder.path() / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const auto code_for = [](const std::filesystem::path& path) {
        try {
            read_schedules(path);
        } catch (const Error& error) {
            return error.code();
        }
        return Exit::ok;
    };
    CHECK(code_for(fifo) == Exit::bad_data);
    CHECK(code_for("/dev/zero") == Exit::bad_data);
    CHECK(code_for(folder.path()) == Exit::bad_data);
    CHECK(code_for(folder.path() / "none") == Exit::missing_input);
    std::ofstream(folder.path() / "table") << "[[schedule]]\nkernel = 5\n";
    CHECK(code_for(folder.path() / "table") == Exit::bad_data);
}

TEST_CASE("random damage to a table of schedules ends in a message or in success", "[errors]") {
    const std::string bytes = "[]{}=.\"'\n\r#,-+_ 0e9\\a\x80\xff";
    std::mt19937 random(5);
    const auto below = [&](std::size_t n) { return random() % n; };
    int faults = 0;
    for (int round = 0; round < 3000; round++) {
        std::string text = sound + sound;
        for (std::size_t change = 0; change <= below(3); change++)
            text.insert(below(text.size()), 1, bytes[below(bytes.size())]);
        faults += !fault_of(text).empty();
    }
    CHECK(faults > 1000);
}

}  // namespace siamc::compiler
