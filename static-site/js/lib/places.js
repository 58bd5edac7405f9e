// Zones, currencies and number formats to choose from: the usual ones first, everything the browser knows after them. Pure.

export const ZONES = ['Europe/Madrid', 'Atlantic/Canary', 'Europe/Lisbon', 'Europe/London', 'Europe/Paris', 'Europe/Berlin', 'America/Mexico_City', 'America/Bogota', 'America/Lima',
  'America/Santiago', 'America/Argentina/Buenos_Aires', 'America/Sao_Paulo', 'America/New_York', 'America/Chicago', 'America/Los_Angeles', 'UTC'];
export const CURRENCIES = ['EUR', 'USD', 'GBP', 'CHF', 'MXN', 'COP', 'PEN', 'CLP', 'ARS', 'BRL', 'UYU'];
/** The portal's languages with a region: it takes no other. */
export const LOCALES = ['es-ES', 'es-MX', 'es-CO', 'es-PE', 'es-CL', 'es-AR', 'es-UY', 'es-US', 'en-GB', 'en-IE', 'en-US', 'en-CA', 'en-AU'];
/** Every currency that the portal takes: the active ones of ISO 4217, as in src/domain/currency.rs. A browser lists old ones too. */
const ACTIVE = `
  AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD
  EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK
  LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
  RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD
  XCG XOF XPF YER ZAR ZMW ZWG`.trim().split(/\s+/);

/** @returns {string[]} */
export const allZones = () => Intl.supportedValuesOf?.('timeZone') ?? [];
export const allCurrencies = () => [...new Set([...CURRENCIES, ...ACTIVE])];

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
