// The state of a company as a badge.
import { html } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';

/** @type {Record<string, [Parameters<typeof icon>[0], string]>} */
const LOOKS = { active: ['check', 'good'], suspended: ['pause', 'warn'], deleting: ['trash', 'bad'] };

/** @param {string} status */
export function tenantState(status) {
  const [image, tone] = LOOKS[status] ?? LOOKS.suspended;
  return html`<span class="state state-${tone}" data-status=${status}>${icon(image)}${store.t(`tenant.state.${status}`)}</span>`;
}
