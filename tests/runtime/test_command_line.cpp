// Tables of flags: what is parsed, refused and printed from them.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "catch.h"
#include "cli/documents.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/processors.h"
#include "cli/values.h"
#include "runtime/data_helpers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// `file`: what stands in the file that --config names.
cli::Program program(std::vector<std::pair<std::string, std::string>> file = {}) {
    const cli::Group numbers = {
        "Numbers",
        {{.name = "epochs", .kind = cli::Whole{1, 100}, .unit = "epochs", .initial = "10"},
         {.name = "rate", .kind = cli::Real{.least = 0, .most = 1e30, .above = true}},
         {.name = "share", .kind = cli::Real{.least = 0, .most = 1, .below = true}}}};
    const cli::Group others = {
        "Others",
        {{.name = "out", .letter = 'o', .kind = cli::a_folder, .required = true},
         {.name = "optimizer", .kind = cli::Word{{"adam", "sgd"}}, .initial = "adam"},
         {.name = "momentum",
          .kind = cli::Real{0, 1},
          .needs = {{"optimizer", {"sgd"}}},
          .help = "a text that is long enough to need more than one line of eighty columns"},
         {.name = "json", .letter = 'j', .kind = cli::Flag{}},
         {.name = "quiet", .kind = cli::Flag{}, .without = {"json"}},
         {.name = "config", .kind = cli::a_file, .on_line_only = true}}};
    return {.name = "program",
            .summary = "do something",
            .commands = {{.positionals = {{"MODEL", "a file", false}},
                          .groups = {numbers, others},
                          .examples = {{"program --out x", "an example"}}}},
            .flag_files = [file](const cli::Values& values) {
                std::vector<cli::FlagFile> files;
                if (values.has("config")) files.push_back({values.text("config"), file});
                return files;
            }};
}

cli::Values parsed(std::vector<std::string> arguments,
                   std::vector<std::pair<std::string, std::string>> file = {}) {
    const cli::Program table = program(std::move(file));
    if (std::find(arguments.begin(), arguments.end(), "--out") == arguments.end())
        arguments.insert(arguments.end(), {"--out", "x"});
    return cli::parse(table, table.commands[0], arguments);
}

Failure refused(const std::vector<std::string>& arguments,
                const std::vector<std::pair<std::string, std::string>>& file = {}) {
    return failure_of([&] { parsed(arguments, file); });
}

// What an error says to write.
std::string advice(const Failure& failure) {
    const std::string mark = "\n  write: ";
    const auto at = failure.message.find(mark);
    return at == std::string::npos ? "" : failure.message.substr(at + mark.size());
}

}  // namespace

TEST_CASE("numbers are taken within their range and nowhere else", "[cli]") {
    CHECK(parsed({}).whole("epochs") == 10);
    CHECK(parsed({"--epochs", "1"}).whole("epochs") == 1);
    CHECK(parsed({"--epochs=100"}).whole("epochs") == 100);
    CHECK(parsed({"--rate", "1e-3"}).real("rate") == 1e-3);
    CHECK(parsed({"--share", "0"}).real("share") == 0);
    CHECK_FALSE(parsed({}).has("rate"));
    for (const char* flag : {"--epochs", "--rate", "--share"})
        for (const char* value :
             {"nan", "inf", "-inf", "-1", "1e999", "", "9999999999999999999999999999999999999999",
              "1x", " 1", "0x1", "one"}) {
            const Failure failure = refused({flag, value});
            INFO(flag << " '" << value << "': " << failure.message);
            CHECK(failure.code == Exit::usage);
            CHECK(failure.mentions(std::string(flag) + ": '" + value + "'"));
            CHECK(failure.mentions("write: a "));
        }
    CHECK(refused({"--epochs", "0"}).mentions("a whole number from 1 to 100 epochs"));
    CHECK(refused({"--epochs", "101"}).code == Exit::usage);
    CHECK(refused({"--epochs", "1.5"}).code == Exit::usage);
    CHECK(refused({"--rate", "0"}).mentions("a number above 0"));
    CHECK(refused({"--share", "1"}).mentions("below 1"));
}

TEST_CASE("a flag or word that is not known gets the nearest, if it is near", "[cli]") {
    const Failure flag = refused({"--epocs", "3"});
    CHECK(flag.mentions("--epocs: no such flag"));
    CHECK(advice(flag) == "--epochs");
    CHECK(parsed({advice(flag), "3"}).whole("epochs") == 3);
    CHECK(advice(refused({"--optimiser=sgd"})) == "--optimizer");
    CHECK(advice(refused({"--epoch", "3"})) == "--epochs");  // never guessed
    CHECK(advice(refused({"--nonsense"})) == "one of the flags that program --help lists");
    CHECK(advice(refused({"-x"})) == "one of the flags that program --help lists");
    CHECK(advice(refused({"--optimizer", "adma"})) == "adam");
    CHECK(advice(refused({"--optimizer", "lbfgs"})) == "adam or sgd");
}

TEST_CASE("what would be ignored is refused", "[cli]") {
    CHECK(refused({"--momentum", "0.9"}).mentions("--momentum: says nothing for --optimizer adam"));
    CHECK(parsed({"--momentum", "0.9", "--optimizer", "sgd"}).real("momentum") == 0.9);
    CHECK(refused({"--quiet", "--json"}).mentions("--quiet: would be ignored beside --json"));
    CHECK(refused({"--epochs", "1", "--epochs", "2"}).mentions("--epochs: given twice"));
    CHECK(parsed({"--json", "-j"}).flag("json"));
    CHECK(refused({"a", "b"}).mentions("'b'"));
    CHECK(parsed({"a"}).text("MODEL") == "a");
    CHECK(refused({"--json=1"}).mentions("--json: takes no value"));
    CHECK(refused({"--epochs"}).code == Exit::usage);
    CHECK(refused({"--epochs="}).mentions("--epochs"));
    const cli::Program table = program();
    const Failure missing = failure_of([&] { cli::parse(table, table.commands[0], {}); });
    CHECK(missing.mentions("--out is missing"));
}

TEST_CASE("a file of flags counts after the command line and is checked as it", "[cli]") {
    const cli::Values values =
        parsed({"--config", "f", "--epochs", "3"}, {{"epochs", "5"}, {"rate", "0.5"}});
    CHECK(values.whole("epochs") == 3);
    CHECK(values.real("rate") == 0.5);
    CHECK(values.given("rate"));
    CHECK_FALSE(values.on_line("rate"));
    CHECK(parsed({"--config", "f"}, {{"json", "true"}}).flag("json"));
    CHECK_FALSE(parsed({"--config", "f"}, {{"json", "false"}}).flag("json"));
    CHECK(refused({"--config", "f"}, {{"rate", "nan"}}).mentions("f: rate: 'nan'"));
    CHECK(advice(refused({"--config", "f"}, {{"epocs", "3"}})) == "epochs");
    CHECK(refused({"--config", "f"}, {{"config", "g"}}).code == Exit::usage);
    CHECK(refused({"--config", "f"}, {{"json", "1"}}).code == Exit::usage);
}

TEST_CASE("help, man page and completion have every flag, help in 80 columns", "[cli]") {
    const cli::Program table = program();
    const std::string help = cli::help_text(table, table.commands[0]);
    const std::string page = cli::man_page(table), completion = cli::bash_completion(table);
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
    std::vector<cli::Group> groups = table.commands[0].groups;
    groups.push_back(cli::common_options());
    for (const cli::Group& group : groups)
        for (const cli::Option& option : group.options) {
            INFO(option.name);
            CHECK(help.find("--" + option.name) != std::string::npos);
            CHECK(page.find("\\-\\-" + option.name) != std::string::npos);
            CHECK(completion.find("--" + option.name) != std::string::npos);
        }
    CHECK(help.find("--epochs arg (=10)") != std::string::npos);
    CHECK(parsed({"--help"}).flag("help"));
    CHECK(parsed({"-h", "--epochs", "0"}).flag("help"));
}

TEST_CASE("processors are those that the quota of the control groups pays for", "[cli]") {
    const TempFolder folder;
    const auto text = [](const std::string& value) {
        return std::vector<unsigned char>(value.begin(), value.end());
    };
    const auto processors = [&](const std::string& groups) {
        folder.write("cgroup", text(groups));
        return cgroup_processors(folder.path() / "cgroup", folder.path());
    };
    CHECK(std::isinf(processors("0::/a/b\n")));
    std::filesystem::create_directories(folder.path() / "a" / "b");
    folder.write("a/b/cpu.max", text("max 100000\n"));
    CHECK(std::isinf(processors("0::/a/b\n")));
    folder.write("a/cpu.max", text("150000 100000\n"));
    CHECK(processors("0::/a/b\n") == 1.5);  // of the level above
    folder.write("a/b/cpu.max", text("50000 100000\n"));
    CHECK(processors("0::/a/b\n") == 0.5);
    std::filesystem::create_directories(folder.path() / "cpu,cpuacct" / "c");
    folder.write("cpu,cpuacct/c/cpu.cfs_quota_us", text("-1\n"));
    folder.write("cpu,cpuacct/c/cpu.cfs_period_us", text("100000\n"));
    CHECK(std::isinf(processors("4:cpu,cpuacct:/c\n")));
    folder.write("cpu,cpuacct/c/cpu.cfs_quota_us", text("300000\n"));
    CHECK(processors("4:cpu,cpuacct:/c\n3:memory:/c\n") == 3);
    CHECK(usable_processors() >= 1);
    CHECK(usable_processors() <= most_threads);
}
