// The three clocks of a source: until when there are data, when they were fetched, when they are fetched next.
import { html, nothing } from '../html.js';
import { store } from '../store.js';
import { ago } from '../words.js';

/** @typedef {import('../lib/sources.js').Source} Source */

/** How a rhythm reads. @param {number} minutes @param {{unit: string, n: number}} parts */
export const rhythmName = (minutes, { unit, n }) => store.t(`rhythm.${unit}`, { n, minutes });

/** @param {Source} source */
export function clocks(source) {
  const { t, format } = store;
  const { freshness: f } = source;
  const due = source.status === 'paused' ? null : f.next_due;
  const overdue = due && Date.parse(due) < store.now();
  return html`
    <dl class="source-facts">
      <div><dt>${t('source.through')}</dt><dd>${f.data_through ? format.day(f.data_through) : t('source.through_unknown')}
        ${f.provisional_from && f.data_through ? html`<span class="fact-note">${t('source.provisional', { day: format.day(f.provisional_from) })}</span>` : nothing}</dd></div>
      <div><dt>${t('source.last')}</dt><dd>${ago(f.fetched_at, t('source.never'))}</dd></div>
      ${source.type === 'file' ? nothing : html`<div><dt>${t('source.next')}</dt>
        <dd>${due ? html`<time datetime=${due}>${overdue ? t('source.due_now') : format.instant(due)}</time>` : t(source.status === 'paused' ? 'source.next_paused' : 'source.next_none')}</dd></div>`}
      ${source.property ? html`<div><dt>${t(`source.property.${source.type}`)}</dt><dd>${source.property.name}</dd></div>` : nothing}
    </dl>`;
}
