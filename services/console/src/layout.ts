import { html } from './html.ts';
import type { Content, Html } from './html.ts';

interface Page {
  title: string;
  /** Marks the entry of the navigation that leads here. */
  here?: 'overview' | 'experiments';
  /** The id that the search box shows. */
  search?: string;
  body: Content;
}

/** What all pages have around them. Parts with `data-live` and an id are brought up to date by console.js. */
export function layout({ title, here, search = '', body }: Page): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Upshift</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/uplot.css" />
        <link rel="stylesheet" href="/assets/console.css" />
        <script type="module" src="/assets/console.js"></script>
      </head>
      <body>
        <header class="top">
          <nav aria-label="Console">
            <a class="brand" href="/" ${here === 'overview' && html`aria-current="page"`}>Upshift</a>
            <a href="/experiments" ${here === 'experiments' && html`aria-current="page"`}>Experiments</a>
            <a href="/queues" title="Bull Board: every entry of every queue">Queues</a>
          </nav>
          <form class="search" action="/jobs" method="get" role="search">
            <input
              type="search"
              name="id"
              value="${search}"
              placeholder="job_…"
              aria-label="Job id"
              required
              autocomplete="off"
              spellcheck="false"
            />
            <button>Find job</button>
          </form>
        </header>
        <p id="stale" class="notice bad" role="status" hidden></p>
        <main>${body}</main>
      </body>
    </html> `;
}

/**
 * A part of a page that is brought up to date. What scrolls can have the keyboard, and so must stand around what is replaced: what somebody
 * stands on never is.
 *
 * @param live false for what does not change any more
 */
export function liveCard(id: string, title: string, content: Content, live = true): Html {
  return html`<section class="card" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-title">
      <div id="${id}" ${live && html`data-live`}>${content}</div>
    </div>
  </section>`;
}

/** A page that says why there is nothing to show. */
export function messagePage(title: string, message: Content, search?: string): Html {
  return layout({
    title,
    ...(search === undefined ? {} : { search }),
    body: html`<section class="card">
      <h1>${title}</h1>
      <p>${message}</p>
      <p><a href="/">To the overview</a></p>
    </section>`,
  });
}
