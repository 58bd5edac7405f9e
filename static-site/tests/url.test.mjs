import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildHash, decodeDims, encodeDims, parseHash, safeNext } from '../js/lib/url.js';

test('an address keeps its filters through a round trip', () => {
  const params = { from: '2026-10-01', to: '2026-10-31', dims: 'country:ES,channel:Paid Search', metric: 'stripe.net_volume:EUR', q: 'a&b=c#d' };
  assert.deepEqual(parseHash(buildHash('/dashboard', params)), { path: '/dashboard', params });
});

test('empty parameters leave no trace and the order does not matter', () => {
  assert.equal(buildHash('/dashboard', { to: 'b', from: 'a', grain: '', by: null, sort: undefined }), '#/dashboard?from=a&to=b');
  assert.equal(buildHash('/dashboard', {}), '#/dashboard');
  assert.deepEqual(parseHash(''), { path: '/', params: {} });
  assert.deepEqual(parseHash('#/catalog/?q='), { path: '/catalog', params: {} });
});

test('dimension filters survive commas, colons and backslashes', () => {
  const dims = [['page', 'a,b:c\\d'], ['country', 'ES'], ['country', 'FR'], ['empty', '']];
  assert.equal(encodeDims(dims), 'page:a\\,b\\:c\\\\d,country:ES,country:FR,empty:');
  assert.deepEqual(decodeDims(encodeDims(dims)), dims);
  assert.deepEqual(decodeDims(undefined), []);
  assert.deepEqual(decodeDims('nonsense,:x,country:ES'), [['country', 'ES']]);
  assert.deepEqual(decodeDims('time:10:30'), [['time', '10:30']]);
});

test('after sign-in only our own routes are visited', () => {
  for (const good of ['/dashboard', '/dashboard?from=2026-01-01&to=2026-01-31', '/sources?source=abc', '/catalog/ga4.sessions', '/audit?action=team', '/operator', '/operator/tenants/0190?created=1']) assert.equal(safeNext(good), good);
  const bad = [undefined, '', '//evil.example', '/\\evil.example', 'https:evil.example', 'https://evil.example', '%2f%2fevil.example', 'javascript:alert(1)', '/login?next=/login',
    '/dashboard/../../evil', '/\tdashboard', '/dashboard\n', '/dashboard#x', '/sources/a/b', '/operator//evil.example', '/operator/a/b/c', ` /dashboard`, `/catalog/${'x'.repeat(2000)}`];
  for (const next of bad) assert.equal(safeNext(next), '/dashboard', String(next));
});
