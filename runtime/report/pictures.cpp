#include "report/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace siamc {
namespace {

constexpr std::size_t worst_marked = 3;

const char* word(bool same) {
    return same ? "same" : "different";
}

std::string image(const ImageView& view, const char* which) {
    constexpr int most_enlarged = 64;  // a side below it is shown enlarged, as sharp squares
    const bool small = view.height < most_enlarged && view.width < most_enlarged;
    return fmt::format("<img src=\"{}\" alt=\"{} image\"{}>", png_data_uri(view), which,
                       small ? " class=\"sharp\"" : "");
}

std::string images(const PairPicture& pair) {
    return "<div class=\"images\">" + image(pair.left, "left") + image(pair.right, "right") +
           "</div>";
}

std::string prediction(const PairPicture& pair, bool worst) {
    const bool right = pair.same == pair.predicted_same;
    return fmt::format(
        "<li class=\"pair {}\">{}<p class=\"distance\"><span>D = {:.3f}</span>{}</p>"
        "<p><span>truth</span>{}</p>"
        "<p class=\"verdict\"><span>predicted</span>{} {}</p></li>\n",
        right ? "right" : "wrong", images(pair), pair.distance,
        worst ? "<strong class=\"badge\">worst</strong>" : "", word(pair.same),
        right ? "&#10003;" : "&#10007;", word(pair.predicted_same));
}

}  // namespace

std::string render_samples(std::span<const PairPicture> pairs) {
    std::string html = "<ul class=\"pairs\">\n";
    for (const PairPicture& pair : pairs) {
        html += fmt::format("<li class=\"pair\">{}<p>{}</p></li>\n", images(pair), word(pair.same));
    }
    return html + "</ul>\n";
}

std::string render_predictions(std::span<const PairPicture> pairs, double threshold) {
    std::vector<PairPicture> wrong, right;
    for (const PairPicture& pair : pairs)
        (pair.same == pair.predicted_same ? right : wrong).push_back(pair);
    std::stable_sort(wrong.begin(), wrong.end(), [&](const PairPicture& a, const PairPicture& b) {
        return std::abs(a.distance - threshold) > std::abs(b.distance - threshold);
    });
    std::string html;
    if (!wrong.empty()) {
        html += fmt::format("<h3>Wrong ({} shown)</h3>\n<ul class=\"pairs\">\n", wrong.size());
        for (std::size_t i = 0; i < wrong.size(); ++i)
            html += prediction(wrong[i], i < worst_marked);
        html += "</ul>\n";
    }
    if (!right.empty()) {
        html += fmt::format("<h3>Right ({} shown)</h3>\n<ul class=\"pairs\">\n", right.size());
        for (const PairPicture& pair : right) html += prediction(pair, false);
        html += "</ul>\n";
    }
    return html;
}

}  // namespace siamc
