// The token of a link from a mail. It leaves the address before anything else happens, and lives in memory until its page takes it.
import { buildHash, parseHash } from './lib/url.js';

/** @type {{path: string, token: string}|null} */
let held = null;

/** Moves the token of the present address, if it has one, from the address (and the history) into memory. */
export function liftToken() {
  const { path, params } = parseHash(location.hash);
  if (!params.token) return;
  held = { path, token: params.token };
  history.replaceState(null, '', buildHash(path));
}

/** Hands the token over, once. @param {string} path the page it was meant for @returns {string|null} */
export function takeToken(path) {
  const token = held?.path === path ? held.token : null;
  held = null;
  return token;
}
