// Words for the server's codes, and instants as ages.
import { html } from './html.js';
import { store } from './store.js';

/** The text of a key, or the code itself where there is none (a newer server may know more than this page). @param {string} key @param {string} raw */
export function words(key, raw) {
  const text = store.t(key);
  return text === key ? raw : text;
}

/** "hace 5 min", with the exact time on hover; a word of the caller's for never. @param {string|null|undefined} at @param {string} never */
export function ago(at, never) {
  if (!at) return never;
  const { t, format } = store;
  return html`<time datetime=${at} title=${format.instant(at)}>${format.ago(store.now() - Date.parse(at), t('fresh.just_now'))}</time>`;
}

/** The exact time. @param {string|null|undefined} at */
export const moment = (at) => (at ? html`<time datetime=${at}>${store.format.instant(at)}</time>` : '–');

/** A plan by its name. @param {string} key */
export const planName = (key) => words(`plan.${key}`, key);

/** @param {number|null|undefined} n */
export const count = (n) => store.format.value(n ?? null, 'count');
