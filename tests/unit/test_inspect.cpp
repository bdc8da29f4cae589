// The page of siamc inspect: every node and kernel is there once, lines run where boxes are not,
// and the memory chart is the plan.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "catch.h"
#include "inspect/graph_layout.h"
#include "inspect/inspect.h"
#include "inspect/loop_nest.h"
#include "inspect/memory_chart.h"
#include "inspect/parts.h"
#include "layers/structural.h"

namespace siamc::compiler {

namespace {

struct Inspected {
    std::vector<StepRecord> records;
    std::unique_ptr<Library> library;
    std::string page() const { return inspect_page(*library, records, 128, {}); }
};

Inspected inspect(const ModelSpec& model) {
    Inspected inspected;
    CompileOptions options;
    options.target = resolve_target("x86-64-linux");
    options.observe = record_into(inspected.records);
    inspected.library = compile_model(model, options);
    return inspected;
}

ModelSpec stored(const char* file) {
    return read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models" / file);
}

// Its losses stand before its layers, and its layers are many.
const char* const long_model = R"(name = "longer"
[loss.triplet]
[loss.contrastive]
[distance]
type = "cosine"
[input]
shape = [40, 36]
)";

ModelSpec many_layers() {
    std::string text = long_model;
    for (int filters : {4, 6, 8}) {
        text += fmt::format("[[layer]]\ntype = \"conv2d\"\nfilters = {}\nkernel = 3\n", filters);
        text += "[[layer]]\ntype = \"leaky_relu\"\n";
    }
    text += "[[layer]]\ntype = \"average_pool\"\n[[layer]]\ntype = \"max_pool\"\nwindow = 3\n";
    for (int units : {12, 20, 12})
        text += fmt::format(
            "[[layer]]\ntype = \"dense\"\nunits = {}\nactivation = \"relu\"\n[[layer]]\ntype = "
            "\"l2_normalize\"\n",
            units);
    return parse_model(text);
}

std::vector<const Inspected*> all() {
    static const Inspected fc = inspect(stored("fc.toml")), cnn = inspect(stored("cnn.toml")),
                           many = inspect(many_layers());
    return {&fc, &cnn, &many};
}

// Of all programs of all models.
template <typename Check>
void for_programs(const Check& check) {
    for (const Inspected* inspected : all())
        for (const NamedProgram& named : inspected->library->programs) {
            INFO(inspected->library->model.name << " " << named.name);
            check(named.program);
        }
}

size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size()))
        ++found;
    return found;
}

bool apart(const Box& a, const Box& b) {
    return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y ||
           b.y + b.height <= a.y;
}

// Whether a horizontal or vertical line passes through the inside of a box.
bool crosses(const Box& box, const Point& a, const Point& b) {
    return std::max(a.x, b.x) > box.x && std::min(a.x, b.x) < box.x + box.width &&
           std::max(a.y, b.y) > box.y && std::min(a.y, b.y) < box.y + box.height;
}

// Whether two lines lie on each other for more than a point.
bool covers(const Point& a, const Point& b, const Point& c, const Point& d) {
    const auto along = [](double p, double q, double r, double s) {
        return std::min(std::max(p, q), std::max(r, s)) - std::max(std::min(p, q), std::min(r, s));
    };
    const bool vertical = a.x == b.x && c.x == d.x && std::abs(a.x - c.x) < 1;
    const bool horizontal = a.y == b.y && c.y == d.y && std::abs(a.y - c.y) < 1;
    return (vertical && along(a.y, b.y, c.y, d.y) > 0.5) ||
           (horizontal && along(a.x, b.x, c.x, d.x) > 0.5);
}

bool reads(const Graph& graph, NodeId reader, NodeId value) {
    const auto& inputs = graph[reader].inputs;
    return std::any_of(inputs.begin(), inputs.end(), [&](Edge edge) { return edge.node == value; });
}

}  // namespace

TEST_CASE("every node is drawn once, in the box of its kernel", "[inspect]") {
    for_programs([](const Program& program) {
        std::set<NodeId> drawn;
        std::set<int> kernels;
        for (const Box& box : boxes_of(program)) {
            std::vector<NodeId> nodes;
            for (const NodeLine& line : box.nodes) {
                nodes.push_back(line.node);
                CHECK(drawn.insert(line.node).second);
                CHECK(line.top >= 0);
                CHECK(line.top + line.height <= box.height);
                for (const std::string& text : line.name)
                    CHECK(static_cast<double>(text.size()) * letter_width < box.width);
            }
            if (box.kernel < 0) {
                CHECK(nodes.size() == 1);
                continue;
            }
            CHECK(kernels.insert(box.kernel).second);
            CHECK(nodes == program.kernels[box.kernel].nodes);
            std::string title;
            for (const std::string& line : box.title) title += line;
            CHECK(title == program.kernels[box.kernel].name);
        }
        CHECK(drawn.size() == program.graph.nodes.size());
        CHECK(kernels.size() == program.kernels.size());
    });
}

TEST_CASE("forward leads down, backward stands beside it", "[inspect]") {
    for_programs([](const Program& program) {
        const GraphLayout layout = lay_out(program);
        std::vector<const Box*> box_of(program.graph.nodes.size());
        for (const Box& box : layout.boxes)
            for (const NodeLine& line : box.nodes) box_of[line.node] = &box;
        for (NodeId id = 0; id < static_cast<NodeId>(box_of.size()); ++id)
            for (Edge edge : program.graph[id].inputs) {
                const Box &from = *box_of[edge.node], &to = *box_of[id];
                if (&from == &to) continue;
                if (from.column == Column::forward && to.column == Column::forward)
                    CHECK(from.y < to.y);
                if (from.column == Column::backward && to.column == Column::backward)
                    CHECK(from.y > to.y);
                CHECK((from.column <= to.column));
            }
        const bool trains = program.graph.find(weight_op().name) >= 0;
        for (const Column column : {Column::backward, Column::weights})
            CHECK(trains == std::any_of(layout.boxes.begin(), layout.boxes.end(),
                                        [&](const Box& box) { return box.column == column; }));
    });
}

TEST_CASE("boxes lie apart and lines beside them", "[inspect]") {
    for_programs([](const Program& program) {
        const GraphLayout layout = lay_out(program);
        for (const Box& box : layout.boxes) {
            CHECK(box.x >= 0);
            CHECK(box.y >= 0);
            CHECK(box.x + box.width <= layout.width);
            CHECK(box.y + box.height <= layout.height);
            for (const Box& other : layout.boxes) CHECK((&box == &other || apart(box, other)));
        }
        for (const Net& net : layout.nets)
            for (const auto& line : net.lines)
                for (size_t p = 1; p < line.size(); ++p) {
                    CHECK((line[p].x == line[p - 1].x || line[p].y == line[p - 1].y));
                    CHECK(line[p].x <= layout.width);
                    CHECK(line[p].y <= layout.height);
                    for (const Box& box : layout.boxes)
                        CHECK_FALSE(crosses(box, line[p - 1], line[p]));
                }
    });
}

TEST_CASE("lines of different values never lie on each other", "[inspect]") {
    for_programs([](const Program& program) {
        const GraphLayout layout = lay_out(program);
        for (size_t a = 0; a < layout.nets.size(); ++a)
            for (size_t b = 0; b < a; ++b)
                for (const auto& one : layout.nets[a].lines)
                    for (const auto& other : layout.nets[b].lines) {
                        INFO(program.graph[layout.nets[a].value].name
                             << " on " << program.graph[layout.nets[b].value].name);
                        CHECK_FALSE(covers(one[0], one[1], other[0], other[1]));
                    }
    });
}

TEST_CASE("every edge between boxes ends in an arrow at its reader", "[inspect]") {
    for_programs([](const Program& program) {
        const Graph& graph = program.graph;
        const GraphLayout layout = lay_out(program);
        std::vector<const Box*> box_of(graph.nodes.size());
        for (const Box& box : layout.boxes)
            for (const NodeLine& line : box.nodes) box_of[line.node] = &box;
        size_t edges = 0, arrows = 0;
        for (NodeId reader = 0; reader < static_cast<NodeId>(box_of.size()); ++reader)
            for (NodeId value = 0; value < reader; ++value)
                edges += reads(graph, reader, value) && box_of[reader] != box_of[value];
        for (const Net& net : layout.nets) {
            CHECK(net.readers.size() == net.heads.size());
            for (NodeId reader : net.readers) CHECK(reads(graph, reader, net.value));
            arrows += net.heads.size();
            for (const auto& [tip, way] : net.heads)
                CHECK(std::any_of(net.readers.begin(), net.readers.end(), [&](NodeId reader) {
                    const Box& box = *box_of[reader];
                    const bool beside = tip.x == box.x || tip.x == box.x + box.width;
                    const bool above = tip.y == box.y || tip.y == box.y + box.height;
                    return (beside && tip.y > box.y && tip.y < box.y + box.height) ||
                           (above && tip.x > box.x && tip.x < box.x + box.width);
                }));
        }
        CHECK(edges == arrows);
    });
}

TEST_CASE("the memory chart is the plan", "[inspect]") {
    for_programs([](const Program& program) {
        const std::vector<MemoryBox> boxes = memory_boxes(program);
        long top = 0;
        for (const MemoryBox& box : boxes) {
            CHECK(box.begin >= 0);
            CHECK(box.begin < box.end);
            CHECK(box.last_call < static_cast<int>(program.calls.size()));
            top = std::max(top, box.end);
        }
        CHECK(top == program.arena_bytes);
        for (const Placement& tensor : program.arena) {
            int shown = 0;
            for (const MemoryBox& box : boxes) {
                if (box.name != program.graph[tensor.node].name) continue;
                ++shown;
                const long part =
                    box.slice < 0 ? 0 : program.slice_offset + box.slice * program.slice_bytes;
                CHECK(box.begin == part + tensor.offset);
                CHECK(box.end - box.begin == tensor.bytes);
                CHECK(box.first_call == tensor.first_call);
                CHECK(box.last_call == tensor.last_call);
            }
            CHECK(shown == (tensor.per_slice ? program.slices : 1));
        }
    });
}

TEST_CASE("the page has every entry point, every kernel and its loops", "[inspect]") {
    for (const Inspected* inspected : all()) {
        const std::string page = inspected->page();
        CHECK(page == inspected->page());
        const Library& library = *inspected->library;
        size_t nodes = 0;
        for (const NamedProgram& named : library.programs) {
            CHECK(count(page, fmt::format("<h2>{}</h2>", named.name)) == 1);
            CHECK(count(page, fmt::format("id=\"entry-{}\"", named.name)) == 1);
            nodes += named.program.graph.nodes.size();
        }
        CHECK(count(page, "<g class=\"node") == nodes);
        for (const auto& [name, kernel] : library.kernels)
            CHECK(count(page, fmt::format("<tbody id=\"{}\">", kernel_anchor(name))) == 1);
        CHECK(count(page, "<tbody id=") == library.kernels.size());
        CHECK(count(page, "<summary>Loops of avx512</summary><pre>produce ") ==
              library.kernels.size());
        CHECK(count(page, library.hash) == 1);
    }
}

TEST_CASE("loops are those of the schedule, without Halide's numbers", "[inspect]") {
    const Library& library = *all()[1]->library;
    const Variant& variant = library.target.variants[0];
    for (const auto& [name, kernel] : library.kernels) {
        KernelTask task = for_variant(library, kernel, variant);
        const std::string loops = loop_nest(task, variant.target);
        CHECK(loops.find('$') == loops.npos);
        for (const char* split : {".v", ".r"})
            for (size_t at = loops.find(split); at != loops.npos; at = loops.find(split, at + 1))
                CHECK_FALSE(std::isdigit(static_cast<unsigned char>(loops[at + 2])));
        CHECK(loops == loop_nest(task, variant.target));
        if (kernel.kernel->pattern != Pattern::matmul) continue;
        CHECK(count(loops, "vectorized ") > 0);
        task.choice = ScheduleChoice::naive;
        CHECK(count(loop_nest(task, variant.target), "vectorized ") == 0);
    }
}

TEST_CASE("the passes' table tells what was trimmed and saved", "[inspect]") {
    const Inspected& cnn = *all()[1];
    for (const NamedProgram& named : cnn.library->programs) {
        if (named.name != "contrastive") continue;
        std::vector<StepRecord> own;
        for (const StepRecord& record : cnn.records)
            if (record.entry == named.name) own.push_back(record);
        CHECK(own.size() ==
              step_names.size() - 3);  // no fold-affine, halve-weights, lay-out-for-gpu
        const std::string table = passes_table(named, own);
        for (const StepRecord& record : own)
            CHECK(count(table, fmt::format("<th scope=\"row\">{}</th>", record.step)) ==
                  (record.step == "work" ? 0 : 1));
        CHECK(count(table, "conv2d1: [32 26 26] per image → [32 24 24] per image") == 1);
        CHECK(count(table, "conv2d2: conv2d → winograd") == 1);
        CHECK(count(table, "grad.conv2d1.kernel (") == 1);
        CHECK(count(table, "<td>3,145,728</td>") == 5);  // from use-winograd to plan
        CHECK(count(table, fmt::format("<td>{} kernels</td>", named.program.kernels.size())) == 1);
    }
}

TEST_CASE("names never become markup", "[inspect]") {
    NamedProgram named = all()[0]->library->programs[2];
    for (Node& node : named.program.graph.nodes) node.name += "<i>&\"'";
    for (Kernel& kernel : named.program.kernels) kernel.name += "<b>&";
    for (std::string& kernel : named.kernels) kernel += "\"><u>";
    for (const std::string& html : {graph_figure(named), memory_figure(named)}) {
        CHECK(count(html, "&lt;") > 0);
        for (const char* markup : {"<i>", "<b>", "<u>", "&\"", "&<"})
            CHECK(count(html, markup) == 0);
    }
}

}  // namespace siamc::compiler
