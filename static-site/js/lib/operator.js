// Small decisions of the operator's pages. Pure.

/** What tells one cause from another in the address. @param {{code: string|null, provider: string, status: string}} cause */
export const causeKey = ({ code, provider, status }) => [provider, status, code ?? ''].join(':');

/** A date `days` from now, for what is deleted then. @param {number} now @param {number} days */
export const after = (now, days) => new Date(now + days * 86_400_000).toISOString();

/** Whole days between 0 and 90, or null. @param {string} text */
export function graceDays(text) {
  const days = Number(text.trim());
  return /^\d{1,2}$/.test(text.trim()) && days <= 90 ? days : null;
}

/** A name typed to confirm: spaces around it and doubled ones do not matter, letters do. @param {string} typed @param {string} name */
export const sameName = (typed, name) => typed.trim().replace(/\s+/g, ' ') === name.trim().replace(/\s+/g, ' ');

/**
 * Does the same to several, one after the other, and counts what became of them.
 * @template T @param {T[]} all @param {(one: T) => Promise<unknown>} act @returns {Promise<{done: T[], refused: Array<{one: T, error: any}>}>}
 */
export async function each(all, act) {
  /** @type {{done: T[], refused: Array<{one: T, error: any}>}} */
  const result = { done: [], refused: [] };
  for (const one of all) {
    try {
      await act(one);
      result.done.push(one);
    } catch (error) {
      result.refused.push({ one, error });
    }
  }
  return result;
}
