// What the whole page knows: who is signed in, language, theme. Views listen and draw again.
import { Format } from './lib/format.js';
import { pickLanguage, translator } from './lib/i18n.js';

/** @typedef {{id: string, name: string, zone: string, currency: string, locale: string, week_start: unknown}} Tenant */
/**
 * @typedef {object} Session
 * @property {{id: string, email: string, name: string, locale: string|null, mfa: boolean}} user
 * @property {Tenant|null} tenant
 * @property {Array<{id: string, name: string, role: string}>} tenants
 * @property {'admin'|'viewer'|'operator'} role
 * @property {boolean} must_enroll_mfa
 * @property {string} csrf_token
 * @property {string} now
 */

const LANG_KEY = 'portal.lang';
const THEME_KEY = 'portal.theme';
const dark = globalThis.matchMedia?.('(prefers-color-scheme: dark)');

/** Storage may be switched off; the page works without. @template T @param {() => T} use @returns {T|null} */
const quietly = (use) => {
  try {
    return use();
  } catch {
    return null;
  }
};

class Store extends EventTarget {
  /** @type {Session|null} */
  session = null;
  /** Server clock minus ours, in ms. */
  skew = 0;
  lang = pickLanguage({ chosen: quietly(() => localStorage.getItem(LANG_KEY)), browser: navigator.languages });
  theme = quietly(() => sessionStorage.getItem(THEME_KEY)) ?? 'system';
  /** @type {import('./lib/i18n.js').Translate} */
  t = (key) => key;
  format = new Format({ lang: this.lang });

  /** Tells the listeners that something changed. @param {'session'|'lang'|'theme'|'tick'|'signed-out'|'must-enroll'} what */
  emit(what) {
    this.dispatchEvent(new Event(what));
  }

  /** @param {Session|null} session */
  setSession(session) {
    this.session = session;
    if (session) this.hear(session.now);
    this.refreshFormat();
    this.emit('session');
  }

  /** Takes the server's clock from an answer. @param {string|undefined} now */
  hear(now) {
    if (now) this.skew = Date.parse(now) - Date.now();
  }

  /** The server's time, in ms. */
  now() {
    return Date.now() + this.skew;
  }

  get isAdmin() {
    return this.session?.role === 'admin';
  }

  /** The language of the account, unless this browser has a choice of its own. */
  preferredLanguage() {
    return pickLanguage({ chosen: quietly(() => localStorage.getItem(LANG_KEY)), account: this.session?.user.locale, browser: navigator.languages });
  }

  /** @param {string} lang @param {Record<string, import('./lib/i18n.js').Message>} messages @param {boolean} [chosen] by hand: remember it */
  setLanguage(lang, messages, chosen = false) {
    this.lang = lang;
    this.t = translator(messages, lang);
    document.documentElement.lang = lang;
    if (chosen) quietly(() => localStorage.setItem(LANG_KEY, lang));
    this.refreshFormat();
    this.emit('lang');
  }

  /** The account has a new language: it counts more than what this browser once chose. */
  forgetLanguage() {
    quietly(() => localStorage.removeItem(LANG_KEY));
  }

  /** @param {string} theme `light`, `dark` or `system`; kept for this tab only */
  setTheme(theme) {
    this.theme = theme;
    quietly(() => sessionStorage.setItem(THEME_KEY, theme));
    this.applyTheme();
  }

  applyTheme() {
    const name = this.theme === 'system' ? (dark?.matches ? 'dark' : 'light') : this.theme;
    document.documentElement.dataset.bsTheme = name;
    this.emit('theme');
  }

  refreshFormat() {
    const tenant = this.session?.tenant;
    this.format = new Format({ lang: this.lang, locale: tenant?.locale, currency: tenant?.currency, zone: tenant?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone });
  }
}

export const store = new Store();
dark?.addEventListener('change', () => store.applyTheme());
