// What every browser test needs: a portal, a browser, a signed-in page, and an eye on what the page must never do.
//   PORTAL_READY      JSON file written by the running portal: url, accounts, sandbox_url. Without it the fake of this folder is started.
//   PORTAL_FAKE_ONLY  set: only what needs the fake; the rest has been tested against the running portal
//   PORTAL_CHROMIUM   the browser; default /usr/bin/chromium
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { startFake } from './fake-api.mjs';

const ARGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

async function findPortal() {
  if (!process.env.PORTAL_READY) return { ...(await startFake()), real: false };
  const ready = JSON.parse(await readFile(process.env.PORTAL_READY, 'utf8'));
  return { url: ready.url.replace(/\/$/, ''), accounts: ready.accounts, sandbox: ready.sandbox_url, real: true, stop() {} };
}

export const portal = await findPortal();
/** A test that runs anywhere: it changes nothing, or puts back what it changed. */
export const both = process.env.PORTAL_FAKE_ONLY ? () => {} : test;
/** A test that needs the fake: its people, its troubles, or a look into its memory. It is not skipped elsewhere, it is not there: a skipped test is one that nobody runs. */
export const fake = portal.real ? () => {} : test;
/** Started by the first page: a file without a test for this portal runs no `after`, and a browser would keep it alive for ever. */
let launched;
const browser = () => (launched ??= chromium.launch({ executablePath: process.env.PORTAL_CHROMIUM ?? '/usr/bin/chromium', args: ARGS }));
/** What pages did that they must not do, over the whole file. @type {string[]} */
const offences = [];
after(async () => {
  await (await launched)?.close();
  portal.stop();
  assert.deepEqual(offences, [], 'no page may break its policy, call another host or throw');
});

/** Requests that may leave the portal: none, but for the sandbox of the provider. */
const ours = (url) => [portal.url, portal.sandbox, 'data:', 'blob:', 'about:'].some((start) => start && url.startsWith(start));

/** @param {import('playwright-core').Page} page @param {number[]} expected statuses that the test provokes */
function watch(page, expected) {
  page.on('pageerror', (error) => offences.push(`exception: ${error.message}`));
  page.on('request', (request) => !ours(request.url()) && offences.push(`request to ${request.url()}`));
  page.on('dialog', (dialog) => {
    offences.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', (message) => {
    const text = message.text();
    // The browser writes every failed request to the console; a refusal that the test wants is no offence.
    const status = /status of (\d{3})/.exec(text)?.[1];
    const wanted = status && (status === '401' || expected.includes(Number(status)));
    // Browsers ask for this by themselves on pages that name no icon, such as the provider's.
    const icon = message.location().url.endsWith('/favicon.ico');
    if (message.type() === 'error' && !wanted && !icon) offences.push(`console: ${text} ${message.location().url}`);
  });
}

/** What a page is looked at in: each theme and each width once, for axe is slow. */
export const LOOKS = [{ theme: 'light', width: 1280 }, { theme: 'dark', width: 360 }];

/** A page in a browser of its own. @param {{width?: number, height?: number, theme?: 'light'|'dark', expected?: number[], locale?: string}} [options] */
export async function open({ width = 1280, height = 900, theme = 'light', expected = [], locale = 'es-ES' } = {}) {
  const context = await (await browser()).newContext({ viewport: { width, height }, locale, colorScheme: theme, reducedMotion: 'reduce' });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  watch(page, expected);
  return page;
}

export const account = (email) => portal.accounts.find((one) => one.email === email) ?? assert.fail(`no demo account ${email}`);

/** Opens an address (`#/…`) and signs in when asked to. @param {import('playwright-core').Page} page @param {string} email @param {string} [hash] */
export async function signIn(page, email, hash = '#/dashboard') {
  await page.goto(`${portal.url}/${hash}`);
  await page.fill('#email', email);
  await page.fill('#password', account(email).password);
  await page.click('form button[type=submit]');
  await page.waitForSelector('.topnav');
}

/** The board with its figures, chart and table. @param {import('playwright-core').Page} page */
export async function boardReady(page) {
  await page.waitForSelector('.kpi');
  await page.waitForSelector('.widget canvas, .widget .face');
  await page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"]'));
}

/** Does something that makes the board ask for its figures anew, and waits for them. @param {import('playwright-core').Page} page @param {string} path @param {() => Promise<unknown>} act */
export async function andWait(page, path, act) {
  const answer = page.waitForResponse((response) => response.url().includes(path));
  await act();
  await answer;
  await boardReady(page);
}

/** Widths beyond the window, in pixels; 0 when the page does not scroll sideways. */
export const overflow = (page) => page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));

/** Axe finds nothing on the page as it stands. @param {import('playwright-core').Page} page @param {string} what */
export async function accessible(page, what) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(' | ')}`), [], what);
}

/** Asks the API as the page itself would. @param {import('playwright-core').Page} page @param {string} path */
export const ask = (page, path) => page.evaluate((p) => fetch(p, { headers: { Accept: 'application/json' } }).then((r) => r.json()), path);

/** Deletes a source by name through the API, whatever a test left behind. @param {import('playwright-core').Page} page @param {string} name */
export async function dropSource(page, name) {
  await page.evaluate(async (wanted) => {
    const { csrf_token: token } = await (await fetch('/api/auth/session')).json();
    const { items } = await (await fetch('/api/sources')).json();
    for (const item of items.filter((one) => one.name === wanted)) await fetch(`/api/sources/${item.id}`, { method: 'DELETE', headers: { 'X-CSRF-Token': token } });
  }, name);
}

/** Makes the next answers of a route fail as a broken server would. @param {import('playwright-core').Page} page @param {string} path @param {number} status @param {string} code */
export const breakRoute = (page, path, status, code) => page.route(`**${path}*`, (route) => route.fulfill({
  status, contentType: 'application/problem+json', body: JSON.stringify({ title: code, status, code, detail: 'Fallo de prueba.', request_id: '0190aaaa-test' }),
}));
