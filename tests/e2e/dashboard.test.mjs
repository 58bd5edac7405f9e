import assert from 'node:assert/strict';
import { test } from 'node:test';
import { andWait, ask, boardReady, breakRoute, open, overflow, portal, signIn } from './harness.mjs';

/** Digits, sign and decimal mark only: what two writings of a number have in common. */
const digits = (text) => text.replace(/[^\d,-]/g, '');
const spanish = (value, decimals) => digits(new Intl.NumberFormat('es-ES', { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping: false }).format(value));
const hash = (page) => new URL(page.url()).hash;

async function board(email = 'admin@acme.example', address = '#/dashboard', options = {}) {
  const page = await open(options);
  await signIn(page, email, address);
  await boardReady(page);
  return page;
}

test('every card shows the figure of the API', async () => {
  const page = await open();
  const answer = page.waitForResponse((r) => r.url().includes('/api/metrics'));
  await signIn(page, 'admin@acme.example');
  const { metrics } = await (await answer).json();
  await boardReady(page);
  assert.ok(metrics.length >= 3);
  for (const metric of metrics) {
    const id = metric.currency ? `${metric.key}:${metric.currency}` : metric.key;
    const shown = await page.textContent(`[data-metric="${id}"] .kpi-value`);
    if (metric.value === null) assert.equal(shown, '–');
    else if (metric.unit === 'count' && Number.isInteger(metric.value)) assert.equal(digits(shown), spanish(metric.value, 0), id);
    else if (metric.unit === 'percent') assert.equal(digits(shown), spanish(metric.value * 100, 1), id);
    else if (metric.unit === 'currency') assert.equal(digits(shown), spanish(metric.value, 2), id);
  }
});

test('the twin table holds the points of the series, and the sentence its total', async () => {
  const page = await open();
  const answer = page.waitForResponse((r) => r.url().includes('/api/series/'));
  await signIn(page, 'admin@acme.example', '#/dashboard?metric=ga4.sessions');
  const { series, metric } = await (await answer).json();
  await boardReady(page);
  await page.click('.twin summary');
  const shown = await page.locator('.twin tbody tr td:nth-child(2)').allTextContents();
  const values = shown.map((text) => digits(text.replace(/\(.*/, ''))).filter(Boolean);
  assert.deepEqual(values, series[0].points.map((p) => spanish(p.value, 0)));
  const sentence = await page.textContent('.sentence');
  assert.ok(sentence.startsWith(metric.name));
  assert.equal(await page.getAttribute('canvas', 'aria-label'), sentence);
});

test('every filter stands in the address and survives a reload and Back', async () => {
  const page = await board();
  await andWait(page, '/api/metrics', () => page.selectOption('#f-range', '90d'));
  await andWait(page, 'grain=week', () => page.selectOption('#f-grain', 'week'));
  await andWait(page, 'compare=year', () => page.selectOption('#f-compare', 'year'));
  const dimension = await page.locator('#f-dimension option').nth(1).getAttribute('value');
  await page.selectOption('#f-dimension', dimension);
  await page.waitForFunction(() => document.querySelectorAll('#f-value option').length > 1);
  const value = await page.locator('#f-value option').nth(1).getAttribute('value');
  await andWait(page, 'dims=', () => page.selectOption('#f-value', value));
  const address = hash(page);
  assert.match(address, /compare=year/);
  assert.match(address, /grain=week/);
  assert.match(address, /range=90d/);
  assert.match(address, /dims=/);
  const before = await page.locator('.kpi-value').allTextContents();
  await page.reload();
  await boardReady(page);
  assert.equal(hash(page), address);
  assert.deepEqual(await page.locator('.kpi-value').allTextContents(), before);
  assert.deepEqual(await page.evaluate(() => ['f-range', 'f-grain', 'f-compare', 'f-dimension', 'f-value'].map((id) => document.getElementById(id).value)), ['90d', 'week', 'year', dimension, value]);
  await andWait(page, '/api/metrics', () => page.goBack());
  assert.doesNotMatch(hash(page), /dims=/);
  assert.equal(await page.locator('.chip').count(), 0);
  await andWait(page, '/api/metrics', () => page.click('.filter-reset'));
  assert.equal(hash(page), '#/dashboard');
  assert.equal(await page.inputValue('#f-range'), '');
});

test('own dates are checked before they are asked for', async () => {
  const page = await board();
  await page.selectOption('#f-range', 'custom');
  const { from, to } = await ask(page, '/api/metrics');
  await page.fill('#f-from', to);
  await page.fill('#f-to', from);
  await page.click('.custom-range button');
  assert.match(await page.textContent('#f-problem'), /posterior/);
  await page.fill('#f-from', from);
  await page.fill('#f-to', to);
  await andWait(page, '/api/metrics', () => page.click('.custom-range button'));
  assert.match(hash(page), new RegExp(`from=${from}&to=${to}`));
});

test('a card chooses the metric of the chart', async () => {
  const page = await board();
  const second = page.locator('.kpi').nth(1);
  const name = await second.locator('.kpi-name').textContent();
  await second.locator('.kpi-name').focus();
  await andWait(page, '/api/series/', () => page.keyboard.press('Enter'));
  assert.equal(await second.locator('.kpi-name').getAttribute('aria-pressed'), 'true');
  assert.ok(name.startsWith(await page.textContent('#trend-title')));
  assert.match(hash(page), /metric=/);
});

test('the table sorts, names its order and has totals', async () => {
  const page = await board('admin@acme.example', '#/dashboard?metric=ga4.sessions&by=country');
  const column = () => page.locator('.widget table.figures tbody tr td:nth-child(2)').allTextContents();
  const table = page.locator('section[aria-labelledby="table-title"]');
  const values = async () => (await table.locator('tbody tr td:nth-child(2)').allTextContents()).map((text) => Number(digits(text)));
  assert.equal(await table.locator('thead th:nth-child(2)').getAttribute('aria-sort'), 'descending');
  const down = await values();
  assert.deepEqual(down, [...down].sort((a, b) => b - a));
  await andWait(page, '/api/table', () => table.locator('thead th:nth-child(2) button').click());
  const up = await values();
  assert.deepEqual(up, [...up].sort((a, b) => a - b));
  assert.match(hash(page), /sort=ga4\.sessions/);
  assert.ok((await table.locator('tfoot td').first().textContent()).length > 0);
  assert.ok((await column()).length > 0);
});

test('freshness is told by every widget and by the board, with the exact time at hand', async () => {
  const page = await board();
  assert.match(await page.textContent('.page-head .fresh'), /actualizado hace/);
  const cards = await page.locator('.kpi .fresh time').all();
  assert.equal(cards.length, await page.locator('.kpi').count());
  for (const time of [...cards, page.locator('.widget .fresh time').first()]) {
    assert.match(await time.textContent(), /Actualizado (hace|un)/);
    assert.ok(!Number.isNaN(Date.parse(await time.getAttribute('datetime'))));
    assert.match(await time.getAttribute('title'), /datos hasta/);
  }
});

test('a range without data says so and leads to one that has some', async () => {
  const page = await board('admin@acme.example', '#/dashboard?from=1999-01-01&to=1999-01-31&metric=ga4.sessions');
  assert.match(await page.textContent('section[aria-labelledby="trend-title"] .face'), /No hay datos/);
  await page.click('section[aria-labelledby="trend-title"] .face .btn');
  await page.waitForSelector('canvas');
  assert.match(hash(page), /from=\d{4}/);
});

test('a broken widget says so, keeps the others and recovers', async () => {
  const page = await open({ expected: [500] });
  await breakRoute(page, '/api/series/', 500, 'internal');
  await signIn(page, 'admin@acme.example');
  await page.waitForSelector('.face-error');
  assert.match(await page.textContent('.face-error'), /0190aaaa-test/);
  assert.ok((await page.locator('.kpi').count()) > 0);
  await page.unroute('**/api/series/*');
  await page.click('.face-error .btn');
  await page.waitForSelector('canvas');
});

test('a company without sources is told what to do, according to its role', async () => {
  const page = await open();
  const nothing = { from: '2026-01-01', to: '2026-01-28', compare: null, now: new Date().toISOString(), metrics: [] };
  await page.route('**/api/metrics*', (route) => route.fulfill({ json: nothing }));
  await signIn(page, 'viewer@acme.example');
  await page.waitForSelector('.face');
  assert.match(await page.textContent('.face'), /Aún no hay ninguna fuente/);
  assert.equal(await page.locator('.face a').count(), 0);
});

test('on a phone the filters fold away and nothing scrolls sideways', async () => {
  const page = await board('admin@acme.example', '#/dashboard', { width: 360, height: 740 });
  assert.equal(await overflow(page), 0);
  assert.equal(await page.isVisible('#f-range'), false);
  await page.click('.filters-toggle');
  assert.equal(await page.getAttribute('.filters-toggle', 'aria-expanded'), 'true');
  assert.equal(await page.isVisible('#f-range'), true);
  for (const address of ['#/sources', '#/catalog', '#/catalog/ga4.sessions']) {
    await page.goto(`${portal.url}/${address}`);
    await page.waitForSelector('.card');
    assert.equal(await overflow(page), 0, address);
  }
});
