// The rows of an invitation form: addresses pasted in any usual shape, and the server's objections back to their rows. Pure.

/** @typedef {{email: string, role: 'admin'|'viewer', problem: string}} Row */

export const MOST = 20;

/** @returns {Row} */
export const blank = () => ({ email: '', role: 'viewer', problem: '' });

/** The addresses in a pasted text: by line, comma, semicolon or space; `Ana <ana@x.example>` too; each once. @param {string} text */
export function addresses(text) {
  const found = text.split(/[\s,;<>"()]+/).map((part) => part.replace(/^mailto:/i, '').replace(/\.+$/, '')).filter((part) => /^[^@]+@[^@]+$/.test(part));
  const seen = new Set();
  return found.filter((email) => !seen.has(email.toLowerCase()) && seen.add(email.toLowerCase()));
}

/**
 * Puts several pasted addresses into rows: the present row takes the first, new rows the others, with its role.
 * @param {Row[]} rows @param {number} at @param {string[]} emails @returns {Row[]}
 */
export function spread(rows, at, emails) {
  const taken = new Set(rows.filter((_, i) => i !== at).map((row) => row.email.trim().toLowerCase()));
  const fresh = emails.filter((email) => !taken.has(email.toLowerCase())).map((email) => ({ ...rows[at], email, problem: '' }));
  return [...rows.slice(0, at), ...fresh, ...rows.slice(at + 1).filter((row) => row.email.trim())].slice(0, MOST);
}

/** What is sent, and which row each entry came from; empty rows are left out. @param {Row[]} rows */
export function outgoing(rows) {
  const from = rows.map((row, i) => ({ row, i })).filter(({ row }) => row.email.trim());
  return { body: from.map(({ row }) => ({ email: row.email.trim(), role: row.role })), from: from.map(({ i }) => i) };
}

/** Writes the server's objections into their rows; says whether each found one. @param {Row[]} rows @param {number[]} from @param {Array<{field: string, detail: string}>} errors */
export function place(rows, from, errors) {
  let all = errors.length > 0;
  const placed = rows.map((row) => ({ ...row, problem: '' }));
  for (const { field, detail } of errors) {
    const index = /^invitations\[(\d+)\]/.exec(field)?.[1];
    const at = index === undefined ? undefined : from[Number(index)];
    if (at === undefined) all = false;
    else placed[at].problem = detail;
  }
  return { rows: placed, all };
}
