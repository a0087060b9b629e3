import { Charts } from './charts.js';
import { elementOf, inputOf, setText } from './document.js';
import { fetchJson, Repeater } from './fetching.js';
import { makeFilesTable } from './files-table.js';
import { formatDuration, formatTime } from './format.js';
import type { History, Overview } from './overview.js';
import { ProblemsList } from './problems-list.js';
import { makeRelayTables } from './relay-tables.js';
import { makeSourcesTable } from './sources-table.js';
import { Summary } from './summary.js';
import { countText } from './table.js';
import { readWishes, writeWishes } from './wishes.js';

const OVERVIEW_PAUSE_MS = 2000;
/** As often as the server adds a point. */
const HISTORY_PAUSE_MS = 5000;
/** After the last key, before a filter is asked for. */
const TYPING_MS = 250;

const wishes = readWishes(location.search);
const summary = new Summary();
const problems = new ProblemsList();
const relay = makeRelayTables();
const charts = new Charts(() => {
  chooseChart('');
});
const sources = makeSourcesTable({
  chosen: () => wishes.chart,
  choose: chooseChart,
  chooseOrder(order) {
    wishes.sourcesBy = order;
    wished();
  },
});
const files = makeFilesTable((order) => {
  wishes.filesBy = order;
  wished();
});
const overviews = new Repeater(OVERVIEW_PAUSE_MS, askOverview);
const histories = new Repeater(HISTORY_PAUSE_MS, askHistory);
let newest: Overview | undefined;
let answeredAtMs: number | undefined;

elementOf('sources').append(sources.element);
elementOf('files').append(files.element);
elementOf('relay').append(relay.element);
listenToFilter('sources-filter', 'source');
listenToFilter('files-filter', 'file');
overviews.now();
histories.now();

async function askOverview(): Promise<void> {
  try {
    newest = (await fetchJson(`/overview${writeWishes(wishes)}`)) as Overview;
    answeredAtMs = Date.now();
    showState(newest);
    show(newest);
  } catch {
    showGone();
  }
}

async function askHistory(): Promise<void> {
  try {
    const query = wishes.chart === '' ? '' : `?${new URLSearchParams({ source: wishes.chart }).toString()}`;
    charts.show((await fetchJson(`/history${query}`)) as History, wishes.chart);
  } catch {
    // The overview says that the server is gone.
  }
}

function show(overview: Overview): void {
  summary.show(overview);
  sources.show(overview, wishes.sourcesBy);
  files.show(overview, wishes.filesBy);
  relay.show(overview);
  problems.show(overview.problems, overview.atMs);
  const isEmpty = overview.sources.all === 0;
  elementOf('empty').hidden = !isEmpty;
  elementOf('charts-section').hidden = isEmpty;
  elementOf('sources-section').hidden = isEmpty;
  elementOf('relay-section').hidden = overview.relay === null;
  elementOf('files-section').hidden = overview.files === null || overview.files.all === 0;
  if (isEmpty) setText(elementOf('empty-example'), `servers:\n  urls: [${reachableUrl(overview)}]`);
  setText(elementOf('sources-count'), listingText(overview.sources, 'sources'));
  setText(elementOf('files-count'), overview.files === null ? '' : listingText(overview.files, 'files'));
}

function listingText(
  { rows, matching, all }: Overview['sources'] | NonNullable<Overview['files']>,
  what: string,
): string {
  return countText(rows.length, matching, all, what);
}

function showState({ host, software, startedAtMs, atMs, url, blocked }: Overview): void {
  document.body.classList.remove('stale');
  elementOf('gone').hidden = true;
  setText(elementOf('host'), `on ${host}`);
  document.title = `${blocked === null ? '' : '⚠ '}k2hft-svr on ${host}`;
  setText(
    elementOf('about'),
    `${software}, listening on ${url}, up for ${formatDuration(atMs - startedAtMs)}`,
  );
  elementOf('blocked').hidden = blocked === null;
  if (blocked === null) {
    showPill('good', 'taking data');
    delete elementOf('blocked').dataset['reason'];
  } else {
    showPill('bad', 'blocked');
    showBlockage(blocked.reason, atMs - blocked.forMs, atMs);
  }
}

/** It is read aloud when it changes: not because of a clock that has moved by a little. */
function showBlockage(reason: string, sinceMs: number, nowMs: number): void {
  const place = elementOf('blocked');
  if (place.dataset['reason'] === reason) return;
  place.dataset['reason'] = reason;
  setText(
    place,
    `Nothing has been acknowledged since ${formatTime(sinceMs, nowMs)}: ${reason}. The sources keep their data and wait.`,
  );
}

function showGone(): void {
  document.body.classList.add('stale');
  showPill('bad', 'no connection');
  const since =
    answeredAtMs === undefined
      ? 'No connection to the server.'
      : `No connection since ${formatTime(answeredAtMs, Date.now())}. What is below is from then.`;
  document.title = `⚠ no connection${newest === undefined ? '' : ` – k2hft-svr on ${newest.host}`}`;
  setText(elementOf('gone'), `${since} It is tried again every ${OVERVIEW_PAUSE_MS / 1000} s.`);
  elementOf('gone').hidden = false;
  elementOf('blocked').hidden = true;
}

function showPill(kind: 'good' | 'bad', text: string): void {
  elementOf('state').className = `pill ${kind}`;
  setText(elementOf('state'), text);
}

/** An address that another host may use: a server that listens everywhere is found by its host's name. */
function reachableUrl({ url, host }: Overview): string {
  return url.replace(/^(wss?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, `$1${host}`);
}

function chooseChart(id: string): void {
  wishes.chart = id;
  wished();
  histories.now();
}

function wished(): void {
  history.replaceState(null, '', `/${writeWishes(wishes)}`);
  overviews.now();
}

function listenToFilter(id: string, wish: 'source' | 'file'): void {
  const input = inputOf(id);
  let timer: number | undefined;
  input.value = wishes[wish];
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      wishes[wish] = input.value;
      wished();
    }, TYPING_MS);
  });
}
