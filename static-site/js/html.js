// The one place that knows which copy of lit-html is vendored. Its templates insert values as text, never as markup.
export { html, svg, render, nothing } from '../vendor/lit-html-3.3.3.js';
