import assert from 'node:assert/strict';
import { test } from 'node:test';
import { andWait, boardReady, dropSource, open, portal, signIn } from './harness.mjs';

const CANARY = '<img src=x onerror=alert(1)>';
const stamp = Date.now();
const name = `Prueba CSV ${stamp}`;
const key = `e2e_${stamp}`;
const csv = (rows) => ({ name: 'ventas.csv', mimeType: 'text/csv', buffer: Buffer.from(`dia;importe;zona\n${rows.join('\n')}\n`) });
const good = ['01/03/2024;1.234,50;norte', `02/03/2024;10,25;${CANARY}`, '13/03/2024;5;sur'];

async function fillFile(page, file) {
  await page.goto(`${portal.url}/#/sources?add=csv`);
  await page.fill('#csv-name', name);
  await page.setInputFiles('#csv-file', file);
  await page.click('.wizard button[type=submit]');
  await page.waitForSelector('.columns');
}

async function nameMetric(page) {
  const column = page.locator('[data-column=importe]');
  await column.locator('input[id^=csv-name-]').fill('Importe de prueba');
  await column.locator('input[id^=csv-key-]').fill(key);
  await column.locator('[id^=csv-units-]').selectOption('other');
  await column.locator('input[id^=csv-unit-]').fill('kg');
}

test('a file is read, mapped and imported, and a bad row is named by its line', async () => {
  const page = await open();
  await signIn(page, 'admin@globex.example', '#/sources');
  await page.waitForSelector('.topnav');
  try {
    await fillFile(page, csv([...good, 'ayer;7;sur']));
    assert.equal(await page.inputValue('#csv-delimiter'), ';');
    assert.equal(await page.inputValue('#csv-decimal'), ',');
    await page.selectOption('#csv-date', 'dia');
    await page.selectOption('#csv-format', '%d/%m/%Y');
    await page.locator('[data-column=importe] .segmented button').first().click();
    await page.locator('[data-column=zona] .segmented button').nth(1).click();
    await nameMetric(page);
    await page.click('.wizard button[type=submit]');
    await page.waitForSelector('.facts-row');
    const facts = await page.locator('.facts-row dd').allTextContents();
    assert.deepEqual(facts, ['4', '3', '0', '0', '1']);
    assert.match(await page.textContent('.rejected tbody tr'), /^5.*ayer/s);

    await page.click('.wizard .btn-primary');
    await boardReady(page);
    assert.match(await page.textContent(`[data-metric="${key}"] .kpi-value`), /1\.249,8\s*kg|1\.249,75\s*kg/);
    // What came from the file stays text, wherever it is shown.
    assert.ok((await page.locator('section[aria-labelledby="table-title"] tbody th').allTextContents()).some((text) => text.includes(CANARY)));
    await andWait(page, '/api/metrics', () => page.locator('.cell-link', { hasText: CANARY }).click());
    await page.waitForSelector('.chip');
    assert.match(await page.textContent('.chip'), /<img src=x/);
    assert.match(await page.textContent(`[data-metric="${key}"] .kpi-value`), /10,25\s*kg/);
    assert.equal(await page.locator('img[src=x]').count(), 0);
    await page.goto(`${portal.url}/#/catalog/${key}`);
    await page.waitForSelector('.facts');
    assert.match(await page.textContent('h1'), /Importe de prueba/);
  } finally {
    await dropSource(page, name);
  }
});

test('all or nothing: with a bad row nothing is imported, and the same list says why', async () => {
  const page = await open({ expected: [422] });
  await signIn(page, 'admin@globex.example', '#/sources');
  try {
    await fillFile(page, csv([...good, 'ayer;7;sur']));
    await page.selectOption('#csv-date', 'dia');
    await page.selectOption('#csv-format', '%d/%m/%Y');
    await page.locator('[data-column=importe] .segmented button').first().click();
    await nameMetric(page);
    await page.check('input[name=on_error][value=abort]');
    await page.click('.wizard button[type=submit]');
    await page.waitForSelector('.rejected');
    assert.match(await page.textContent('.wizard h2'), /No se ha importado nada/);
    await page.click('.wizard a.btn');
    await page.waitForSelector('.page-head .btn-primary');
    await page.waitForFunction((wanted) => ![...document.querySelectorAll('.source h2')].some((h) => h.textContent === wanted), name);
  } finally {
    await dropSource(page, name);
  }
});

test('problems of the mapping are shown at their field before anything is sent', async () => {
  const page = await open();
  await signIn(page, 'admin@globex.example', '#/sources');
  try {
    await fillFile(page, csv(good));
    await page.locator('[data-column=importe] .segmented button').first().click();
    const field = page.locator('[data-column=importe] input[id^=csv-key-]');
    await field.fill('ga4.mine');
    let sent = false;
    page.on('request', (request) => (sent ||= request.url().endsWith('/files')));
    await page.click('.wizard button[type=submit]');
    await page.waitForSelector('.field-problem');
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.equal(sent, false);
    await page.selectOption('#csv-delimiter', ',');
    assert.equal(await page.locator('.column').count(), 1);
    await page.selectOption('#csv-delimiter', ';');
    assert.equal(await page.locator('.column').count(), 3);
  } finally {
    await dropSource(page, name);
  }
});
