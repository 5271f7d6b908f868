import { jobView } from '@upshift/contracts';
import type { JobState } from '@upshift/contracts';
import { costOfJob, finalAttemptOf } from '@upshift/routing';

import { count, duration, money, moment, recently } from './format.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { linkTo } from './overview-query.ts';
import type { OverviewQuery } from './overview-query.ts';
import type { Overview } from './overview.ts';
import { statusBadge } from './status.ts';

/** The newest jobs, or those of one status. */
export function jobsCard(overview: Overview, query: OverviewQuery): Html {
  return html`<section class="card" id="jobs" aria-labelledby="jobs-title">
    <div class="head">
      <h2 id="jobs-title">${query.after === null ? 'Newest jobs' : 'Older jobs'}</h2>
      <nav class="choice" aria-label="Status of the jobs">
        ${[null, ...jobView.shape.status.options].map(
          (status) =>
            html`<a href="${linkTo(query, { status })}#jobs" ${status === query.status && html`aria-current="true"`}
              >${status?.replace('_', ' ') ?? 'all'}</a
            >`,
        )}
      </nav>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="jobs-title">
      <div id="job-list" data-live>${jobsTable(overview, query)}</div>
    </div>
  </section>`;
}

function jobsTable({ list: { jobs, hasMore }, now }: Overview, query: OverviewQuery): Content {
  if (jobs.length === 0) return html`<p class="empty">${emptyText(query)}</p>`;
  const last = jobs.at(-1)?.id ?? null;
  return html`<table>
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">Status</th>
          <th scope="col">Route</th>
          <th scope="col">Task</th>
          <th scope="col">Model</th>
          <th scope="col" class="n">Calls</th>
          <th scope="col" class="n">Cost</th>
          <th scope="col" class="n">Took</th>
          <th scope="col" class="n">Accepted</th>
        </tr>
      </thead>
      <tbody>
        ${jobs.map((job) => jobRow(job, now))}
      </tbody>
    </table>
    ${hasMore && html`<p><a href="${linkTo(query, { after: last })}#jobs">Older jobs</a></p>`}`;
}

function jobRow(job: JobState, now: number): Html {
  const { nanoUsd, unknown } = costOfJob(job);
  const took = job.completedAt === null ? `${duration(now - job.createdAt)} so far` : duration(job.completedAt - job.createdAt);
  return html`<tr>
    <th scope="row"><a class="id" href="/jobs/${job.id}" title="${job.id}">${shortId(job.id)}</a></th>
    <td>${statusBadge(job)}</td>
    <td>${job.route}</td>
    <td>${job.task ?? '–'}</td>
    <td>${modelOf(job)}</td>
    <td class="n">${count(job.attempts.length)}</td>
    <td class="n">${unknown && html`<span title="the cost of at least one call is unknown">≥ </span>`}${money(nanoUsd)}</td>
    <td class="n">${took}</td>
    <td class="n">
      <time datetime="${new Date(job.createdAt).toISOString()}" title="${moment(job.createdAt)} UTC"
        >${recently(job.createdAt, now)}</time
      >
    </td>
  </tr>`;
}

/** The end of an id is its random part; all of it stands in the title and behind the link. */
function shortId(id: string): string {
  return `…${id.slice(-10)}`;
}

/** The model of the result, or the one that is asked now. */
function modelOf(job: JobState): Content {
  const attempt = finalAttemptOf(job) ?? job.attempts.at(-1);
  return attempt === undefined ? '–' : html`${attempt.model} <span class="muted">${attempt.tier}</span>`;
}

function emptyText({ status, after }: OverviewQuery): Content {
  if (after !== null) return 'There are no older jobs.';
  if (status !== null) return `No job has this status now: ${status.replace('_', ' ')}.`;
  return html`No jobs yet: send one by <code>POST /v1/jobs</code> to the job API, whose address <code>npm start</code> prints.`;
}
