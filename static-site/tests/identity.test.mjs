import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, secondsLeft, waitSeconds } from '../js/lib/countdown.js';
import { device } from '../js/lib/device.js';
import { MAX_LENGTH, lengthOf, strength } from '../js/lib/password-strength.js';
import { inGroups, isOtpauth } from '../js/lib/secret.js';
import { safeNext } from '../js/lib/url.js';

const judge = (password, context = [], min = 15) => strength(password, { min, context });
const level = (...args) => judge(...args).level;

test('a long phrase is strong, in any script and without rules of composition', () => {
  for (const phrase of ['mar-azul-faro-2026', 'un barco azul y viejo', 'caballo bateria grapa', 'дождь идёт с утра', '海の上に月がある夜の静かな港', '🐙🦀🐚🐳🐬🐟🐠🐡🦈🦭🐊🐢🦎🐍🐸']) {
    assert.equal(level(phrase, [], [...phrase].length < 15 ? 12 : 15), 'strong', phrase);
  }
});

test('what is missing is counted in characters as the server counts them', () => {
  assert.deepEqual(judge('corta'), { level: 'short', missing: 10, flaw: null });
  assert.equal(judge('').level, 'empty');
  assert.equal(judge('abcdefgh1jk2mno').missing, 0);
  assert.equal(judge('otra cosa 12', [], 12).missing, 0);
  assert.equal(lengthOf('e\u0301'), 1, 'a letter and its accent are one character in NFC');
  assert.equal(lengthOf('🐙'), 1, 'one character, though two units of the language');
});

test('the two spellings of an accent are judged alike', () => {
  const phrase = 'canción ñandú café';
  assert.deepEqual(judge(phrase.normalize('NFC')), judge(phrase.normalize('NFD')));
});

test('length alone does not help: repeats, slides and few characters are seen', () => {
  assert.deepEqual(judge('aaaaaaaaaaaaaaaaaaaa'), { level: 'weak', missing: 0, flaw: 'repeat' });
  assert.deepEqual(judge('azulazulazulazulazul'), { level: 'weak', missing: 0, flaw: 'repeat' });
  assert.deepEqual(judge('abcdefghijklmnopqrst'), { level: 'weak', missing: 0, flaw: 'sequence' });
  assert.deepEqual(judge('qwertyuiop1234567890'), { level: 'weak', missing: 0, flaw: 'sequence' });
  assert.deepEqual(judge('poiuytrewq0987654321'), { level: 'weak', missing: 0, flaw: 'sequence' });
  assert.deepEqual(judge('xoxxooxoxooxxoxxooxx').flaw === null, false);
  assert.notEqual(level('solososalasalaslosas'), 'strong', 'four different letters are few');
});

test('words that everybody knows about the person count for nothing', () => {
  const context = ['Portal de clientes', 'Lumbre Hogar', 'ana.ruiz@lumbre.example'];
  assert.deepEqual(judge('LumbreHogar2026!', context), { level: 'weak', missing: 0, flaw: 'context' });
  assert.equal(level('Portal-Clientes-26', context), 'weak');
  assert.equal(level('LumbreHogar2026!'), 'strong', 'and only those of this person');
  assert.equal(level('de un barco azul y viejo', context), 'strong', 'short words of the context are words of anybody');
  assert.equal(judge('lúmbré hogar casa', context).flaw, 'context', 'accents and case do not hide them');
});

test('a better password is never called worse for being longer', () => {
  const order = ['short', 'weak', 'fair', 'strong'];
  let last = 0;
  for (const text of ['un barco', 'un barco azul y', 'un barco azul y viejo', 'un barco azul y viejo en el puerto']) {
    const now = order.indexOf(level(text));
    assert.ok(now >= last, text);
    last = now;
  }
});

test('the longest password is judged at once and a longer one refused', () => {
  const begun = performance.now();
  assert.equal(level('ab'.repeat(MAX_LENGTH / 2)), 'weak');
  assert.equal(level(Array.from({ length: MAX_LENGTH }, (_, i) => String.fromCharCode(33 + ((i * 37) % 90))).join('')), 'strong');
  assert.equal(level('x'.repeat(MAX_LENGTH + 1)), 'long');
  assert.equal(level('y'.repeat(1_000_000)), 'long');
  assert.ok(performance.now() - begun < 500);
});

test('a device is called as people call it', () => {
  const names = {
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36': 'Chrome Windows computer',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0': 'Edge Windows computer',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 OPR/115.0.0.0': 'Opera Windows computer',
    'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0': 'Firefox Linux computer',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15': 'Safari macOS computer',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1': 'Safari iPhone phone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1': 'Chrome iPhone phone',
    'Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/132.0 Mobile/15E148 Safari/605.1.15': 'Firefox iPad phone',
    'Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36': 'Samsung Internet Android phone',
    'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36': 'Chrome ChromeOS computer',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36': 'Chrome Linux computer',
  };
  for (const [agent, name] of Object.entries(names)) {
    const { browser, system, kind } = device(agent);
    assert.equal(`${browser} ${system} ${kind}`, name, agent);
  }
  for (const agent of ['curl/8.10.1', '', null, undefined]) assert.deepEqual(device(agent), { browser: null, system: null, kind: 'computer' });
});

test('a wait is counted to its end and never below', () => {
  assert.equal(secondsLeft(10_000, 0), 10);
  assert.equal(secondsLeft(10_000, 9_001), 1, 'the last second counts until it is over');
  assert.equal(secondsLeft(10_000, 10_000), 0);
  assert.equal(secondsLeft(10_000, 60_000), 0);
  assert.deepEqual([0, 5, 65, 600, 3_600, 3_725].map(clock), ['0:00', '0:05', '1:05', '10:00', '1:00:00', '1:02:05']);
});

test('a refusal that does not say how long means a minute', () => {
  assert.deepEqual([30, '30', 0.2, 0, -5, undefined, 'soon', Infinity].map(waitSeconds), [30, 30, 1, 60, 60, 60, 60, 60]);
});

test('a secret is shown in groups for typing', () => {
  assert.equal(inGroups('ABCDEFGHIJ'), 'ABCD EFGH IJ');
  assert.equal(inGroups('ABCD EFGH'), 'ABCD EFGH');
  assert.equal(inGroups(''), '');
});

test('only an authenticator’s address becomes a link', () => {
  assert.ok(isOtpauth('otpauth://totp/Portal:a@b.example?secret=ABC'));
  for (const other of ['javascript:alert(1)//otpauth://totp/', 'https://evil.example/otpauth://totp/', ' otpauth://totp/x', 'otpauth://hotp/x']) assert.ok(!isOtpauth(other), other);
});

test('sign-in leads back to the account, never to a page that spends a token', () => {
  assert.equal(safeNext('/account'), '/account');
  for (const next of ['/reset?token=x', '/invitation?token=x', '/forgot', '/enroll', '/login']) assert.equal(safeNext(next), '/dashboard');
});
