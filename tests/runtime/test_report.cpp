#include <openssl/evp.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "html/html.h"
#include "report/axis.h"
#include "report/chart.h"
#include "report/png.h"
#include "report/report.h"
#include "runtime/data_helpers.h"

using namespace siamc;
using namespace siamc::test;

namespace {

const double nan_value = std::numeric_limits<double>::quiet_NaN();

long count(const std::string& text, const std::string& part) {
    long found = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
}

bool has(const std::string& text, const std::string& part) {
    return count(text, part) > 0;
}

// The first tag that isn't closed where it should be; empty if all are.
std::string unbalanced_tag(const std::string& html) {
    const std::array<std::string, 4> open_ended = {"!DOCTYPE", "meta", "link", "img"};
    std::vector<std::string> open;
    for (std::size_t at = html.find('<'); at != html.npos; at = html.find('<', at + 1)) {
        const std::size_t end = html.find('>', at);
        if (end == html.npos) return html.substr(at);
        const bool closing = html[at + 1] == '/';
        const std::size_t start = at + (closing ? 2 : 1);
        const std::string name = html.substr(start, html.find_first_of(" >/", start) - start);
        if (std::find(open_ended.begin(), open_ended.end(), name) != open_ended.end()) continue;
        if (html[end - 1] == '/') continue;
        if (!closing) {
            open.push_back(name);
        } else if (open.empty() || open.back() != name) {
            return "/" + name;
        } else {
            open.pop_back();
        }
    }
    return open.empty() ? "" : open.back();
}

std::vector<std::uint8_t> decoded_png(const std::string& uri, int height, int width) {
    const std::string start = "data:image/png;base64,";
    REQUIRE(uri.rfind(start, 0) == 0);
    const std::string text = uri.substr(start.size());
    std::vector<unsigned char> bytes(text.size());
    const int size =
        EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()));
    REQUIRE(size > 0);
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_memory(&image, bytes.data(), static_cast<std::size_t>(size)));
    CHECK(image.format == PNG_FORMAT_GRAY);
    CHECK(image.height == static_cast<unsigned>(height));
    CHECK(image.width == static_cast<unsigned>(width));
    std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image));
    REQUIRE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr));
    return pixels;
}

std::vector<EpochRow> epochs(int count) {
    std::vector<EpochRow> rows;
    for (int e = 1; e <= count; ++e) {
        const double part = 1.0 / e;
        rows.push_back(
            {e, 0.5, 1e-3, part / 10, 1 - part / 5, part / 8, 0.9 - part / 4, part, 1.2, 200000});
    }
    return rows;
}

const std::vector<std::uint8_t> grey(28 * 28, 100);

PairPicture picture(bool same, double distance, double threshold = 0.5) {
    const ImageView view{grey.data(), 28, 28};
    return {view, view, same, distance, distance < threshold};
}

// A report with every part, and `text` wherever text goes.
ReportInput full_report(const std::string& text, int epoch_count) {
    ReportInput input;
    input.title = input.subtitle = input.accuracy_rule = text;
    input.tiles = {{text, text, text}, {text, text, ""}};
    input.epochs = epochs(epoch_count);
    input.samples = {picture(true, 0), picture(false, 0)};
    input.predictions = {picture(true, 0.2), picture(false, 0.3), picture(true, 0.9)};
    input.same_distances = {0.1f, 0.2f, 0.6f, 0.3f};
    input.different_distances = {0.9f, 0.4f, 1.1f, 1.2f};
    input.threshold = 0.5;
    input.settings = {{text, text}};
    return input;
}

ComparisonInput full_comparison(const std::string& text, int epoch_count) {
    ComparisonInput input;
    input.title = input.subtitle = input.accuracy_rule = text;
    input.tiles = {{text, text, text}};
    for (int run = 0; run < 3; ++run)
        input.runs.push_back({text, epochs(epoch_count), {{text, text}}});
    input.settings = {{text, text}};
    return input;
}

LineChart chart_of(const std::vector<double>& values, bool percent = false) {
    return {"title", "unit", percent, {{"one", values}}};
}

}  // namespace

TEST_CASE("text is escaped", "[report]") {
    CHECK(escape("a < b && \"c\" > 'd'") == "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;");
    CHECK(escape(std::string("a\0b\x1b\x7f", 5)) == "a&#xFFFD;b&#xFFFD;&#xFFFD;");
    CHECK(escape("caf\u00e9\t\n") == "caf\u00e9\t\n");
}

TEST_CASE("large numbers are grouped", "[report]") {
    const std::vector<std::pair<double, std::string>> known = {
        {0, "0"},          {999, "999"},       {1000, "1,000"},   {999999.4, "999,999"},
        {-999, "-999"},    {1e6, "1,000,000"}, {-1000, "-1,000"}, {-123456, "-123,456"},
        {12345, "12,345"}, {nan_value, "nan"}};
    for (const auto& [number, text] : known) CHECK(grouped(number) == text);
}

TEST_CASE("images come back from their data URIs", "[report]") {
    const std::vector<std::pair<int, int>> sizes = {{1, 1}, {1, 9}, {9, 1}, {28, 28}, {105, 103}};
    for (const auto& [height, width] : sizes) {
        std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width));
        for (std::size_t i = 0; i < pixels.size(); ++i)
            pixels[i] = static_cast<std::uint8_t>(i * i / 3 + 7 * i);
        CHECK(decoded_png(png_data_uri({pixels.data(), height, width}), height, width) == pixels);
    }
    CHECK(failure_of([] { png_data_uri({nullptr, 0, 0}); }).code == Exit::internal);
    CHECK(failure_of([] { png_data_uri({grey.data(), 0, 28}); }).code == Exit::internal);
}

TEST_CASE("axes have round ticks that span their values", "[report]") {
    const Axis loss = round_axis(0, 0.0713, 5);
    CHECK(loss.labels == std::vector<std::string>{"0.00", "0.02", "0.04", "0.06", "0.08"});
    CHECK(round_axis(92.8, 98.6, 5).labels ==
          std::vector<std::string>{"92", "94", "96", "98", "100"});
    CHECK(round_axis(0, 0.5, 5).labels ==
          std::vector<std::string>{"0.0", "0.1", "0.2", "0.3", "0.4", "0.5"});
    CHECK(round_axis(-1, 1, 4).labels ==
          std::vector<std::string>{"-1.0", "-0.5", "0.0", "0.5", "1.0"});
    for (const double size : {1e-9, 3e-5, 0.7, 1.0, 9.99, 12345.0, 8e9}) {
        for (const double low : {0.0, -0.31 * size, 0.77 * size}) {
            const Axis axis = round_axis(low, size, 5);
            INFO(low << " to " << size);
            CHECK(axis.low <= low + 1e-6 * size);
            CHECK(axis.high >= size * (1 - 1e-6));
            CHECK(axis.ticks.size() >= 3);
            CHECK(axis.ticks.size() <= 8);
            CHECK(std::set<std::string>(axis.labels.begin(), axis.labels.end()).size() ==
                  axis.labels.size());
        }
    }
}

TEST_CASE("an axis places values between its ends", "[report]") {
    Axis axis = round_axis(0, 10, 5);
    axis.from = 200;
    axis.to = 100;
    CHECK(axis.place(0) == 200);
    CHECK(axis.place(10) == 100);
    CHECK(axis.place(2.5) == 175);
}

TEST_CASE("epochs have ticks at whole numbers", "[report]") {
    CHECK(epoch_axis(1, 10).labels == std::vector<std::string>{"1"});
    CHECK(epoch_axis(1, 10).place(1) == 0.5);
    CHECK(epoch_axis(3, 10).labels == std::vector<std::string>{"1", "2", "3"});
    CHECK(epoch_axis(10, 10).labels.size() == 10);
    CHECK(epoch_axis(12, 10).labels ==
          std::vector<std::string>{"1", "2", "4", "6", "8", "10", "12"});
    CHECK(epoch_axis(100, 10).labels.size() == 11);
    CHECK(epoch_axis(100000, 10).labels.size() <= 12);
}

TEST_CASE("few epochs are marked one by one, many are not", "[report]") {
    const std::string one = render_line_chart(chart_of({0.5}));
    CHECK(count(one, "class=\"dot\"") == 1);
    CHECK(has(one, "one, epoch 1: 0.5</title>"));
    const std::string ten = render_line_chart(chart_of(std::vector<double>(10, 0.25)));
    CHECK(count(ten, "class=\"dot\"") == 10);
    const std::string hundred = render_line_chart(chart_of(std::vector<double>(100, 0.25)));
    CHECK(count(hundred, "class=\"dot\"") == 0);
    CHECK(has(hundred, "one, epoch 100: 0.25</title>"));
    CHECK(render_line_chart(chart_of(std::vector<double>(5000, 0.25))).size() < 150000);
}

TEST_CASE("a line is drawn where its values are", "[report]") {
    // The axes: epochs 1 … 3 on 56 … 506, values 0 … 1 on 256 … 26 (downwards).
    const std::string svg = render_line_chart(chart_of({1, 0.5, 0}));
    CHECK(has(svg, "d=\"M56.0 26.0L281.0 141.0L506.0 256.0\""));
    const std::string percent = render_line_chart(chart_of({90, 95, 100}, true));
    CHECK(has(percent, "d=\"M56.0 256.0L281.0 141.0L506.0 26.0\""));
    CHECK(has(percent, "one, epoch 2: 95.00 %</title>"));
}

TEST_CASE("missing values leave gaps, not drawings of nothing", "[report]") {
    const double infinite = std::numeric_limits<double>::infinity();
    const std::string gap = render_line_chart(chart_of({1, 0.5, nan_value, 0, infinite}));
    CHECK(has(gap, "d=\"M56.0 26.0L168.5 141.0M393.5 256.0\""));
    CHECK(count(gap, "class=\"dot\"") == 3);
    for (const std::vector<double>& values :
         {std::vector<double>{}, std::vector<double>{nan_value}, std::vector<double>{infinite, 0},
          std::vector<double>{0, 0}, std::vector<double>{100, 100}, std::vector<double>{1e-300}}) {
        for (const bool percent : {false, true}) {
            const std::string svg = render_line_chart(chart_of(values, percent));
            CHECK_FALSE(has(svg, "nan"));
            CHECK_FALSE(has(svg, "inf"));
            CHECK(unbalanced_tag(svg) == "");
        }
    }
    // One lonely value among many still shows.
    std::vector<double> lonely(50, nan_value);
    lonely[20] = 1;
    CHECK(count(render_line_chart(chart_of(lonely)), "class=\"dot\"") == 1);
}

TEST_CASE("every series has a name in the legend and a style of its own", "[report]") {
    LineChart chart{"title", "unit", false, {}};
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
        chart.series.push_back({name, {1}});
    const std::string html = render_line_chart(chart);
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
        CHECK(has(html, std::string("</svg>") + name + "</li>"));
    CHECK(count(html, "<g class=\"line s1\">") == 2);  // six styles: the seventh begins anew
    CHECK(count(html, "<g class=\"line s6\">") == 1);
    CHECK(has(html, "role=\"img\" aria-label=\"title\"><title>title</title>"));
}

TEST_CASE("the histogram counts each side of the threshold", "[report]") {
    const std::vector<float> same = {0.1f, 0.2f, 0.3f, 0.7f},
                             different = {0.4f, 0.9f, 1.0f, 1.1f, 1.2f};
    const std::string html = render_histogram({"title", same, different, 0.5});
    CHECK(
        has(html, "At D &lt; 0.5, 25.00 % of the same pairs are taken for different, and 20.00 %"));
    CHECK(count(html, "<path") == 2);
    CHECK(has(html, ">threshold 0.5</text>"));
    CHECK(unbalanced_tag(html) == "");
}

TEST_CASE("the threshold is an edge between bars", "[report]") {
    // Just below and just above: bars that meet at the threshold's own place.
    const std::vector<float> below = {0.4999f}, above = {0.5001f, 1.03f};
    const std::string html = render_histogram({"title", below, above, 0.5});
    const std::size_t line = html.find("class=\"threshold\" x1=\"") + 22;
    const std::string x = html.substr(line, html.find('"', line) - line);
    CHECK(has(html, "H" + x + "V256.0Z"));      // the end of the one kind
    CHECK(has(html, "d=\"M" + x + " 256.0V"));  // the beginning of the other
}

TEST_CASE("odd distances make a histogram too", "[report]") {
    const std::vector<float> none, zeros(5, 0.0f), negative = {-1e-7f, 0.0f}, one = {3.0f};
    for (const std::vector<float>& same : {none, zeros, negative, one}) {
        for (const double threshold : {0.5, 0.0, -1.0, 1e-9, 100.0}) {
            const std::string html = render_histogram({"title", same, zeros, threshold});
            CHECK_FALSE(has(html, "nan"));
            CHECK_FALSE(has(html, "inf"));
            CHECK(html.size() < 20000);
            CHECK(unbalanced_tag(html) == "");
        }
    }
}

TEST_CASE("mistakes come first, the worst of them marked", "[report]") {
    const std::vector<PairPicture> pairs = {picture(true, 0.111), picture(false, 0.222),
                                            picture(true, 0.666), picture(false, 0.777),
                                            picture(true, 0.999), picture(false, 0.444)};
    const std::string html = render_predictions(pairs, 0.5);
    std::vector<std::size_t> places;
    for (const char* d :
         {"D = 0.999", "D = 0.222", "D = 0.666", "D = 0.444", "D = 0.111", "D = 0.777"})
        places.push_back(html.find(d));
    CHECK(places.back() != html.npos);
    CHECK(std::is_sorted(places.begin(), places.end()));
    CHECK(count(html, ">worst<") == 3);
    CHECK(html.rfind(">worst<") < html.find("D = 0.444"));
    CHECK(has(html, "Wrong (4 shown)"));
    CHECK(has(html, "Right (2 shown)"));
    CHECK(count(html, "class=\"pair wrong\"") == 4);
    CHECK(count(html, "&#10003; same") == 1);
    CHECK(count(html, "&#10003; different") == 1);
    CHECK(count(html, "&#10007; same") == 2);
    CHECK(count(html, "&#10007; different") == 2);
    CHECK(count(html, "<img src=\"data:image/png;base64,") == 12);
    CHECK(count(html, " alt=\"") == 12);
    CHECK_FALSE(has(render_predictions(std::vector{picture(true, 0.1)}, 0.5), "Wrong"));
}

TEST_CASE("a report needs nothing but itself", "[report]") {
    for (const int epoch_count : {1, 10, 100}) {
        for (const std::string& html : {render_report(full_report("text", epoch_count)),
                                        render_comparison(full_comparison("text", epoch_count))}) {
            CHECK(html.rfind("<!DOCTYPE html>", 0) == 0);
            CHECK(has(html,
                      "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\""));
            for (const char* outside : {"http:", "https:", "//", "<script", "url(", "@import",
                                        "<iframe", "<a ", "onload", "onclick", "srcset"})
                CHECK_FALSE(has(html, outside));
            CHECK(count(html, "src=\"") == count(html, "src=\"data:image/png;base64,"));
            CHECK(count(html, "href=") == 1);
            CHECK(has(html, "<link rel=\"icon\" href=\"data:,\">"));
            CHECK(unbalanced_tag(html) == "");
            CHECK(count(html, "<svg class=\"chart\"") ==
                  count(html, "</title>\n<line class=\"grid\""));
        }
    }
}

TEST_CASE("no text of a data set or a run becomes markup", "[report]") {
    const std::string hostile = "</title><script>alert(\"x\")</script><img src='x' onerror=1>&amp;";
    const std::string report = render_report(full_report(hostile, 3));
    const std::string comparison = render_comparison(full_comparison(hostile, 3));
    for (const std::string& html : {report, comparison}) {
        CHECK_FALSE(has(html, "<script"));
        CHECK_FALSE(has(html, "<img src='x'"));
        CHECK_FALSE(has(html, "alert(\""));
        CHECK(has(html, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"));
        CHECK(has(html, "onerror=1&gt;&amp;amp;"));
        CHECK(unbalanced_tag(html) == "");
    }
    // Title twice, subtitle, rule, five in tiles, two in settings.
    CHECK(count(report, "&lt;script&gt;") == 11);
}

TEST_CASE("a report shows all that it is given", "[report]") {
    const std::string html = render_report(full_report("text", 3));
    for (const char* section :
         {"Training", "Distances", "Predictions beside the truth", "Sample pairs", "Configuration"})
        CHECK(has(html, std::string("<h2>") + section + "</h2>"));
    CHECK(count(html, "<svg class=\"chart\"") == 4);
    CHECK(count(html, "<table>") == 2);
    CHECK(count(html, "<th scope=\"col\">") == 8 + 2);
    CHECK(has(html,
              "<th scope=\"row\">2</th><td>0.05000</td><td>90.00 %</td><td>0.06250</td>"
              "<td>77.50 %</td><td>0.001</td><td>0.50</td><td>200,000</td>"));
    CHECK(count(html, "<img ") == 2 * (2 + 3));
}

TEST_CASE("parts that are empty are left out", "[report]") {
    ReportInput empty;
    empty.title = "title";
    const std::string html = render_report(empty);
    CHECK(has(html, "<h1>title</h1>"));
    CHECK_FALSE(has(html, "<h2>"));
    CHECK_FALSE(has(html, "<table>"));
    CHECK_FALSE(has(html, "<dl"));
    CHECK(unbalanced_tag(html) == "");
    CHECK(unbalanced_tag(render_comparison({})) == "");
}

TEST_CASE("a comparison marks the highest accuracy of the last epoch", "[report]") {
    ComparisonInput input;
    input.runs = {{"adam", epochs(2), {{"rate", "0.001"}}},
                  {"sgd", epochs(4), {{"rate", "0.01"}}},
                  {"empty", {}, {{"rate", "none"}}}};
    input.runs[0].epochs[0].val_accuracy = 0.99;  // higher, but not the last
    const std::string html = render_comparison(input);
    CHECK(has(html,
              "<th scope=\"row\">adam</th><td>77.50 %</td><td>99.00 % (1)</td>"
              "<td>0.06250</td><td>0.001</td><td>1.0</td><td>200,000</td>"));
    CHECK(has(html,
              "<th scope=\"row\">sgd</th><td class=\"best\">83.75 % <small>best</small></td>"
              "<td>83.75 % (4)</td><td>0.03125</td><td>0.01</td><td>2.0</td>"));
    CHECK(count(html, "class=\"best\"") == 1);
    CHECK(has(html, "<th scope=\"row\">empty</th><td>not measured</td><td>none</td>"));
}
