#include "inspect/parts.h"

namespace siamc::compiler {

const char* const inspect_style = R"css(
main { max-width: 1560px; }
a { color: var(--s1); }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 20px 0 0; }
.anchor { scroll-margin-top: 8px; }
.wide { overflow-x: auto; margin-top: 6px; }
details > summary { cursor: pointer; color: var(--faint); font-size: 14px; margin-top: 10px; }
pre { font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-x: auto; margin: 10px 0 0; }
.tiles .value { font-size: 20px; }
.tiles .note { overflow-wrap: anywhere; }

.graph { display: block; width: 100%; height: auto;
  font: 12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.graph .heading { fill: var(--faint); font-weight: 600; }
.graph text { fill: var(--text); white-space: pre; }
.graph .what { fill: var(--faint); }
.graph .title { fill: var(--s1); font-weight: 600; }
.graph .name { font-weight: 600; }
.graph .output .name { text-decoration: underline; }
.graph .box rect { fill: var(--page); stroke: var(--edge); }
.graph .source rect { fill: none; stroke: var(--edge); }
.graph .view rect { fill: none; stroke: var(--faint); stroke-dasharray: 4 3; }
.stripe { stroke-width: 3; stroke: currentColor; stroke-linecap: round; }
.prologue { color: var(--s4); } .slices { color: var(--s1); } .batch { color: var(--s3); }
.is-value { color: var(--s1); } .is-parameter { color: var(--faint); }
.is-adjoint { color: var(--s2); } .is-gradient { color: var(--s3); }
.legend li::before { content: ""; width: 20px; border-top: 2px solid; }
.legend .prologue::before, .legend .slices::before, .legend .batch::before { width: 4px; height: 14px;
  border: 0; border-radius: 2px; background: currentColor; }
.legend .whole::before, .legend .sliced::before { width: 18px; height: 12px; border: 1px solid; }
.legend .whole { color: var(--s3); } .legend .sliced { color: var(--s1); }
.legend .view::before { width: 18px; height: 12px; border: 1px dashed; }
.net .line { fill: none; stroke: currentColor; stroke-width: 1.2; stroke-linejoin: round; }
.net .reach { fill: none; stroke: transparent; stroke-width: 7; }
.net .head, .tip { fill: currentColor; }
.net:hover .line { stroke-width: 3; }
.inner { fill: none; stroke: var(--faint); }
.tip { color: var(--faint); }

.wide + figcaption { margin-top: 18px; }
.memory { display: block; width: 100%; min-width: 720px; max-width: 1150px; height: auto; }
.memory .part { stroke: var(--faint); stroke-opacity: .5; }
.memory text { font-size: 12px; fill: var(--faint); font-variant-numeric: tabular-nums; }
.memory .tensor text { fill: var(--text); }
.memory .tensor rect { fill: var(--s1); fill-opacity: .3; stroke: var(--s1); stroke-width: .8; }
.memory .whole rect { fill: var(--s3); stroke: var(--s3); }
.memory .repeated rect { fill-opacity: .13; stroke-opacity: .5; }
.memory .tensor:hover rect { fill-opacity: .6; }
.memory .stage { fill: currentColor; fill-opacity: .05; }
.memory .grid { stroke: var(--grid); }
.calls { columns: 320px; column-gap: 52px; font-size: 13px; margin: 10px 0 0; padding-left: 28px; }
.calls li { overflow-wrap: anywhere; break-inside: avoid; }

.steps { max-height: none; }
.passes :is(th, td):nth-child(2), .passes :is(th, td):nth-child(5) { text-align: left; white-space: normal; }
.passes td:nth-child(5) { min-width: 260px; overflow-wrap: anywhere; }
.passes details { display: inline-block; vertical-align: top; margin-right: 16px; }
.passes summary { margin: 0; }
.passes ul { margin: 4px 0; padding-left: 18px; }
.kernels { max-height: none; }
.kernels td, .kernels tbody th { vertical-align: top; }
.kernels td:last-child, .kernels th:last-child { text-align: left; white-space: normal; }
.kernels tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 150px; }
.kernels .more td { padding-left: 14px; text-align: left; border-top: 0; color: var(--faint); font-size: 13px;
  white-space: normal; padding-bottom: 12px; }
.kernels .more p { margin: 0; max-width: 140ch; overflow-wrap: anywhere; }
.kernels tbody:target { background: var(--page); }
.tiles-of { list-style: none; margin: 0; padding: 0; }
)css";

}  // namespace siamc::compiler
