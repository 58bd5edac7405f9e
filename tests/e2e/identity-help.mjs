// Shared by the browser tests of identity.
import { account, portal, signIn } from './harness.mjs';

export const VIEWER = 'viewer@acme.example';
export const PHRASE = 'un barco azul y viejo';
export const person = (email) => portal.state.accounts.find((one) => one.email === email);
export const hash = (page) => new URL(page.url()).hash;
export const focused = (page) => page.evaluate(() => document.activeElement.id);
export const said = (page, text) => page.waitForFunction((wanted) => document.getElementById('live').textContent.includes(wanted), text);

export const refusal = (status, code, more = {}) => ({ status, contentType: 'application/problem+json', body: JSON.stringify({ status, code, title: code, detail: 'Motivo de prueba.', ...more }) });

/** Answers the next `times` requests of a method and path in place of the server. */
export async function instead(page, method, path, answer, times = 1) {
  let left = times;
  await page.route(`**/api${path}`, (route) => (route.request().method() === method && left-- > 0 ? route.fulfill(answer) : route.fallback()));
}

export async function password(page, email, text) {
  await page.goto(`${portal.url}/#/login`);
  await page.fill('#email', email);
  await page.fill('#password', text);
  await page.click('form button[type=submit]');
}

/** The account page, complete. */
export async function openAccount(page, email = VIEWER) {
  await signIn(page, email, '#/account');
  await page.waitForSelector('#name');
  await page.waitForSelector('.session');
}

/** Pastes as a person does, not by writing the value. */
export async function paste(page, selector, text) {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: portal.url });
  await page.focus(selector);
  await page.evaluate((value) => navigator.clipboard.writeText(value), text);
  await page.keyboard.press('Control+V');
}

/** Puts the fake's person back as the demo has them. */
export function restore(email) {
  Object.assign(person(email), { password: account(email).password, mfa: null, pending: null, locale: 'es', name: email.split('@')[0] });
}
