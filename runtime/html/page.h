// The shell of a page: one HTML file that needs nothing else.
#pragma once

#include <string>
#include <vector>

namespace siamc {

// A result to be seen first.
struct Tile {
    std::string label, value;
    std::string note = {};  // what it means, or how sure it is; may be empty
};

// Collects HTML section by section. Titles, notes and tiles are plain text; bodies are HTML.
class Page {
  public:
    // `style`: CSS for what is on this page alone, after page_style.
    Page(const std::string& title, const std::string& subtitle, const std::string& style);
    void add(const std::string& html);
    void add_tiles(const std::vector<Tile>& tiles);
    void add_section(const std::string& title, const std::string& note, const std::string& body);
    // The whole document. It may load nothing, run nothing and reach nowhere: its content security
    // policy allows its own style and data: images alone.
    std::string html() const;

  private:
    std::string title_, style_, body_;
};

// The style sheet of every page: text, tables, tiles, colours; see style.cpp.
extern const char* const page_style;

}  // namespace siamc
