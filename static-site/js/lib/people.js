// How people and their devices are shown. Pure.

/** Two letters for a round badge. @param {string} name @param {string} email */
export function initials(name, email) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0] ?? email];
  return letters.map((word) => [...String(word)][0] ?? '').join('').toUpperCase();
}

const BROWSERS = /** @type {Array<[RegExp, string]>} */ ([[/\bEdg(?:e|A|iOS)?\//, 'Edge'], [/\bOPR\//, 'Opera'], [/\bFirefox\/|\bFxiOS\//, 'Firefox'], [/\bChrom(?:e|ium)\/|\bCriOS\//, 'Chrome'], [/\bSafari\//, 'Safari']]);
const SYSTEMS = /** @type {Array<[RegExp, string]>} */ ([[/\bAndroid\b/, 'Android'], [/\biPhone\b|\biPad\b/, 'iOS'], [/\bWindows\b/, 'Windows'], [/\bMacintosh\b|\bMac OS X\b/, 'macOS'], [/\bLinux\b|\bX11\b/, 'Linux']]);

/** "Chrome · Windows" from a user agent; the beginning of the text where it is no browser's. @param {string|null|undefined} agent */
export function device(agent) {
  if (!agent) return '–';
  const found = [BROWSERS, SYSTEMS].map((known) => known.find(([pattern]) => pattern.test(agent))?.[1]).filter(Boolean);
  return found.length ? found.join(' · ') : agent.slice(0, 60);
}
