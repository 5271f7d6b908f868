import type { Evaluation, PairResult, RouterResult } from './evaluate.ts';
import type { FigureName } from './figures.ts';
import { barPlot, escaped, linePlot } from './plots.ts';
import type { Series } from './plots.ts';
import { style } from './report-style.ts';
import { decimals, promiseRows, range, share, tracks } from './report-text.ts';

const columns: [FigureName, string][] = [
  ['apgr', 'APGR'],
  ['cpt_50', 'CPT 50'],
  ['cpt_80', 'CPT 80'],
  ['calls_95', 'calls 95'],
  ['calls_99', 'calls 99'],
  ['calls_100', 'calls 100'],
  ['dollars_95', '$ 95'],
  ['dollars_99', '$ 99'],
  ['dollars_100', '$ 100'],
  ['aiq', 'AIQ'],
];

/** The evaluation as one page that needs nothing from elsewhere. */
export function htmlOf(evaluation: Evaluation): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Upshift: routing quality</title>
<style>${style}</style>
</head>
<body>
<header><h1>Routing quality</h1>${preface(evaluation)}</header>
<main>${evaluation.pairs.map(pairSection).join('\n')}
${promiseSection(evaluation)}</main>
</body>
</html>
`;
}

function preface({ weights }: Evaluation): string {
  const learnt =
    weights === 'cross-fitted'
      ? 'No weights have learnt of a question that they are asked: the training runs five times, each without a fifth of the questions.'
      : 'The weights are the shipped ones: only questions that they were not trained from show how good they are.';
  return `<p>How well Upshift chooses between a cheap and a dear model, on recorded answers of both. ${learnt}</p>
<p>APGR and CPT are RouteLLM's. Calls and dollars are shares of what the strong model alone takes, to reach 95, 99 and 100 % of its quality. Brackets hold 95 % of 200 resamples of the questions.
A cascade sees the cheap answer, and pays for it; its figures are not to be compared with those of a router that sees only the prompt.</p>`;
}

function pairSection(pair: PairResult): string {
  const { name, weakModel, strongModel, questions, weakQuality, strongQuality, weakCost, hull } = pair;
  const tables = Object.entries(tracks).flatMap(([track, meaning]) => {
    const routers = pair.routers.filter((router) => router.track === track);
    return routers.length === 0 ? [] : [trackTable(meaning, routers)];
  });
  return `<section>
<h2>${escaped(name)}</h2>
<p>${escaped(weakModel)} → ${escaped(strongModel)}. ${questions.toLocaleString('en')} questions; right: ${share(weakQuality)} and ${share(strongQuality)}; the weak model costs ${share(weakCost)} of the strong one.
The hull of ${pair.singles.length} single models, mixed by chance, reaches 95, 99 and 100 % for ${share(hull.dollars_95)}, ${share(hull.dollars_99)} and ${share(hull.dollars_100)}; AIQ ${hull.aiq.toFixed(3)}.</p>
<div class="plots">${costPlot(pair)}${savingsPlot(pair)}${calibrationPlot(pair)}</div>
${tables.join('\n')}
</section>`;
}

function trackTable(meaning: string, routers: RouterResult[]): string {
  const rows = routers.map(({ name, figures }) => {
    const cells = columns.map(
      ([key]) => `<td>${key === 'apgr' || key === 'aiq' ? decimals(figures[key]) : range(figures[key])}</td>`,
    );
    return `<tr><th scope="row">${escaped(name)}</th>${cells.join('')}</tr>`;
  });
  const head = columns.map(([, title]) => `<th scope="col">${title}</th>`).join('');
  return `<h3>${escaped(meaning)}</h3><div class="wide"><table><thead><tr><th scope="col">router</th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** The routers of the plots: one per track, with the colour that it has in all of them. */
const plotted: { name: RegExp; tone: string; dashed?: boolean }[] = [
  { name: /^random$/, tone: 'grey', dashed: true },
  { name: /^prompt length$/, tone: 'grey' },
  { name: /^table of subjects/, tone: 'brown' },
  { name: /^classifier$/, tone: 'blue' },
  { name: /^scorer$/, tone: 'green' },
  { name: /400 labels$/, tone: 'teal' },
  { name: /^scorer, 1 extra$/, tone: 'violet' },
  { name: /^perfect verifier$/, tone: 'grey-thin', dashed: true },
];

function toned({ routers }: PairResult): { router: RouterResult; tone: string; dashed: boolean }[] {
  return plotted.flatMap(({ name, tone, dashed = false }) => {
    const router = routers.find((one) => name.test(one.name));
    return router === undefined ? [] : [{ router, tone, dashed }];
  });
}

function costPlot(pair: PairResult): string {
  const series: Series[] = toned(pair).map(({ router, tone, dashed }) => ({
    name: router.name,
    tone,
    dashed,
    points: router.curve.map(({ cost, quality }) => ({ x: cost, y: quality })),
  }));
  const singles = pair.singles.map(({ cost, quality }) => ({ x: cost, y: quality })).filter(({ x }) => x <= 1.1);
  const qualities = [...series.flatMap(({ points }) => points.map(({ y }) => y)), pair.weakQuality, pair.strongQuality];
  const pad = 0.05 * (Math.max(...qualities) - Math.min(...qualities));
  return linePlot(
    'Quality by cost',
    { from: 0, to: 1.1, title: 'cost, as a share of the strong model alone' },
    { from: Math.min(...qualities) - pad, to: Math.max(...qualities) + pad, title: 'right answers' },
    [...series, { name: 'single models', tone: 'ink', dots: true, points: singles }],
  );
}

function savingsPlot(pair: PairResult): string {
  const hull = { name: 'hull of single models', tone: 'ink', value: pair.hull.dollars_99, low: null, high: null };
  const bars = toned(pair).map(({ router, tone }) => ({ name: router.name, tone, ...router.figures.dollars_99 }));
  return barPlot('Dollars for 99 % of the strong model’s quality', [hull, ...bars]);
}

function calibrationPlot(pair: PairResult): string {
  const series: Series[] = toned(pair)
    .filter(({ router }) => router.calibration.length > 0)
    .map(({ router, tone }) => ({
      name: router.name,
      tone,
      points: router.calibration.map(({ score, right }) => ({ x: score, y: right })),
    }));
  if (series.length === 0) return '';
  const even = { name: 'as it should be', tone: 'grey', dashed: true, points: [0, 1].map((value) => ({ x: value, y: value })) };
  const axis = { from: 0, to: 1 };
  return linePlot('Calibration', { ...axis, title: 'score' }, { ...axis, title: 'right answers' }, [even, ...series]);
}

function promiseSection(evaluation: Evaluation): string {
  const { kept } = evaluation;
  const rows = promiseRows(evaluation).map(
    ([name, ...cells]) =>
      `<tr><th scope="row">${escaped(String(name))}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  );
  return `<section>
<h2>Thresholds set beforehand</h2>
<p>Set on one half of the questions for 95 % of the strong model's quality, used on the other half; ten ways to halve.
${share(kept.quality)} of ${kept.promises} delivered 94 % and more; ${share(kept.cost)} cost at most 1.15 of what was promised.</p>
<div class="wide"><table><thead><tr><th scope="col">pair, router</th><th>halvings</th><th>quality</th><th>worst</th><th>cost promised</th><th>delivered</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>
</section>`;
}
