// Whether a difference is good news. Pure.

/** `better`, `worse` or null where there is nothing to judge. @param {import('./format.js').Delta|null} delta @param {string} good */
export function verdict(delta, good) {
  if (!delta?.value || good === 'none' || (delta.kind !== 'percent' && delta.kind !== 'points')) return null;
  return delta.value > 0 === (good === 'up') ? 'better' : 'worse';
}
