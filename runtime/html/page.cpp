#include "html/page.h"

#include <fmt/format.h>

#include "html/html.h"

namespace siamc {

Page::Page(const std::string& title, const std::string& subtitle, const std::string& style)
    : title_(escape(title)), style_(page_style + style) {
    body_ = fmt::format("<header><h1>{}</h1><p>{}</p></header>\n", title_, escape(subtitle));
}

void Page::add(const std::string& html) {
    body_ += html;
}

void Page::add_tiles(const std::vector<Tile>& tiles) {
    if (tiles.empty()) return;
    body_ += "<dl class=\"tiles\">\n";
    for (const Tile& tile : tiles) {
        body_ += fmt::format("<div class=\"card\"><dt>{}</dt><dd class=\"value\">{}</dd>",
                             escape(tile.label), escape(tile.value));
        if (!tile.note.empty())
            body_ += fmt::format("<dd class=\"note\">{}</dd>", escape(tile.note));
        body_ += "</div>\n";
    }
    body_ += "</dl>\n";
}

void Page::add_section(const std::string& title, const std::string& note, const std::string& body) {
    body_ += fmt::format("<section><h2>{}</h2>\n", escape(title));
    if (!note.empty()) body_ += fmt::format("<p class=\"note\">{}</p>\n", escape(note));
    body_ += body + "</section>\n";
}

std::string Page::html() const {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; img-src data:\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n"
        "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</"
        "html>\n",
        title_, style_, body_);
}

}  // namespace siamc
