// What a person calls the thing they signed in with, read from its user agent. Pure.

/** First match wins: many browsers also carry the names of those they descend from. @type {Array<[RegExp, string]>} */
const BROWSERS = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bCriOS\/|\bChrom(?:e|ium)\/|\bHeadlessChrome\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
];

/** @type {Array<[RegExp, string, 'phone'|'computer']>} */
const SYSTEMS = [
  [/\biPhone\b|\biPod\b/, 'iPhone', 'phone'],
  [/\biPad\b/, 'iPad', 'phone'],
  [/\bAndroid\b/, 'Android', 'phone'],
  [/\bCrOS\b/, 'ChromeOS', 'computer'],
  [/\bWindows\b/, 'Windows', 'computer'],
  [/\bMacintosh\b|\bMac OS X\b/, 'macOS', 'computer'],
  [/\bLinux\b|\bX11\b/, 'Linux', 'computer'],
];

/** @param {string|null|undefined} userAgent @returns {{browser: string|null, system: string|null, kind: 'phone'|'computer'}} */
export function device(userAgent) {
  const text = userAgent ?? '';
  const system = SYSTEMS.find(([pattern]) => pattern.test(text));
  return { browser: BROWSERS.find(([pattern]) => pattern.test(text))?.[1] ?? null, system: system?.[1] ?? null, kind: system?.[2] ?? 'computer' };
}
