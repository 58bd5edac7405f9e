import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boardReady, breakRoute, dropSource, open, portal, signIn } from './harness.mjs';

const card = (page, name) => page.locator('.source', { has: page.locator('h2', { hasText: name }) });

test('a viewer sees the sources and nothing to change them with', async () => {
  const page = await open();
  await signIn(page, 'viewer@acme.example', '#/sources');
  await page.waitForSelector('.source');
  assert.equal(await page.locator('[data-action], .page-head .btn').count(), 0);
  for (const address of ['#/sources?add=choose', '#/sources?add=csv']) {
    await page.goto(`${portal.url}/${address}`);
    await page.waitForSelector('.source');
    assert.equal(await page.locator('.wizard, .choices, form').count(), 0, address);
  }
});

test('a card says how a source is and how old its data are; its page shows the runs and what each said', async () => {
  const page = await open();
  await signIn(page, 'admin@acme.example', '#/sources');
  const first = page.locator('.source').first();
  await first.waitFor();
  assert.ok((await first.locator('.state').first().textContent()).trim().length > 2);
  assert.match(await first.locator('.source-facts').textContent(), /Datos hasta.*Leídos.*Próxima lectura/s);
  await first.locator('.source-open').click();
  assert.match(new URL(page.url()).hash, /source=/);
  const run = page.locator('.run').first();
  await run.locator('.history-toggle').click();
  await run.locator('.log-line').first().waitFor();
  await page.reload();
  await page.locator('.run').first().waitFor();
});

test('a sync by hand is followed to its end', async () => {
  const page = await open();
  await signIn(page, 'admin@acme.example', '#/sources');
  await page.locator('[data-action=sync]').first().click();
  const source = page.locator('.source').first();
  await source.locator('.notice').waitFor();
  await source.locator('.notice-good').waitFor({ timeout: 90_000 });
  assert.match(await source.locator('.notice-good').textContent(), /Sincronizado/);
});

test('a failed action stays on its card', async () => {
  const page = await open({ expected: [503] });
  await signIn(page, 'admin@acme.example', '#/sources');
  await page.waitForSelector('.source');
  await page.route('**/api/sources/*/sync', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"code":"unavailable","status":503}' }));
  await page.locator('[data-action=sync]').first().click();
  await page.waitForSelector('.source .notice-bad');
  assert.equal(await page.locator('[data-action=sync]').first().isEnabled(), true);
});

test('the list says why it is missing', async () => {
  const page = await open({ expected: [500] });
  await breakRoute(page, '/api/sources', 500, 'internal');
  await signIn(page, 'admin@acme.example', '#/sources');
  await page.waitForSelector('.face-error');
});

test('deleting asks first, and Escape is no', async () => {
  const page = await open();
  const name = `Borrar ${Date.now()}`;
  await signIn(page, 'admin@globex.example', '#/sources');
  await page.evaluate(async (wanted) => {
    const { csrf_token: token } = await (await fetch('/api/auth/session')).json();
    await fetch('/api/sources', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token }, body: JSON.stringify({ provider: 'csv', name: wanted }) });
  }, name);
  await page.reload();
  await card(page, name).locator('.source-open').click();
  const button = page.locator('[data-action=delete]');
  await button.click();
  await page.waitForSelector('dialog[open]');
  assert.match(await page.textContent('dialog'), new RegExp(name));
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.action), 'delete');
  await button.click();
  await page.click('dialog .btn-danger');
  await page.waitForURL((url) => url.hash === '#/sources');
  await page.waitForSelector('.source, .face');
  assert.equal(await card(page, name).count(), 0);
});

async function startConnect(page, name) {
  await page.goto(`${portal.url}/#/sources`);
  await page.click('.page-head .btn-primary');
  await page.click('.choice[href*="ga4"]');
  await page.waitForSelector('.scopes');
  assert.match(await page.textContent('.scopes'), /analytics\.readonly/);
  await page.fill('#source-name', name);
  await page.click('.panel .btn-primary');
  await page.waitForURL((url) => !url.hash.startsWith('#/sources'));
}

/** The answer on the provider's consent page: buttons in the sandbox, links in the fake. */
const decide = (page, answer) => page.click(portal.real ? `button[value=${answer}]` : `a[href$="answer=${answer}"]`);

test('connecting Google Analytics shows the permission, can be refused and then given', async () => {
  const page = await open();
  const name = `Prueba GA4 ${Date.now()}`;
  await signIn(page, 'admin@acme.example', '#/sources');
  await page.waitForSelector('.source');
  try {
    await startConnect(page, name);
    await decide(page, 'deny');
    await page.locator('.source .notice-bad').waitFor();
    assert.match(await page.textContent('.source .notice-bad'), /No se ha concedido el permiso/);
    assert.equal((await page.textContent('h1')).trim(), name);
    await page.locator('.source [data-action=connect]').click();
    await decide(page, 'allow');
    await page.locator('.source .state').first().waitFor();
    if (await page.locator('.chooser').count()) {
      await page.locator('.chooser [type=radio]').first().check();
      await page.click('.chooser .btn-primary');
    }
    await page.locator('.source [data-status=syncing], .source [data-status=connected]').first().waitFor();
    assert.match(await page.textContent('.source .source-facts'), /Propiedad/);
  } finally {
    await dropSource(page, name);
  }
});

test('a board link from the catalogue opens the metric', async () => {
  const page = await open();
  await signIn(page, 'admin@acme.example', '#/catalog');
  await page.fill('#catalog-q', 'sesion');
  await page.waitForFunction(() => /q=sesion/.test(location.hash));
  await page.locator('.metric-card a').first().click();
  await page.waitForSelector('.facts');
  assert.match(await page.textContent('.facts'), /Cómo se agrega/);
  await page.waitForSelector('canvas');
  await page.click('main .btn-primary');
  await boardReady(page);
  assert.match(new URL(page.url()).hash, /metric=/);
});
