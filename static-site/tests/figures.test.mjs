import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Format } from '../js/lib/format.js';
import { judge, oldest } from '../js/lib/freshness.js';
import { narrate } from '../js/lib/narrate.js';
import { highlights, isEmpty, metricId, parseMetricId, rows, total } from '../js/lib/series.js';

const point = (t, value, provisional = false) => ({ t, value, provisional });
const answer = {
  metric: { key: 'shop.net', name: 'Neto', unit: 'count', additivity: 'sum', good_direction: 'up' }, grain: 'day', from: '2026-11-01', to: '2026-11-04', now: '2026-11-05T00:00:00Z',
  series: [
    { dims: {}, currency: 'EUR', other: false, total: 60, points: [point('2026-11-01', 10), point('2026-11-03', 20), point('2026-11-04', 30, true)] },
    { dims: {}, currency: 'USD', other: false, total: 5, points: [point('2026-11-02', 5)] },
  ],
  compare: { mode: 'previous', from: '2026-10-28', to: '2026-10-31', series: [{ dims: {}, currency: 'EUR', total: 9, points: [point('2026-10-29', 9)] }] },
  freshness: {},
};

test('a bucket without a point is a gap, and the past lies under the same position', () => {
  assert.deepEqual(rows(answer, 'EUR').map((r) => [r.t, r.value, r.provisional, r.before, r.previous]), [
    ['2026-11-01', 10, false, '2026-10-28', null], ['2026-11-02', null, false, '2026-10-29', 9],
    ['2026-11-03', 20, false, '2026-10-30', null], ['2026-11-04', 30, true, '2026-10-31', null],
  ]);
});

test('currencies are never mixed', () => {
  assert.deepEqual(rows(answer, 'USD').map((r) => r.value), [null, 5, null, null]);
  assert.equal(total(answer, 'USD'), 5);
  assert.equal(total(answer, 'GBP'), null);
  assert.ok(isEmpty(rows(answer, 'GBP')));
});

test('weeks are laid out from the first point, wherever the tenant begins them', () => {
  const weekly = { ...answer, grain: 'week', from: '2026-11-10', to: '2026-11-20', compare: null, series: [{ ...answer.series[0], points: [point('2026-11-08', 1), point('2026-11-15', 2)] }] };
  assert.deepEqual(rows(weekly, 'EUR').map((r) => [r.t, r.value]), [['2026-11-08', 1], ['2026-11-15', 2]]);
});

test('provisional values are no extremes', () => {
  const { high, low, provisional, gaps } = highlights(rows(answer, 'EUR'));
  assert.deepEqual([high.value, low.value, provisional, gaps], [20, 10, '2026-11-04', 1]);
});

test('a metric with a currency has its own name in the address', () => {
  assert.equal(metricId({ key: 'shop.net', currency: 'EUR' }), 'shop.net:EUR');
  assert.deepEqual(parseMetricId('shop.net:EUR'), { key: 'shop.net', currency: 'EUR' });
  assert.deepEqual(parseMetricId('ga4.sessions'), { key: 'ga4.sessions', currency: null });
});

test('the sentence says total, difference, extremes, gaps and what is provisional', () => {
  const seen = [];
  const t = (key, params) => (seen.push(key), `${key}(${Object.values(params ?? {}).join('|')})`);
  const text = narrate({ answer, rows: rows(answer, 'EUR'), currency: 'EUR', total: 60, kpi: { delta: { kind: 'percent', value: 50 }, previous: 40 } }, new Format({ lang: 'es', locale: 'es-ES' }), t);
  assert.deepEqual(seen, ['say.total', 'delta.points', 'say.delta', 'say.extremes', 'say.gaps', 'say.provisional']);
  assert.match(text, /say\.total\(Neto\|60\|/);
});

const NOW = Date.parse('2026-11-23T10:00:00Z');
const fresh = { data_through: '2026-11-22', fetched_at: '2026-11-23T09:48:00Z', next_due: '2026-11-23T13:00:00Z', provisional_from: null, status: 'connected' };

test('a widget is stale when its data, its next run or its source says so', () => {
  assert.deepEqual(judge(fresh, NOW, 'UTC'), { stale: false, why: null, ageMs: 12 * 60_000 });
  assert.equal(judge({ ...fresh, data_through: '2026-11-18' }, NOW, 'UTC').why, 'old_data');
  assert.equal(judge({ ...fresh, data_through: '2026-10-31' }, NOW, 'UTC', 'month').why, null);
  assert.equal(judge({ ...fresh, next_due: '2026-11-23T08:00:00Z' }, NOW, 'UTC').why, 'late');
  assert.equal(judge({ ...fresh, status: 'needs_reauth' }, NOW, 'UTC').why, 'source');
  assert.equal(judge({ ...fresh, status: 'rate_limited' }, NOW, 'UTC').why, null);
  assert.equal(judge({ data_through: null, fetched_at: null, status: 'not_connected' }, NOW, 'UTC').stale, false);
});

test('fetching on time does not hide that the source stands still', () => {
  assert.equal(judge({ ...fresh, data_through: '2026-11-19' }, NOW, 'UTC').stale, true);
});

test('the board is as old as its oldest widget', () => {
  const old = { ...fresh, fetched_at: '2026-11-23T07:00:00Z' };
  assert.equal(oldest([fresh, undefined, old, { fetched_at: null }]), old);
  assert.equal(oldest([null, { fetched_at: null }]), null);
});
