// The secret of an authenticator, for people who type it. Pure.

/** `ABCDEFGH…` → `ABCD EFGH …` @param {string} secret */
export const inGroups = (secret) => secret.replace(/\s/g, '').match(/.{1,4}/g)?.join(' ') ?? '';

/** Only links of authenticators become links of the page. @param {string} url */
export const isOtpauth = (url) => url.startsWith('otpauth://totp/');
