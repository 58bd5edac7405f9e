// Team, settings and audit of a company. `both` and `fake`: see harness.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { accessible, both, breakRoute, fake, LOOKS, open, overflow, portal, signIn } from './harness.mjs';

const ADMIN = 'admin@acme.example';

const person = (page, email) => page.locator(`[data-person="${email}"]`);
const invited = (page, email) => page.locator(`[data-invitation="${email}"]`);
const noticed = (page, tone) => page.waitForSelector(`.notice-${tone}`).then((notice) => notice.textContent());

/** Calls the API as the page would, with its token. */
const call = (page, method, path, body) => page.evaluate(async ([verb, where, what]) => {
  const { csrf_token: token } = await (await fetch('/api/auth/session')).json();
  const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': token };
  const response = await fetch(where, { method: verb, headers, body: what === undefined ? undefined : JSON.stringify(what) });
  return response.status === 204 ? null : response.json();
}, [method, path, body]);

/** Takes back whatever invitations a test left. */
async function dropInvitations(page, ending) {
  const { items } = await call(page, 'GET', '/api/team/invitations');
  for (const one of items.filter(({ email }) => email.endsWith(ending))) await call(page, 'DELETE', `/api/team/invitations/${one.id}`);
}

both('an administrator sees the team, with roles and second factors', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/team');
  await person(page, ADMIN).waitFor();
  assert.match(await person(page, ADMIN).textContent(), /usted.*Última entrada/s);
  assert.equal(await person(page, ADMIN).locator('select').inputValue(), 'admin');
  assert.equal(await person(page, ADMIN).locator('[data-action]').count(), 0, 'nobody can remove themselves by mistake');
  assert.equal(await person(page, 'viewer@acme.example').locator('[data-action]').count(), 2);
  assert.equal(await page.getAttribute('.topnav a[href="#/team"]', 'aria-current'), 'page');
});

both('a viewer who follows a link learns whose page it is', async () => {
  const page = await open();
  await signIn(page, 'viewer@acme.example', '#/team');
  for (const name of ['team', 'settings', 'audit']) {
    await page.goto(`${portal.url}/#/${name}`);
    await page.waitForSelector('.face');
    assert.match(await page.textContent('.face'), /administración/);
  }
  assert.equal(await page.locator('.topnav a[href="#/team"]').count(), 0);
  await page.goto(`${portal.url}/#/operator`);
  await page.waitForFunction(() => location.hash === '#/dashboard');
});

both('several people are invited at once, and each line says what became of it', async () => {
  const page = await open();
  const ending = `-${Date.now()}@invitados.example`;
  await signIn(page, ADMIN, '#/team');
  await person(page, ADMIN).waitFor();
  await page.click('[data-action=invite]');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'invite-0');
  assert.match(new URL(page.url()).hash, /invite=new/);
  try {
    await page.evaluate((text) => {
      const data = new DataTransfer();
      data.setData('text', text);
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, `Uno <uno${ending}>, dos${ending}; viewer@acme.example`);
    assert.deepEqual(await page.locator('.invite-row input').evaluateAll((all) => all.map((one) => one.value)), [`uno${ending}`, `dos${ending}`, 'viewer@acme.example']);
    await page.selectOption('#invite-role-1', 'admin');
    await page.click('.invite [type=submit]');
    await page.waitForSelector('.invite-results');
    assert.match(await page.textContent('.invite'), /2 invitaciones en camino/);
    assert.match(await page.textContent('.invite-results li:nth-child(3)'), /ya está en el equipo/);
    await invited(page, `dos${ending}`).waitFor();
    assert.match(await invited(page, `dos${ending}`).textContent(), /Administración/);
    await page.click('.invite .btn-primary');
    await page.waitForSelector('.invite', { state: 'detached' });
    await invited(page, `uno${ending}`).locator('[data-action=resend]').click();
    assert.match(await noticed(page, 'good'), /enlace nuevo/);
    await invited(page, `uno${ending}`).locator('[data-action=revoke]').click();
    await page.waitForSelector('dialog[open]');
    assert.match(await page.textContent('dialog'), new RegExp(`uno${ending}`));
    await page.click('dialog .btn-danger');
    await invited(page, `uno${ending}`).waitFor({ state: 'detached' });
  } finally {
    await dropInvitations(page, ending);
  }
});

both('an unusable address is named at its row and nobody is invited', async () => {
  const page = await open({ expected: [422] });
  const ending = `-${Date.now()}@invitados.example`;
  await signIn(page, ADMIN, '#/team?invite=new');
  await page.fill('#invite-0', `bien${ending}`);
  await page.fill('#invite-1', 'sin-arroba');
  await page.click('.invite [type=submit]');
  await page.waitForSelector('#invite-1-problem');
  assert.equal(await page.getAttribute('#invite-1', 'aria-invalid'), 'true');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'invite-1');
  assert.equal(await page.locator('#invite-0-problem').count(), 0);
  assert.equal(await page.inputValue('#invite-0'), `bien${ending}`);
  const { items } = await call(page, 'GET', '/api/team/invitations');
  assert.equal(items.filter(({ email }) => email.endsWith(ending)).length, 0);
});

fake('the limit of people says where to see it', async () => {
  const page = await open({ expected: [409] });
  await signIn(page, ADMIN, '#/team?invite=new');
  await page.fill('#invite-0', 'otra@invitados.example');
  await page.route('**/api/team/invitations', (route) => (route.request().method() === 'POST'
    ? route.fulfill({ status: 409, contentType: 'application/problem+json', body: '{"code":"limit_users","status":409,"detail":"Su plan admite 25 personas."}' }) : route.continue()));
  await page.click('.invite [type=submit]');
  assert.match(await noticed(page, 'bad'), /25 personas/);
  await page.click('.invite .notice a');
  await page.waitForSelector('[data-limit=users]');
});

fake('a role is changed in place; the last administrator stays one', async () => {
  const page = await open({ expected: [409] });
  await signIn(page, ADMIN, '#/team');
  const carmen = person(page, 'carmen.ibanez@acme.example');
  await carmen.locator('select').selectOption('viewer');
  assert.match(await noticed(page, 'good'), /Carmen.*Lectura/);
  assert.equal(await carmen.locator('select').inputValue(), 'viewer');
  await person(page, ADMIN).locator('select').selectOption('viewer');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.textContent('dialog'), /solo lectura/);
  await page.click('dialog .btn-danger');
  await page.waitForSelector('dialog .notice-bad');
  assert.match(await page.textContent('dialog .notice-bad'), /última persona con administración/);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  assert.equal(await person(page, ADMIN).locator('select').inputValue(), 'admin');
  await carmen.locator('select').selectOption('admin');
  await page.waitForFunction(() => /Carmen.*Administración/.test(document.querySelector('.notice-good')?.textContent ?? ''));
});

fake('removing names the person and what happens; Escape is no, and the focus comes back', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/team');
  const diego = person(page, 'diego@acme.example');
  await diego.locator('[data-action=sessions]').click();
  await page.click('dialog .btn-primary');
  assert.match(await noticed(page, 'good'), /sesiones de Diego/);
  await diego.locator('[data-action=remove]').focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.textContent('dialog'), /Diego Roca.*diego@acme\.example.*pierde el acceso/s);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.action), 'remove');
  await page.keyboard.press('Enter');
  await page.click('dialog .btn-danger');
  await diego.waitFor({ state: 'detached' });
  assert.match(await noticed(page, 'good'), /Diego Roca ya no tiene acceso/);
});

both('the settings are saved, shown at once and put back', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/settings');
  await page.waitForSelector('.meters');
  const before = await call(page, 'GET', '/api/tenant');
  const company = page.locator('form[aria-labelledby=company-title]');
  try {
    assert.equal(await company.locator('[type=submit]').isDisabled(), true, 'nothing to save yet');
    await page.fill('#set-name', `${before.name} 2`);
    await page.selectOption('#set-currency', 'MXN');
    assert.match(await page.textContent('.example'), /MXN|\$/);
    await company.locator('[type=submit]').click();
    await company.locator('.notice-good').waitFor();
    await page.waitForFunction((name) => document.querySelector('.brand-name').textContent === name, `${before.name} 2`);
    await page.selectOption('#set-audit', '365');
    await page.click('form[aria-labelledby=audit-title] [type=submit]');
    await page.waitForSelector('form[aria-labelledby=audit-title] .notice-good');
    await page.reload();
    await page.waitForSelector('.meters');
    assert.equal(await page.inputValue('#set-audit'), '365');
    assert.equal(await page.inputValue('#set-currency'), 'MXN');
  } finally {
    await call(page, 'PATCH', '/api/tenant', { name: before.name, currency: before.currency, audit_retention_days: before.audit_retention_days });
  }
});

both('any zone can be typed, but it must exist', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/settings');
  await page.waitForSelector('#set-zone');
  await page.selectOption('#set-zone', 'other');
  await page.fill('#set-zone-other', 'Europe/Nowhere');
  await page.click('form[aria-labelledby=company-title] [type=submit]');
  await page.waitForSelector('#set-zone-problem');
  assert.equal(await page.getAttribute('#set-zone-other', 'aria-invalid'), 'true');
  assert.ok(await page.locator('#set-zones option').count() > 100);
});

fake('two people at the settings do not overwrite each other', async () => {
  const page = await open({ expected: [412] });
  await signIn(page, ADMIN, '#/settings');
  await page.waitForSelector('.meters');
  const other = await open();
  await signIn(other, ADMIN, '#/settings');
  await other.waitForSelector('.meters');
  await other.selectOption('#set-audit', '1825');
  await other.click('form[aria-labelledby=audit-title] [type=submit]');
  await other.waitForSelector('.notice-good');
  await page.fill('#set-name', 'Otro nombre');
  await page.click('form[aria-labelledby=company-title] [type=submit]');
  assert.match(await noticed(page, 'bad'), /mientras tanto/);
  await page.click('.notice-bad .btn');
  await page.waitForFunction(() => document.querySelector('#set-audit').value === '1825');
  assert.equal(await page.inputValue('#set-name'), 'Lumbre Hogar');
});

fake('a second factor for everyone wants one of one’s own first', async () => {
  const page = await open({ expected: [409] });
  await signIn(page, 'admin@globex.example', '#/settings');
  await page.check('#set-mfa');
  await page.click('form[aria-labelledby=security-title] [type=submit]');
  assert.match(await noticed(page, 'bad'), /no se queda fuera/);
  assert.equal(await page.getAttribute('.notice-bad a', 'href'), '#/account');
  assert.equal(await page.isChecked('#set-mfa'), false);
});

fake('a limit warns from 80 percent and says what happens at its end', async () => {
  const page = await open();
  await page.route('**/api/tenant', async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    await route.fulfill({ response: answer, json: { ...body, use: { ...body.use, sources: 8, users: 25 } } });
  });
  await signIn(page, ADMIN, '#/settings');
  await page.waitForSelector('[data-limit=sources].meter-warn');
  assert.match(await page.textContent('[data-limit=sources]'), /80\s% en uso.*las que hay siguen funcionando/s);
  assert.match(await page.textContent('[data-limit=users].meter-bad'), /Límite alcanzado.*nadie pierde el acceso/s);
  assert.equal(await page.locator('[data-limit=datapoints] .meter-note').count(), 0);
});

both('the audit is filtered in the address, and an entry opens', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/audit');
  await page.waitForSelector('[data-entry]');
  await page.selectOption('#a-action', 'auth');
  await page.waitForFunction(() => /action=auth/.test(location.hash));
  await page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"]'));
  await page.locator('.row-toggle').first().click();
  await page.waitForSelector('.row-detail');
  assert.match(await page.textContent('.row-detail'), /Dirección IP.*Dispositivo/s);
  assert.match(new URL(page.url()).hash, /open=/);
  await page.reload();
  await page.waitForSelector('.row-detail');
  assert.equal(await page.inputValue('#a-action'), 'auth');
  await page.click('.filter-bar .btn');
  await page.waitForFunction(() => location.hash === '#/audit');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('#a-action').value === 'auth');
});

fake('an entry shows what changed, and leads to what else that person did', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/audit?action=tenant.changed');
  await page.waitForSelector('[data-entry]');
  await page.locator('[data-entry]', { hasText: 'carmen.ibanez' }).locator('.row-toggle').click();
  await page.waitForSelector('.diff');
  const row = page.locator('.diff tbody tr').first();
  assert.deepEqual((await row.locator('th, td').allTextContents()).map((text) => text.trim()), ['Moneda', 'USD', 'EUR']);
  await page.click('[data-action=person]');
  await page.waitForFunction(() => /actor=/.test(location.hash));
  assert.match(await page.locator('#a-actor option:checked').textContent(), /Carmen/);
});

fake('older entries come by the button, and stay when they cannot', async () => {
  const page = await open({ expected: [500] });
  await signIn(page, ADMIN, '#/audit');
  await page.waitForSelector('[data-entry]');
  const first = await page.locator('[data-entry]').count();
  await page.route('**/api/audit?*cursor*', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"code":"internal","status":500}' }), { times: 1 });
  await page.click('.more');
  await page.waitForSelector('.notice-bad');
  assert.equal(await page.locator('[data-entry]').count(), first);
  await page.click('.more');
  await page.waitForFunction((n) => document.querySelectorAll('[data-entry]').length > n, first);
  assert.equal(await page.locator('.notice-bad').count(), 0);
});

both('days are filtered without asking for the years one types through', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/audit');
  await page.waitForSelector('[data-entry]');
  await page.fill('#a-from', '2199-01-01');
  await page.waitForFunction(() => /from=2199-01-01/.test(location.hash));
  await page.waitForSelector('.face');
  assert.match(await page.textContent('.face'), /Nada coincide/);
  await page.fill('#a-to', '2198-01-01');
  await page.waitForSelector('#a-problem');
});

both('the file has the same filters, and the chain can be checked', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/audit?action=auth.login');
  await page.waitForSelector('[data-entry]');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-action=file]')]);
  assert.match(download.suggestedFilename(), /^auditoria-\d{4}-\d\d-\d\d\.csv$/);
  const [header, ...lines] = (await readFile(await download.path(), 'utf8')).trim().split('\n');
  assert.match(header, /action/);
  assert.ok(lines.length > 0 && lines.every((line) => line.includes('auth.login')));
  await page.click('[data-action=verify]');
  await page.waitForFunction(() => /íntegra/.test(document.querySelector('.notice-good')?.textContent ?? ''));
});

fake('a broken chain says so', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/audit');
  await page.route('**/api/audit/verification', (route) => route.fulfill({ json: { checked: 12, intact: false, first_broken: '0190-broken' } }));
  await page.click('[data-action=verify]');
  assert.match(await noticed(page, 'bad'), /rota.*0190-broken/s);
});

for (const [hash, route] of [['#/team', '/api/team'], ['#/settings', '/api/tenant'], ['#/audit', '/api/audit']]) {
  both(`${hash} says why it is missing and tries again`, async () => {
    const page = await open({ expected: [500] });
    await breakRoute(page, route, 500, 'internal');
    await signIn(page, ADMIN, hash);
    await page.waitForSelector('.face-error');
    await page.unroute(`**${route}*`);
    await page.locator('.face-error .btn').first().click();
    await page.waitForSelector('.person, .meters, [data-entry]');
  });
}

for (const { theme, width } of LOOKS) {
  both(`axe finds nothing on the company's pages, ${theme}, ${width} px`, async () => {
    const page = await open({ theme, width, height: 800 });
    await signIn(page, ADMIN, '#/team');
    await person(page, ADMIN).waitFor();
    await accessible(page, 'team');
    assert.equal(await overflow(page), 0, 'team');
    await page.locator('[data-action=remove]').first().click();
    await page.waitForSelector('dialog[open]');
    await accessible(page, 'removal');
    await page.keyboard.press('Escape');
    for (const [hash, ready] of [['#/team?invite=new', '.invite-row'], ['#/settings', '.meters'], ['#/audit', '[data-entry]']]) {
      await page.goto(`${portal.url}/${hash}`);
      await page.waitForSelector(ready);
      await accessible(page, hash);
      assert.equal(await overflow(page), 0, hash);
    }
    await page.locator('.row-toggle').nth(1).click();
    await page.waitForSelector('.row-detail');
    await accessible(page, 'entry');
    assert.equal(await overflow(page), 0, 'entry');
  });
}

both('everything speaks English too', async () => {
  const page = await open();
  await signIn(page, ADMIN, '#/team');
  await person(page, ADMIN).waitFor();
  await page.click('.segmented [lang=en]');
  await page.waitForFunction(() => document.querySelector('h1').textContent === 'Team');
  for (const [hash, title] of [['#/settings', 'Settings'], ['#/audit', 'Audit']]) {
    await page.goto(`${portal.url}/${hash}`);
    await page.waitForFunction((wanted) => document.querySelector('h1')?.textContent === wanted, title);
  }
});
