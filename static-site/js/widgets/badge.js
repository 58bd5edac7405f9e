// "Updated 12 min ago": how fresh a widget is, in words; amber when that is too old.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { judge, oldest } from '../lib/freshness.js';
import { store } from '../store.js';

/** @typedef {Partial<import('../lib/freshness.js').Freshness>|null|undefined} Freshness */

/** Everything the badge knows, for its tooltip. @param {NonNullable<Freshness>} freshness @param {string|null} why */
function details(freshness, why) {
  const { t, format } = store;
  return [
    why && t(`fresh.why.${why}`),
    freshness.fetched_at && t('fresh.fetched', { at: format.instant(freshness.fetched_at) }),
    freshness.data_through && t('fresh.through', { day: format.day(freshness.data_through) }),
    freshness.next_due && t('fresh.next', { at: format.instant(freshness.next_due) }),
    freshness.provisional_from && t('fresh.provisional', { day: format.day(freshness.provisional_from) }),
  ].filter(Boolean).join(' · ');
}

/** @param {Freshness} freshness @param {{grain?: string, through?: boolean, label?: string, why?: import('../lib/freshness.js').Verdict['why']}} [options] `through` also shows until when there is data */
export function badge(freshness, { grain, through = false, label, why: known } = {}) {
  const { t, format } = store;
  if (!freshness?.fetched_at) {
    return html`<span class="fresh">${icon('clock')}<span>${t('fresh.never')}</span></span>`;
  }
  const { why: found, ageMs } = judge(freshness, store.now(), store.session?.tenant?.zone, grain);
  const why = known === undefined ? found : known;
  const age = format.ago(ageMs ?? 0, t('fresh.just_now'));
  return html`
    <span class="fresh ${why ? 'fresh-stale' : ''}">${icon(why ? 'alert' : 'clock')}
      <span class="fresh-text"><time datetime=${freshness.fetched_at} title=${details(freshness, why)}>${label ?? t('fresh.updated', { age })}</time>
      ${through && freshness.data_through ? html`<span class="fresh-part">${t('fresh.through', { day: format.day(freshness.data_through) })}</span>` : nothing}
      ${why ? html`<span class="fresh-part">${t(`fresh.why.${why}`)}</span>` : nothing}</span>
    </span>`;
}

/** The board's badge: the oldest of its widgets, and the worst. @param {Array<{freshness: Freshness, grain?: string}>} all */
export function boardBadge(all) {
  const { t, format } = store;
  const worst = oldest(all.map(({ freshness }) => freshness));
  if (!worst) return nothing;
  const verdicts = all.map(({ freshness, grain }) => judge(freshness, store.now(), store.session?.tenant?.zone, grain));
  const age = format.ago(judge(worst, store.now(), undefined).ageMs ?? 0, t('fresh.just_now'));
  return badge(worst, { label: t('fresh.board', { age }), why: verdicts.find((verdict) => verdict.stale)?.why ?? null });
}
