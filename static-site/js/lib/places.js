// Zones, currencies and number formats to choose from: the usual ones first, everything the browser knows after them. Pure.

export const ZONES = ['Europe/Madrid', 'Atlantic/Canary', 'Europe/Lisbon', 'Europe/London', 'Europe/Paris', 'Europe/Berlin', 'America/Mexico_City', 'America/Bogota', 'America/Lima',
  'America/Santiago', 'America/Argentina/Buenos_Aires', 'America/Sao_Paulo', 'America/New_York', 'America/Chicago', 'America/Los_Angeles', 'UTC'];
export const CURRENCIES = ['EUR', 'USD', 'GBP', 'CHF', 'MXN', 'COP', 'PEN', 'CLP', 'ARS', 'BRL', 'UYU'];
export const LOCALES = ['es-ES', 'es-MX', 'es-CO', 'es-PE', 'es-CL', 'es-AR', 'ca-ES', 'pt-PT', 'pt-BR', 'en-GB', 'en-US', 'fr-FR', 'de-DE', 'it-IT'];

/** @param {'timeZone'|'currency'} kind @returns {string[]} */
const supported = (kind) => Intl.supportedValuesOf?.(kind) ?? [];

export const allZones = () => supported('timeZone');
export const allCurrencies = () => [...new Set([...CURRENCIES, ...supported('currency')])];

/** @param {string} zone */
export function isZone(zone) {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone !== '';
  } catch {
    return false;
  }
}

/** `Europe/Madrid` → `Madrid (Europe)`, with its present distance from UTC. @param {string} zone @param {number} now @param {string} lang */
export function zoneName(zone, now, lang) {
  const city = zone.split('/').at(-1)?.replaceAll('_', ' ') ?? zone;
  if (!isZone(zone) || zone === 'UTC') return zone;
  const parts = new Intl.DateTimeFormat(lang, { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(now);
  const offset = parts.find((part) => part.type === 'timeZoneName')?.value.replace('GMT', 'UTC') ?? '';
  return `${city} (${offset})`;
}

/** @param {'currency'|'language'} type @param {string} code @param {string} lang */
export function named(type, code, lang) {
  try {
    const name = new Intl.DisplayNames(lang, { type }).of(code) ?? code;
    return name[0].toUpperCase() + name.slice(1);
  } catch {
    return code;
  }
}
