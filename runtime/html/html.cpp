#include "html/html.h"

#include <fmt/format.h>

namespace siamc {

std::string escape(std::string_view text) {
    std::string html;
    for (const char c : text) {
        switch (c) {
            case '&':
                html += "&amp;";
                break;
            case '<':
                html += "&lt;";
                break;
            case '>':
                html += "&gt;";
                break;
            case '"':
                html += "&quot;";
                break;
            case '\'':
                html += "&#39;";
                break;
            default: {
                const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                if (control && c != '\t' && c != '\n' && c != '\r')
                    html += "&#xFFFD;";
                else
                    html += c;
            }
        }
    }
    return html;
}

std::string render_table(const Table& table) {
    std::string html = fmt::format(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\">\n"
        "<table><caption>{0}</caption>\n<thead><tr>",
        escape(table.caption));
    for (const std::string& column : table.columns)
        html += fmt::format("<th scope=\"col\">{}</th>", escape(column));
    html += "</tr></thead>\n<tbody>\n";
    for (const std::vector<Cell>& row : table.rows) {
        html += "<tr>";
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string text = escape(row[c].text);
            if (c == 0)
                html += fmt::format("<th scope=\"row\">{}</th>", text);
            else if (row[c].best)
                html += fmt::format("<td class=\"best\">{} <small>best</small></td>", text);
            else
                html += fmt::format("<td>{}</td>", text);
        }
        html += "</tr>\n";
    }
    return html + "</tbody></table></div>\n";
}

std::string grouped(double number) {
    std::string digits = fmt::format("{:.0f}", number);
    const std::size_t first = digits.starts_with('-') ? 2 : 1;
    if (digits.find_first_not_of("-0123456789") != digits.npos) return digits;  // nan, inf
    for (std::size_t end = digits.size(); end >= first + 3; end -= 3) digits.insert(end - 3, ",");
    return digits;
}

}  // namespace siamc
