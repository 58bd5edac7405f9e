// Sign-in and links from mails in a browser. `both` and `fake`: see harness.mjs.
import assert from 'node:assert/strict';
import { totp } from './fake-identity.mjs';
import { account, both, fake, open, portal } from './harness.mjs';
import { focused, hash, instead, password, person, PHRASE, refusal, restore, said, VIEWER } from './identity-help.mjs';

// --- sign-in

fake('signing in with a second step works with the keyboard alone', async () => {
  const page = await open();
  await page.goto(`${portal.url}/#/dashboard`);
  await page.waitForSelector('#email');
  await page.focus('#email');
  await page.keyboard.type('mfa@acme.example');
  await page.keyboard.press('Tab');
  await page.keyboard.type(account(VIEWER).password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#code');
  assert.equal(await focused(page), 'code', 'the code can be typed at once');
  assert.equal(await page.getAttribute('#code', 'autocomplete'), 'one-time-code');
  assert.equal(await page.getAttribute('#code', 'inputmode'), 'numeric');
  assert.equal((await page.context().cookies()).length, 0, 'no session before the code');
  const code = totp(person('mfa@acme.example').mfa.secret);
  await page.keyboard.type(`${code.slice(0, 3)} ${code.slice(3)}`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.kpi');
});

fake('a wrong code says so at the field; a recovery code opens too, once', async () => {
  const page = await open();
  await password(page, 'mfa@acme.example', account(VIEWER).password);
  await page.waitForSelector('#code');
  await page.fill('#code', '000000');
  await page.click('form button[type=submit]');
  await page.waitForSelector('#code[aria-invalid=true]');
  assert.match(await page.textContent('#code-problem'), /no es válido/);
  await page.click('#switch');
  assert.equal(await focused(page), 'recovery');
  assert.equal(await page.locator('.field-problem').count(), 0, 'the new field starts clean');
  const [code] = person('mfa@acme.example').mfa.codes;
  await page.fill('#recovery', code);
  await page.click('form button[type=submit]');
  await page.waitForSelector('.topnav');
  assert.ok(!person('mfa@acme.example').mfa.codes.includes(code));
});

both('a code that comes too late leads back to the password, with the address kept', async () => {
  const page = await open();
  await instead(page, 'POST', '/auth/login', { status: 200, json: { mfa_required: true, ticket: 'late' } });
  await instead(page, 'POST', '/auth/mfa', refusal(401, 'bad_ticket'));
  await password(page, 'ana@nowhere.example', 'x');
  await page.waitForSelector('#code');
  await page.fill('#code', '123456');
  await page.click('form button[type=submit]');
  await page.waitForSelector('#password');
  assert.match(await page.textContent('[role=alert]'), /Pasó demasiado tiempo/);
  assert.equal(await page.inputValue('#email'), 'ana@nowhere.example');
  assert.equal(await page.inputValue('#password'), '');
  assert.equal(await focused(page), 'password');
});

both('too many attempts are counted down, and the form opens again by itself', async () => {
  const page = await open({ expected: [429] });
  await instead(page, 'POST', '/auth/login', refusal(429, 'throttled', { retry_after: 3 }));
  await password(page, 'ana@nowhere.example', 'x');
  await page.waitForSelector('[role=timer]');
  assert.match(await page.textContent('[role=timer]'), /^0:0[23]$/);
  assert.ok(await page.isDisabled('form button[type=submit]'));
  await said(page, 'Podrá probar de nuevo en 0:03');
  await page.waitForFunction(() => document.querySelector('[role=timer]')?.textContent === '0:01');
  await page.waitForSelector('form button[type=submit]:not(:disabled)');
  assert.equal(await page.locator('[role=timer], [role=alert]').count(), 0);
  await said(page, 'Ya puede intentarlo');
});

both('switching the language keeps what was typed', async () => {
  const page = await open();
  await page.goto(`${portal.url}/#/login`);
  await page.fill('#email', 'ana@nowhere.example');
  await page.fill('#password', 'half typed');
  await page.click('.segmented [lang=en]');
  await page.waitForFunction(() => document.querySelector('h1').textContent === 'Sign in');
  assert.equal(await page.inputValue('#email'), 'ana@nowhere.example');
  assert.equal(await page.inputValue('#password'), 'half typed');
});

// --- links from mails

both('asking for a reset link answers the same for everybody', async () => {
  const answers = [];
  // Against the real portal only an address that nobody has, so that no mail is sent.
  for (const email of ['nadie@nowhere.example', ...(portal.real ? [] : [VIEWER])]) {
    const page = await open();
    await page.goto(`${portal.url}/#/login`);
    await page.click('a[href="#/forgot"]');
    await page.waitForSelector('h1:has-text("Recuperar")');
    await page.fill('#email', email);
    await page.click('form button[type=submit]');
    await page.waitForSelector('.verdict');
    answers.push((await page.textContent('main')).replaceAll(email, '…'));
  }
  assert.equal(new Set(answers).size, 1);
  assert.match(answers[0], /Si hay una cuenta/);
});

for (const [path, ready, action] of [['/reset', '#password', '#/forgot'], ['/invitation', '.verdict', '#/login']]) {
  both(`the token of ${path} leaves the address at once, and a dead link says what to do`, async () => {
    const page = await open({ expected: [400] });
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`${portal.url}/#${path}?token=not-a-token-of-anybody`);
    await page.waitForSelector(ready);
    assert.equal(hash(page), `#${path}`);
    assert.ok(asked.every((url) => !url.includes('not-a-token')), 'no address carries it');
    assert.deepEqual(await page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }, history.state]), [{}, {}, null]);
    if (path === '/reset') {
      await page.fill('#password', PHRASE);
      await page.click('form button[type=submit]');
    }
    await page.waitForSelector('.verdict');
    assert.match(await page.textContent('h1'), /ya no sirve/);
    assert.equal(await page.getAttribute('.verdict a', 'href'), action);
    await page.reload();
    await page.waitForSelector('.verdict');
    assert.match(await page.textContent('.verdict'), /abra otra vez el enlace/);
  });
}

fake('a reset link is used by its button alone, and refused passwords are explained at the field', async () => {
  const page = await open({ expected: [422] });
  const { links } = portal.state.identity;
  await page.goto(`${portal.url}/#/reset?token=reset-1`);
  await page.waitForSelector('#password');
  assert.ok(links.has('reset-1'), 'opening the page uses nothing up');
  for (const [text, wanted] of [['corta', /al menos 15/], ['password password', /conocidas/], ['x'.repeat(1001), /como mucho/]]) {
    await page.fill('#password', text);
    assert.equal(await page.locator('#password-problem').count(), 0, 'a field being mended is not called wrong');
    await page.click('form button[type=submit]');
    await page.waitForSelector('#password[aria-invalid=true]');
    assert.match(await page.textContent('#password-problem'), wanted);
    assert.match(await page.getAttribute('#password', 'aria-describedby'), /password-rule password-problem/);
    assert.equal(await focused(page), 'password');
  }
  await page.fill('#password', PHRASE);
  await page.click('form button[type=submit]');
  await page.waitForSelector('.verdict-good');
  await page.click('.verdict a');
  await page.fill('#email', VIEWER);
  await page.fill('#password', PHRASE);
  await page.click('form button[type=submit]');
  await page.waitForSelector('.topnav');
  restore(VIEWER);
});

fake('an invitation says from whom, to what and until when, makes the account and leads to sign-in', async () => {
  const page = await open({ expected: [422] });
  await page.goto(`${portal.url}/#/invitation?token=invite-new`);
  await page.waitForSelector('#name');
  assert.equal(hash(page), '#/invitation');
  assert.match(await page.textContent('h1'), /Lumbre Hogar le invita/);
  assert.match(await page.textContent('.offer'), /Le invita\s*Ada Marín\s*Para\s*nueva@acme\.example[\s\S]*Lectura[\s\S]*20\d\d/);
  await page.click('form button[type=submit]');
  await page.waitForSelector('#name[aria-invalid=true]');
  assert.equal(await focused(page), 'name');
  await page.fill('#name', 'Nueva Persona');
  await page.fill('#password', 'Lumbre y poco más que eso');
  await page.click('form button[type=submit]');
  await page.waitForSelector('#password-problem');
  assert.match(await page.textContent('#password-problem'), /se parece demasiado/i);
  await page.fill('#password', PHRASE);
  await page.click('form button[type=submit]');
  await page.waitForSelector('#enter');
  await page.click('#enter');
  await page.waitForSelector('#email');
  assert.equal(await page.inputValue('#email'), 'nueva@acme.example');
  assert.equal(hash(page), '#/login', 'the address of the person is not in that of the page');
  await page.fill('#password', PHRASE);
  await page.click('form button[type=submit]');
  await page.waitForSelector('.kpi');
});

fake('who has an account already is asked for nothing', async () => {
  const page = await open();
  await page.goto(`${portal.url}/#/invitation?token=invite-known`);
  await page.waitForSelector('.known');
  assert.equal(await page.locator('#name, #password').count(), 0);
  assert.match(await page.textContent('.offer'), /Administración/);
  await page.click('form button[type=submit]');
  await page.waitForSelector('#enter');
  assert.match(await page.textContent('h1'), /forma parte de Lumbre Hogar/);
});
