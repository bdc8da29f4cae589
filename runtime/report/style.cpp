#include "report/page.h"

namespace siamc {

// Colours are named by what they are for. Series s1 … s6 differ in hue, lightness and dashes, so
// that they stay apart in print and for the colour-blind.
const char* const page_style = R"css(
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --edge: #dfe3e8; --text: #1a1f26; --faint: #56606d;
  --grid: #e8ebef; --good: #1b7a43; --bad: #c22f3d; --bad-card: #fdf1f2;
  --s1: #1f63b5; --s2: #d0570c; --s3: #1d8348; --s4: #8544b8; --s5: #b8283f; --s6: #6f6a12;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #13161a; --card: #1c2026; --edge: #323943; --text: #e8ebef; --faint: #a3adb9;
    --grid: #2b313a; --good: #6fd19b; --bad: #ff8d94; --bad-card: #2c1d21;
    --s1: #72b1f7; --s2: #f7a05c; --s3: #6fd19b; --s4: #c9a2f2; --s5: #ff8d94; --s6: #d5cb62;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 20px; line-height: 1.3; margin: 44px 0 4px; }
h3 { font-size: 15px; margin: 20px 0 8px; }
header p, .note { color: var(--faint); margin: 4px 0 0; }
.note { font-size: 14px; max-width: 76ch; }
section > .note { margin-bottom: 14px; }
.card { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 16px; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 14px;
  margin: 24px 0 0; }
.tiles dt { font-size: 14px; color: var(--faint); }
.tiles dd { margin: 0; }
.tiles .value { font-size: 28px; font-weight: 650; line-height: 1.25; overflow-wrap: anywhere; }
.tiles .note { font-size: 13px; line-height: 1.4; margin-top: 2px; }

.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px;
  margin-top: 14px; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: 15px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; padding: 0;
  margin: 4px 0 8px; font-size: 13px; color: var(--faint); }
.legend li { display: flex; align-items: center; gap: 7px; }
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

.scroll { overflow: auto; max-height: 480px; margin-top: 14px; background: var(--card);
  border: 1px solid var(--edge); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 12px 14px 6px; }
th, td { padding: 6px 14px; text-align: right; white-space: nowrap; border-top: 1px solid var(--grid); }
thead th { position: sticky; top: 0; background: var(--card); color: var(--faint); font-weight: 600;
  white-space: normal; vertical-align: bottom; border-top: 0; box-shadow: 0 1px 0 var(--edge); }
th:first-child { text-align: left; }
tbody th { font-weight: 500; }
.best { font-weight: 700; color: var(--good); }
.best small { font-weight: 600; }
.settings td, .settings th { text-align: left; white-space: normal; overflow-wrap: anywhere; }

@media screen and (max-width: 820px) { .charts { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 820px) {
  .tiles .card { padding: 12px; }
  .tiles .value { font-size: 22px; }
  table { font-size: 13px; }
  th, td { padding: 6px; }
  th:first-child, caption { padding-left: 14px; }
  th:last-child, td:last-child { padding-right: 14px; }
}
@media screen and (max-width: 480px) {
  main { padding: 20px 12px 40px; }
  .chart text { font-size: 16px; }
}
@media print {
  body { background: none; font-size: 13px; }
  main { max-width: none; padding: 0; }
  .chart text { font-size: 16px; }
  .card, .pair, figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { max-height: none; overflow: visible; }
  thead th { position: static; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace siamc
