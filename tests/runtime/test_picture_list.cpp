#include <string>
#include <vector>

#include "catch.h"
#include "data/dataset.h"
#include "runtime/data_helpers.h"
#include "runtime/picture_helpers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

// Pictures of one pixel, and a list of them.
struct Listed : TempFolder {
    Listed() {
        std::filesystem::create_directories(path() / "some where");
        write("a.png", plain_png(1));
        write("some where/b,2.png", plain_png(2));
        write("c.png", plain_png(3));
    }

    std::string list(const std::string& text) const {
        write("list.csv", {text.begin(), text.end()});
        return (path() / "list.csv").string();
    }
    Dataset load(const std::string& text, bool test = false) const {
        DataRequest request;
        request.test = test;
        request.size = {1, 1, 1};
        return load_dataset(list(text), request);
    }
    Failure failure(const std::string& text) const {
        return failure_of([&] { load(text); });
    }
};

}  // namespace

TEST_CASE("a list names pictures and their classes", "[dataset]") {
    const Listed folder;
    const Dataset data = folder.load(
        "Path,Label\r\nc.png,dog\r\n\"some where/b,2.png\",\"a \"\"cat\"\"\"\r\n\r\n"
        "a.png,dog\r\n");
    CHECK(data.train.pixels == Bytes{3, 2, 1});
    CHECK(data.train.labels == std::vector<int>{1, 0, 1});
    CHECK(data.train.names == std::vector<std::string>{"a \"cat\"", "dog"});
    // Without heading, and the last line without its end; numbers are the labels.
    const Dataset numbered = folder.load("a.png,7\nc.png,12");
    CHECK(numbered.train.labels == std::vector<int>{7, 12});
    CHECK(numbered.train.names.empty());
    // The same picture may stand for two.
    CHECK(folder.load("a.png,1\na.png,2\n").train.pixels == Bytes{1, 1});
}

TEST_CASE("a list may say what is for testing", "[dataset]") {
    const Listed folder;
    const std::string text =
        "path,label,part\na.png,x,train\nc.png,x,test\n\"some where/b,2.png\",y\n";
    const Dataset data = folder.load(text, true);
    CHECK(data.train.pixels == Bytes{1, 2});
    CHECK(data.test.pixels == Bytes{3});
    CHECK(data.test.labels == std::vector<int>{0});
    const Failure failure = failure_of([&] { folder.load("a.png,x\n", true); });
    CHECK(failure.code == Exit::missing_input);
    CHECK(failure.mentions("there is no part test"));
}

TEST_CASE("a list that is none is refused at its line", "[dataset]") {
    const Listed folder;
    for (const char* line : {"c.png", "c.png,a,test,more", ",a", "c.png,", "c.png,a,tset",
                             "\"c.png,a", "c.png,\"a\"b", "c\"d,a", "\"c.png\"\",a"}) {
        INFO(line);
        const Failure failure = folder.failure(std::string("a.png,x\n") + line + "\n");
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions("list.csv:2: "));
        CHECK(failure.mentions("write: path,label"));
    }
    const Failure missing = folder.failure("a.png,x\nnone.png,x\n");
    CHECK(missing.code == Exit::missing_input);
    CHECK(missing.mentions("none.png"));
    CHECK(folder.failure("").code == Exit::missing_input);
    CHECK(folder.failure("path,label\n").code == Exit::missing_input);
    DataRequest request;
    request.transposed = true;
    request.size = {1, 1, 1};
    const std::string list = folder.list("a.png,x\n");
    CHECK(failure_of([&] { load_dataset(list, request); }).code == Exit::usage);
}
