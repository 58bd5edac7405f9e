// The sentence that says what a chart shows: for screen readers, for copying, for people in a hurry.
import { highlights } from './series.js';

/**
 * @param {object} about
 * @param {import('./series.js').SeriesAnswer} about.answer
 * @param {import('./series.js').Row[]} about.rows
 * @param {string|null} about.currency
 * @param {number|null} about.total the figure of the whole range, null where there is none
 * @param {{delta: import('./format.js').Delta|null, previous: number|null}|null} about.kpi
 * @param {import('./format.js').Format} format
 * @param {import('./i18n.js').Translate} t
 * @returns {string}
 */
export function narrate({ answer, rows, currency, total, kpi }, format, t) {
  const { metric, grain } = answer;
  const value = (/** @type {number|null} */ v) => format.value(v, metric.unit, currency);
  const range = format.range(answer.from, answer.to);
  const { high, low, provisional, gaps } = highlights(rows);
  const parts = [total === null ? t('say.range', { name: metric.name, range }) : t('say.total', { name: metric.name, value: value(total), range })];
  const delta = format.delta(kpi?.delta, t('delta.points'));
  if (delta && answer.compare) parts.push(t('say.delta', { delta, base: format.range(answer.compare.from, answer.compare.to) }));
  let text = `${parts.join(', ')}.`;
  if (high && low && high.value !== low.value) {
    text += ` ${t('say.extremes', { high: value(high.value), high_at: format.bucket(high.t, grain, true), low: value(low.value), low_at: format.bucket(low.t, grain, true) })}`;
  }
  if (gaps) text += ` ${t('say.gaps', { n: gaps })}`;
  if (provisional) text += ` ${t('say.provisional', { at: format.bucket(provisional, grain, true) })}`;
  return text;
}
