import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, addMonths, buckets, bucketStart, dayInZone, daysBetween, isDay, presetRange } from '../js/lib/dates.js';

test('only existing dates are dates', () => {
  for (const day of ['2026-02-28', '2024-02-29', '1999-12-31']) assert.ok(isDay(day), day);
  for (const day of ['2026-02-29', '2026-13-01', '2026-1-1', '', undefined, 'today', '2026-11-23T00:00']) assert.ok(!isDay(day), String(day));
});

test('days and months are added by the calendar', () => {
  assert.equal(addDays('2026-03-28', 3), '2026-03-31');
  assert.equal(addDays('2024-03-01', -1), '2024-02-29');
  assert.equal(addMonths('2026-01-31', 1), '2026-02-28');
  assert.equal(addMonths('2026-01-15', -13), '2024-12-15');
  assert.equal(daysBetween('2026-10-25', '2026-10-25'), 1);
  assert.equal(daysBetween('2024-01-01', '2024-12-31'), 366);
});

test('today is the day of the tenant, not of the browser', () => {
  const late = Date.parse('2026-11-23T23:30:00Z');
  assert.equal(dayInZone(late, 'Europe/Madrid'), '2026-11-24');
  assert.equal(dayInZone(late, 'America/Bogota'), '2026-11-23');
  assert.equal(dayInZone(late, 'No/Where'), '2026-11-23');
});

test('a preset is a range of whole days in tenant time', () => {
  const cases = {
    '7d': ['2026-11-16', '2026-11-22'], '28d': ['2026-10-26', '2026-11-22'], '90d': ['2026-08-25', '2026-11-22'],
    month: ['2026-11-01', '2026-11-23'], last_month: ['2026-10-01', '2026-10-31'], year: ['2026-01-01', '2026-11-23'],
  };
  for (const [name, [from, to]] of Object.entries(cases)) assert.deepEqual(presetRange(name, '2026-11-23'), { from, to }, name);
  assert.deepEqual(presetRange('last_month', '2026-01-31'), { from: '2025-12-01', to: '2025-12-31' });
  assert.equal(presetRange('all', '2026-11-23'), null);
  assert.equal(presetRange('28d; drop', '2026-11-23'), null);
});

test('buckets begin where the calendar says, also before the range', () => {
  assert.deepEqual(buckets('2026-01-30', '2026-02-02', 'day'), ['2026-01-30', '2026-01-31', '2026-02-01', '2026-02-02']);
  assert.deepEqual(buckets('2026-11-18', '2026-11-30', 'week'), ['2026-11-16', '2026-11-23', '2026-11-30']);
  assert.deepEqual(buckets('2026-11-18', '2026-11-30', 'week', '2026-11-15'), ['2026-11-15', '2026-11-22', '2026-11-29']);
  assert.deepEqual(buckets('2025-12-15', '2026-02-01', 'month'), ['2025-12-01', '2026-01-01', '2026-02-01']);
  assert.deepEqual(buckets('2025-11-01', '2026-05-01', 'quarter'), ['2025-10-01', '2026-01-01', '2026-04-01']);
  assert.deepEqual(buckets('2024-06-01', '2026-01-01', 'year'), ['2024-01-01', '2025-01-01', '2026-01-01']);
  assert.equal(bucketStart('2023-12-31', 'week'), '2023-12-25');
});
