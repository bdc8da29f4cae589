#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "emit/kernel_cost.h"
#include "html/html.h"
#include "inspect/loop_nest.h"
#include "inspect/parts.h"
#include "tune/candidates.h"

namespace siamc::compiler {

namespace {

const char* pattern_name(Pattern pattern) {
    switch (pattern) {
        case Pattern::source:
            return "source";
        case Pattern::view:
            return "view";
        case Pattern::pick:
            return "pick";
        case Pattern::elementwise:
            return "elementwise";
        case Pattern::rowwise:
            return "rowwise";
        case Pattern::matmul:
            return "matmul";
        case Pattern::pairwise:
            return "pairwise";
        case Pattern::convolution:
            return "convolution";
        case Pattern::pooling:
            return "pooling";
        case Pattern::pixelwise:
            return "pixelwise";
        case Pattern::slice_sum:
            return "slice sum";
        case Pattern::scatter:
            return "scatter";
        case Pattern::sum_slices:
            return "sum of slices";
        case Pattern::batch_sum:
            return "batch sum";
        case Pattern::parameter:
            return "parameter";
    }
    return "";
}

// The programs that call each kernel.
std::map<std::string, std::set<std::string>> users_of(const Library& library) {
    std::map<std::string, std::set<std::string>> users;
    for (const NamedProgram& named : library.programs)
        for (const std::string& kernel : named.kernels) users[kernel].insert(named.name);
    return users;
}

// "2 × 6 (tuned)": vectors and width, each the schedule's rule where it is 0.
std::string tile_text(const ScheduleOrigin& tile) {
    const auto number = [](int value) { return value ? fmt::format("{}", value) : "rule"; };
    if (tile.from == "rule") return "rule";
    if (tile.parameters == ScheduleParameters{}) return fmt::format("rule ({})", escape(tile.from));
    return fmt::format("{} × {} ({})", number(tile.parameters.vectors),
                       number(tile.parameters.wide), escape(tile.from));
}

// The kernel's tile in each variant.
std::string tiles_text(const Library& library, const KernelTask& kernel) {
    std::string html;
    for (const Variant& variant : library.target.variants)
        if (candidates(kernel, variant.target).size() > 1)
            html += fmt::format("<li>{}: {}</li>", escape(variant.name),
                                tile_text(for_variant(library, kernel, variant).tile));
    return html.empty() ? "fixed" : "<ul class=\"tiles-of\">" + html + "</ul>";
}

std::string nodes_text(const KernelTask& task) {
    std::vector<std::string> nodes;
    for (NodeId id : task.kernel->nodes) {
        const Node& node = (*task.graph)[id];
        nodes.push_back(fmt::format("<span title=\"{}\">{}</span>",
                                    escape(node.op->name + " " + to_string(node.shape)),
                                    escape(node.name)));
    }
    return fmt::format("{}", fmt::join(nodes, ", "));
}

struct Bound {
    double us = 0;
    bool by_memory = false;
};

Bound bound_of(const KernelCost& cost, double gflops, double gbs) {
    const double compute = cost.flops / gflops * 1e-3, memory = cost.bytes / gbs * 1e-3;
    return {std::max(compute, memory), memory > compute};
}

std::string kernel_row(const Library& library, const std::string& name, const KernelTask& kernel,
                       const std::set<std::string>& users, const Machine& machine) {
    const Variant& variant = library.target.variants.front();
    const double gflops = machine.gflops > 0 ? machine.gflops : peak_gflops_of(variant.target);
    const KernelCost cost = cost_of(kernel);
    const Bound bound = bound_of(cost, gflops, machine.gbs);
    const std::string nest = loop_nest(for_variant(library, kernel, variant), variant.target);
    return fmt::format(
        "<tbody id=\"{}\"><tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td>{}</td><td>{:.2f} <small>{}</small></td><td>{}</td></tr>\n"
        "<tr class=\"more\"><td colspan=\"8\"><p>computes {}; called by {}</p>"
        "<details><summary>Loops of {}</summary><pre>{}</pre></details></td></tr></tbody>\n",
        kernel_anchor(name), escape(name), stage_name(stage_of(*kernel.kernel)),
        pattern_name(kernel.kernel->pattern), grouped(cost.flops), grouped(cost.bytes),
        cost.flops > 0 ? fmt::format("{:.2f}", cost.flops / cost.bytes) : "", bound.us,
        bound.by_memory ? "memory" : "multiply-adds", tiles_text(library, kernel),
        nodes_text(kernel), escape(fmt::format("{}", fmt::join(users, ", "))), escape(variant.name),
        escape(nest));
}

}  // namespace

const char* stage_name(Stage stage) {
    static const char* const names[] = {"prologue", "slices", "batch"};
    return names[static_cast<int>(stage)];
}

std::string kernel_anchor(const std::string& kernel) {
    return "kernel-" + escape(kernel);
}

double peak_gflops_of(const Halide::Target& target) {
    return 12.0 * target.natural_vector_size<float>();
}

std::string kernel_table(const Library& library, const Machine& machine) {
    std::string html =
        "<div class=\"scroll kernels\" role=\"region\" tabindex=\"0\" aria-label=\"kernels\">\n"
        "<table><thead><tr><th scope=\"col\">kernel</th><th scope=\"col\">stage</th>"
        "<th scope=\"col\">pattern</th><th scope=\"col\">FLOPs a call</th>"
        "<th scope=\"col\">bytes a call</th><th scope=\"col\">FLOPs a byte</th>"
        "<th scope=\"col\">bound, µs</th>"
        "<th scope=\"col\">tile, vectors × wide</th></tr></thead>\n";
    const auto users = users_of(library);
    for (const auto& [name, kernel] : library.kernels)
        html += kernel_row(library, name, kernel, users.at(name), machine);
    return html + "</table></div>\n";
}

}  // namespace siamc::compiler
