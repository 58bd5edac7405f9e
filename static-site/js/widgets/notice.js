// A sentence about what just happened, under the head of a page; it stays until the next act or until it is closed.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';

/** @typedef {{tone: 'good'|'bad'|'calm'|'warn', text: string, more?: unknown}} Notice */

const ICONS = /** @type {const} */ ({ good: 'check', bad: 'alert', warn: 'alert', calm: 'info' });

/** @param {Notice|null} notice @param {() => void} [close] */
export const noticeLine = (notice, close) => (notice
  ? html`<div class="notice notice-${notice.tone} notice-line">${icon(ICONS[notice.tone])}<div><p>${notice.text}</p>${notice.more ?? nothing}</div>
      ${close ? html`<button type="button" class="notice-close" aria-label=${store.t('notice.close')} @click=${close}>${icon('close')}</button>` : nothing}</div>`
  : nothing);
