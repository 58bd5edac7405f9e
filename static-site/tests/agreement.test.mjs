// What the site has words or choices for is what the program has: both sides are read from their sources.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { allCurrencies, LOCALES } from '../js/lib/places.js';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const languages = ['es', 'en'].map((lang) => [lang, JSON.parse(read(`static-site/i18n/${lang}.json`))]);
/** What stands between quotation marks in a constant of a Rust file. */
const constant = (path, name) => {
  const body = new RegExp(`const ${name}[^=]*= ([\\s\\S]*?);\\n`).exec(read(path))?.[1] ?? assert.fail(`${path} has no ${name}`);
  return [...body.matchAll(/"([^"]+)"/g)].map((found) => found[1]);
};

test('every action of both audit trails has words, and its group too', () => {
  const actions = ['ACTIONS', 'PLATFORM_ACTIONS'].flatMap((name) => constant('src/domain/audit.rs', name));
  assert.ok(actions.length > 60, 'the pattern no longer finds the actions');
  for (const [lang, messages] of languages) {
    for (const action of actions) assert.ok(`audit.action.${action}` in messages, `${lang}: ${action}`);
    for (const group of new Set(actions.map((action) => action.split('.')[0]))) assert.ok(`audit.group.${group}` in messages, `${lang}: ${group}`);
  }
  const worded = Object.keys(languages[0][1]).filter((key) => key.startsWith('audit.action.')).map((key) => key.slice('audit.action.'.length));
  assert.deepEqual(worded.filter((action) => !actions.includes(action)), [], 'words for what nobody does');
});

test('every plan has a name', () => {
  const plans = constant('src/domain/limits.rs', 'PLANS');
  assert.deepEqual(plans.length, 3);
  for (const [lang, messages] of languages) for (const plan of plans) assert.ok(`plan.${plan}` in messages, `${lang}: ${plan}`);
});

test('the currencies and formats to choose from are those that the program takes', () => {
  const [codes] = constant('src/domain/currency.rs', 'CODES');
  assert.deepEqual(allCurrencies().sort(), codes.replaceAll('\\', ' ').trim().split(/\s+/).sort());
  for (const locale of LOCALES) assert.match(locale, /^(es|en)-[A-Z]{2}$/);
});
