// Strings of the page: `{name}` placeholders and plurals by `n`. The files are i18n/es.json and i18n/en.json.

/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Message */
/** @typedef {(key: string, params?: Record<string, string|number>) => string} Translate */

/** Languages there are files for; the first is the default. */
export const LANGUAGES = /** @type {const} */ (['es', 'en']);

/** Builds the lookup. A missing key shows itself: the tests find it before a person does. @param {Record<string, Message>} messages @param {string} lang @returns {Translate} */
export function translator(messages, lang) {
  const rules = new Intl.PluralRules(lang);
  return (key, params = {}) => {
    const message = messages[key];
    if (message === undefined) return key;
    const text = typeof message === 'string' ? message : (message[rules.select(Number(params.n))] ?? message.other ?? key);
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
  };
}

/** The language to start with: an earlier choice, the account's, the browser's, Spanish. @param {{chosen?: string|null, account?: string|null, browser?: readonly string[]}} known */
export function pickLanguage({ chosen, account, browser = [] }) {
  for (const wish of [chosen, account, ...browser]) {
    const short = (wish ?? '').slice(0, 2).toLowerCase();
    if (LANGUAGES.some((lang) => lang === short)) return short;
  }
  return LANGUAGES[0];
}
