import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimals, Format } from '../js/lib/format.js';
import { verdict } from '../js/lib/delta.js';

const es = new Format({ lang: 'es', locale: 'es-ES', currency: 'EUR', zone: 'Europe/Madrid' });
const en = new Format({ lang: 'en', locale: 'en-US', currency: 'USD', zone: 'America/New_York' });
/** Intl uses several kinds of spaces; the tests write a plain one. */
const plain = (text) => text.replace(/[\u00a0\u2009\u202f]/g, ' ');

test('values are written in their unit and in the locale of the tenant', () => {
  const cases = [
    [es, 1204, 'count', null, '1.204'], [es, 12.25, 'count', null, '12,3'], [es, 0.276, 'percent', null, '27,6 %'], [es, 0, 'count', null, '0'],
    [es, 72210, 'currency', 'EUR', '72.210,00 €'], [es, 10, 'currency', null, '10,00 €'], [es, 5000, 'currency', 'JPY', '5.000 JPY'], [en, 1234.5, 'currency', 'USD', '$1,234.50'],
    [es, 148, 'seconds', null, '2 min 28 s'], [es, 4.25, 'seconds', null, '4,3 s'], [es, 7320, 'seconds', null, '2 h 02 min'], [es, -90, 'seconds', null, '-1 min 30 s'],
    [es, 3.456, 'mm', null, '3,46 mm'], [es, 0.1234, 'mm', null, '0,123 mm'], [en, 12345.678, '°C', null, '12,345.7 °C'], [es, null, 'count', null, '–'],
  ];
  for (const [format, value, unit, currency, text] of cases) assert.equal(plain(format.value(value, unit, currency)), text, `${value} ${unit}`);
});

test('the cells of a column have equally many decimals', () => {
  const values = [4203.6, 222.4, 0, null];
  assert.equal(decimals(values, 'mm'), 1);
  assert.deepEqual(values.map((v) => plain(es.value(v, 'mm', null, decimals(values, 'mm')))), ['4.203,6 mm', '222,4 mm', '0,0 mm', '–']);
  assert.deepEqual([decimals([1, 2], 'mm'), decimals([0.1, 0.2], 'mm'), decimals([13.5, 0.146], '°C'), decimals([530, 176.5], 'count'), decimals([], 'count')], [0, 3, 2, 1, 0]);
});

test('the axis of a time has whole steps', () => {
  assert.deepEqual([4, 105, 700, 4000].map((highest) => es.step(highest, 'seconds')), [1, 30, 300, 900]);
  assert.equal(es.step(100, 'count'), undefined);
});

test('an unknown currency or locale does not break the page', () => {
  const odd = new Format({ lang: 'es', locale: 'not a locale', currency: 'zz', zone: 'Nowhere/Land' });
  assert.equal(plain(odd.value(1.5, 'currency', 'zz')), '1,5 zz');
  assert.equal(odd.zone, 'UTC');
  assert.match(odd.instant('2026-11-23T10:30:00Z'), /10:30/);
});

test('a difference carries its sign; percent metrics differ in points', () => {
  assert.equal(plain(es.delta({ kind: 'percent', value: 9.4545 }, 'p. p.')), '+9,5 %');
  assert.equal(plain(es.delta({ kind: 'percent', value: -3 }, 'p. p.')), '-3,0 %');
  assert.equal(plain(es.delta({ kind: 'percent', value: 0 }, 'p. p.')), '0,0 %');
  assert.equal(plain(es.delta({ kind: 'points', value: 1.5 }, 'p. p.')), '+1,5 p. p.');
  for (const nothing of [null, { kind: 'new', value: null }, { kind: 'none', value: null }]) assert.equal(es.delta(nothing, 'pp'), null);
});

test('whether a difference is good depends on the metric, and some have no good side', () => {
  const up = { kind: 'percent', value: 2 };
  const down = { kind: 'points', value: -2 };
  assert.equal(verdict(up, 'up'), 'better');
  assert.equal(verdict(up, 'down'), 'worse');
  assert.equal(verdict(down, 'down'), 'better');
  assert.equal(verdict(down, 'up'), 'worse');
  for (const [delta, good] of [[up, 'none'], [null, 'up'], [{ kind: 'percent', value: 0 }, 'up'], [{ kind: 'points', value: -0.03 }, 'up'], [{ kind: 'new', value: null }, 'up']]) assert.equal(verdict(delta, good), null);
});

test('ranges leave out what they share', () => {
  assert.equal(plain(es.range('2026-10-01', '2026-10-23', '2026-11-23')), '1–23 oct');
  assert.equal(plain(es.range('2026-10-27', '2026-11-23', '2026-11-23')), '27 oct – 23 nov');
  assert.match(es.range('2025-12-30', '2026-01-02', '2026-11-23'), /2025.*2026/);
  assert.match(es.range('2025-03-01', '2025-03-02', '2026-11-23'), /2025/);
  assert.equal(plain(es.range('2026-10-01', '2026-10-01')), '1 oct 2026');
});

test('buckets have names in the language of the page', () => {
  assert.equal(es.bucket('2026-10-01', 'quarter'), 'T4 2026');
  assert.equal(en.bucket('2026-10-01', 'quarter'), 'Q4 2026');
  assert.equal(es.bucket('2026-01-01', 'year'), '2026');
  assert.equal(es.bucket('2026-02-01', 'month', true), 'febrero de 2026');
  assert.match(plain(es.bucket('2026-11-16', 'week', true)), /16.*22 nov/);
  assert.match(es.bucket('2026-11-23', 'day', true), /lun.*23 nov 2026/);
});

test('numbers follow the tenant and month names follow the page', () => {
  const mixed = new Format({ lang: 'en', locale: 'es-ES', currency: 'EUR', zone: 'UTC' });
  assert.equal(mixed.value(1204.5, 'count'), '1.204,5');
  assert.equal(mixed.day('2026-08-05'), '5 Aug 2026');
});

test('an age is told in the largest unit that fits', () => {
  const cases = [[20_000, 'ahora'], [12 * 60_000, 'hace 12 min'], [3 * 3.6e6, 'hace 3 h'], [50 * 3.6e6, 'hace 2 d'], [-30 * 60_000, 'dentro de 30 min']];
  for (const [ms, text] of cases) assert.match(plain(es.ago(ms, 'ahora')), new RegExp(text), String(ms));
});

test('an instant is shown in the zone of the tenant', () => {
  assert.match(es.instant('2026-11-23T23:30:00Z'), /24 nov 2026.*0:30/);
  assert.match(en.instant('2026-11-23T02:30:00Z'), /Nov 22, 2026.*9:30/);
});
