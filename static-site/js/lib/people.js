// How people are shown. Pure.

/** Two letters for a round badge. @param {string} name @param {string} email */
export function initials(name, email) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0] ?? email];
  return letters.map((word) => [...String(word)][0] ?? '').join('').toUpperCase();
}
