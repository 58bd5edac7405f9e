// The own account in a browser: password, sessions, confirming who one is, the second step. `both` and `fake`: see harness.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { totp } from './fake-identity.mjs';
import { account, ask, both, fake, open, portal, signIn } from './harness.mjs';
import { focused, hash, instead, openAccount, password, paste, person, PHRASE, refusal, restore, said, VIEWER } from './identity-help.mjs';

// --- the password field

both('a password field takes a paste, shows itself on demand and judges without sending anything', async () => {
  const page = await open();
  await openAccount(page);
  const sent = [];
  page.on('request', (request) => sent.push(request.url()));
  assert.equal(await page.getAttribute('#current', 'autocomplete'), 'current-password');
  assert.equal(await page.getAttribute('#new', 'autocomplete'), 'new-password');
  assert.match(await page.textContent('#new-rule'), /Al menos 15 caracteres/, 'the rule stands beforehand');
  await paste(page, '#new', PHRASE);
  assert.equal(await page.inputValue('#new'), PHRASE);
  assert.match(await page.textContent('#new-strength'), /Fuerte/);
  await said(page, 'Fuerte');
  assert.equal(await page.getAttribute('#new', 'type'), 'password');
  await page.click('#new-show');
  assert.equal(await page.getAttribute('#new', 'type'), 'text');
  assert.equal(await page.getAttribute('#new-show', 'aria-pressed'), 'true');
  await page.fill('#new', 'corta');
  assert.match(await page.textContent('#new-strength'), /Faltan 10 caracteres/);
  await page.fill('#new', portal.real ? 'viewer acme acero víctor' : 'viewer lumbre hogar acme');
  assert.match(await page.textContent('#new-strength'), /Contiene su nombre|el de la empresa/);
  assert.deepEqual(sent, []);
});

// --- the account

both('name and language are changed and put back', async () => {
  const page = await open();
  await openAccount(page);
  const before = (await ask(page, '/api/account')).user;
  const save = async (name, locale, title) => {
    await page.fill('#name', name);
    await page.selectOption('#locale', locale);
    await page.click('section[aria-labelledby=profile-title] button[type=submit]');
    await page.waitForSelector('section[aria-labelledby=profile-title] .notice-good');
    await page.waitForFunction((wanted) => document.querySelector('h1').textContent === wanted, title);
  };
  try {
    await save('Vera Lector', 'en', 'Your account');
    const { user } = await ask(page, '/api/account');
    assert.deepEqual([user.name, user.locale], ['Vera Lector', 'en']);
    await page.click('.menu summary');
    assert.match(await page.textContent('.menu-who'), /Vera Lector/);
    await page.keyboard.press('Escape');
  } finally {
    await save(before.name, 'es', 'Su cuenta');
  }
});

both('another session is ended from the list, and is out at its next request', async () => {
  const other = await open();
  await signIn(other, VIEWER);
  const page = await open();
  await openAccount(page);
  const here = page.locator('.session', { hasText: 'Este dispositivo' });
  assert.equal(await here.count(), 1);
  assert.equal(await here.locator('button').count(), 0, 'this one ends by signing out');
  assert.match(await here.textContent(), /Chrome en Linux/);
  const { items } = await ask(other, '/api/account/sessions');
  const id = items.find((one) => one.current).id;
  await page.click(`[data-end="${id}"]`);
  await page.waitForSelector(`[data-end="${id}"]`, { state: 'detached' });
  await other.click('.topnav a[href="#/catalog"]');
  await other.waitForSelector('#email');
});

both('ending all sessions signs out here too, and Back shows nothing', async () => {
  const page = await open();
  await signIn(page, VIEWER);
  await page.click('.menu summary');
  await page.click('.menu-link');
  await page.waitForSelector('.session');
  await page.click('#end-all');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  assert.equal(await focused(page), 'end-all');
  await page.click('#end-all');
  await page.click('dialog .btn-danger');
  await page.waitForSelector('#email');
  assert.equal(hash(page), '#/login');
  await page.goBack();
  await page.waitForSelector('#email');
  assert.equal(await page.locator('.session, .kpi').count(), 0);
});

fake('a new password ends the other sessions and goes on with a new token', async () => {
  const page = await open({ expected: [422] });
  await openAccount(page);
  const section = 'section[aria-labelledby=password-title]';
  await page.fill('#current', 'not this one');
  await page.fill('#new', PHRASE);
  await page.click(`${section} button[type=submit]`);
  await page.waitForSelector('#current[aria-invalid=true]');
  assert.match(await page.textContent('#current-problem'), /no es correcta/);
  const token = (await ask(page, '/api/auth/session')).csrf_token;
  await page.fill('#current', account(VIEWER).password);
  await page.click(`${section} button[type=submit]`);
  await page.waitForSelector(`${section} .notice-good`);
  assert.deepEqual(await Promise.all(['#current', '#new'].map((field) => page.inputValue(field))), ['', '']);
  assert.notEqual((await ask(page, '/api/auth/session')).csrf_token, token);
  const refused = [];
  page.on('response', (response) => response.status() === 403 && refused.push(response.url()));
  await page.click('section[aria-labelledby=profile-title] button[type=submit]');
  await page.waitForSelector('section[aria-labelledby=profile-title] .notice-good');
  assert.deepEqual(refused, [], 'the new token is the one in use');
  restore(VIEWER);
});

// --- confirming who one is

both('a sensitive act asks for the password and then does what was asked, once', async () => {
  const page = await open({ expected: [403, 422] });
  await openAccount(page);
  await instead(page, 'POST', '/account/totp/start', refusal(403, 'reauth_required'));
  let starts = 0;
  page.on('request', (request) => (starts += Number(request.url().endsWith('/totp/start'))));
  await page.click('#mfa-start');
  await page.waitForSelector('dialog[open]');
  assert.equal(await focused(page), 'reauth-password');
  await page.fill('#reauth-password', 'not this one');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#reauth-password[aria-invalid=true]');
  assert.equal(await page.locator('.qr').count(), 0);
  await page.fill('#reauth-password', account(VIEWER).password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.qr');
  assert.equal(await page.locator('dialog').count(), 0);
  assert.equal(starts, 2, 'the refused request and its repetition');
});

both('without the password nothing is done, and the page says so', async () => {
  const page = await open({ expected: [403] });
  await openAccount(page);
  await instead(page, 'POST', '/account/totp/start', refusal(403, 'reauth_required'), 9);
  await page.click('#mfa-start');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#start-problem');
  assert.match(await page.textContent('#start-problem'), /No se ha hecho nada/);
  assert.equal(await page.locator('dialog, .qr').count(), 0);
});

fake('who has a second step is asked for its code as well', async () => {
  const page = await open({ expected: [403, 422] });
  const { mfa } = person('mfa@acme.example');
  await password(page, 'mfa@acme.example', account(VIEWER).password);
  await page.fill('#code', totp(mfa.secret));
  await page.keyboard.press('Enter');
  await page.waitForSelector('.topnav');
  await page.goto(`${portal.url}/#/account`);
  await page.waitForSelector('#name');
  await instead(page, 'PATCH', '/account', refusal(403, 'reauth_required'));
  await page.click('section[aria-labelledby=profile-title] button[type=submit]');
  await page.fill('#reauth-password', account(VIEWER).password);
  await page.click('dialog button[type=submit]');
  await page.waitForSelector('#reauth-code[aria-invalid=true]');
  await page.fill('#reauth-code', totp(mfa.secret));
  await page.click('dialog button[type=submit]');
  await page.waitForSelector('section[aria-labelledby=profile-title] .notice-good');
});

// --- the second step

both('the second step is set up, asked for at sign-in and taken off again', async () => {
  const page = await open({ expected: [422] });
  await openAccount(page);
  await page.click('#mfa-start');
  await page.waitForSelector('.qr path');
  const secret = (await page.textContent('.secret code')).replaceAll(' ', '');
  assert.match(secret, /^[A-Z2-7]{32,}$/);
  assert.match(await page.getAttribute('.enrol a.btn', 'href'), /^otpauth:\/\/totp\//);
  let codes = [];
  try {
    await page.fill('#totp-code', '000000');
    await page.click('.enrol button[type=submit]');
    await page.waitForSelector('#totp-code[aria-invalid=true]');
    await page.fill('#totp-code', totp(secret));
    await page.click('.enrol button[type=submit]');
    await page.waitForSelector('.code-list');
    codes = await page.locator('.code-list code').allTextContents();
    assert.equal(codes.length, 10);
    assert.ok(await page.isDisabled('#codes-done'));
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.codes .btn:has-text("Descargar")')]);
    assert.equal(download.suggestedFilename(), 'codigos-de-recuperacion.txt');
    const text = await readFile(await download.path(), 'utf8');
    for (const code of codes) assert.ok(text.includes(code));
    assert.match(text, /viewer@acme\.example/);
    await page.click('.segmented [lang=en]');
    await page.waitForSelector('h1:has-text("Your account")');
    assert.deepEqual(await page.locator('.code-list code').allTextContents(), codes, 'another language loses no codes');
    await page.click('.segmented [lang=es]');
    await page.waitForSelector('h1:has-text("Su cuenta")');
    await page.check('#stored');
    await page.click('#codes-done');
    await page.waitForSelector('#mfa-renew');
    assert.match(await page.textContent('.codes-left'), /Quedan 10/);
    const later = await open();
    await password(later, VIEWER, account(VIEWER).password);
    await later.waitForSelector('#code');
    await later.click('#switch');
    await later.fill('#recovery', codes[0]);
    await later.click('form button[type=submit]');
    await later.waitForSelector('.topnav');
    await later.goto(`${portal.url}/#/account`);
    await later.waitForSelector('.codes-left');
    assert.match(await later.textContent('.codes-left'), /Quedan 9/);
  } finally {
    // The step after the one that was used up: a code is good once, and one step ahead is admitted.
    if (codes.length) {
      await page.click('#mfa-disable');
      await page.fill('#mfa-password', account(VIEWER).password);
      await page.fill('#mfa-code', totp(secret, 1));
      await page.click('.ask button[type=submit]');
      await page.waitForSelector('#mfa-start');
    }
  }
  assert.equal((await ask(page, '/api/account')).mfa.enabled, false);
  assert.equal((await ask(page, '/api/auth/session')).user.mfa, false);
});

fake('new recovery codes replace the old ones and must be stored to go on', async () => {
  const page = await open({ expected: [422] });
  const mine = person('mfa@acme.example');
  const [old] = mine.mfa.codes;
  await password(page, 'mfa@acme.example', mine.password);
  await page.fill('#code', totp(mine.mfa.secret));
  await page.keyboard.press('Enter');
  await page.waitForSelector('.topnav');
  await page.goto(`${portal.url}/#/account`);
  await page.click('#mfa-renew');
  assert.equal(await focused(page), 'mfa-password');
  await page.fill('#mfa-password', 'not this one');
  await page.fill('#mfa-code', totp(mine.mfa.secret));
  await page.click('.ask button[type=submit]');
  await page.waitForSelector('#mfa-password-problem, #mfa-password[aria-invalid=true]');
  await page.fill('#mfa-password', mine.password);
  await page.click('.ask button[type=submit]');
  await page.waitForSelector('.code-list');
  const codes = await page.locator('.code-list code').allTextContents();
  assert.ok(!codes.includes(old) && codes.length === 10);
  await page.check('#stored');
  await page.click('#codes-done');
  await page.waitForSelector('.notice-good:has-text("Los códigos nuevos")');
  assert.equal(await page.locator('.code-list').count(), 0, 'shown once');
});

fake('who must set up the second step sees nothing else until it is done', async () => {
  const page = await open({ expected: [403] });
  const mine = person('new@strict.example');
  await password(page, mine.email, mine.password);
  await page.waitForSelector('#mfa-start');
  for (const wish of ['#/dashboard', '#/sources', '#/account']) {
    await page.goto(`${portal.url}/${wish}`);
    await page.waitForFunction(() => location.hash.startsWith('#/enroll'));
    await page.waitForSelector('#mfa-start');
  }
  assert.match(await page.textContent('main'), /Norte Seguros exige/);
  assert.equal(await page.locator('.topnav, .menu-link').count(), 0);
  await page.click('#enroll-out');
  await page.waitForSelector('#email');
  await password(page, mine.email, mine.password);
  await page.click('#mfa-start');
  await page.fill('#totp-code', totp((await page.textContent('.secret code'))));
  await page.click('.enrol button[type=submit]');
  await page.check('#stored');
  await page.click('#codes-done');
  await page.waitForSelector('.kpi, .face');
  assert.equal(hash(page), '#/dashboard');
  assert.equal(await page.locator('.topnav').count(), 1);
  await page.goto(`${portal.url}/#/account`);
  await page.waitForSelector('#mfa-renew');
  assert.equal(await page.locator('#mfa-disable').count(), 0, 'what the company requires cannot be turned off');
  mine.mfa = null;
});

fake('a company that begins to require the second step sends those at work to set it up', async () => {
  const page = await open({ expected: [403] });
  await signIn(page, VIEWER);
  await page.waitForSelector('.kpi');
  portal.state.tenants.acme.require_mfa = true;
  try {
    await page.click('.topnav a[href="#/catalog"]');
    await page.waitForSelector('#mfa-start');
    await page.click('#mfa-start');
    await page.fill('#totp-code', totp(await page.textContent('.secret code')));
    await page.click('.enrol button[type=submit]');
    await page.check('#stored');
    await page.click('#codes-done');
    await page.waitForSelector('.metric-card');
    assert.equal(hash(page), '#/catalog', 'and afterwards to where they were going');
  } finally {
    portal.state.tenants.acme.require_mfa = false;
    restore(VIEWER);
  }
});
