// `<portal-line>`: a line chart drawn by Chart.js. Provisional stretches are dashed, gaps stay gaps.
// The words beside it (sentence and table) say the same; for a screen reader the canvas is one labelled image.

/** @typedef {{rows: import('./lib/series.js').Row[], name: string, pastName: string|null, label: string, tick: (i: number) => string, title: (i: number) => string, pastTitle: (i: number) => string, value: (v: number) => string, axis: (v: number) => string, provisionalWord: string, step?: number}} Model */

/** Chart.js comes as one script without modules; it is loaded with the first chart. @type {Promise<any>|null} */
let library = null;
function load() {
  library ??= import('../vendor/chart-4.6.1.umd.min.js').then(() => /** @type {any} */ (globalThis).Chart);
  return library;
}

/** @param {string} name */
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** A value between two gaps has no line to stand on: it gets a dot. @param {Array<number|null>} values */
const radii = (values) => values.map((v, i) => (v !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? 3 : 0));

/** @param {Model} model */
function datasets(model) {
  const accent = ink('--accent');
  const current = model.rows.map((row) => row.value);
  const dashed = (/** @type {any} */ { p0DataIndex: a, p1DataIndex: b }) => (model.rows[a]?.provisional || model.rows[b]?.provisional ? [5, 5] : undefined);
  const sets = [{
    label: model.name, data: current, borderColor: accent, fill: false, borderWidth: 2, cubicInterpolationMode: 'monotone', pointRadius: radii(current), pointHoverRadius: 5, pointBackgroundColor: accent, segment: { borderDash: dashed }, spanGaps: false, order: 0,
  }];
  if (model.pastName) {
    const past = model.rows.map((row) => row.previous);
    const grey = ink('--chart-past');
    sets.push(/** @type {any} */ ({
      label: model.pastName, data: past, borderColor: grey, fill: false, borderWidth: 1.5, cubicInterpolationMode: 'monotone',
      pointRadius: radii(past), pointHoverRadius: 4, pointBackgroundColor: grey, borderDash: [2, 3], spanGaps: false, order: 1,
    }));
  }
  // The wash lies in a set of its own: filled together with a line of dashed segments it would show seams.
  sets.push(/** @type {any} */ ({
    label: '', wash: true, data: current, backgroundColor: ink('--accent-wash'), fill: 'origin', borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, cubicInterpolationMode: 'monotone', order: 2,
  }));
  return sets;
}

/** @param {Model} model */
function options(model) {
  const text = ink('--ink-2');
  return {
    responsive: true, maintainAspectRatio: false, animation: still() ? false : { duration: 250 }, interaction: { mode: 'index', intersect: false },
    layout: { padding: { top: 6, right: 4 } },
    scales: {
      x: { grid: { display: false }, border: { color: ink('--line') }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 18, callback: (/** @type {number} */ i) => model.tick(i) } },
      y: { beginAtZero: true, border: { display: false }, grid: { color: ink('--line') }, ticks: { color: text, maxTicksLimit: 6, stepSize: model.step, callback: (/** @type {number} */ v) => model.axis(v) } },
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: ink('--tip'), titleColor: ink('--tip-ink'), bodyColor: ink('--tip-ink'), padding: 10, boxPadding: 4, usePointStyle: true,
        filter: (/** @type {any} */ item) => !item.dataset.wash,
        callbacks: {
          title: (/** @type {any[]} */ items) => (items.length ? model.title(items[0].dataIndex) : ''),
          label: (/** @type {any} */ item) => {
            const value = model.value(item.parsed.y);
            if (item.datasetIndex === 1) return `${value}  (${model.pastTitle(item.dataIndex)})`;
            return model.rows[item.dataIndex]?.provisional ? `${value}  (${model.provisionalWord})` : value;
          },
        },
      },
    },
  };
}

class PortalLine extends HTMLElement {
  /** @type {Model|null} */
  #model = null;
  /** @type {any} */
  #chart = null;
  #drawing = 0;

  /** @param {Model|null} model a new object redraws */
  set model(model) {
    if (model === this.#model) return;
    this.#model = model;
    this.draw();
  }

  connectedCallback() {
    this.draw();
  }

  disconnectedCallback() {
    this.#chart?.destroy();
    this.#chart = null;
    this.replaceChildren();
  }

  /** Also called when the theme changes: colours are read at drawing time. */
  async draw() {
    const turn = (this.#drawing += 1);
    const Chart = await load();
    const model = this.#model;
    if (!model || !this.isConnected || turn !== this.#drawing) return;
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    this.#chart?.destroy();
    const canvas = document.createElement('canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', model.label);
    this.replaceChildren(canvas);
    const data = { labels: model.rows.map((row) => row.t), datasets: datasets(model) };
    this.#chart = new Chart(canvas, { type: 'line', data, options: options(model) });
  }
}
customElements.define('portal-line', PortalLine);
