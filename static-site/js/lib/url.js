// What stands after `#` in the address: route, filters and where to go after sign-in. Pure.

/** @typedef {{path: string, params: Record<string, string>}} Location */

/** Splits `#/dashboard?from=…`. Empty parameters are dropped. @param {string} hash @returns {Location} */
export function parseHash(hash) {
  const text = hash.replace(/^#/, '');
  const cut = text.indexOf('?');
  const path = `/${(cut < 0 ? text : text.slice(0, cut)).replace(/^\/+|\/+$/g, '')}`;
  /** @type {Record<string, string>} */
  const params = {};
  for (const [key, value] of new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1))) if (value !== '') params[key] = value;
  return { path, params };
}

/** The inverse of `parseHash`; keys in a fixed order, so that equal filters give equal addresses. @param {string} path @param {Record<string, string|null|undefined>} [params] */
export function buildHash(path, params = {}) {
  const query = new URLSearchParams();
  for (const key of Object.keys(params).sort()) if (params[key]) query.set(key, String(params[key]));
  // Colons and commas are legal in a fragment; keeping them readable makes a shared link understandable.
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%2F', '/');
  return `#${path}${text ? `?${text}` : ''}`;
}

/** @param {string} text */
const escapeDim = (text) => text.replace(/[\\,:]/g, (c) => `\\${c}`);

/** `[["country","ES"]]` → `country:ES`, as the API wants it. @param {Array<[string, string]>} dims */
export const encodeDims = (dims) => dims.map(([name, value]) => `${escapeDim(name)}:${escapeDim(value)}`).join(',');

/** The inverse of `encodeDims`; pairs without a name or a colon are dropped. @param {string|undefined} text @returns {Array<[string, string]>} */
export function decodeDims(text) {
  /** @type {Array<[string, string]>} */
  const dims = [];
  let parts = [''];
  const flush = () => {
    if (parts.length > 1 && parts[0]) dims.push([parts[0], parts.slice(1).join(':')]);
    parts = [''];
  };
  for (let i = 0; i < (text ?? '').length; i += 1) {
    let c = /** @type {string} */ (text)[i];
    if (c === ',') flush();
    else if (c === ':') parts.push('');
    else {
      if (c === '\\') c = /** @type {string} */ (text)[(i += 1)] ?? '';
      parts[parts.length - 1] += c;
    }
  }
  flush();
  return dims;
}

const ROUTES = /^\/(?:(?:dashboard|sources|catalog|team|settings|audit|account)(?:\/[^/?#\\]*)?|operator(?:\/[^/?#\\]+){0,2})(?:\?[^#\\]*)?$/;

/** Where to go after sign-in: one of our own routes, anything else is the dashboard. @param {string|undefined} next */
export function safeNext(next) {
  if (!next || next.length > 1500) return '/dashboard';
  // Control characters would be stripped by the browser's parser and could hide a second slash.
  for (const c of next) if (c.charCodeAt(0) <= 32) return '/dashboard';
  return ROUTES.test(next) ? next : '/dashboard';
}
