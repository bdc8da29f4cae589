#include "report/parts.h"

namespace siamc {

// Series also differ in their dashes.
const char* const report_style = R"css(
.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px;
  margin-top: 14px; }
.key { width: 26px; height: 12px; flex: none; }
.chart { display: block; width: 100%; height: auto; }
.chart text { font-size: 12.5px; fill: var(--faint); font-variant-numeric: tabular-nums; }
.chart .strong { fill: var(--text); font-weight: 600; }
.grid { stroke: var(--grid); }
.axis { stroke: var(--faint); stroke-opacity: .6; }
.threshold { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 4 3; }
.line path, .line line { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linejoin: round; }
.line circle { fill: currentColor; }
.line .dot { stroke: var(--card); stroke-width: 1.2; }
.line .hidden { fill: transparent; }
.line .hidden:hover { fill: currentColor; }
.area path, .area rect { fill: currentColor; fill-opacity: .28; stroke: currentColor;
  stroke-width: 1.5; }
.s1 { color: var(--s1); } .s2 { color: var(--s2); } .s3 { color: var(--s3); }
.s4 { color: var(--s4); } .s5 { color: var(--s5); } .s6 { color: var(--s6); }
.line.s2 path, .line.s2 line { stroke-dasharray: 7 3; }
.line.s3 path, .line.s3 line { stroke-dasharray: 2.5 2.5; }
.line.s4 path, .line.s4 line { stroke-dasharray: 9 3 2 3; }
.line.s5 path, .line.s5 line { stroke-dasharray: 5 2 1.5 2 1.5 2; }
.line.s6 path, .line.s6 line { stroke-dasharray: 12 4; }

.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(172px, 1fr)); gap: 12px;
  list-style: none; padding: 0; margin: 0; }
.pair { background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 10px;
  font-size: 13.5px; line-height: 1.45; }
.pair p { margin: 0; }
.pair.wrong { border-color: var(--bad); background: var(--bad-card); }
.images { display: flex; gap: 4px; margin-bottom: 6px; }
.images img { flex: 1 1 0; min-width: 0; width: 100%; border-radius: 3px; background: #000; }
.images .sharp { image-rendering: pixelated; }
.right p, .wrong p { display: flex; justify-content: space-between; align-items: center; gap: 6px; }
.right p span, .wrong p span { color: var(--faint); font-weight: 400; }
.distance { font-variant-numeric: tabular-nums; }
.right .distance span, .wrong .distance span { color: var(--text); font-weight: 600; }
.right .verdict { color: var(--good); } .wrong .verdict { color: var(--bad); font-weight: 600; }
.badge { font-size: 11px; background: var(--bad); color: var(--card); border-radius: 4px;
  padding: 1px 6px; }

@media screen and (max-width: 820px) { .charts { grid-template-columns: minmax(0, 1fr); } }
@media screen and (max-width: 480px) { .chart text { font-size: 16px; } }
@media print {
  .chart text { font-size: 16px; }
  .pair { break-inside: avoid; }
}
)css";

}  // namespace siamc
