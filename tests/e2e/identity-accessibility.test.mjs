// Every page and state of sign-in and account: axe finds nothing, and nothing scrolls sideways. Needs the fake: its people and links.
import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import { totp } from './fake-identity.mjs';
import { account, fake, LOOKS, open, overflow, portal, signIn } from './harness.mjs';

const PASSWORD = 'mar-azul-faro-2026';
const person = (email) => portal.state.accounts.find((one) => one.email === email);

async function clean(page, what) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(' | ')}`), [], what);
  assert.equal(await overflow(page), 0, `${what} scrolls sideways`);
}

async function submit(page, fields) {
  for (const [selector, value] of Object.entries(fields)) await page.fill(selector, value);
  await page.click('form button[type=submit]');
}

for (const { theme, width } of LOOKS) {
  const options = { theme, width, height: 800, expected: [400, 403, 422, 429] };

  fake(`axe finds nothing before sign-in, ${theme}, ${width} px`, async () => {
    const page = await open(options);
    await page.goto(`${portal.url}/#/login`);
    await page.waitForSelector('#email');
    await clean(page, 'login');
    await submit(page, { '#email': 'nobody@nowhere.example', '#password': 'x' });
    await page.waitForSelector('[role=alert]');
    await clean(page, 'login refused');
    await page.route('**/api/auth/login', (route) => route.fulfill({ status: 429, contentType: 'application/problem+json', body: JSON.stringify({ status: 429, code: 'throttled', retry_after: 900 }) }), { times: 1 });
    await page.click('form button[type=submit]');
    await page.waitForSelector('[role=timer]');
    await clean(page, 'login throttled');
    await page.reload();
    await submit(page, { '#email': 'mfa@acme.example', '#password': PASSWORD });
    await page.waitForSelector('#code');
    await submit(page, { '#code': '000000' });
    await page.waitForSelector('.field-problem');
    await clean(page, 'code');
    await page.click('#switch');
    await clean(page, 'recovery code');
    await page.goto(`${portal.url}/#/forgot`);
    await page.waitForSelector('h1:has-text("Recuperar")');
    await clean(page, 'forgot');
    await submit(page, { '#email': 'una.direccion.bastante.larga@consultora-de-nombre-largo.example' });
    await page.waitForSelector('.verdict');
    await clean(page, 'forgot, sent');
    await page.goto(`${portal.url}/#/reset?token=dead`);
    await page.waitForSelector('#password');
    for (const text of ['corta', 'aaaaaaaaaaaaaaaaaaaa', 'un barco azul y viejo']) {
      await page.fill('#password', text);
      await clean(page, `reset with ${text}`);
    }
    await page.click('form button[type=submit]');
    await page.waitForSelector('.verdict');
    await clean(page, 'reset, dead link');
    await page.goto(`${portal.url}/#/invitation?token=invite-new`);
    await page.waitForSelector('#name');
    await submit(page, { '#name': 'Ana', '#password': 'corta' });
    await page.waitForSelector('.field-problem');
    await clean(page, 'invitation');
    await page.goto(`${portal.url}/#/invitation?token=dead`);
    await page.waitForSelector('.verdict');
    await clean(page, 'invitation, dead link');
  });

  fake(`axe finds nothing on the account, ${theme}, ${width} px`, async () => {
    const page = await open(options);
    const email = 'admin@globex.example';
    const { password } = account(email);
    await signIn(page, email, '#/account');
    await page.waitForSelector('.session');
    await page.click('.menu summary');
    await clean(page, 'account');
    await page.keyboard.press('Escape');
    await page.click('#end-all');
    await page.waitForSelector('dialog[open]');
    await clean(page, 'end all');
    await page.keyboard.press('Escape');
    for (const seen of portal.state.identity.seen.values()) seen.confirmed = 0;
    await page.click('#mfa-start');
    await page.waitForSelector('dialog[open]');
    await page.fill('#reauth-password', 'wrong');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('#reauth-password-problem');
    await clean(page, 'confirm');
    await page.fill('#reauth-password', password);
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('.qr');
    await clean(page, 'enrolment');
    await page.fill('#totp-code', totp(await page.textContent('.secret code')));
    await page.click('.enrol button[type=submit]');
    await page.waitForSelector('.code-list');
    await clean(page, 'recovery codes');
    await page.check('#stored');
    await page.click('#codes-done');
    await page.click('#mfa-disable');
    await clean(page, 'turning it off');
    person(email).mfa = null;
    const strict = await open(options);
    await strict.goto(`${portal.url}/#/login`);
    await submit(strict, { '#email': 'new@strict.example', '#password': PASSWORD });
    await strict.waitForSelector('#mfa-start');
    await clean(strict, 'must enrol');
    await strict.click('#mfa-start');
    await strict.waitForSelector('.qr');
    await clean(strict, 'must enrol, steps');
  });
}
