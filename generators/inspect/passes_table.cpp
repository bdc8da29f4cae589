#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "html/html.h"
#include "inspect/parts.h"
#include "layers/op.h"
#include "passes/work.h"

namespace siamc::compiler {

namespace {

const std::map<std::string, const char*> purposes = {
    {"build", "the model file as a graph, each branch a network of its own"},
    {"fold", "twins become one network over image rows"},
    {"fold-affine", "factors and offsets of channels go into the kernels in front of them"},
    {"pool-first", "maxima of windows go before functions that commute with them"},
    {"trim", "what no later layer reads is left out"},
    {"differentiate", "gradients of all parameters are appended"},
    {"follow-winners", "gradients of pooled images read the winners"},
    {"read-as-stored", "gradients read large kernels as they are stored"},
    {"use-winograd", "convolutions take fewer multiplications, by tiles"},
    {"halve-weights", "embedding reads weights as halves"},
    {"skip-inactive", "tuples whose loss has no gradient are left out of the backward pass"},
    {"skip-zeros", "sums over images skip groups of zero pixels"},
    {"lay-out-for-gpu", "every image has a row of its own, every pixel a thread"},
    {"fuse", "nodes become kernels"},
    {"plan", "every tensor gets its place"},
};

struct Changes {
    std::vector<std::string> added, gone, changed;
};

std::vector<std::string> inputs_of(const Graph& graph, const Node& node) {
    std::vector<std::string> names;
    for (Edge edge : node.inputs) names.push_back(graph[edge.node].name);
    return names;
}

// What differs between two nodes of one name; nothing: empty.
std::string difference(const Graph& before, const Node& old, const Graph& after, const Node& now) {
    if (old.op != now.op) return fmt::format("{}: {} → {}", now.name, old.op->name, now.op->name);
    if (!(old.shape == now.shape))
        return fmt::format("{}: {} → {}", now.name, to_string(old.shape), to_string(now.shape));
    const auto inputs = inputs_of(after, now);
    if (inputs_of(before, old) != inputs)
        return fmt::format("{} reads {}", now.name, fmt::join(inputs, ", "));
    return old.attributes == now.attributes ? "" : now.name + ": attributes";
}

Changes changes_between(const Graph& before, const Graph& after) {
    Changes changes;
    for (const Node& node : before.nodes)
        if (after.find(node.name) < 0) changes.gone.push_back(node.name);
    for (const Node& node : after.nodes) {
        const NodeId old = before.find(node.name);
        if (old < 0) {
            changes.added.push_back(fmt::format("{} ({})", node.name, node.op->name));
            continue;
        }
        const std::string what = difference(before, before[old], after, node);
        if (!what.empty()) changes.changed.push_back(what);
    }
    return changes;
}

std::string list(const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return "";
    std::string html = fmt::format("<details><summary>{} {}</summary><ul>", names.size(), what);
    for (const std::string& name : names) html += "<li>" + escape(name) + "</li>";
    return html + "</ul></details>";
}

std::string change_text(const Graph& before, const Graph& after) {
    const Changes changes = changes_between(before, after);
    const std::string html = list("added", changes.added) + list("gone", changes.gone) +
                             list("changed", changes.changed);
    return html.empty() ? "nothing" : html;
}

std::string plan_text(const Program& program) {
    double alone = 0;
    for (const Placement& tensor : program.arena)
        alone += static_cast<double>(tensor.bytes) * (tensor.per_slice ? program.slices : 1);
    return fmt::format("{} in {} calls; {} if no tensors shared memory",
                       byte_text(static_cast<double>(program.arena_bytes)), program.calls.size(),
                       byte_text(alone));
}

// Before twins are folded, the graph has a network a branch.
double multiply_adds_of_image(const StepRecord& record) {
    const double all = static_cast<double>(multiply_adds(record.graph));
    return record.step == "build" ? all / record.graph.branches : all;
}

}  // namespace

Observer record_into(std::vector<StepRecord>& records) {
    return [&records](const std::string& step, const std::string& entry, const StepState& state) {
        records.push_back({step, entry, state.graph, state()});
    };
}

std::string passes_table(const NamedProgram& named, const std::vector<StepRecord>& records) {
    const Program& program = named.program;
    std::string html =
        "<div class=\"scroll steps\" role=\"region\" tabindex=\"0\" aria-label=\"passes\">\n"
        "<table class=\"passes\"><thead><tr><th scope=\"col\">step</th>"
        "<th scope=\"col\">what it does</th><th scope=\"col\">nodes</th>"
        "<th scope=\"col\">multiply-adds an image, so far</th><th "
        "scope=\"col\">changes</th></tr></thead>\n"
        "<tbody>\n";
    std::string work;
    const Graph* before = nullptr;
    for (const StepRecord& record : records) {
        if (record.step == "work") {
            work = record.text;
            continue;
        }
        const auto purpose = purposes.find(record.step);
        std::string change;
        if (record.step == "fuse")
            change = fmt::format("{} kernels", program.kernels.size());
        else if (record.step == "plan")
            change = plan_text(program);
        else if (before)
            change = change_text(*before, record.graph);
        html += fmt::format(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(record.step), purpose == purposes.end() ? "" : purpose->second,
            record.graph.nodes.size(), grouped(multiply_adds_of_image(record)), change);
        before = &record.graph;
    }
    return html + "</tbody></table></div>\n<pre class=\"work\">" + escape(work) + "</pre>\n";
}

}  // namespace siamc::compiler
