// Files that are no model at all: each ends in a clean message or in success, never in a crash.
#include <algorithm>
#include <random>

#include "catch.h"
#include "model_error_cases.h"

namespace siamc::compiler {

using namespace model_error_cases;

namespace {

std::string repeated(const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; i++) result += text;
    return result;
}

constexpr std::size_t limit = std::size_t{1} << 20;

const std::string sound = head + layer + distance + loss;

const char* const too_large = R"(m.toml: error: the file is larger than 1 MiB
  why: what siamc reads as TOML is a few kilobytes of text
  write: the name of such a file)";

// One line each for error, why and write; nothing that a terminal would obey; a place in the file.
void check_form(const std::string& message) {
    INFO(message);
    CHECK(std::count(message.begin(), message.end(), '\n') == 2);
    CHECK(message.find(": error: ") != std::string::npos);
    CHECK(message.find("\n  why: ") != std::string::npos);
    CHECK(message.find("\n  write: ") != std::string::npos);
    CHECK(message.size() < 1000);
    CHECK(std::none_of(message.begin(), message.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\n') || byte == 0x7F;
    }));
}

}  // namespace

TEST_CASE("a model of 1 MiB is read, one byte more is refused", "[errors]") {
    std::string text = sound;
    while (text.size() < limit - 64) text += "# padding that no model needs ......\n";
    text += "#" + std::string(limit - text.size() - 2, '-') + "\n";
    REQUIRE(text.size() == limit);
    CHECK(message_of(text) == "no error");
    CHECK(message_of(text + "\n") == too_large);
    CHECK(message_of(std::string(10 * limit, '\0')) == too_large);
}

TEST_CASE("nesting without end is refused before it fills the stack", "[errors]") {
    const std::string dots = R"(: error: a line with more than 64 dots
  why: each dot of a key is a level, and three are the most that are needed
  write: one short key a line, e.g. [loss.contrastive])";
    CHECK(message_of("name = \"m\"\n" + repeated("a.", 400000) + "a = 1\n") ==
          "m.toml:2:130" + dots);
    CHECK(message_of("[" + repeated("'ä'.", 200000) + "a]\n") == "m.toml:1:261" + dots);
    for (const std::string open : {"[", "{a=", "[{a="}) {
        const std::string message = message_of("x = " + repeated(open, 200000));
        check_form(message);
        CHECK(message.find("exceeded maximum nested value depth") != std::string::npos);
    }
}

TEST_CASE("the deepest nesting that the limits let through is freed again", "[errors]") {
    const std::string level = "{" + repeated("a.", 64) + "a = [\n";
    const std::string message =
        message_of("x = " + repeated(level, 60) + "1" + repeated("]}", 60) + "\n");
    CHECK(message.find("m.toml:1:1: error: unknown key \"x\"") == 0);
}

TEST_CASE("comments and text may hold what is refused elsewhere", "[errors]") {
    CHECK(message_of("# " + repeated("a.", 500) + " 2024-02-29 [ } „ß“\n" + sound +
                     "[[layer]]\n'type' = '''relu''' # \"") == "no error");
    CHECK(message_of(sound + "\"\"\"a\n[.]\n" + repeated("a.", 500) + "#\"\"\"\"\" = 1\n") ==
          R"(m.toml:9:1: error: not valid TOML
  why: Error while parsing key: multi-line strings are prohibited in keys
  write: valid TOML: each key once, text in quotes; see https://toml.io/en/v1.0.0)");
}

TEST_CASE("what the TOML parser would not survive is refused", "[errors]") {
    const std::string nameless = R"(: error: a table header without a name
  why: a line that begins with [ names a table
  write: a name in the brackets, as in [input] or [[layer]])";
    CHECK(message_of("[.]") == "m.toml:1:2" + nameless);
    CHECK(message_of("\xef\xbb\xbf[.]") == "m.toml:1:2" + nameless);
    CHECK(message_of(sound + " [[ = ]]\n") == "m.toml:9:5" + nameless);
    CHECK(message_of("[[[a]]]\n") == "m.toml:1:3" + nameless);
    CHECK(message_of("[") == "m.toml:1:2" + nameless);
    const std::string brace = R"(: error: a closing brace in place of a value
  why: a value or a key has to follow )";
    const std::string remedy = "\n  write: the missing value, or the list without its last comma";
    CHECK(message_of("a = [}") == "m.toml:1:6" + brace + "[" + remedy);
    CHECK(message_of("a = [1, # one\n }]\n") == "m.toml:2:2" + brace + "," + remedy);
    CHECK(message_of("a = ['\\', }]\n") == "m.toml:1:11" + brace + "," + remedy);
    CHECK(message_of("a = [\"\"\"b\"\"\"\", }]\n") == "m.toml:1:16" + brace + "," + remedy);
    CHECK(message_of("a = [\"\\\"\", }]\n") == "m.toml:1:12" + brace + "," + remedy);
    const std::string date = R"(: error: a date
  why: no key takes a date
  write: a number, or text in quotes)";
    CHECK(message_of("a = [1979-05-27 4]\n") == "m.toml:1:6" + date);
    CHECK(message_of("a = [4, 1_9'9-05-27 ]\n") == "m.toml:1:9" + date);
    const std::string continued = R"(: error: a backslash before a blank or the end of a line
  why: lines of text are not continued
  write: the text on one line)";
    CHECK(message_of("a = \"\"\"\\\n\ufefd\"\"\"\n") == "m.toml:1:8" + continued);
    CHECK(message_of("a = \"\"\"b \\\ufeff\"\"\"\n") == "m.toml:1:10" + continued);
    CHECK(message_of("a = \"\\ b\"\n") == "m.toml:1:6" + continued);
    CHECK(message_of(sound + "# \\ \n[[layer]]\ntype = 'relu' # '\\ '") == "no error");
    const std::string beyond = R"(: error: a character beyond ASCII outside of quotes
  why: only text in quotes and comments may have any
  write: plain quotes, blanks and minus signs, in a file saved as UTF-8)";
    CHECK(message_of("name = “fc”\n") == "m.toml:1:8" + beyond);
    CHECK(message_of(head + "scale = [1,\u2028]\n") == "m.toml:4:12" + beyond);
}

TEST_CASE("binary files end in a message", "[errors]") {
    using namespace std::string_literals;
    for (const std::string& text : {std::string(100000, '\0'), "\xff\xfe"s + "n\0a\0m\0e\0"s,
                                    "name = \"\xc3\x28\""s, "name = \"\xe2\x82"s,
                                    "\x7f"
                                    "ELF"s,
                                    "\x1f\x8b\x08\0\0"s, "\r"s, "\xef\xbb"s}) {
        const std::string message = message_of(text);
        check_form(message);
        CHECK(message.find("m.toml:1:") == 0);
    }
}

TEST_CASE("what a file says is shown cut and without control characters", "[errors]") {
    CHECK(message_of("\"\\u001b[31m\\u009b\" = 1\n") ==
          R"(m.toml:1:1: error: unknown key "\x1b[31m\x9b" in the model
  why: the model has name, input, layer, distance and loss only
  write: the model without this key)");
    check_form(message_of("name = \"" + std::string(1000000, 'a') + "\"\n"));
    check_form(message_of(in_layer("type = \"" + repeated("é", 400000) + "\"\n")));
    check_form(message_of(repeated("k", 400000) + " = 1\n" + repeated("k", 400000) + " = 2\n"));
}

TEST_CASE("a byte-order mark and CRLF line ends change nothing", "[errors]") {
    std::string windows = "\xef\xbb\xbf";
    for (const char c : sound) windows += c == '\n' ? "\r\n" : std::string(1, c);
    CHECK(message_of(windows) == "no error");
    windows.replace(windows.find("relu"), 4, "rely");
    CHECK(message_of(windows) == R"(m.toml:5:8: error: unknown layer "rely"
  why: there are dense, relu, leaky and flatten
  write: type = "relu")");
}

TEST_CASE("random damage to a model ends in a message or in success", "[errors]") {
    const std::string whole =
        head + "scale = 0.5\n[[layer]]\ntype = \"dense\"\nunits = 64\nactivation = \"relu\"\n" +
        layer + distance + "[loss.triplet]\nmargin = 1.0\n";
    const std::string bytes = "[]{}=.\"'\n\r#,-+_ 0e9\\a\0\x80\xff";
    std::mt19937 random(3);
    const auto below = [&](std::size_t n) { return random() % n; };
    int faults = 0;
    for (int round = 0; round < 3000; round++) {
        std::string text = whole;
        for (std::size_t change = 0; change <= below(3); change++) {
            const std::size_t at = below(text.size());
            const char byte = bytes[below(bytes.size())];
            switch (below(3)) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    text.insert(at, 1, byte);
                    break;
                default:
                    text.erase(at, 1 + below(20));
            }
        }
        const std::string message = message_of(text);
        if (message == "no error") continue;
        faults++;
        check_form(message);
        CHECK(message.find("m.toml:") == 0);
        CHECK(message.find("m.toml:0") == std::string::npos);
        CHECK(message.find("m.toml: ") == std::string::npos);
    }
    CHECK(faults > 1000);
}

}  // namespace siamc::compiler
