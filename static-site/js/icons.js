// Line icons drawn for this page, 24 × 24, in the colour of the text. Decoration only: the words stand beside them.
import { html, svg } from './html.js';

const PATHS = {
  alert: svg`<path d="M12 4 2.8 19.5h18.4L12 4z"/><path d="M12 10v4M12 17v.01"/>`,
  arrowDown: svg`<path d="M12 5v14M6 13l6 6 6-6"/>`,
  arrowUp: svg`<path d="M12 19V5M6 11l6-6 6 6"/>`,
  book: svg`<path d="M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3V4z"/><path d="M5 17a3 3 0 0 1 3-3h11"/>`,
  building: svg`<path d="M5 20V5h9v15M14 10h5v10M3 20h18"/><path d="M8 9h3M8 13h3M8 17h3"/>`,
  chart: svg`<path d="M4 4v16h16"/><path d="m7 15 4-5 4 3 5-7"/>`,
  check: svg`<path d="m5 12 5 5L19 7"/>`,
  chevron: svg`<path d="m6 9 6 6 6-6"/>`,
  clock: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>`,
  close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  download: svg`<path d="M12 5v11M7 11l5 5 5-5M5 19h14"/>`,
  equal: svg`<path d="M5 12h14"/>`,
  file: svg`<path d="M7 3h7l5 5v13H7z"/><path d="M14 3v5h5M10 13h6M10 17h6"/>`,
  filter: svg`<path d="M4 6h16M7 12h10M10 18h4"/>`,
  globe: svg`<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c3 3 3 14 0 17M12 3.5c-3 3-3 14 0 17"/>`,
  info: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 8v.01"/>`,
  link: svg`<path d="M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1"/><path d="M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1"/>`,
  lock: svg`<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
  mail: svg`<rect x="3.5" y="6" width="17" height="12" rx="2"/><path d="m4 7.5 8 6 8-6"/>`,
  pause: svg`<path d="M8 5v14M16 5v14"/>`,
  play: svg`<path d="M7 5v14l11-7z"/>`,
  plug: svg`<path d="M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4"/>`,
  plus: svg`<path d="M12 5v14M5 12h14"/>`,
  refresh: svg`<path d="M19.5 9A8 8 0 0 0 5 8L4 10M4.5 15A8 8 0 0 0 19 16l1-2"/><path d="M4 5v5h5M20 19v-5h-5"/>`,
  search: svg`<circle cx="11" cy="11" r="6.5"/><path d="m20 20-4.3-4.3"/>`,
  shield: svg`<path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.6 7 9 4.1-1.4 7-4.7 7-9V6z"/><path d="m9 12 2.2 2.2L15.2 10"/>`,
  stack: svg`<path d="m12 4 8 4-8 4-8-4z"/><path d="m4 12 8 4 8-4M4 16l8 4 8-4"/>`,
  theme: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17z" fill="currentColor"/>`,
  trash: svg`<path d="M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3"/>`,
  upload: svg`<path d="M12 16V5M7 10l5-5 5 5M5 19h14"/>`,
  user: svg`<circle cx="12" cy="8" r="4"/><path d="M4.5 20a7.5 7.5 0 0 1 15 0"/>`,
};

/** @param {keyof typeof PATHS} name */
export const icon = (name) => html`<svg class="ico" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`;
