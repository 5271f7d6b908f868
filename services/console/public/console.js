/** Keeps the parts of a page that are marked `data-live` up to date, and loads the charts where there are any. */

const REFRESH_MS = 5000;
/** A console that hangs says nothing: what it has not answered by then is given up. */
const GIVE_UP_MS = 10_000;
const stale = document.getElementById('stale');

/** Replaces what has changed; never what somebody marks or stands on with the keyboard. */
function swapIn(fresh) {
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(part.id);
    if (next !== null && !next.isEqualNode(part) && !isInUse(part)) part.replaceWith(document.adoptNode(next));
  }
}

function isInUse(part) {
  const selection = getSelection();
  const isMarked = selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
  // Not where a click has left the focus: a job that was opened in another tab would hold the list up.
  return isMarked || part.querySelector(':focus-visible') !== null;
}

async function refresh() {
  const signal = AbortSignal.timeout(GIVE_UP_MS);
  const response = await fetch(location.href, { headers: { accept: 'text/html' }, signal });
  if (!response.ok) throw new Error(`it answers ${response.status}`);
  swapIn(new DOMParser().parseFromString(await response.text(), 'text/html'));
}

let lastGood = new Date();

async function refreshOrSay() {
  if (document.hidden || document.querySelector('[data-live]') === null) return;
  try {
    await refresh();
    lastGood = new Date();
    stale.hidden = true;
  } catch (error) {
    stale.textContent = `The console can not be read (${error.message}). What you see is of ${lastGood.toISOString().slice(11, 19)} UTC.`;
    stale.hidden = false;
  }
}

setInterval(() => void refreshOrSay(), REFRESH_MS);
document.addEventListener('visibilitychange', () => void refreshOrSay());

if (document.querySelector('[data-plots]') !== null) {
  const { startCharts } = await import('./charts.js');
  startCharts();
}
