// How hard a password is to guess, as far as its look tells. Everything happens here: nothing is sent anywhere. Pure.
// The server decides; it also knows the lists of common and breached passwords.

/** @typedef {'empty'|'short'|'long'|'weak'|'fair'|'strong'} Level */
/** @typedef {'context'|'repeat'|'sequence'|'variety'} Flaw */

export const MAX_LENGTH = 1000;
/** More than this adds nothing to the estimate. */
const LOOK_AT = 128;
/** What people type by sliding along: the alphabet, digits, rows of a keyboard. */
const ROWS = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjklñ', 'zxcvbnm', 'qazwsxedcrfvtgb'];
const RUNS = ROWS.flatMap((row) => [row, [...row].reverse().join('')]);
/** A piece that stands for something easy to guess counts as one character. */
const PIECE = '\uffff';

/** @param {string} text */
const fold = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** @param {string} text as the server counts: Unicode characters in NFC */
export const lengthOf = (text) => [...text.normalize('NFC')].length;

/** Words of the person, company and portal, longest first. @param {string[]} context */
const wordsOf = (context) => [...new Set(context.flatMap((text) => fold(text ?? '').split(/[^\p{L}\p{N}]+/u)))].filter((word) => word.length >= 4).sort((a, b) => b.length - a.length);

/** Shortens slides of three and more, such as `abcd` or `poiu`. @param {string} text */
function withoutSlides(text) {
  let left = '';
  for (let at = 0; at < text.length; ) {
    let end = at + 3;
    while (end <= text.length && RUNS.some((run) => run.includes(text.slice(at, end)))) end += 1;
    const taken = end - 1 - at;
    left += taken >= 3 ? PIECE : text[at];
    at += taken >= 3 ? taken : 1;
  }
  return left;
}

/**
 * @param {string} password @param {{min: number, context?: string[]}} rule
 * @returns {{level: Level, missing: number, flaw: Flaw|null}} `missing`: characters up to the minimum
 */
export function strength(password, { min, context = [] }) {
  const length = lengthOf(password);
  const missing = Math.max(0, min - length);
  if (!length) return { level: 'empty', missing, flaw: null };
  if (length > MAX_LENGTH) return { level: 'long', missing, flaw: null };
  /** @type {Array<[Flaw, (text: string) => string]>} */
  const steps = [
    ['context', (text) => wordsOf(context).reduce((rest, word) => rest.replaceAll(word, PIECE), text)],
    ['sequence', withoutSlides],
    ['repeat', (text) => text.replace(/(.+?)\1+/gsu, (whole, once) => (whole.length >= 3 ? once : whole))],
  ];
  let text = fold(password.slice(0, LOOK_AT));
  /** @type {Flaw|null} */
  let flaw = null;
  let worst = 2;
  for (const [name, shorten] of steps) {
    const rest = shorten(text);
    if (text.length - rest.length > worst) [flaw, worst] = [name, text.length - rest.length];
    text = rest;
  }
  const kinds = new Set(text).size;
  if (missing) return { level: 'short', missing, flaw };
  if (!flaw && kinds < 8) flaw = 'variety';
  if (text.length < min * 0.7 || kinds < 5) return { level: 'weak', missing, flaw };
  return text.length < min || kinds < 8 ? { level: 'fair', missing, flaw } : { level: 'strong', missing, flaw: null };
}
