import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { boardReady, LOOKS, open, portal, signIn } from './harness.mjs';

async function clean(page, what) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(' | ')}`), [], what);
}

for (const { theme, width } of LOOKS) {
  test(`axe finds nothing on any page, ${theme}, ${width} px`, async () => {
    const page = await open({ theme, width, height: 800, expected: [422] });
    await page.goto(portal.url);
    await page.waitForSelector('#email');
    await clean(page, 'login');
    await signIn(page, 'admin@acme.example');
    await boardReady(page);
    await clean(page, 'dashboard');
    await page.click('.twin summary');
    if (width < 768) await page.click('.filters-toggle');
    await page.click('.menu summary');
    await clean(page, 'dashboard, everything open');
    await page.goto(`${portal.url}/#/dashboard?from=1999-01-01&to=1999-01-02&dims=country:ES`);
    await page.waitForSelector('.face');
    await clean(page, 'dashboard without data');
    await page.goto(`${portal.url}/#/sources`);
    await page.waitForSelector('.source');
    await clean(page, 'sources');
    await page.locator('.source-open').first().click();
    await page.locator('.run .history-toggle').first().click();
    await page.waitForSelector('.log-line');
    await clean(page, 'a source with the log of a run');
    await page.locator('[data-action=delete]').first().click();
    await page.waitForSelector('dialog[open]');
    await clean(page, 'delete dialog');
    await page.keyboard.press('Escape');
    for (const [address, ready] of [['#/sources?add=choose', '.choice'], ['#/sources?add=ga4', '.scopes'], ['#/sources?add=csv', '#csv-file'], ['#/catalog', '.metric-card'], ['#/catalog/ga4.sessions', 'canvas']]) {
      await page.goto(`${portal.url}/${address}`);
      await page.waitForSelector(ready);
      await clean(page, address);
    }
  });
}

test('axe finds nothing in the steps of a CSV upload', async () => {
  const page = await open();
  await signIn(page, 'admin@globex.example', '#/sources?add=csv');
  await page.setInputFiles('#csv-file', { name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('date,n,place\n2024-01-01,1,x\n') });
  await page.click('.wizard button[type=submit]');
  await page.waitForSelector('.columns');
  await clean(page, 'columns');
  await page.goto(`${portal.url}/#/sources`);
  await page.waitForSelector('.page-head .btn-primary');
});
