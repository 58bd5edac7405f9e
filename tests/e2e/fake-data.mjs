// Figures for the fake server: a shop's web analytics and a CSV import, as plain facts that are added up on request.
import { addDays, buckets, bucketStart, daysBetween } from '../../static-site/js/lib/dates.js';

const COUNTRIES = ['ES', 'FR', 'PT', 'MX', '(not set)'];
const CHANNELS = ['Organic Search', 'Direct', 'Paid Search', 'Email', 'Referral', 'Organic Social'];

/** A stable pseudo-random fraction for a text. */
export function noise(text) {
  let h = 2166136261;
  for (const c of text) h = Math.imul(h ^ c.codePointAt(0), 16777619);
  h = Math.imul(h ^ (h >>> 15), 2246822519);
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
}

const metric = (key, name, unit, additivity, good, definition, formula, field) => ({
  key, name, unit, additivity, good_direction: good, definition, formula, grain: 'day', version: 1, currency: unit === 'currency' ? 'EUR' : null,
  dimensions: ['country', 'channel'], origin: { source: 'Google Analytics 4', endpoint: 'properties.runReport', field },
});

export const GA4 = [
  metric('ga4.sessions', 'Sesiones', 'count', 'sum', 'up', 'Visitas a la web. Una visita termina tras 30 minutos sin actividad.', 'sessions', 'sessions'),
  metric('ga4.total_users', 'Usuarios', 'count', 'unique', 'up', 'Personas distintas que han visitado la web en el periodo.', 'totalUsers', 'totalUsers'),
  metric('ga4.total_revenue', 'Ingresos', 'currency', 'sum', 'up', 'Importe de las compras hechas en la web, impuestos incluidos.', 'totalRevenue', 'totalRevenue'),
  metric('ga4.purchases', 'Compras', 'count', 'sum', 'up', 'Compras terminadas.', 'ecommercePurchases', 'ecommercePurchases'),
  metric('ga4.bounce_rate', 'Porcentaje de rebote', 'percent', 'ratio', 'down', 'Parte de las visitas en las que no se hizo nada.', '(sessions - engagedSessions) / sessions', 'bounceRate'),
  metric('ga4.session_duration', 'Duración media', 'seconds', 'ratio', 'up', 'Tiempo medio de una visita.', 'userEngagementDuration / sessions', 'averageSessionDuration'),
  metric('ga4.new_users', 'Usuarios nuevos', 'count', 'sum', 'none', 'Personas que visitan la web por primera vez.', 'newUsers', 'newUsers'),
];

/** 400 days of web analytics, in the cells country × channel. */
export function analytics(today) {
  const facts = [];
  for (let i = 400; i >= 1; i -= 1) {
    const day = addDays(today, -i);
    const week = [1.1, 1.2, 1.15, 1.1, 1, 0.7, 0.75][(daysBetween('2024-01-01', day) - 1) % 7];
    for (const [c, country] of COUNTRIES.entries()) {
      for (const [h, channel] of CHANNELS.entries()) {
        const sessions = Math.round((week * (420 / (c * 1.6 + 1)) * (0.7 + 0.6 * noise(day + country + channel)) * (1 - i / 1600)) / (h + 1.3));
        const orders = Math.round(sessions * 0.03 * (0.6 + noise(`o${day}${country}${channel}`)));
        const dims = { country, channel };
        facts.push(['ga4.sessions', day, dims, sessions], ['ga4.total_users', day, dims, Math.round(sessions * 0.82)], ['ga4.purchases', day, dims, orders]);
        facts.push(['ga4.total_revenue', day, dims, orders * (38 + Math.round(20 * noise(`r${day}${channel}`)))], ['ga4.new_users', day, dims, Math.round(sessions * 0.4)]);
        facts.push(['ga4.bounce_rate', day, dims, Math.round(sessions * (0.35 + 0.1 * noise(`b${day}`))), sessions], ['ga4.session_duration', day, dims, sessions * (120 + Math.round(60 * noise(`d${day}`))), sessions]);
      }
    }
  }
  return facts.map(([key, day, dims, value, den]) => ({ key, day, dims, value, den: den ?? null }));
}

/** Two years of daily weather as a CSV file, and the mapping that imports it. */
export function weather() {
  const rows = [...Array(730).keys()].map((i) => {
    const day = addDays('2014-01-01', i);
    const rain = noise(`p${day}`) < 0.45 ? (noise(`q${day}`) * 14).toFixed(1) : '0.0';
    const warm = (15 - 9 * Math.cos((2 * Math.PI * i) / 365) + 6 * noise(`t${day}`)).toFixed(1);
    return `${day},${rain},${warm},${(1 + 5 * noise(`w${day}`)).toFixed(1)},${Number(rain) > 0 ? 'rain' : noise(`s${day}`) < 0.3 ? 'fog' : 'sun'}`;
  });
  return `date,precipitation,temp_max,wind,weather\n${rows.join('\n')}\n`;
}

export const WEATHER_MAPPING = {
  delimiter: ',', decimal: '.', encoding: 'utf-8', date: { column: 'date', format: '%Y-%m-%d' }, grain: 'day', dimensions: ['weather'], on_error: 'skip', replace: false,
  metrics: [
    { column: 'precipitation', key: 'precipitation', name: 'Precipitación', unit: 'mm', additivity: 'sum' },
    { column: 'temp_max', key: 'temp_max', name: 'Temperatura máxima', unit: '°C', additivity: 'mean' },
    { column: 'wind', key: 'wind', name: 'Viento', unit: 'm/s', additivity: 'mean' },
  ],
};

/** The value of some facts of one metric, or why there is none. */
export function combine(m, facts, dims) {
  if (!facts.length) return { value: null, reason: 'no_data' };
  const sum = (name) => facts.reduce((total, f) => total + (f[name] ?? 0), 0);
  if (m.additivity === 'ratio') return { value: sum('value') / sum('den'), reason: null };
  if (m.additivity === 'last') return { value: facts.at(-1).value, reason: null };
  const days = new Set(facts.map((f) => f.day)).size;
  if (m.additivity === 'unique' && (dims.length || (days > 1 && days !== 28))) return { value: null, reason: 'not_additive' };
  return { value: m.additivity === 'unique' ? Math.round(sum('value') * (days > 1 ? 0.61 : 1)) : sum('value'), reason: null };
}

const matches = (fact, dims) => {
  const names = [...new Set(dims.map(([name]) => name))];
  return names.every((name) => dims.some(([n, v]) => n === name && fact.dims[name] === v));
};

/** Facts of a metric in a range that match the filters. */
export const select = (tenant, key, from, to, dims) => tenant.facts.filter((f) => f.key === key && f.day >= from && f.day <= to && matches(f, dims));

export function comparison(mode, from, to) {
  if (mode === 'previous') return { mode, from: addDays(from, -daysBetween(from, to)), to: addDays(from, -1) };
  if (mode !== 'year') return null;
  const year = (day) => `${Number(day.slice(0, 4)) - 1}${day.slice(4)}`;
  return { mode, from: year(from), to: year(to) };
}

export function delta(m, value, previous) {
  if (value === null || previous === null) return { kind: 'none', value: null };
  if (m.unit === 'percent') return { kind: 'points', value: (value - previous) * 100 };
  return previous === 0 ? { kind: 'new', value: null } : { kind: 'percent', value: (value / previous - 1) * 100 };
}

/** One series per value of `by`, or one. */
export function series(tenant, m, from, to, grain, dims, by, provisionalFrom) {
  const facts = select(tenant, m.key, from, to, dims);
  const values = by ? [...new Set(facts.map((f) => f.dims[by]))] : [null];
  return values.map((value) => {
    const own = value === null ? facts : facts.filter((f) => f.dims[by] === value);
    const points = buckets(from, to, grain).flatMap((t) => {
      const inside = own.filter((f) => bucketStart(f.day, grain) === t);
      const result = combine(m, inside, dims);
      return result.value === null ? [] : [{ t, value: result.value, provisional: Boolean(provisionalFrom) && inside.some((f) => f.day >= provisionalFrom) }];
    });
    return { dims: value === null ? {} : { [by]: value }, currency: m.currency, other: false, total: m.additivity === 'unique' ? null : combine(m, own, dims).value, points };
  });
}

/** The rows of the table by one dimension or by date. */
export function table(tenant, all, { from, to, by, dims, sort, limit, offset, grain }) {
  const groups = new Map();
  for (const m of all) {
    for (const f of select(tenant, m.key, from, to, dims)) {
      const key = by === 'date' ? bucketStart(f.day, grain) : f.dims[by];
      if (!groups.has(key)) groups.set(key, new Map());
      groups.get(key).set(m.key, [...(groups.get(key).get(m.key) ?? []), f]);
    }
  }
  const id = (m) => (m.currency ? `${m.key}:${m.currency}` : m.key);
  const rows = [...groups].map(([value, facts]) => ({
    dims: { [by]: value },
    values: Object.fromEntries(all.map((m) => [id(m), combine(m, facts.get(m.key) ?? [], by === 'date' ? dims : [[by, value]]).value])),
  }));
  const name = sort.replace(/^-/, '');
  const rank = (row) => (name in row.dims ? row.dims[name] : (row.values[name] ?? -Infinity));
  rows.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0) * (sort.startsWith('-') ? -1 : 1));
  const totals = Object.fromEntries(all.map((m) => [id(m), combine(m, select(tenant, m.key, from, to, dims), dims).value]));
  const columns = all.map((m) => ({ key: id(m), name: m.name, unit: m.unit, currency: m.currency }));
  return { columns, rows: rows.slice(offset, offset + limit), totals, next_cursor: offset + limit < rows.length ? String(offset + limit) : null };
}
