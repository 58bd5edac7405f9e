// The state of a source: as a badge, and what is the matter in parts: what happened, why, whose turn it is, what to do.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';
import { words } from '../words.js';

/** @typedef {import('../lib/sources.js').Source} Source */

/** Icon and tone of a state; its word comes from the texts. @type {Record<string, [Parameters<typeof icon>[0], string]>} */
export const LOOKS = {
  connected: ['check', 'good'], syncing: ['refresh', 'busy'], rate_limited: ['clock', 'warn'], error: ['alert', 'bad'],
  needs_reauth: ['alert', 'bad'], paused: ['pause', 'calm'], not_connected: ['plug', 'calm'],
};

/** @param {Source} source */
export function states(source) {
  const { t } = store;
  const [image, tone] = LOOKS[source.status] ?? LOOKS.error;
  return html`
    <span class="states">
      ${source.test_mode ? html`<span class="state state-warn" data-badge="test">${icon('info')}${t('source.test_mode')}</span>` : nothing}
      ${source.freshness.late ? html`<span class="state state-warn" data-badge="late">${icon('clock')}${t('source.late')}</span>` : nothing}
      <span class="state state-${tone}" data-status=${source.status}>${icon(image)}${words(`status.${source.status}`, source.status)}</span>
    </span>`;
}

/** Trouble that stops the source is red; what heals alone or touches a part is not. @param {Source} source */
const tone = (source) => (['error', 'needs_reauth'].includes(source.status) && source.failure?.who !== 'nobody' ? 'bad' : 'warn');

/** @param {Source} source */
function troubles(source) {
  const { t, format } = store;
  const { failure } = source;
  if (!failure) return nothing;
  return html`
    <div class="trouble trouble-${tone(source)}" data-code=${failure.code}>
      ${icon(failure.who === 'nobody' ? 'clock' : 'alert')}
      <div><p class="trouble-what">${failure.what}</p>
        <dl class="trouble-parts">
          <div><dt>${t('source.why')}</dt><dd>${failure.why}</dd></div>
          <div><dt>${t('source.who')}</dt><dd>${words(`source.who.${failure.who}`, failure.who)}</dd></div>
          <div><dt>${t('source.what_to_do')}</dt><dd>${failure.action}</dd></div>
          ${source.retry_at ? html`<div><dt>${t('source.retry')}</dt><dd><time datetime=${source.retry_at}>${format.instant(source.retry_at)}</time></dd></div>` : nothing}
        </dl></div>
    </div>`;
}

/** How much of the history is there. @param {Source} source */
export function filling(source) {
  if (!source.backfill) return nothing;
  const { t, format } = store;
  const { from, until, percent } = source.backfill;
  const share = format.number({ style: 'percent' }).format(percent / 100);
  const text = from ? t('source.filling', { from: format.day(from), until: format.day(until), percent: share }) : t('source.filling_start', { until: format.day(until), percent: share });
  return html`<div class="filling"><p class="muted" id="fill-${source.id}">${text}</p><progress max="100" .value=${percent} aria-labelledby="fill-${source.id}"></progress></div>`;
}

/** What a person should know of it at once. @param {Source} source */
export function news(source) {
  const { t } = store;
  const reason = source.status === 'paused' && source.pause_reason;
  return html`
    ${source.failure ? troubles(source) : html`<p class="status-text">${source.status_text}${reason ? html` <span class="pause-reason">${t('source.pause_reason', { reason })}</span>` : nothing}</p>`}
    ${filling(source)}`;
}
