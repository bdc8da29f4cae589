#include "html/page.h"

namespace siamc {

// Colours are named by what they are for. Series s1 … s6 differ in hue and lightness, so that they
// stay apart in print and for the colour-blind.
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

figure { margin: 0; }
figcaption { font-weight: 600; font-size: 15px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; padding: 0;
  margin: 4px 0 8px; font-size: 13px; color: var(--faint); }
.legend li { display: flex; align-items: center; gap: 7px; }

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

@media (max-width: 820px) {
  .tiles .card { padding: 12px; }
  .tiles .value { font-size: 22px; }
  table { font-size: 13px; }
  th, td { padding: 6px; }
  th:first-child, caption { padding-left: 14px; }
  th:last-child, td:last-child { padding-right: 14px; }
}
@media screen and (max-width: 480px) { main { padding: 20px 12px 40px; } }
@media print {
  body { background: none; font-size: 13px; }
  main { max-width: none; padding: 0; }
  .card, figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { max-height: none; overflow: visible; }
  thead th { position: static; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace siamc
