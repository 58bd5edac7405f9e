// The runs of a source, newest first: what started each, what it did in a sentence, its counts, and its log when it is opened.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';
import { count, words } from '../words.js';
import { failed, formError, skeleton } from './faces.js';

/** @typedef {{id: string, trigger: string, status: string, started_at: string|null, finished_at: string|null, duration: number|null, next_attempt_at: string|null, from: string|null, to: string|null, attempts: number, rows_read: number, rows_changed: number, rows_removed: number, sentence: string}} Run */
/** @typedef {{line: number, at: string, level: string, stream: string|null, code: string, text: string}} Line */
/** @typedef {{open: string|null, log: import('../resource.js').Resource<{id: string, log: Line[]}>, toggle: (id: string) => void, streams: import('../lib/sources.js').Stream[]}} Log */

/** @type {Record<string, [Parameters<typeof icon>[0], string]>} */
const LOOKS = { queued: ['clock', 'calm'], running: ['refresh', 'busy'], succeeded: ['check', 'good'], incomplete: ['alert', 'warn'], failed: ['alert', 'bad'], cancelled: ['close', 'calm'] };

/** @param {string} label @param {unknown} value */
const fact = (label, value) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`;

/** @param {Line} line @param {Log} log */
function logLine(line, { streams }) {
  const { format } = store;
  const name = streams.find(({ key }) => key === line.stream)?.name ?? line.stream;
  return html`
    <li class="log-line log-${line.level}">
      <time datetime=${line.at}>${format.clock(line.at)}</time>
      <span>${line.level === 'info' ? nothing : html`<span class="log-level">${icon('alert')}${words(`log.${line.level}`, line.level)}</span> `}${name ? html`<strong>${name}</strong>: ` : nothing}${line.text}</span></li>`;
}

/** @param {Run} run @param {Log} log */
function logOf(run, log) {
  const { t } = store;
  const found = log.log.data?.id === run.id ? log.log.data : null;
  if (log.log.error) return failed(log.log.error, () => log.log.retry());
  if (!found) return skeleton('table');
  if (!found.log.length) return html`<p class="muted history-none">${t('log.none')}</p>`;
  return html`<ol class="log" tabindex="0" aria-label=${t('log.title')}>${found.log.map((line) => logLine(line, log))}</ol>`;
}

/** @param {Run} run @param {Log} log */
function item(run, log) {
  const { t, format } = store;
  const [image, tone] = LOOKS[run.status] ?? LOOKS.queued;
  const open = log.open === run.id;
  return html`
    <li class="run" data-run=${run.id} data-status=${run.status}>
      <div class="run-head">
        <span class="state state-${tone}">${icon(image)}${words(`run.${run.status}`, run.status)}</span>
        <strong>${run.started_at ? html`<time datetime=${run.started_at}>${format.instant(run.started_at)}</time>` : t('sync.waiting')}</strong>
        <span class="muted">${words(`trigger.${run.trigger}`, run.trigger)}</span>
      </div>
      <p>${run.sentence}</p>
      <dl class="run-facts">
        ${run.from && run.to ? fact(t('sync.col.range'), format.range(run.from, run.to)) : nothing}
        ${fact(t('sync.col.read'), count(run.rows_read))}${fact(t('sync.col.changed'), count(run.rows_changed))}${fact(t('sync.col.removed'), count(run.rows_removed))}
        ${run.duration === null ? nothing : fact(t('sync.col.duration'), format.duration(run.duration))}
        ${run.attempts > 1 ? fact(t('sync.col.attempts'), count(run.attempts)) : nothing}
        ${run.next_attempt_at && !run.finished_at ? fact(t('sync.col.next_attempt'), html`<time datetime=${run.next_attempt_at}>${format.instant(run.next_attempt_at)}</time>`) : nothing}
      </dl>
      <button type="button" class="history-toggle" aria-expanded=${String(open)} aria-controls="log-${run.id}" @click=${() => log.toggle(run.id)}>${icon('chevron')}${t('log.show')}</button>
      <div id="log-${run.id}" ?hidden=${!open}>${open ? logOf(run, log) : nothing}</div>
    </li>`;
}

/** @param {import('../paged.js').Paged<Run>} list @param {Log} log */
export function runs(list, log) {
  const { t } = store;
  const body = () => {
    if (list.error) return failed(list.error, () => list.retry());
    if (!list.data) return skeleton('table');
    const { items, next_cursor: next } = list.data;
    if (!items.length) return html`<p class="muted history-none">${t('sync.none')}</p>`;
    return html`<ol class="runs">${items.map((run) => item(run, log))}</ol>${formError(list.moreError)}
      ${next ? html`<button type="button" class="btn more" ?disabled=${list.fetching} @click=${() => list.more()}>${list.fetching ? t('face.loading') : t('sync.more')}</button>` : nothing}`;
  };
  return html`
    <section class="card widget" aria-labelledby="runs-title">
      <header class="widget-head"><h2 id="runs-title">${t('source.history')}</h2></header>
      ${body()}
    </section>`;
}
