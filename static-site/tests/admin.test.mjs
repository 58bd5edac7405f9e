import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayFilter, diffRows, flatten, groups } from '../js/lib/audit.js';
import { isDay } from '../js/lib/dates.js';
import { addresses, blank, MOST, outgoing, place, spread } from '../js/lib/invite.js';
import { level, meters, nearest, overrides } from '../js/lib/limits.js';
import { after, causeKey, each, graceDays, sameName } from '../js/lib/operator.js';
import { initials } from '../js/lib/people.js';
import { allCurrencies, isZone, named, zoneName } from '../js/lib/places.js';

test('addresses are found in whatever way people keep them', () => {
  assert.deepEqual(addresses('ana@x.example, Bea <bea@x.example>;\n carlos@x.example\tana@x.example ANA@x.example'), ['ana@x.example', 'bea@x.example', 'carlos@x.example']);
  assert.deepEqual(addresses('mailto:ana@x.example (trabajo).'), ['ana@x.example']);
  assert.deepEqual(addresses('hola, @nadie y a@b@c'), []);
});

test('pasted addresses fill the row and new ones, keep its role and are never doubled', () => {
  const rows = [{ email: 'ya@x.example', role: 'viewer', problem: '' }, { email: '', role: 'admin', problem: 'x' }, blank()];
  assert.deepEqual(spread(rows, 1, ['a@x.example', 'YA@x.example', 'b@x.example']).map(({ email, role, problem }) => [email, role, problem]),
    [['ya@x.example', 'viewer', ''], ['a@x.example', 'admin', ''], ['b@x.example', 'admin', '']]);
  assert.equal(spread([blank()], 0, [...Array(30).keys()].map((i) => `p${i}@x.example`)).length, MOST);
});

test('empty rows are not sent, and the objections come back to the rows they belong to', () => {
  const rows = [blank(), { ...blank(), email: ' a@x.example ' }, blank(), { ...blank(), email: 'bad' }];
  const { body, from } = outgoing(rows);
  assert.deepEqual(body, [{ email: 'a@x.example', role: 'viewer' }, { email: 'bad', role: 'viewer' }]);
  const placed = place(rows, from, [{ field: 'invitations[1].email', detail: 'No vale.' }]);
  assert.deepEqual(placed.rows.map((row) => row.problem), ['', '', '', 'No vale.']);
  assert.equal(placed.all, true);
  assert.equal(place(rows, from, [{ field: 'invitations[9].email', detail: 'x' }]).all, false);
  assert.equal(place(rows, from, []).all, false);
});

const LIMITS = { sources: 10, datapoints: 1000, users: 5, exports_per_day: 0, min_cadence_minutes: 60 };
const USE = { sources: 8, datapoints: 10, users: 5, exports_today: 0 };

test('a limit warns from 80 percent and is full at 100; a limit of nothing is full', () => {
  assert.deepEqual([level(79, 100), level(80, 100), level(100, 100), level(120, 100), level(0, 0)].map((one) => one.tone), ['good', 'warn', 'bad', 'bad', 'bad']);
  assert.deepEqual(meters(LIMITS, USE).map((one) => [one.key, one.used, one.tone]), [['sources', 8, 'warn'], ['users', 5, 'bad'], ['datapoints', 10, 'good'], ['exports_per_day', 0, 'bad']]);
  assert.equal(nearest({ ...LIMITS, exports_per_day: 200 }, { ...USE, users: 1 }).key, 'sources');
});

test('overrides send only what changed: a number, or null where one was taken away', () => {
  const before = { users: 50, sources: 20 };
  assert.deepEqual(overrides(before, { users: '50', sources: '', datapoints: ' 5000 ' }), { changes: { sources: null, datapoints: 5000 }, wrong: [] });
  assert.deepEqual(overrides({}, { users: '1e3', sources: '-1', datapoints: '2.5' }).wrong, ['sources', 'users', 'datapoints']);
  assert.deepEqual(overrides({ users: 0 }, { users: '0' }).changes, {});
});

test('a change is shown by field, changed ones first, nested ones by their path', () => {
  assert.deepEqual(diffRows({ a: 1, limits: { users: 5 } }, { a: 1, limits: { users: 9 }, b: '' }), [
    { name: 'limits.users', before: '5', after: '9', changed: true },
    { name: 'b', before: null, after: '', changed: true },
    { name: 'a', before: '1', after: '1', changed: false },
  ]);
  assert.deepEqual(diffRows(null, null), []);
  assert.deepEqual(flatten({ list: ['x', 'y'], none: null }), [['list', ['x', 'y']], ['none', null]]);
  assert.equal(diffRows({ list: ['x', 'y'] }, { list: [{ k: 1 }] })[0].after, '{"k":1}');
});

test('actions are grouped by what stands before the dot', () => {
  assert.deepEqual(groups(['team.invited', 'auth.login', 'team.removed']), [['team', ['team.invited', 'team.removed']], ['auth', ['auth.login']]]);
});

test('days of the address that are no days are not asked for, and a reversed range is told', () => {
  assert.deepEqual(dayFilter({ from: '2026-02-30', to: '2026-03-01' }, isDay), { from: null, to: '2026-03-01', reversed: false });
  assert.equal(dayFilter({ from: '2026-03-02', to: '2026-03-01' }, isDay).reversed, true);
});

test('one outage is one cause, and its key survives an address', () => {
  assert.equal(causeKey({ code: 'upstream_unavailable', provider: 'ga4', status: 'error' }), 'ga4:error:upstream_unavailable');
  assert.equal(causeKey({ code: null, provider: 'csv', status: 'error' }), 'csv:error:');
});

test('deleting wants the very name and a grace of 0 to 90 days', () => {
  assert.deepEqual(['0', ' 30 ', '90', '91', '-1', '1.5', '', 'x'].map(graceDays), [0, 30, 90, null, null, null, null, null]);
  assert.deepEqual([sameName(' Acme  S.L. ', 'Acme S.L.'), sameName('acme s.l.', 'Acme S.L.'), sameName('', 'Acme')], [true, false, false]);
  assert.equal(after(Date.parse('2026-11-23T10:00:00Z'), 30), '2026-12-23T10:00:00.000Z');
});

test('of several acts, one that is refused does not stop the others', async () => {
  const { done, refused } = await each([1, 2, 3], async (n) => {
    if (n === 2) throw new Error('no');
  });
  assert.deepEqual(done, [1, 3]);
  assert.deepEqual(refused.map(({ one, error }) => [one, error.message]), [[2, 'no']]);
});

test('people have initials, whatever their name is made of', () => {
  assert.deepEqual([initials('Ada Marín', 'a@x'), initials('Carmen Ibáñez de la Fuente', ''), initials(' ', 'zoe@x.example'), initials('Óscar', '')], ['AM', 'CF', 'Z', 'Ó']);
});

test('zones and currencies have names, and unknown ones do not break the page', () => {
  assert.equal(zoneName('America/Argentina/Buenos_Aires', Date.parse('2026-11-23T10:00:00Z'), 'es'), 'Buenos Aires (UTC-03:00)');
  assert.equal(zoneName('Mars/Phobos', 0, 'es'), 'Mars/Phobos');
  assert.deepEqual([isZone('Europe/Madrid'), isZone('Europe/Nowhere'), isZone('')], [true, false, false]);
  assert.deepEqual([named('currency', 'EUR', 'es'), named('currency', 'nonsense', 'es')], ['Euro', 'nonsense']);
  assert.ok(allCurrencies().includes('JPY') && new Set(allCurrencies()).size === allCurrencies().length);
});
