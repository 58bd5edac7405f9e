// The operator's pages. `both` and `fake`: see harness.mjs.
import assert from 'node:assert/strict';
import { accessible, both, breakRoute, fake, LOOKS, open, overflow, portal, signIn } from './harness.mjs';

const OPERATOR = 'operator@portal.example';

/** A test that begins on a page of the operator. */
const here = (name, hash, run, options) => both(name, async () => {
  const page = await open(options);
  await signIn(page, OPERATOR, hash);
  await run(page);
});

const noticed = (page, tone) => page.waitForSelector(`main .notice-${tone}`).then((notice) => notice.textContent());
const row = (page, name) => page.locator('.rows tbody tr', { hasText: name });

/** Opens the dialog for a new company and fills it in. */
async function create(page, name) {
  await page.goto(`${portal.url}/#/operator/tenants?new=1`);
  await page.waitForSelector('dialog[open]');
  await page.fill('#new-name', name);
  await page.fill('#new-admin_email', `admin-${Date.now()}@nueva.example`);
  await page.selectOption('#new-zone', 'America/Bogota');
  await page.click('dialog [type=submit]');
  await page.waitForFunction(() => /^#\/operator\/tenants\/[^?]+$/.test(location.hash));
  await page.waitForSelector('.limits');
}

/** Deletes the company that is shown, at once. */
async function drop(page, name) {
  await page.click('[data-action=delete]');
  await page.waitForSelector('#typed');
  await page.fill('#grace', '0');
  await page.fill('#typed', name);
  await page.click('dialog .btn-danger');
  await page.waitForSelector('dialog', { state: 'detached' });
}

here('the overview counts companies, sources and jobs', '#/operator', async (page) => {
  await page.waitForSelector('[data-figure=tenants]');
  assert.match(await page.textContent('[data-figure=tenants]'), /Empresas activas\s*\d+/);
  assert.equal(await page.locator('.figure-card').count(), 4);
  assert.equal(await page.getAttribute('.topnav a[href="#/operator"]', 'aria-current'), 'page');
  assert.equal(await page.locator('.topnav a').count(), 5);
  await page.goto(`${portal.url}/#/team`);
  await page.waitForFunction(() => location.hash === '#/operator');
});

fake('an outage of a vendor is one line that opens to its sources', async () => {
  const page = await open();
  await signIn(page, OPERATOR, '#/operator');
  const outage = page.locator('[data-cause="ga4:error:upstream_unavailable"]');
  await outage.waitFor();
  assert.match(await outage.textContent(), /4 fuentes · 3 empresas.*desde/s);
  await outage.locator('.cause-head').focus();
  await page.keyboard.press('Enter');
  await outage.locator('tbody tr').first().waitFor();
  assert.equal(await outage.locator('tbody tr').count(), 4);
  assert.match(await outage.locator('tbody tr').first().textContent(), /Google no responde.*HTTP 503/s);
  assert.match(decodeURIComponent(new URL(page.url()).hash), /cause=ga4:error:upstream_unavailable/);
  await page.reload();
  await outage.locator('tbody tr').first().waitFor();
  await outage.locator('tbody a').first().click();
  await page.waitForSelector('.limits');
});

fake('keys that the ring lacks are named on top', async () => {
  const page = await open();
  await page.route('**/api/operator/overview', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), missing_keys: ['k1', 'k0'] } });
  });
  await signIn(page, OPERATOR, '#/operator');
  await page.waitForSelector('.figure-cards');
  assert.match(await page.textContent('main [role=alert]'), /al llavero le falta k1, k0/);
});

fake('nothing in trouble is said, and a broken overview too', async () => {
  const page = await open({ expected: [500] });
  await page.route('**/api/operator/overview', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), causes: [] } });
  });
  await signIn(page, OPERATOR, '#/operator');
  await page.waitForSelector('.face');
  assert.match(await page.textContent('.face'), /Todas las fuentes funcionan/);
  await page.unroute('**/api/operator/overview');
  await breakRoute(page, '/api/operator/overview', 500, 'internal');
  await page.reload();
  await page.waitForSelector('.face-error');
});

here('companies are searched and filtered in the address', '#/operator/tenants', async (page) => {
  await page.waitForSelector('.rows tbody tr');
  const name = (await page.textContent('.rows tbody tr:first-child th a')).trim();
  await page.fill('#tenants-q', name.slice(0, 4));
  await page.waitForFunction(() => /q=/.test(location.hash));
  await row(page, name).first().waitFor();
  await page.fill('#tenants-q', 'nadie se llama así');
  await page.waitForSelector('.face');
  await page.goto(`${portal.url}/#/operator/tenants?status=active`);
  await page.waitForSelector('.rows tbody tr');
  assert.equal(await page.inputValue('#tenants-status'), 'active');
  assert.equal(await page.locator('.rows [data-status]:not([data-status=active])').count(), 0);
});

here('a company is created, suspended, resumed and deleted with the dry run first', '#/operator/tenants', async (page) => {
  const name = `Prueba ${Date.now()}`;
  await create(page, name);
  assert.match(await noticed(page, 'good'), /está lista.*@nueva\.example/s);
  assert.equal(await page.textContent('h1'), name);
  await page.waitForFunction((wanted) => document.activeElement.textContent === wanted && document.title.startsWith(wanted), name);
  try {
    assert.match(await page.textContent('.people'), /@nueva\.example.*Invitación/s);
    assert.match(await page.textContent('.facts'), /Bogota \(UTC-05:00\)/);
    await page.click('[data-action=suspend]');
    await page.fill('#reason', 'Prueba de la suite');
    await page.click('dialog .btn-danger');
    await page.waitForSelector('[data-status=suspended]');
    await page.click('[data-action=resume]');
    await page.click('dialog .btn-primary');
    await page.waitForSelector('[data-status=active]');
    await page.click('[data-action=delete]');
    await page.waitForSelector('.losses');
    assert.match(await page.textContent('.losses'), /Invitaciones\s*1/);
    const button = page.locator('dialog .btn-danger');
    assert.equal(await button.isDisabled(), true);
    await page.fill('#typed', name.toLowerCase());
    assert.equal(await button.isDisabled(), true, 'the name as it is written, or nothing');
    await page.fill('#typed', name);
    assert.equal(await button.isEnabled(), true);
    await page.fill('#grace', '91');
    assert.equal(await button.isDisabled(), true);
    await page.fill('#grace', '7');
    await button.click();
    await page.waitForSelector('[data-status=deleting]');
    await page.click('[data-action=resume]');
    await page.click('dialog .btn-primary');
    await page.waitForSelector('[data-status=active]');
  } finally {
    await drop(page, name);
  }
}, { expected: [404] });

here('a company is made like another from that one’s page, and renamed', '#/operator/tenants', async (page) => {
  const name = `Copia ${Date.now()}`;
  await page.waitForSelector('.rows tbody tr');
  await row(page, 'Globex').locator('a').click();
  await page.click('[data-action=copy]');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.locator('#new-template option:checked').textContent(), /^Globex/);
  assert.equal(await page.locator('#new-zone').count(), 0, 'the place is that of the model');
  await page.fill('#new-name', name);
  await page.fill('#new-admin_email', `copia-${Date.now()}@nueva.example`);
  await page.keyboard.press('Enter');
  await page.waitForFunction((name) => document.querySelector('h1')?.textContent === name, name);
  await page.waitForSelector('.limits');
  let called = name;
  try {
    await page.click('[data-action=rename]');
    assert.equal(await page.inputValue('#rename'), name);
    await page.fill('#rename', ' ');
    await page.click('dialog [type=submit]');
    await page.waitForSelector('#rename-problem');
    await page.fill('#rename', `${name} bis`);
    await page.click('dialog [type=submit]');
    await page.waitForFunction((name) => document.querySelector('h1')?.textContent === name, `${name} bis`);
    called = `${name} bis`;
    await page.waitForFunction(() => document.querySelector('.notice-good')?.textContent?.includes('bis'));
  } finally {
    await drop(page, called);
  }
}, { expected: [404, 422] });

fake('a new company that cannot be is told at its fields', async () => {
  const page = await open({ expected: [409, 422] });
  await signIn(page, OPERATOR, '#/operator/tenants');
  await page.click('[data-action=new]');
  await page.waitForSelector('dialog[open]');
  assert.match(new URL(page.url()).hash, /new=1/);
  await page.fill('#new-admin_email', 'sin-arroba');
  await page.click('dialog [type=submit]');
  await page.waitForSelector('#new-name-problem');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'new-name');
  assert.match(await page.textContent('#new-admin_email-problem'), /dirección/);
  await page.fill('#new-name', 'Initech Ibérica');
  await page.fill('#new-admin_email', 'bien@nueva.example');
  await page.click('dialog [type=submit]');
  await page.waitForSelector('dialog .notice-bad');
  assert.match(await page.textContent('dialog .notice-bad'), /Ya hay una empresa/);
  await page.goBack();
  await page.waitForSelector('dialog', { state: 'detached' });
  assert.equal(new URL(page.url()).hash, '#/operator/tenants');
});

fake('a limit of its own wants a number and a reason, and can be taken away', async () => {
  const page = await open();
  await signIn(page, OPERATOR, '#/operator/tenants?q=initech');
  await row(page, 'Initech').locator('a').click();
  const users = page.locator('[data-limit=users]');
  await users.waitFor();
  assert.match(await page.textContent('[data-limit=datapoints]'), /97\s%/);
  await users.locator('input').fill('muchos');
  await page.click('.limits [type=submit]');
  await users.locator('.field-problem').waitFor();
  await users.locator('input').fill('60');
  await page.click('.limits [type=submit]');
  await page.waitForFunction(() => document.activeElement.id === 'limits-reason');
  await page.fill('#limits-reason', 'Campaña de Navidad');
  await page.click('.limits [type=submit]');
  assert.match(await noticed(page, 'good'), /valen desde ahora/);
  assert.match(await users.textContent(), /23\s%/, 'of 60 now');
  await users.locator('input').fill('');
  await page.fill('#limits-reason', 'Vuelve al plan');
  await page.click('.limits [type=submit]');
  await page.waitForFunction(() => /56\s%/.test(document.querySelector('[data-limit=users]').textContent));
});

fake('another plan shows its limits before it is saved', async () => {
  const page = await open();
  await signIn(page, OPERATOR, '#/operator/tenants?q=panader');
  await row(page, 'Panadería').locator('a').click();
  await page.waitForSelector('#limits-plan option[value=plus]', { state: 'attached' });
  await page.selectOption('#limits-plan', 'plus');
  assert.match(await page.textContent('[data-limit=users]'), /100/);
  await page.fill('#limits-reason', 'Ha crecido');
  await page.click('.limits [type=submit]');
  await noticed(page, 'good');
  await page.goto(`${portal.url}/#/operator/tenants?q=panader`);
  assert.match(await row(page, 'Panadería').textContent(), /Plan Plus/);
});

fake('a company changed by somebody else meanwhile is not overwritten', async () => {
  const page = await open({ expected: [412] });
  await signIn(page, OPERATOR, '#/operator/tenants?q=bodegas');
  await row(page, 'Bodegas').locator('a').click();
  await page.waitForSelector('.limits');
  portal.state.admin.companies.find((one) => one.name.startsWith('Bodegas')).version += 1;
  await page.fill('[data-limit=users] input', '200');
  await page.fill('#limits-reason', 'x');
  await page.click('.limits [type=submit]');
  assert.match(await noticed(page, 'bad'), /mientras tanto/);
  await page.click('[data-action=delete]');
  await page.waitForSelector('#typed');
  await page.fill('#typed', await page.textContent('h1'));
  await page.click('dialog .btn-danger');
  await page.waitForSelector('dialog .notice-bad');
  assert.match(await page.textContent('dialog .notice-bad'), /mientras tanto/);
  assert.equal(await page.locator('[data-status=deleting]').count(), 0);
});

here('people are found; nobody can switch off their own account', '#/operator/users', async (page) => {
  await page.waitForSelector('.person');
  await page.fill('#users-q', 'viewer@acme');
  await page.waitForFunction(() => /q=viewer/.test(location.hash));
  await page.waitForFunction(() => document.querySelectorAll('.person').length === 1);
  assert.match(await page.textContent('.person'), /viewer@acme\.example.*Lectura/s);
  await page.fill('#users-q', OPERATOR);
  await page.locator(`[data-user="${OPERATOR}"]`).waitFor();
  assert.equal(await page.locator(`[data-user="${OPERATOR}"] [data-action]`).count(), 0);
});

fake('an account is switched off and on, and a lost second factor reset', async () => {
  const page = await open();
  await signIn(page, OPERATOR, '#/operator/users');
  const diego = page.locator('[data-user="diego@acme.example"]');
  await diego.locator('[data-action=active]').click();
  assert.match(await page.textContent('dialog'), /Desactivar a Diego Roca.*sesiones se cierran/s);
  await page.click('dialog .btn-danger');
  await diego.locator('.state-warn').waitFor();
  await diego.locator('[data-action=active]').click();
  await page.click('dialog .btn-primary');
  await diego.locator('.state-warn').waitFor({ state: 'detached' });
  const carmen = page.locator('[data-user="carmen.ibanez@acme.example"]');
  await carmen.locator('[data-action=reset]').click();
  await page.click('dialog .btn-danger');
  await carmen.locator('[data-action=reset]').waitFor({ state: 'detached' });
});

fake('a new operator gets a link; an address that is taken is told', async () => {
  const page = await open({ expected: [409, 422] });
  await signIn(page, OPERATOR, '#/operator/users');
  await page.click('[data-action=new]');
  await page.fill('#user-name', 'Irene Guardia');
  await page.fill('#user-email', 'irene');
  await page.click('dialog [type=submit]');
  await page.waitForSelector('#user-email-problem');
  await page.fill('#user-email', OPERATOR);
  await page.click('dialog [type=submit]');
  await page.waitForSelector('dialog .notice-bad');
  await page.fill('#user-email', 'irene@portal.example');
  await page.click('dialog [type=submit]');
  assert.match(await noticed(page, 'good'), /irene@portal\.example/);
  await page.locator('[data-user="irene@portal.example"]').waitFor();
});

fake('failed jobs say why and are replayed, alone and several at once', async () => {
  const page = await open({ expected: [409] });
  await signIn(page, OPERATOR, '#/operator/jobs');
  await page.waitForSelector('[data-job]');
  assert.match(await page.textContent('.rows'), /HTTP 503/);
  assert.equal(await page.locator('[data-job]').count(), 3);
  assert.equal(await page.locator('[data-action=replay-chosen]').isDisabled(), true);
  await row(page, 'Panadería').locator('[data-action=replay]').click();
  assert.match(await noticed(page, 'good'), /1 trabajo/);
  await page.waitForFunction(() => document.querySelectorAll('[data-job]').length === 2);
  await page.check('thead input[type=checkbox]');
  assert.match(await page.textContent('[data-action=replay-chosen]'), /2/);
  await page.click('[data-action=replay-chosen]');
  assert.match(await noticed(page, 'warn'), /1 de 2.*igual en marcha/s);
  await page.selectOption('#jobs-state', 'queued');
  await page.waitForFunction(() => /state=queued/.test(location.hash));
  await row(page, 'Initech').waitFor();
  assert.equal(await page.locator('[data-action=replay]').count(), 0);
});

here('the platform has an audit that names the company', '#/operator/audit', async (page) => {
  await page.waitForSelector('[data-entry], .face');
  if (await page.locator('[data-entry]').count()) {
    await page.locator('.row-toggle').first().click();
    await page.waitForSelector('.row-detail');
  }
  assert.equal(await page.locator('thead th').count() === 0 || (await page.textContent('thead')).includes('Empresa'), true);
  await page.locator('#a-action option[value="user.operator_created"]').waitFor({ state: 'attached' });
  assert.deepEqual(await page.locator('#a-action option').evaluateAll((all) => all.map((one) => one.textContent).filter((text) => /^[a-z_]+\./.test(text))), [], 'every action has words');
  await page.selectOption('#a-action', 'tenant.created');
  await page.waitForFunction(() => /action=tenant\.created/.test(location.hash));
});

for (const { theme, width } of LOOKS) {
  here(`axe finds nothing on the operator's pages, ${theme}, ${width} px`, '#/operator', async (page) => {
    await page.waitForSelector('.figure-card');
    const cause = page.locator('.cause-head').first();
    if (await cause.count()) {
      await cause.click();
      await page.waitForSelector('.cause-body table');
    }
    await accessible(page, 'overview');
    assert.equal(await overflow(page), 0, 'overview');
    for (const [hash, ready] of [['#/operator/tenants', '.rows tbody tr'], ['#/operator/users', '.person'], ['#/operator/jobs', '[data-job], .face'], ['#/operator/audit', '[data-entry], .face'], ['#/operator/tenants?new=1', 'dialog[open]']]) {
      await page.goto(`${portal.url}/${hash}`);
      await page.waitForSelector(ready);
      await accessible(page, hash);
      assert.equal(await overflow(page), 0, hash);
    }
    await page.keyboard.press('Escape');
    await row(page, 'Globex').locator('a').click();
    await page.waitForSelector('.limits');
    await accessible(page, 'company');
    assert.equal(await overflow(page), 0, 'company');
    for (const act of ['rename', 'suspend', 'delete']) {
      await page.click(`[data-action=${act}]`);
      await page.waitForSelector('dialog[open]');
      await accessible(page, act);
      assert.equal(await overflow(page), 0, act);
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog', { state: 'detached' });
    }
  }, { theme, width, height: 800 });
}
