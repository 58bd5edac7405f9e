// Waiting for a moment to come, in whole seconds and in words. Pure.

/** Whole seconds until `until`, never negative; the last one counts until it is over. @param {number} until ms @param {number} now ms */
export const secondsLeft = (until, now) => Math.max(0, Math.ceil((until - now) / 1000));

/** `0:45`, `12:05`, `1:00:00`. @param {number} seconds */
export function clock(seconds) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const [hours, minutes, rest] = [Math.trunc(seconds / 3600), Math.trunc(seconds / 60) % 60, seconds % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The seconds that a refusal asks to wait for; one minute when it does not say. @param {unknown} retryAfter */
export function waitSeconds(retryAfter) {
  const seconds = Math.ceil(Number(retryAfter));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 60;
}
