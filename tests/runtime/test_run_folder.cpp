#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "core/files.h"
#include "runtime/data_helpers.h"
#include "training/run_folder.h"
#include "training/settings.h"

using namespace siamc;
using namespace siamc::test;

namespace {

namespace fs = std::filesystem;

const char* const header =
    "epoch,seconds,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy,"
    "mean_positive_distance,mean_negative_distance,images_per_second\n";

// A file of that text in a folder of its own, and how reading it fails.
template <typename Read>
Failure reading(const Read& read, const std::string& text) {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    write_file_atomically(file, text);
    Failure failure = failure_of([&] { read(file); });
    const std::string start = file.string();
    if (failure.message.rfind(start, 0) == 0) failure.message.erase(0, start.size());
    return failure;
}

}  // namespace

TEST_CASE("a run's folder is made, and a full one is refused", "[run]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "runs" / "fc";
    CHECK(RunFolder::begin(path, Existing::refuse).path() == path);
    RunFolder::begin(path, Existing::refuse);  // empty still
    CHECK(RunFolder::begin(path, Existing::resume).status() == RunFolder::Status::none);

    folder.write("runs/fc/notes.txt", {'x'});
    for (const Existing existing : {Existing::refuse, Existing::resume}) {
        const Failure failure = failure_of([&] { RunFolder::begin(path, existing); });
        CHECK(failure.code == Exit::usage);
        CHECK(failure.mentions(path.string() + ": the folder exists"));
        CHECK(failure.mentions("--force"));
    }
    CHECK_FALSE(RunFolder::begin(path, Existing::replace).waits());
}

TEST_CASE("a folder has one run at a time", "[run]") {
    const TempFolder folder;
    const RunFolder run = RunFolder::begin(folder.path(), Existing::refuse);
    for (const Existing existing : {Existing::refuse, Existing::replace, Existing::resume}) {
        const Failure failure = failure_of([&] { RunFolder::begin(folder.path(), existing); });
        CHECK(failure.code == Exit::cannot_create);
        CHECK(failure.mentions("is writing there"));
    }
}

TEST_CASE("a run that is replaced stays until the new one settles", "[run]") {
    const TempFolder folder;
    fs::create_directory(folder.path() / "inner");
    const RunFolder old(folder.path());
    for (const fs::path& file :
         {old.config(), old.metrics(), old.weights(), old.report(), old.checkpoints()[0],
          old.checkpoints()[1], folder.path() / "notes.txt", folder.path() / "inner/config.toml"})
        write_file_atomically(file, "old");
    old.write_summary({{"finished", true}});
    const auto entries = [&] {
        std::map<std::string, std::string> listing;
        for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
            if (entry.is_regular_file() && entry.path() != old.summary())
                listing[fs::relative(entry.path(), folder.path()).string()] =
                    read_file(entry.path(), 100);
        return listing;
    };
    const auto before = entries();
    {
        const RunFolder dropped = RunFolder::begin(folder.path(), Existing::replace);
        CHECK(dropped.status() == RunFolder::Status::finished);
        write_file_atomically(dropped.config(), "new");
        CHECK(dropped.path() == folder.path());
        CHECK(read_file(old.config(), 100) == "old");
    }
    CHECK(entries() == before);
    RunFolder run = RunFolder::begin(folder.path(), Existing::replace);
    CHECK(run.waits());
    run.write_summary({{"finished", false}});
    write_file_atomically(run.config(), "new");
    run.settle();
    CHECK_FALSE(run.waits());
    write_file_atomically(run.weights(), "new");
    using Listing = std::map<std::string, std::string>;
    CHECK(entries() == Listing{{"config.toml", "new"},
                               {"inner/config.toml", "old"},
                               {"notes.txt", "old"},
                               {"weights.safetensors", "new"}});
    CHECK(old.read_summary()["finished"] == false);
}

TEST_CASE("a run that is not finished says so, and is not taken for one that is", "[run]") {
    const TempFolder folder;
    const RunFolder run(folder.path());
    const auto begin = [&](Existing existing) {
        return failure_of([&] { RunFolder::begin(folder.path(), existing); });
    };
    write_file_atomically(run.config(), "");  // killed right after
    const auto check_unfinished = [&] {
        const Failure read = failure_of([&] { RunFolder::open(folder.path()); });
        INFO(read.message);
        CHECK(read.code == Exit::bad_data);
        CHECK(read.mentions("--resume --out " + folder.path().string()));
        CHECK(begin(Existing::refuse).mentions("--resume to go on with it"));
        CHECK(begin(Existing::resume).message.empty());
    };
    check_unfinished();
    for (const char* summary :
         {"{\"finished\": false}", "{\"finished\": 1}", "[]", "", "{", "\xff"}) {
        write_file_atomically(run.summary(), summary);
        check_unfinished();
    }
    for (const char* summary : {"{\"finished\": true}", "{}"}) {
        write_file_atomically(run.summary(), summary);
        CHECK(RunFolder::open(folder.path()).status() == RunFolder::Status::finished);
        CHECK(begin(Existing::refuse).mentions("--force to replace"));
    }
}

TEST_CASE("a folder that cannot be made is named with the reason", "[run]") {
    const TempFolder folder;
    const fs::path file = folder.write("file", {'x'});
    for (const fs::path& path : {file, file / "inner"}) {
        for (const Existing existing : {Existing::refuse, Existing::replace, Existing::resume}) {
            const Failure failure = failure_of([&] { RunFolder::begin(path, existing); });
            CHECK(failure.code == Exit::cannot_create);
            CHECK(failure.mentions(path.string()));
        }
    }
}

TEST_CASE("a folder without a run is not opened", "[run]") {
    const TempFolder folder;
    const Failure failure = failure_of([&] { RunFolder::open(folder.path()); });
    CHECK(failure.code == Exit::missing_input);
    CHECK(failure.mentions(folder.path().string() + ": there is no config.toml"));
}

TEST_CASE("a summary is JSON, whatever bytes a path has", "[run]") {
    const TempFolder folder;
    const RunFolder run(folder.path());
    run.write_summary({{"run", "caf\xe9"}, {"finished", true}});
    CHECK(run.read_summary()["run"] == "caf\ufffd");
}

TEST_CASE("metrics come back as they were written", "[run]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "metrics.csv";
    write_metrics(file, {});
    CHECK(read_file(file, 1000) == header);
    CHECK(read_metrics(file).empty());

    EpochRow first{1, 0.5, 1e-3, 0.1, 0.9, 1.0 / 3, 0.97, 5e-324, 1e300, 123456.75};
    EpochRow second = first;
    second.epoch = 2;
    second.val_loss = std::numeric_limits<double>::quiet_NaN();
    second.train_loss = std::numeric_limits<double>::infinity();
    write_metrics(file, {first, second});
    CHECK(read_file(file, 1000).rfind(std::string(header) + "1,0.5,0.001,0.1,0.9,0.3333", 0) == 0);

    const std::vector<EpochRow> rows = read_metrics(file);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].epoch == 1);
    CHECK(rows[0].seconds == first.seconds);
    CHECK(rows[0].learning_rate == first.learning_rate);
    CHECK(rows[0].train_loss == first.train_loss);
    CHECK(rows[0].train_accuracy == first.train_accuracy);
    CHECK(rows[0].val_loss == first.val_loss);
    CHECK(rows[0].val_accuracy == first.val_accuracy);
    CHECK(rows[0].mean_positive_distance == first.mean_positive_distance);
    CHECK(rows[0].mean_negative_distance == first.mean_negative_distance);
    CHECK(rows[0].images_per_second == first.images_per_second);
    CHECK(rows[1].epoch == 2);
    CHECK(std::isnan(rows[1].val_loss));
    CHECK(rows[1].train_loss == second.train_loss);
}

TEST_CASE("faults in metrics are named by line and column", "[run]") {
    const auto refused = [](const std::string& text, const std::string& start) {
        INFO(text);
        const Failure failure = reading(read_metrics, text);
        INFO(failure.message);
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.message.rfind(start, 0) == 0);
    };
    const std::string h = header;
    REQUIRE(reading(read_metrics, h + "1,1,1,1,1,1,1,1,1,1\n").code == Exit::ok);
    refused("", ":1:1: the first line must be epoch,");
    refused("epoch,loss\n", ":1:1: ");
    refused(h + "1,1,1,1,1,1,1,1,1,1", ": the last line has no end");
    refused(h + "1,1,1,1,1,1,1,1,1,1\n3,1,1,1,1,1,1,1,1,1\n", ":3:1: epoch must be 2");
    refused(h + "0,1,1,1,1,1,1,1,1,1\n", ":2:1: epoch must be 1");
    refused(h + "x,1,1,1,1,1,1,1,1,1\n", ":2:1: epoch must be 1");
    refused(h + "\n", ":2:1: epoch must be 1");
    refused(h + "1,1,1,x,1,1,1,1,1,1\n", ":2: column 4 (train_loss) isn't a number");
    refused(h + "1,1,1,1 ,1,1,1,1,1,1\n", ":2: column 4 (train_loss) isn't a number");
    refused(h + "1,1,1,,1,1,1,1,1,1\n", ":2: column 4 (train_loss) isn't a number");
    refused(h + "1,1,1,1,1,1,1,1,1\n", ":2: column 10 (images_per_second) isn't a number");
    refused(h + "1,1,1,1,1,1,1,1,1,1,1\n", ":2: column 10 (images_per_second) isn't a number");
    refused(h + "1,1,1,1,1,1,1,1,1,1\r\n", ":2: column 10 (images_per_second) isn't a number");
}

TEST_CASE("settings come back with their types", "[run]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "config.toml";
    const Settings settings = {{"batch", std::int64_t{128}},
                               {"data", std::string("../a \"b\"\\c\n\u00e9")},
                               {"force", true},
                               {"learning-rate", 0.1 + 0.2},
                               {"momentum", 1.0},
                               {"optimizer", std::string("adam")},
                               {"seed", std::int64_t{-1}},
                               {"tiny", 5e-324}};
    write_settings(file, settings);
    CHECK(read_settings(file) == settings);
    write_settings(file, {});
    CHECK(read_settings(file).empty());
}

TEST_CASE("texts of any bytes come back, and the file is UTF-8", "[run]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "config.toml";
    std::string all;
    for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
    for (const std::string& text :
         {std::string("caf\xe9"), std::string("caf\u00e9 \u20ac \U0001f600"), all,
          std::string("\uf7e9\uf77f\uf780\uf7ff\uf800"), std::string("\xef\x9e"),
          std::string("\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80\xe0\x80\x80\xf0\x80\x80\x80\xff")}) {
        write_settings(file, {{"data", text}});
        CHECK(read_settings(file) == Settings{{"data", text}});
        CHECK_NOTHROW(nlohmann::json(read_file(file, 10000)).dump());  // UTF-8 alone
    }
    write_settings(file, {{"data", std::string("caf\xe9")}});
    CHECK(read_file(file, 1000) == "data = \"caf\\uF7E9\"\n");
}

TEST_CASE("settings are one readable line each", "[run]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "config.toml";
    write_settings(file, {{"batch", std::int64_t{128}},
                          {"force", false},
                          {"learning-rate", 0.004},
                          {"optimizer", std::string("adam")}});
    CHECK(read_file(file, 1000) ==
          "batch = 128\nforce = false\nlearning-rate = 0.004\noptimizer = \"adam\"\n");
    CHECK(to_text(Setting(std::int64_t{128})) == "128");
    CHECK(to_text(Setting(false)) == "false");
    CHECK(to_text(Setting(0.001)) == "0.001");
    CHECK(to_text(Setting(std::string("adam"))) == "adam");
}

TEST_CASE("settings by hand: comments, blanks and either quotes", "[run]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "config.toml";
    write_file_atomically(file,
                          "# a run\n\n  batch=1_000 # many\r\nmodel = 'f\\\\c'\nloss\t=\t\"x\"");
    CHECK(read_settings(file) == Settings{{"batch", std::int64_t{1000}},
                                          {"model", std::string("f\\\\c")},
                                          {"loss", std::string("x")}});
}

TEST_CASE("faults in settings are named by line and column", "[run]") {
    const auto refused = [](const std::string& text, const std::string& start) {
        INFO(text);
        const Failure failure = reading(read_settings, text);
        INFO(failure.message);
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.message.rfind(start, 0) == 0);
    };
    for (const char* line : {"[",
                             "[[",
                             "[table]",
                             "a",
                             "a =",
                             "= 1",
                             "a = [1]",
                             "a = {}",
                             "a.b = 1",
                             "\"a\" = 1",
                             "a: 1",
                             "a = [},",
                             "a = \u2028",
                             "\xff",
                             "a = 1 b = 2",
                             "a = 2024-02-03",
                             "a = 2024-02-03 ",
                             "a = 10:00:00",
                             "a = \x01",
                             "#\x01",
                             "a = \"x",
                             "a = 'x",
                             "a = \"x\\\"",
                             "a = \"x\" b",
                             "a = 'x' \u2028",
                             "a = \"\"\"x"})
        refused(std::string("b = 1\n") + line, ":2:1: not a setting: write key = value");
    refused("a = 1\na = 2\n", ":2:");
    refused("a = \"\xff\"\n", ":1:");
    refused("a = 12x\n", ":1:");
    refused("a = tru\n", ":1:");
    refused("a = 99999999999999999999\n", ":1:");
    CHECK(reading(read_settings, std::string(70000, '\n')).code == Exit::bad_data);
}
