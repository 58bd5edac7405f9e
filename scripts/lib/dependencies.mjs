// The rules of deny.toml, as far as `cargo tree` tells: licences, sources, banned crates. Used where cargo-deny is not
// installed, so that the policy is checked everywhere; cargo-deny itself runs in the workflow.
//   cargo tree --locked --workspace --prefix none --format '{p}|{l}' | node scripts/lib/dependencies.mjs deny.toml
import { readFileSync } from 'node:fs';

const rules = readFileSync(process.argv[2], 'utf8');
const list = (name) => [...new RegExp(`^${name} = \\[([^]*?)^\\]`, 'm').exec(rules)[1].matchAll(/"([^"]+)"/g)].map((found) => found[1]);
const allowed = new Set(list('allow'));
const bans = [...rules.matchAll(/\{ crate = "([^"]+)"(, deny-multiple-versions = true)?/g)];
const banned = new Set(bans.filter((ban) => !ban[2]).map((ban) => ban[1]));
const single = new Set(bans.filter((ban) => ban[2]).map((ban) => ban[1]));
if (allowed.size < 3 || banned.size < 1 || single.size < 1) throw new Error('deny.toml could not be read');

/** Whether an SPDX expression can be satisfied with allowed licences. OR binds weaker than AND; one level of brackets. */
function acceptable(expression) {
  const text = expression.replaceAll('/', ' OR ');
  const inner = text.replace(/\(([^()]*)\)/g, (_, part) => (acceptable(part) ? 'MIT' : 'refused'));
  return inner.split(/ OR /).some((either) => either.split(/ AND /).every((licence) => allowed.has(licence.trim())));
}

// "name v1.2.3|licence"; one that is not from the registry has its place in brackets, ours a folder.
const lines = new Set(readFileSync(0, 'utf8').split('\n').map((line) => line.replace(' (*)', '')).filter(Boolean));
const all = [...lines].map((line) => {
  const [, name, version, place, licence] = /^(\S+) v(\S+)(?: \((.*)\))?\|(.*)$/.exec(line) ?? [];
  if (!name) throw new Error(`cargo tree said: ${line}`);
  return { name, version, place, licence };
});
const foreign = all.filter((one) => !one.place?.startsWith('/'));
const versions = (name) => new Set(foreign.filter((one) => one.name === name).map((one) => one.version)).size;
const problems = [
  ...foreign.filter((one) => one.place && one.place !== 'proc-macro').map((one) => `${one.name}: from ${one.place}`),
  ...foreign.filter((one) => !acceptable(one.licence)).map((one) => `${one.name} ${one.version}: licence ${one.licence}`),
  ...foreign.filter((one) => banned.has(one.name)).map((one) => `${one.name}: banned`),
  ...[...single].filter((name) => versions(name) > 1).map((name) => `${name}: ${versions(name)} versions`),
];
for (const problem of problems) console.error(problem);
console.log(`${foreign.length} dependencies, ${problems.length} problems`);
process.exit(foreign.length > 100 && problems.length === 0 ? 0 : 1);
