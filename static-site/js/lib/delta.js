// Whether a difference is good news. Pure.

/** Which way it went, as far as one decimal shows it: 1, -1 or 0. @param {import('./format.js').Delta|null} delta */
export function direction(delta) {
  const value = delta?.value ?? 0;
  return Math.abs(value) < 0.05 ? 0 : Math.sign(value);
}

/** `better`, `worse` or null where there is nothing to judge. @param {import('./format.js').Delta|null} delta @param {string} good */
export function verdict(delta, good) {
  const way = direction(delta);
  if (!delta || !way || good === 'none' || (delta.kind !== 'percent' && delta.kind !== 'points')) return null;
  return way > 0 === (good === 'up') ? 'better' : 'worse';
}
