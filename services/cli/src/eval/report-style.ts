/** The page's style: it follows the reader's light or dark. */
export const style = `
:root { --ink: #1c2024; --muted: #667080; --line: #dde2e8; --paper: #fff; --blue: #2563c9; --green: #19894b; --teal: #0e8f99; --violet: #8441c9; --brown: #a5681b; --grey: #98a2b0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --muted: #98a2b0; --line: #323a44; --paper: #14181d; --blue: #6ea2f5; --green: #4fc485; --teal: #3fc0ca; --violet: #b98bec; --brown: #d69b54; --grey: #6c7684; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 92rem; padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header p, section > p { max-width: 60rem; color: var(--muted); }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0; border-top: 1px solid var(--line); padding-top: 1.25rem; }
h3 { font-size: .9rem; font-weight: 600; margin: 1.25rem 0 .4rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1.5rem; align-items: start; }
figure { margin: 0; }
figcaption { font-weight: 600; margin-bottom: .3rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--muted); }
svg .value { fill: var(--ink); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.grid, .whole { stroke: var(--line); } .whole { stroke-dasharray: 3 3; }
.whisker { stroke: var(--ink); stroke-width: 1.2; opacity: .65; }
.dashed { stroke-dasharray: 5 4; }
polyline.c-grey { stroke: var(--grey); } polyline.c-grey-thin { stroke: var(--grey); stroke-width: 1.2; } polyline.c-blue { stroke: var(--blue); } polyline.c-green { stroke: var(--green); }
polyline.c-teal { stroke: var(--teal); } polyline.c-violet { stroke: var(--violet); } polyline.c-brown { stroke: var(--brown); }
rect.c-grey, rect.c-grey-thin { fill: var(--grey); } rect.c-blue { fill: var(--blue); } rect.c-green { fill: var(--green); } rect.c-teal { fill: var(--teal); }
rect.c-violet { fill: var(--violet); } rect.c-brown { fill: var(--brown); } rect.c-ink, circle.c-ink { fill: var(--ink); } rect { opacity: .85; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .4rem 0 0; padding: 0; font-size: .8rem; color: var(--muted); }
.legend i { display: inline-block; width: 1.4rem; height: 0; border-top: 3px solid var(--ink); vertical-align: middle; margin-right: .4rem; }
.legend .dashed { border-top-style: dashed; }
.legend .c-grey, .legend .c-grey-thin { border-color: var(--grey); } .legend .c-blue { border-color: var(--blue); } .legend .c-green { border-color: var(--green); }
.legend .c-teal { border-color: var(--teal); } .legend .c-violet { border-color: var(--violet); } .legend .c-brown { border-color: var(--brown); }
.legend .c-ink { border: 0; width: .55rem; height: .55rem; border-radius: 50%; background: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { min-width: 6.4rem; } th:first-child { min-width: 11rem; }
thead th { color: var(--muted); font-weight: 500; } th:first-child { text-align: left; font-weight: 500; }
`;
