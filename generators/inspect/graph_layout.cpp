// Lines run in the gutters between columns, each in a lane of its own, and, where they pass a
// column, in a track of the channel above or below a row. So none crosses a box.
#include "inspect/graph_layout.h"

#include <algorithm>
#include <array>
#include <map>

namespace siamc::compiler {

namespace {

constexpr double box_gap = 16, channel_margin = 14, lane_step = 7, gutter_margin = 16;

// Gutter g is left of column g; the last is right of all columns.
constexpr int gutter_count = column_count + 1;

// Where a line enters a box.
struct Port {
    int box;
    NodeId reader;
    double y;
};

// The vertical part of a net in one gutter.
struct Trunk {
    double low, high;  // y
    std::vector<Port> ports;
    int lane = 0;
};

struct Route {
    int box;
    double y;                     // where it leaves its box
    std::map<int, Trunk> trunks;  // by gutter
    std::vector<Port> straight;   // to the neighbour above or below
    int channel = -1, track = 0;  // above that row
};

// The first lane that is free from low to high; takes it.
int take_lane(std::vector<std::vector<std::pair<double, double>>>& lanes, double low, double high) {
    for (size_t lane = 0;; ++lane) {
        if (lane == lanes.size()) lanes.emplace_back();
        const bool free = std::all_of(lanes[lane].begin(), lanes[lane].end(), [&](auto taken) {
            return high < taken.first || low > taken.second;
        });
        if (!free) continue;
        lanes[lane].push_back({low, high});
        return static_cast<int>(lane);
    }
}

class Router {
  public:
    explicit Router(const Program& program) : graph_(program.graph) {
        layout_.boxes = boxes_of(program);
        at_.resize(graph_.nodes.size());
        for (size_t b = 0; b < boxes().size(); ++b)
            for (size_t n = 0; n < boxes()[b].nodes.size(); ++n)
                at_[boxes()[b].nodes[n].node] = {static_cast<int>(b), n};
        for (const Box& box : boxes()) rows_ = std::max(rows_, box.row + 1);
    }

    GraphLayout run() {
        choose_channels();
        place_vertically();
        connect();
        place_horizontally();
        for (size_t value = 0; value < routes_.size(); ++value)
            if (wanted(routes_[value])) draw(static_cast<NodeId>(value));
        return layout_;
    }

  private:
    std::vector<Box>& boxes() { return layout_.boxes; }
    const Box& box_of(NodeId id) const { return layout_.boxes[at_[id].first]; }
    static int index(const Box& box) { return static_cast<int>(box.column); }

    static bool wanted(const Route& route) {
        return !route.trunks.empty() || !route.straight.empty();
    }

    // The gutter from which a value reaches its reader's column.
    int gutter_to(const Box& from, const Box& to) const {
        const int s = index(from), t = index(to);
        return t > s + 1 ? t : t < s ? t + 1 : s + 1;
    }

    bool is_neighbour(NodeId value, NodeId reader) const {
        const Box &from = box_of(value), &to = box_of(reader);
        if (from.column != to.column) return false;
        const bool up = from.column == Column::backward;
        const NodeId leaves = up ? from.nodes.front().node : from.nodes.back().node;
        const NodeId enters = up ? to.nodes.back().node : to.nodes.front().node;
        return leaves == value && enters == reader &&
               next_in_column(at_[value].first, up) == at_[reader].first;
    }

    int next_in_column(int b, bool up) const {
        const Box& box = layout_.boxes[b];
        int best = -1;
        for (size_t i = 0; i < layout_.boxes.size(); ++i) {
            const Box& other = layout_.boxes[i];
            const auto place = [](const Box& of, size_t order) { return std::pair(of.row, order); };
            const auto mine = place(box, static_cast<size_t>(b)), its = place(other, i);
            if (other.column != box.column || (up ? its >= mine : its <= mine)) continue;
            const bool nearer =
                best < 0 || (up ? its > place(layout_.boxes[best], static_cast<size_t>(best))
                                : its < place(layout_.boxes[best], static_cast<size_t>(best)));
            if (nearer) best = static_cast<int>(i);
        }
        return best;
    }

    // Tracks of the channels, in whole gutters: the pixels come later.
    void choose_channels() {
        std::vector<std::vector<std::vector<std::pair<double, double>>>> taken(rows_ + 1);
        routes_.resize(graph_.nodes.size());
        for (NodeId value = 0; value < static_cast<NodeId>(routes_.size()); ++value) {
            const Box& from = box_of(value);
            routes_[value].box = at_[value].first;
            const int own = index(from) + 1;
            int low = own, high = own, up = rows_;
            for (NodeId reader : readers(value)) {
                const int gutter = gutter_to(from, box_of(reader));
                if (gutter == own) continue;
                low = std::min(low, gutter);
                high = std::max(high, gutter);
                up = std::min(up, box_of(reader).row);
            }
            if (low == high) continue;
            routes_[value].channel = up < from.row ? from.row : from.row + 1;
            routes_[value].track = take_lane(taken[routes_[value].channel], low, high);
        }
        for (const auto& tracks : taken) tracks_.push_back(tracks.size());
    }

    std::vector<NodeId> readers(NodeId value) const {
        std::vector<NodeId> others;
        for (NodeId reader = value + 1; reader < static_cast<NodeId>(at_.size()); ++reader)
            for (Edge edge : graph_[reader].inputs)
                if (edge.node == value && at_[reader].first != at_[value].first &&
                    (others.empty() || others.back() != reader))
                    others.push_back(reader);
        return others;
    }

    void place_vertically() {
        double y = 0;
        for (int row = 0; row <= rows_; ++row) {
            channel_top_.push_back(y + channel_margin);
            y += 2 * channel_margin + static_cast<double>(tracks_[row]) * lane_step;
            std::array<double, column_count> end;
            end.fill(y);
            for (Box& box : boxes()) {
                if (box.row != row) continue;
                box.y = end[index(box)];
                end[index(box)] += box.height + box_gap;
            }
            const double lowest = *std::max_element(end.begin(), end.end());
            y = row < rows_ ? std::max(y, lowest - box_gap) : y;
        }
        layout_.height = y;
    }

    double channel_y(const Route& route) const {
        return channel_top_[route.channel] + (route.track + 0.5) * lane_step;
    }

    // Ports, and the reach of every trunk.
    void connect() {
        std::vector<int> entered(graph_.nodes.size());
        for (NodeId value = 0; value < static_cast<NodeId>(routes_.size()); ++value) {
            Route& route = routes_[value];
            const Box& from = box_of(value);
            const NodeLine& line = from.nodes[at_[value].second];
            route.y = from.y + line.top + line.height - 8 - index(from) % 2 * 2;
            const int own = index(from) + 1;
            const auto trunk_in = [&](int gutter) -> Trunk& {
                const double start = gutter == own ? route.y : channel_y(route);
                return route.trunks.emplace(gutter, Trunk{start, start, {}}).first->second;
            };
            const auto reach = [](Trunk& trunk, double y) {
                trunk.low = std::min(trunk.low, y);
                trunk.high = std::max(trunk.high, y);
            };
            for (NodeId reader : readers(value)) {
                if (is_neighbour(value, reader)) {
                    route.straight.push_back({at_[reader].first, reader, 0});
                    continue;
                }
                const Box& to = box_of(reader);
                const double y = to.y + to.nodes[at_[reader].second].top + 8 +
                                 5 * entered[reader]++ + index(to) % 2 * 2;
                Trunk& trunk = trunk_in(gutter_to(from, to));
                trunk.ports.push_back({at_[reader].first, reader, y});
                reach(trunk, y);
            }
            if (route.channel >= 0) reach(trunk_in(own), channel_y(route));
        }
    }

    // Short trunks take the lanes first. Then columns and gutters are as wide as they need.
    void place_horizontally() {
        std::vector<std::pair<int, Trunk*>> trunks;
        for (Route& route : routes_)
            for (auto& [gutter, trunk] : route.trunks) trunks.push_back({gutter, &trunk});
        std::stable_sort(trunks.begin(), trunks.end(), [](const auto& a, const auto& b) {
            return a.second->high - a.second->low < b.second->high - b.second->low;
        });
        std::array<std::vector<std::vector<std::pair<double, double>>>, gutter_count> lanes;
        for (auto& [gutter, trunk] : trunks)
            trunk->lane = take_lane(lanes[gutter], trunk->low - 3, trunk->high + 3);
        double x = 0;
        for (int g = 0; g < gutter_count; ++g) {
            gutter_left_[g] = x;
            if (!lanes[g].empty())
                x += 2 * gutter_margin + static_cast<double>(lanes[g].size() - 1) * lane_step;
            double width = 0;
            for (const Box& box : boxes())
                if (index(box) == g) width = std::max(width, box.width);
            for (Box& box : boxes()) {
                if (index(box) != g) continue;
                box.x = x;
                box.width = width;
            }
            x += width;
        }
        layout_.width = x;
    }

    double lane_x(int gutter, const Trunk& trunk) const {
        return gutter_left_[gutter] + gutter_margin + trunk.lane * lane_step;
    }

    void draw(NodeId value) {
        const Route& route = routes_[value];
        const Box& from = boxes()[route.box];
        Net net{value, readers(value), {}, {}};
        for (const Port& port : route.straight) {
            const Box& to = boxes()[port.box];
            const bool up = to.y < from.y;
            const double x = from.x + from.width / 2;
            const Point start{x, up ? from.y : from.y + from.height};
            const Point end{x, up ? to.y + to.height : to.y};
            net.lines.push_back({start, end});
            net.heads.push_back({end, {0, up ? -1.0 : 1.0}});
        }
        const int own = index(from) + 1;
        for (const auto& [gutter, trunk] : route.trunks) {
            const double x = lane_x(gutter, trunk);
            const double start = gutter == own ? route.y : channel_y(route);
            if (gutter == own)
                net.lines.push_back({{from.x + from.width, route.y}, {x, route.y}});
            else
                net.lines.push_back({{lane_x(own, route.trunks.at(own)), start}, {x, start}});
            if (trunk.high > trunk.low) net.lines.push_back({{x, trunk.low}, {x, trunk.high}});
            for (const Port& port : trunk.ports) {
                const Box& to = boxes()[port.box];
                const bool right = to.x > x;
                const Point tip{right ? to.x : to.x + to.width, port.y};
                net.lines.push_back({{x, port.y}, tip});
                net.heads.push_back({tip, {right ? 1.0 : -1.0, 0}});
            }
        }
        layout_.nets.push_back(std::move(net));
    }

    const Graph& graph_;
    GraphLayout layout_;
    std::vector<std::pair<int, size_t>> at_;  // by node: its box and its line there
    int rows_ = 0;
    std::vector<Route> routes_;  // by value
    std::vector<size_t> tracks_;
    std::vector<double> channel_top_;
    std::array<double, gutter_count> gutter_left_ = {};
};

}  // namespace

GraphLayout lay_out(const Program& program) {
    return Router(program).run();
}

}  // namespace siamc::compiler
