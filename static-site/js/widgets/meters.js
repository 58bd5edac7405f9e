// What is used of each limit, as a bar with its numbers; from 80 % it says so and what happens at the end.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { meters, WARN_AT } from '../lib/limits.js';
import { store } from '../store.js';
import { count } from '../words.js';

/** @param {ReturnType<typeof meters>[number]} one */
function line({ key, used, limit, share, tone }) {
  const { t, format } = store;
  return html`
    <li class="meter meter-${tone}" data-limit=${key}>
      <div class="meter-head"><span id="meter-${key}">${t(`limit.${key}`)}</span><span class="meter-figures"><strong>${count(used)}</strong> ${t('limit.of', { limit: format.value(limit, 'count') })}</span></div>
      <meter min="0" max="1" low=${WARN_AT} high="1" optimum="0" .value=${Math.min(1, share)} aria-labelledby="meter-${key}"></meter>
      ${tone === 'good' ? nothing : html`<p class="meter-note">${icon('alert')}<span>${t(`limit.${tone}`, { share: format.number({ style: 'percent' }).format(share) })} ${t(`limit.end.${key}`)}</span></p>`}
    </li>`;
}

/** @param {import('../lib/limits.js').Limits} limits @param {import('../lib/limits.js').Use} use */
export const meterList = (limits, use) => html`<ul class="meters">${meters(limits, use).map(line)}</ul>`;
