import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftFrom, keyFor, mappingFrom, problems, withDate } from '../js/lib/csv-mapping.js';
import { decode, isNumber, readSample, splitCsv } from '../js/lib/csv-sample.js';

const preview = {
  delimiter: ',', decimal: '.', encoding: 'utf-8', rows: 1461,
  columns: [
    { name: 'date', kind: 'date', sample: ['2012-01-01'], date_format: '%Y-%m-%d' },
    { name: 'precipitation', kind: 'number', sample: ['0.0', '10.9'], date_format: null },
    { name: 'temp_max', kind: 'number', sample: ['12.8'], date_format: null },
    { name: 'weather', kind: 'text', sample: ['rain'], date_format: null },
  ],
};

test('the first suggestion is a mapping the server takes', () => {
  const draft = draftFrom(preview);
  assert.deepEqual(problems(draft), []);
  assert.deepEqual(mappingFrom(draft), {
    delimiter: ',', decimal: '.', encoding: 'utf-8', date: { column: 'date', format: '%Y-%m-%d' }, grain: 'day',
    metrics: [
      { column: 'precipitation', key: 'precipitation', name: 'Precipitation', unit: 'count', additivity: 'sum' },
      { column: 'temp_max', key: 'temp_max', name: 'Temp max', unit: 'count', additivity: 'mean' },
    ],
    dimensions: ['weather'], on_error: 'skip', replace: false,
  });
});

test('the grain follows the date format', () => {
  for (const [format, grain] of [['%Y', 'year'], ['%Y-%m', 'month'], ['%b %Y', 'month'], ['%b %d %Y', 'day'], ['%b %e %Y', 'day']]) {
    const columns = [{ ...preview.columns[0], date_format: format }, preview.columns[1]];
    assert.equal(draftFrom({ ...preview, columns }).grain, grain, format);
  }
});

test('another date column frees the first one', () => {
  const columns = [...preview.columns, { name: 'month', kind: 'date', sample: ['2012-01'], date_format: '%Y-%m' }];
  const draft = withDate(draftFrom({ ...preview, columns }), columns[4]);
  assert.equal(draft.date, 'month');
  assert.equal(draft.grain, 'month');
  assert.deepEqual(draft.choices.map((c) => c.role), ['ignore', 'metric', 'metric', 'dimension', 'date']);
});

test('keys are made from any header and never twice', () => {
  const taken = new Set();
  assert.deepEqual(['Precipitación (mm)', 'precipitación mm', '2024 total', '日付', 'precipitacion_mm'].map((h) => keyFor(h, taken)),
    ['precipitacion_mm', 'precipitacion_mm_2', 'm_2024_total', 'm', 'precipitacion_mm_3']);
});

test('every problem is found before anything is sent', () => {
  const draft = draftFrom(preview);
  const [date, rain, temp, weather] = draft.choices;
  const codes = (choices, more = {}) => problems({ ...draft, ...more, choices }).map((p) => p.code);
  assert.deepEqual(codes([date, weather]), ['no_metric']);
  assert.deepEqual(codes([date, { ...rain, key: 'ga4.x' }, temp]), ['reserved_key']);
  assert.deepEqual(codes([date, { ...rain, key: '1x', name: ' ', unit: '' }]), ['bad_key', 'no_name']);
  assert.deepEqual(codes([date, rain, { ...temp, key: 'precipitation' }]), ['same_key']);
  assert.deepEqual(codes([date, { ...rain, unit: 'x'.repeat(17) }]), ['bad_unit']);
  assert.deepEqual(codes([date, rain], { date: '', format: 'day' }), ['no_date', 'bad_format']);
  assert.deepEqual(codes([date, rain, ...Array(6).fill(weather)]), ['too_many_dimensions']);
});

test('quoted fields keep delimiters, quotes and line breaks', () => {
  assert.deepEqual(splitCsv('a,b\r\n"1,5","say ""hi""\nthere"\n\nx,y', ','), [['a', 'b'], ['1,5', 'say "hi"\nthere'], ['x', 'y']]);
  assert.deepEqual(splitCsv('a\tb\n1\t2\n3\t4\n', '\t', 2), [['a', 'b'], ['1', '2']]);
});

test('a number depends on the decimal mark', () => {
  for (const [cell, mark, yes] of [['1.5', '.', true], ['1.5', ',', false], ['1.234,5', ',', true], ['1,234.5', '.', true], ['12,34.5', '.', false], ['-3', ',', true], ['1e5', '.', true], ['5 €', '.', false], ['', '.', false]]) {
    assert.equal(isNumber(cell, mark), yes, `${cell} ${mark}`);
  }
});

test('reading the head anew finds other columns and kinds', () => {
  const text = '\ufefffecha;lluvia;estado\n01/02/2024;1,5;sol\n13/02/2024;NA;lluvia\n';
  assert.deepEqual(readSample(text, ';', ',').map((c) => [c.name, c.kind, c.date_format]), [['fecha', 'date', '%d/%m/%Y'], ['lluvia', 'number', null], ['estado', 'text', null]]);
  assert.deepEqual(readSample(text, ',', '.').map((c) => c.name), ['fecha;lluvia;estado']);
  assert.deepEqual(readSample('year,n\n2001,2002\n', ',', '.').map((c) => c.kind), ['date', 'number']);
});

test('bytes are read in the chosen encoding, an unknown one as UTF-8', () => {
  const bytes = Uint8Array.from([0x61, 0xf1, 0x6f]).buffer;
  assert.equal(decode(bytes, 'windows-1252'), 'año');
  assert.equal(decode(new TextEncoder().encode('año').buffer, 'klingon'), 'año');
});
