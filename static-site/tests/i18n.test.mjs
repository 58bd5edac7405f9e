import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LANGUAGES, pickLanguage, translator } from '../js/lib/i18n.js';

const site = new URL('..', import.meta.url);
const messages = Object.fromEntries(LANGUAGES.map((lang) => [lang, JSON.parse(readFileSync(new URL(`i18n/${lang}.json`, site), 'utf8'))]));
const files = readdirSync(new URL('js', site), { recursive: true }).filter((name) => name.endsWith('.js'));
const sources = Object.fromEntries(files.map((name) => [name, readFileSync(new URL(`js/${name}`, site), 'utf8')]));
const code = Object.values(sources).join('\n');

/** Keys written out in the code, and the beginnings of those that are put together. */
const literal = new Set([...code.matchAll(/'([a-z]\w*(?:\.[\w]+)+)'/g)].map((found) => found[1]));
const asked = new Set([...code.matchAll(/\bt\('([^']+)'/g)].map((found) => found[1]));
const beginnings = new Set([...code.matchAll(/`([a-z]\w*\.(?:\w+\.)*)\$\{/g)].map((found) => found[1]));
for (const [, prefix] of code.matchAll(/(?:pairs\([A-Z]+|word\()\s*,?\s*'(\w+)'/g)) beginnings.add(`${prefix}.`);

test('both languages have the same keys', () => {
  assert.deepEqual(Object.keys(messages.en).sort(), Object.keys(messages.es).sort());
});

test('both languages use the same placeholders', () => {
  const holes = (message) => [...new Set(JSON.stringify(message).match(/\{\w+\}/g) ?? [])].sort();
  for (const [key, message] of Object.entries(messages.es)) assert.deepEqual(holes(messages.en[key]), holes(message), key);
});

test('every key the code asks for exists', () => {
  assert.ok(asked.size > 150, 'the pattern no longer finds the keys');
  for (const key of asked) assert.ok(key in messages.es, key);
  for (const prefix of beginnings) assert.ok(Object.keys(messages.es).some((key) => key.startsWith(prefix)), `${prefix}…`);
});

test('every key is used', () => {
  const unused = Object.keys(messages.es).filter((key) => !literal.has(key) && !asked.has(key) && ![...beginnings].some((prefix) => key.startsWith(prefix)));
  assert.deepEqual(unused, []);
});

test('no sentence is left in a template', () => {
  const left = [];
  for (const [name, text] of Object.entries(sources)) {
    // Text between tags, and attributes that are read out, outside of placeholders. `html` templates only.
    let plain = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
    for (let before = ''; before !== plain; ) [before, plain] = [plain, plain.replace(/\$\{[^{}`]*\}/g, '\u0000')];
    for (const [, words] of plain.matchAll(/<(?:p|h[1-6]|li|dt|dd|th|td|span|button|a|label|option|legend|strong|summary|caption)\b[^<>`]*>\s*([A-Za-zÁ-ú]{2,}[^<`$\u0000]*)</g)) left.push(`${name}: ${words.trim()}`);
    for (const [found] of plain.matchAll(/(?:aria-label|title|placeholder|alt)="[^"\u0000$]*[A-Za-z]{2,}[^"]*"/g)) left.push(`${name}: ${found}`);
  }
  assert.deepEqual(left, []);
});

test('plurals follow the number', () => {
  const es = translator(messages.es, 'es');
  assert.equal(es('catalog.count', { n: 1 }), '1 métrica');
  assert.equal(es('catalog.count', { n: 0 }), '0 métricas');
  assert.equal(translator(messages.en, 'en')('catalog.count', { n: 2 }), '2 metrics');
});

test('placeholders are filled in once and user text is not read as one', () => {
  const es = translator({ a: 'Hola {name}, {other}' }, 'es');
  assert.equal(es('a', { name: '{other}', other: 'x' }), 'Hola {other}, x');
  assert.equal(es('missing.key'), 'missing.key');
});

test('the language is the chosen one, then the account’s, then the browser’s, then Spanish', () => {
  assert.equal(pickLanguage({ chosen: 'en', account: 'es', browser: ['es-ES'] }), 'en');
  assert.equal(pickLanguage({ chosen: null, account: 'es-MX', browser: ['en'] }), 'es');
  assert.equal(pickLanguage({ browser: ['de-DE', 'en-GB'] }), 'en');
  assert.equal(pickLanguage({ chosen: 'xx', browser: ['de'] }), 'es');
});
