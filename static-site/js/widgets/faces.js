// The faces of a widget that has no data to show: loading, empty, error, not connected yet.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';

/** @typedef {import('../html.js').nothing | unknown} Template */

/** Grey bars while the first answer is under way. @param {'kpi'|'chart'|'table'|'list'} shape */
export const skeleton = (shape) => html`
  <div class="skeleton skeleton-${shape}" role="status"><span class="visually-hidden">${store.t('face.loading')}</span>
    <i></i><i></i><i></i></div>`;

/** @param {string} title @param {string} text @param {Template} [action] @param {Parameters<typeof icon>[0]} [image] */
export const empty = (title, text, action = nothing, image = 'info') => html`
  <div class="face">${icon(image)}<p class="face-title">${title}</p><p class="text-secondary">${text}</p>${action}</div>`;

/** What the person can make of a failed request. @param {import('../api.js').ApiError} error */
export function errorText(error) {
  if (error.code === 'network') return store.t('error.network');
  if (error.status >= 500 || !error.message) return store.t('error.server');
  return error.message;
}

/** @param {import('../api.js').ApiError} error @param {() => void} retry */
export const failed = (error, retry) => html`
  <div class="face face-error" role="alert">${icon('alert')}
    <p class="face-title">${store.t('face.error')}</p>
    <p class="text-secondary">${errorText(error)}</p>
    <button type="button" class="btn" @click=${retry}>${icon('refresh')}${store.t('face.retry')}</button>
    ${error.requestId ? html`<p class="face-id">${store.t('face.request_id')} <code>${error.requestId}</code></p>` : nothing}
  </div>`;

/** A one-line error inside a form. A refusal explains itself; only what broke has a reference to report. @param {import('../api.js').ApiError|null} error */
export const formError = (error) => (error
  ? html`<div class="notice notice-bad" role="alert">${icon('alert')}<div><p>${errorText(error)}</p>
      ${error.errors.length ? html`<ul>${error.errors.map((e) => html`<li>${e.detail || e.field}</li>`)}</ul>` : nothing}
      ${error.status >= 500 && error.requestId ? html`<p class="face-id">${store.t('face.request_id')} <code>${error.requestId}</code></p>` : nothing}</div></div>`
  : nothing);

/** Nothing feeds this company yet. */
export const notConnected = () => empty(
  store.t('face.not_connected'),
  store.isAdmin ? store.t('face.not_connected_admin') : store.t('face.not_connected_viewer'),
  store.isAdmin ? html`<a class="btn btn-primary" href="#/sources">${store.t('face.go_sources')}</a>` : nothing,
  'plug',
);
