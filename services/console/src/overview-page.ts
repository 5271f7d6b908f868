import { splitModelId } from '@upshift/contracts';
import { DELIVER_QUEUE, STUCK_AFTER_MS } from '@upshift/queues';

import { clock, count, duration, money, percent } from './format.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { jobsCard } from './job-list.ts';
import { layout } from './layout.ts';
import { linkTo } from './overview-query.ts';
import type { OverviewQuery } from './overview-query.ts';
import type { ModelState, Overview, Stage } from './overview.ts';
import { ranges } from './plots.ts';
import type { RangeName } from './plots.ts';
import { savingsCard } from './savings-card.ts';
import { badge } from './status.ts';

export function overviewPage(overview: Overview, query: OverviewQuery): Html {
  return layout({
    title: 'Overview',
    here: 'overview',
    body: html` <h1 class="sr">Overview</h1>
      <section id="headline" data-live aria-label="Now and in the last hour">${headline(overview)}</section>
      <section id="stuck" data-live aria-label="What is stuck">${stuckCard(overview)}</section>
      <div class="pair">
        <section class="card" aria-labelledby="stages-title">
          <h2 id="stages-title">Tiers and steps</h2>
          <div class="scroll" tabindex="0" role="region" aria-labelledby="stages-title">${stagesTable(overview.stages)}</div>
        </section>
        <section class="card" aria-labelledby="models-title">
          <h2 id="models-title">Models</h2>
          <div class="scroll" tabindex="0" role="region" aria-labelledby="models-title">${modelsTable(overview)}</div>
        </section>
      </div>
      ${plotsCard(overview, query)} ${savingsCard(overview.savings)} ${jobsCard(overview, query)}
      <p class="muted" id="read-at" data-live>Read at ${clock(overview.now)} UTC. All times are UTC.</p>`,
  });
}

function headline({ stages, lastHour, stuck, topModel }: Overview): Html {
  // What waits to be delivered is no job any more.
  const ofJobs = stages.filter(({ kind, name }) => kind === 'tier' || name !== DELIVER_QUEUE);
  const total = (value: (stage: Stage) => number): number => ofJobs.reduce((all, stage) => all + value(stage), 0);
  const stuckInAll = stuck.queues.reduce((all, { entries }) => all + entries, 0) + stuck.jobs.length;
  const { completed, failed, expired, costNanoUsd } = lastHour;
  return html`<dl class="figures">
    ${figure('Waiting', count(total(({ waiting }) => waiting)), `${count(total(({ delayed }) => delayed))} more put off`)}
    ${figure('Running', count(total(({ active }) => active)), 'steps in hand')}
    ${figure('Stuck', count(stuckInAll), stuckInAll === 0 ? 'all is moving' : 'nobody works on these', stuckInAll > 0)}
    ${figure('Done, last hour', count(completed), `${count(failed + expired)} failed or expired`)}
    ${figure('Cost, last hour', money(costNanoUsd), 'known costs')} ${savedFigure(lastHour, topModel ?? 'the top tier')}
  </dl>`;
}

/** Against a model that costs nothing, or nobody knows what, nothing is said to be saved, nor lost. Shadows and audits are bought beside. */
function savedFigure({ completed, costNanoUsd, besideNanoUsd, aloneNanoUsd }: Overview['lastHour'], top: string): Html {
  const saved = aloneNanoUsd - (costNanoUsd - besideNanoUsd);
  if (aloneNanoUsd > 0) return figure('Saved, last hour', money(saved), `${percent(saved, aloneNanoUsd)} against ${top}`);
  return figure('Saved, last hour', '–', completed === 0 ? 'no answers yet' : `the price of ${top} is not known, or nothing`);
}

function figure(name: string, value: string, note: string, alarming = false): Html {
  return html`<div class="figure${alarming && ' alarming'}">
    <dt>${name}</dt>
    <dd><strong>${alarming && '! '}${value}</strong><span>${note}</span></dd>
  </div>`;
}

function stuckCard({ cells, stuck: { queues, jobs } }: Overview): Content {
  if (queues.length + jobs.length === 0) return null;
  return html`<div class="card alarm">
    <h2>Stuck</h2>
    <ul>
      ${queues.map(({ cell, queue, entries, oldestDueMs }) => html`<li><code>${queue}</code>${cells > 1 && html` in cell ${cell}`}: ${count(entries)} ${entries === 1 ? 'entry is' : 'entries are'} due, the oldest for ${duration(oldestDueMs)}, and no worker takes any. Is its worker running?</li>`)}
      ${jobs.map(({ id, ageMs, reason }) => html`<li><a class="id" href="/jobs/${id}">${id}</a>: accepted ${duration(ageMs)} ago, ${reason}. The steward mends such jobs: is it running?</li>`)}
    </ul>
  </div>`;
}

const STUCK_MEANS = `Entries that are due in a queue from which nobody takes (the oldest for over ${STUCK_AFTER_MS / 1000} s, none active), and unfinished jobs accepted over ${STUCK_AFTER_MS / 1000} s ago that no entry carries on.`;

function stagesTable(stages: Stage[]): Html {
  return html`<table id="stages" data-live>
    <thead>
      <tr>
        <th scope="col">Stage</th>
        <th scope="col" class="n">Queued</th>
        <th scope="col" class="n">Running</th>
        <th scope="col" class="n" title="${STUCK_MEANS}">Stuck</th>
        <th scope="col" class="n" title="Put off until a time: a provider's limit, or a pause between tries">Delayed</th>
        <th scope="col" class="n" title="Entries given up after all tries, kept for 7 days; their jobs have been ended">
          Failed
        </th>
        <th scope="col" class="n">Oldest waits</th>
      </tr>
    </thead>
    <tbody>
      ${stages.map(
        (stage, index) =>
          html`<tr${index > 0 && stage.kind !== stages[index - 1]?.kind && html` class="apart"`}><th scope="row">${stage.name}${stage.kind === 'step' && html` <span class="muted">step</span>`}</th><td class="n">${count(stage.waiting)}</td><td class="n">${count(stage.active)}</td><td class="n">${alarming(stage.stuck)}</td><td class="n">${count(stage.delayed)}</td><td class="n">${alarming(stage.failed)}</td><td class="n">${stage.oldestWaitingMs === 0 ? '–' : duration(stage.oldestWaitingMs)}</td></tr>`,
      )}
    </tbody>
  </table>`;
}

function alarming(number: number): Content {
  return number === 0 ? '0' : html`<strong class="bad">! ${count(number)}</strong>`;
}

function modelsTable({ models, now }: Overview): Html {
  return html`<table id="models" data-live>
    <thead>
      <tr>
        <th scope="col">Model</th>
        <th scope="col">Provider</th>
        <th scope="col">Breaker</th>
        <th scope="col">Tier</th>
        <th scope="col" class="n" title="Delayed ones included; those of the fallback queue are not">Queued</th>
        <th scope="col" class="n">Running</th>
      </tr>
    </thead>
    <tbody>
      ${models.map(
        (model) =>
          html`<tr>
            <th scope="row">${wrappable(model.id)}</th>
            <td>${providerBadge(model)}</td>
            <td>${breakerBadge(model, now)}</td>
            <td>${model.tier}</td>
            <td class="n">${count(model.waiting)}</td>
            <td class="n">${count(model.active)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function providerBadge({ provider: { state, reason } }: ModelState): Html {
  const why = reason !== null && html` <span class="muted">${reason}</span>`;
  if (state === 'on') return badge('good', '✓', 'on');
  return html`${state === 'off' ? badge('bad', '✕', 'off') : badge('warn', '?', 'not known')}${why}`;
}

function breakerBadge({ openUntil, isProbing }: ModelState, now: number): Html {
  if (isProbing) return badge('warn', '?', 'half open', 'failed too often of late: the next answer closes the breaker');
  if (openUntil === null) return badge('good', '✓', 'closed', 'calls go through');
  const until = html` <span class="muted" title="until ${clock(openUntil)} UTC">${duration(openUntil - now)} more</span>`;
  return html`${badge('bad', '✕', 'open', 'failed too often just now: not called')}${until}`;
}

function plotsCard({ topModel }: Overview, query: OverviewQuery): Html {
  return html`<section class="card" aria-labelledby="plots-title">
    <div class="head">
      <h2 id="plots-title">Over time</h2>
      <nav class="choice" aria-label="Range of the plots">
        ${Object.entries(ranges).map(
          ([name, { label }]) =>
            html`<a href="${linkTo(query, { range: name as RangeName })}" ${name === query.range && html`aria-current="true"`}
              >${label}</a
            >`,
        )}
      </nav>
    </div>
    <noscript><p>Plots need JavaScript.</p></noscript>
    <div class="plots" data-plots="/plots.json?range=${query.range}">
      <figure>
        <figcaption>Throughput, jobs per minute</figcaption>
        <div class="plot" id="plot-throughput"></div>
      </figure>
      <figure>
        <figcaption>
          Cost, USD per <span data-bucket>minute</span>; the gap is what was saved against ${topModel ?? 'the top tier'}
        </figcaption>
        <div class="plot" id="plot-cost"></div>
      </figure>
      <figure>
        <figcaption>Answered by tier, jobs per <span data-bucket>minute</span></figcaption>
        <div class="plot" id="plot-tiers"></div>
      </figure>
    </div>
  </section>`;
}

/** May break behind the provider's name. */
function wrappable(modelId: string): Html {
  const { provider, name } = splitModelId(modelId);
  return html`${provider}/<wbr />${name}`;
}
