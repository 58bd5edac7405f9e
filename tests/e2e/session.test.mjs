import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, boardReady, open, portal, signIn } from './harness.mjs';

for (const [email, role] of [['admin@acme.example', 'Administración'], ['viewer@acme.example', 'Lectura'], ['admin@globex.example', 'Administración']]) {
  test(`${email} lands on the board of the own company`, async () => {
    const page = await open();
    await signIn(page, email);
    await boardReady(page);
    const session = await page.evaluate(() => fetch('/api/auth/session').then((r) => r.json()));
    assert.equal(await page.textContent('.brand-name'), session.tenant.name);
    assert.match(await page.title(), new RegExp(`Panel · ${session.tenant.name}`));
    await page.click('.menu summary');
    assert.match(await page.textContent('.menu-who'), new RegExp(role));
  });
}

test('an operator belongs to no company: the platform is what there is to see', async () => {
  const page = await open();
  await signIn(page, 'operator@portal.example');
  await page.waitForFunction(() => location.hash === '#/operator');
  assert.equal(await page.textContent('h1'), 'Resumen');
  assert.equal(await page.locator('.topnav a[href="#/dashboard"], .topnav a[href="#/sources"]').count(), 0);
});

test('a wrong password gives one clear error and keeps the address', async () => {
  const page = await open();
  for (const email of ['admin@acme.example', 'nobody@nowhere.example']) {
    await page.goto(`${portal.url}/#/login`);
    await page.fill('#email', email);
    await page.fill('#password', 'not the password');
    await page.click('form button[type=submit]');
    assert.equal((await page.textContent('[role=alert]')).trim(), 'El correo o la contraseña no son correctos.');
    assert.equal(await page.inputValue('#email'), email);
    assert.equal(await page.getAttribute('#password', 'aria-invalid'), 'true');
    await page.reload();
  }
});

test('signing in works with the keyboard alone', async () => {
  const page = await open();
  await page.goto(portal.url);
  await page.waitForSelector('#email');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip-link');
  for (let i = 0; i < 12 && (await page.evaluate(() => document.activeElement.id)) !== 'email'; i += 1) await page.keyboard.press('Tab');
  await page.keyboard.type('viewer@acme.example');
  await page.keyboard.press('Tab');
  await page.keyboard.type(account('viewer@acme.example').password);
  await page.keyboard.press('Enter');
  await boardReady(page);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
});

test('after sign-in the person is where they wanted to be, but never elsewhere', async () => {
  const page = await open();
  await signIn(page, 'viewer@acme.example', '#/catalog?q=ses');
  await page.waitForSelector('#catalog-q');
  assert.equal(new URL(page.url()).hash, '#/catalog?q=ses');
  for (const next of ['//evil.example', 'https:evil.example', 'javascript:alert(1)', '/\\evil.example']) {
    const other = await open();
    await signIn(other, 'viewer@acme.example', `#/login?next=${encodeURIComponent(next)}`);
    await other.waitForSelector('.kpis');
    assert.ok(other.url().startsWith(`${portal.url}/#/dashboard`), other.url());
  }
});

test('signing out forgets everything, and Back shows no figures', async () => {
  const page = await open();
  await signIn(page, 'admin@acme.example');
  await boardReady(page);
  await page.click('.topnav a[href="#/catalog"]');
  await page.waitForSelector('.metric-card');
  await page.click('.menu summary');
  await page.click('.menu-panel .btn');
  await page.waitForSelector('#email');
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
  // What stays names the device, so that strangers' guesses do not delay it; it signs nobody in.
  assert.deepEqual((await page.context().cookies()).map((c) => c.name).filter((name) => name !== '__Host-device'), []);
  await page.goBack();
  await page.waitForSelector('#email');
  assert.equal(await page.locator('.kpi, .metric-card').count(), 0);
});

test('a session that ended elsewhere leads to sign-in and back to the same place', async () => {
  const page = await open();
  await signIn(page, 'admin@acme.example', '#/dashboard?range=90d');
  await boardReady(page);
  await page.context().clearCookies();
  await page.selectOption('#f-range', '7d');
  await page.waitForSelector('#email');
  assert.match(decodeURIComponent(new URL(page.url()).hash), /next=\/dashboard\?range=7d/);
});

test('the language is switched in place and remembered', async () => {
  const page = await open();
  await signIn(page, 'admin@acme.example');
  await boardReady(page);
  assert.equal(await page.textContent('h1'), 'Panel');
  await page.click('.segmented [lang=en]');
  await page.waitForFunction(() => document.querySelector('h1').textContent === 'Dashboard');
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
  await page.reload();
  await boardReady(page);
  assert.equal(await page.textContent('h1'), 'Dashboard');
  assert.deepEqual(await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)]), [['portal.lang'], []]);
});

test('the theme follows the system until someone chooses', async () => {
  const page = await open({ theme: 'dark' });
  await page.goto(portal.url);
  await page.waitForSelector('#email');
  assert.equal(await page.getAttribute('html', 'data-bs-theme'), 'dark');
  await page.click('.menu summary');
  await page.check('input[name=theme] >> nth=0');
  assert.equal(await page.getAttribute('html', 'data-bs-theme'), 'light');
  await page.reload();
  await page.waitForSelector('#email');
  assert.equal(await page.getAttribute('html', 'data-bs-theme'), 'light');
});
