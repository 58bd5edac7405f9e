// Rules that keep the page safe and light, checked on the files themselves.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const site = new URL('..', import.meta.url);
const read = (name) => readFileSync(new URL(name, site), 'utf8');
const scripts = readdirSync(new URL('js', site), { recursive: true }).filter((name) => name.endsWith('.js')).map((name) => [name, read(`js/${name}`)]);
const styles = readdirSync(new URL('css', site)).map((name) => [name, read(`css/${name}`)]);

test('only api.js fetches', () => {
  for (const [name, text] of scripts) assert.equal(/\bfetch\(|XMLHttpRequest|sendBeacon/.test(text), name === 'api.js', name);
});

test('nothing is written as markup, evaluated or styled inline', () => {
  for (const [name, text] of scripts) {
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|unsafeHTML|\beval\(|new Function|setAttribute\('style'/, name);
    assert.doesNotMatch(text, /\sstyle=|<style|\son[a-z]+="/, name);
  }
  assert.doesNotMatch(read('index.html'), /\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)/);
});

test('only the language is kept in local storage', () => {
  for (const [name, text] of scripts) {
    const keys = [...text.matchAll(/localStorage\.\w+\((\w+)/g)].map((found) => found[1]);
    assert.deepEqual([...new Set(keys)], name === 'store.js' ? ['LANG_KEY'] : [], name);
    assert.doesNotMatch(text, /indexedDB|document\.cookie/, name);
  }
});

test('nothing comes from another host', () => {
  for (const [name, text] of [...scripts, ...styles, ['index.html', read('index.html')]]) assert.doesNotMatch(text, /(?:src|href|import|url)\W{1,3}(?:https?:)?\/\//, name);
});

test('every file that is named exists', () => {
  const names = [...read('index.html').matchAll(/(?:src|href)="([^"#]+)"/g)].map((found) => found[1]);
  assert.ok(names.length > 5);
  for (const name of names) assert.ok(existsSync(new URL(name, site)), name);
  for (const [name, text] of scripts) {
    for (const [, target] of text.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) assert.ok(existsSync(new URL(target, new URL(`js/${name}`, site))), `${name}: ${target}`);
  }
});

test('each vendored file has its licence beside it and its version in its name', () => {
  for (const entry of JSON.parse(read('vendor/vendor.json'))) {
    const files = [...Object.values(entry.files), ...(entry.own ?? [])];
    assert.ok(files.some((name) => name.includes('LICENSE')), entry.package);
    for (const name of files) assert.ok(name.includes(entry.version) && existsSync(new URL(`vendor/${name}`, site)), name);
  }
});

test('files stay short', () => {
  for (const [name, text] of [...scripts, ...styles]) assert.ok(text.split('\n').length <= 201, name);
});
