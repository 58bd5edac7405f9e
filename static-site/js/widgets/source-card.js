// One source in the list: its state, what is the matter, its clocks, and the one act that is due.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { clock } from '../lib/countdown.js';
import { acts } from '../lib/sources.js';
import { store } from '../store.js';
import { clocks } from './source-clocks.js';
import { news, states } from './source-state.js';

/** @typedef {import('../lib/sources.js').Source} Source */
/** @typedef {(source: Source, name: string) => void} Act */
/** @typedef {{busy: string, wait: number, notice: unknown}} Standing what is under way, seconds until it may be read again, the last word */

/** @type {Record<string, Parameters<typeof icon>[0]>} */
const IMAGES = { connect: 'link', reconnect: 'link', replace: 'key', sync: 'refresh', pause: 'pause', resume: 'play', upload: 'upload', delete: 'trash', rename: 'edit' };

/** @param {Source} source */
export const logo = (source) => html`<span class="source-logo">${icon(source.type === 'file' ? 'file' : source.type === 'api_key' ? 'key' : 'chart')}</span>`;

/** @param {Source} source @param {string} name @param {Standing} standing @param {Act} act @param {boolean} [primary] */
export function actButton(source, name, { busy, wait }, act, primary = false) {
  const { t } = store;
  const syncing = name === 'sync' && (source.status === 'syncing' || busy === 'sync');
  const counting = name === 'sync' && wait > 0;
  // A key is replaced, not consented to anew.
  const word = (name === 'reconnect' && source.type === 'api_key') ? 'replace' : name;
  const text = syncing ? t('source.syncing') : counting ? t('source.sync_in', { time: clock(wait) }) : t(`source.do.${word}`);
  return html`
    <button type="button" class="btn ${primary ? 'btn-primary' : ''}" data-action=${name} ?disabled=${busy !== '' || syncing || counting} @click=${() => act(source, name)}
      aria-label=${t('source.action_of', { action: text, name: source.name })}>${icon(counting ? 'clock' : IMAGES[word])}${text}</button>`;
}

/** What stands on a card: the act that is due, and reading now. @param {Source} source @param {Standing} standing @param {Act} act */
export function mainActs(source, standing, act) {
  if (!store.isAdmin) return nothing;
  const all = acts(source);
  return ['connect', 'reconnect', 'resume', 'upload', 'sync'].filter((name) => all.has(/** @type {any} */ (name)))
    .map((name) => actButton(source, name, standing, act, ['connect', 'reconnect'].includes(name) || (name === 'upload' && source.status === 'not_connected')));
}

/** @param {Source} source @param {Act} act @param {Standing} standing */
export function sourceCard(source, act, standing) {
  const { t } = store;
  const address = `#/sources?source=${encodeURIComponent(source.id)}`;
  return html`
    <li><article class="card source" data-source=${source.id} aria-labelledby="name-${source.id}">
      <header class="source-head">
        ${logo(source)}
        <div><h2 id="name-${source.id}"><a href=${address}>${source.name}</a></h2><p class="muted">${t(`provider.${source.provider}`)}</p></div>
        ${states(source)}
      </header>
      ${news(source)}
      ${standing.notice}
      ${clocks(source)}
      <div class="source-actions">${mainActs(source, standing, act)}
        <a class="btn source-open" href=${address} aria-label=${t('source.action_of', { action: t('source.open'), name: source.name })}>${t('source.open')}</a></div>
    </article></li>`;
}
