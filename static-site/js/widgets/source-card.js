// One source: its state in words, when it last ran, what can be done with it.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { daysBetween } from '../lib/dates.js';
import { store } from '../store.js';

/** @typedef {{done_from: string, until: string}} Progress */
/** @typedef {{id: string, provider: string, type: string, name: string, status: string, status_text: string, last_sync_at: string|null, freshness: any, property: {id: string, name: string}|null, properties: Array<{id: string, name: string, account: string}>, progress: Progress|null, created_at: string}} Source */
/**
 * @typedef {object} SourceActions
 * @property {(source: Source) => void} connect
 * @property {(source: Source) => void} sync
 * @property {(source: Source) => void} pause or resume
 * @property {(source: Source) => void} ask before deleting
 * @property {(source: Source) => void} upload
 * @property {(source: Source, property: string) => void} choose
 * @property {(source: Source) => void} toggle the run history
 */

/** Icon and tone of a state; the words come from the server. @type {Record<string, [Parameters<typeof icon>[0], string]>} */
export const LOOKS = {
  connected: ['check', 'good'], syncing: ['refresh', 'busy'], rate_limited: ['clock', 'warn'], error: ['alert', 'bad'],
  needs_reauth: ['alert', 'bad'], paused: ['pause', 'calm'], not_connected: ['plug', 'calm'],
};

/** @param {Source} source */
export const waiting = (source) => source.status === 'syncing' || source.progress !== null;

/** How much of the history is there, 0 to 1. @param {Progress} progress @param {string} today */
export function share(progress, today) {
  const whole = daysBetween(progress.until, today);
  return whole <= 0 ? 1 : Math.min(1, Math.max(0, daysBetween(progress.done_from, today) / whole));
}

/** @param {Source} source @param {string} today */
function progress(source, today) {
  if (!source.progress) return nothing;
  const { t, format } = store;
  const done = share(source.progress, today);
  const words = t('source.filling', { from: format.day(source.progress.done_from), until: format.day(source.progress.until), percent: format.number({ style: 'percent' }).format(done) });
  return html`<div class="filling"><p class="muted" id="fill-${source.id}">${words}</p><progress max="1" .value=${done} aria-labelledby="fill-${source.id}"></progress></div>`;
}

/** @param {Source} source */
function facts(source) {
  const { t, format } = store;
  const { freshness } = source;
  const age = source.last_sync_at ? format.ago(store.now() - Date.parse(source.last_sync_at), t('fresh.just_now')) : null;
  return html`
    <dl class="source-facts">
      <div><dt>${t('source.last')}</dt><dd>${age ? html`<time datetime=${source.last_sync_at} title=${format.instant(String(source.last_sync_at))}>${age}</time>` : t('source.never')}</dd></div>
      <div><dt>${t('source.through')}</dt><dd>${freshness?.data_through ? format.day(freshness.data_through) : '–'}</dd></div>
      ${freshness?.next_due && source.status !== 'paused' ? html`<div><dt>${t('source.next')}</dt><dd><time datetime=${freshness.next_due}>${format.instant(freshness.next_due)}</time></dd></div>` : nothing}
      ${source.property ? html`<div><dt>${t('source.property')}</dt><dd>${source.property.name}</dd></div>` : nothing}
    </dl>`;
}

/** Several accounts were granted: a person says which one is meant. @param {Source} source @param {SourceActions} actions */
function chooser(source, actions) {
  if (!store.isAdmin || source.property || source.properties.length < 2) return nothing;
  const { t } = store;
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const chosen = new FormData(/** @type {HTMLFormElement} */ (event.target)).get('property');
    if (chosen) actions.choose(source, String(chosen));
  };
  return html`
    <form class="chooser" @submit=${submit}>
      <label class="form-label" for="property-${source.id}">${t('source.choose')}</label>
      <div class="chooser-row"><select class="form-select" id="property-${source.id}" name="property">
        ${source.properties.map((p) => html`<option value=${p.id}>${p.account} · ${p.name}</option>`)}</select>
        <button class="btn btn-primary" type="submit">${t('source.choose_this')}</button></div>
    </form>`;
}

/** @param {Source} source @param {SourceActions} actions @param {string} busy what is under way for it */
function buttons(source, actions, busy) {
  if (!store.isAdmin) return nothing;
  const { t } = store;
  const button = (/** @type {string} */ name, /** @type {Parameters<typeof icon>[0]} */ image, /** @type {(s: Source) => void} */ act, primary = false) => html`
    <button type="button" class="btn ${primary ? 'btn-primary' : ''}" data-action=${name} ?disabled=${busy !== ''} @click=${() => act(source)}
      aria-label=${t('source.action_of', { action: t(`source.do.${name}`), name: source.name })}>${icon(image)}${t(`source.do.${name}`)}</button>`;
  const file = source.type === 'file';
  const { status } = source;
  return html`
    <div class="source-actions">
      ${file ? button('upload', 'upload', actions.upload, status === 'not_connected') : nothing}
      ${!file && status === 'not_connected' ? button('connect', 'link', actions.connect, true) : nothing}
      ${!file && status === 'needs_reauth' ? button('reconnect', 'link', actions.connect, true) : nothing}
      ${!file && !['not_connected', 'needs_reauth', 'paused'].includes(status) && source.property
        ? html`<button type="button" class="btn" data-action="sync" ?disabled=${busy !== '' || status === 'syncing'} @click=${() => actions.sync(source)}
            aria-label=${t('source.action_of', { action: t('source.do.sync'), name: source.name })}>${icon('refresh')}${status === 'syncing' || busy === 'sync' ? t('source.syncing') : t('source.do.sync')}</button>`
        : nothing}
      ${!file && status !== 'not_connected' ? button(status === 'paused' ? 'resume' : 'pause', status === 'paused' ? 'play' : 'pause', actions.pause) : nothing}
      ${button('delete', 'trash', actions.ask)}
    </div>`;
}

/**
 * @param {Source} source @param {SourceActions} actions
 * @param {{open: boolean, busy: string, today: string, notice: unknown, history: unknown}} state
 */
export function sourceCard(source, actions, { open, busy, today, notice, history }) {
  const { t } = store;
  const [image, tone] = LOOKS[source.status] ?? LOOKS.error;
  return html`
    <li><article class="card source" data-source=${source.id} aria-labelledby="name-${source.id}">
      <header class="source-head">
        <span class="source-logo">${icon(source.type === 'file' ? 'file' : 'chart')}</span>
        <div><h2 id="name-${source.id}">${source.name}</h2><p class="muted">${t(`provider.${source.provider}`)}</p></div>
        <span class="state state-${tone}" data-status=${source.status}>${icon(image)}${t(`status.${source.status}`)}</span>
      </header>
      <p class="status-text">${source.status_text}</p>
      ${notice}
      ${progress(source, today)}
      ${chooser(source, actions)}
      ${facts(source)}
      ${buttons(source, actions, busy)}
      <button type="button" class="history-toggle" aria-expanded=${String(open)} @click=${() => actions.toggle(source)}>${icon('chevron')}${t('source.history')}</button>
      ${open ? history : nothing}
    </article></li>`;
}
