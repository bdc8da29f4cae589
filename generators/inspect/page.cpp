#include "html/page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "html/html.h"
#include "inspect/parts.h"

namespace siamc::compiler {

namespace {

std::string variants_text(const LibraryTarget& target) {
    std::vector<std::string> names;
    for (const Variant& variant : target.variants) names.push_back(variant.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<Tile> head_tiles(const Library& library, int batch) {
    // Halide states the version of LLVM nowhere else.
    const int llvm = Halide::Internal::get_llvm_version();
    return {{"variants", variants_text(library.target), library.target.name},
            {"batch", fmt::format("{}", batch), "tuples of a training step at most"},
            {"parameters", grouped(static_cast<double>(library.parameters.count)),
             byte_text(4.0 * static_cast<double>(library.parameters.count))},
            {"embedding", fmt::format("{}", library.embedding_size), "numbers an image"},
            {"kernels", fmt::format("{}", library.kernels.size()),
             fmt::format("of {} entry points", library.programs.size())},
            {"compiled by",
             fmt::format("Halide {}.{}.{}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR,
                         HALIDE_VERSION_PATCH),
             fmt::format("LLVM {}.{}", llvm / 10, llvm % 10)},
            {"hash", library.hash, "of graphs, plans, tiles, target and Halide"}};
}

std::string navigation(const Library& library) {
    std::string html = "<nav aria-label=\"entry points\"><ul>\n";
    for (const NamedProgram& named : library.programs)
        html += fmt::format("<li><a href=\"#entry-{0}\">{0}</a></li>\n", escape(named.name));
    return html + "<li><a href=\"#kernels\">kernels</a></li>\n</ul></nav>\n";
}

std::string entry_note(const Program& program) {
    return fmt::format(
        "At most {} tuple{} of {} image{}, in slices of {}: {} nodes, {} kernels, {} calls.",
        program.batch, program.batch == 1 ? "" : "s", program.graph.branches,
        program.graph.branches == 1 ? "" : "s", program.slice_tuples, program.graph.nodes.size(),
        program.kernels.size(), program.calls.size());
}

std::string bound_note(const Library& library, const Machine& machine) {
    const Variant& variant = library.target.variants.front();
    const double gflops = machine.gflops > 0 ? machine.gflops : peak_gflops_of(variant.target);
    return fmt::format(
        "A full call, as the first entry point that has it makes it. The bound is the longer of "
        "two "
        "times of one thread: multiply-adds at {:g} GFLOP/s (--peak; by itself two vectors of {} a "
        "cycle at 3 GHz) and every operand once at {:g} GB/s (--bandwidth; by itself 20, about "
        "what "
        "memory gives a core; caches give more). FLOPs are those of sums of products, two a "
        "multiply-add. Zeros that are skipped are counted. A tile is vectors of units side by side "
        "× "
        "results of a line, or rows of a chunk.",
        gflops, variant.name, machine.gbs);
}

}  // namespace

std::string byte_text(double bytes) {
    if (bytes < 10240) return grouped(bytes) + " B";
    if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", bytes / 1024);
    return fmt::format("{:.2f} MiB", bytes / 1024 / 1024);
}

std::string inspect_page(const Library& library, const std::vector<StepRecord>& records, int batch,
                         const Machine& machine) {
    Page page(library.model.name, "A Siamese network as siamc compiles it.", inspect_style);
    page.add_tiles(head_tiles(library, batch));
    page.add(navigation(library));
    for (const NamedProgram& named : library.programs) {
        std::vector<StepRecord> own;
        for (const StepRecord& record : records)
            if (record.entry == named.name) own.push_back(record);
        page.add(fmt::format("<div class=\"anchor\" id=\"entry-{}\"></div>\n", escape(named.name)));
        page.add_section(named.name, entry_note(named.program),
                         "<h3>Graph</h3>\n" + graph_figure(named) + "<h3>Passes</h3>\n" +
                             passes_table(named, own) + "<h3>Memory</h3>\n" + memory_figure(named));
    }
    page.add("<div class=\"anchor\" id=\"kernels\"></div>\n");
    page.add_section("Kernels", bound_note(library, machine), kernel_table(library, machine));
    return page.html();
}

}  // namespace siamc::compiler
