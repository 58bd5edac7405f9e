// A labelled choice of a filter bar, with groups where there are some.
import { html } from '../html.js';

/** @typedef {[string, string]} Option value and text */
/** @typedef {{group: string, options: Option[]}} Group */

/** @param {string} label @param {string} id @param {string} value @param {Array<Option|Group>} options @param {(value: string) => void} change */
export function select(label, id, value, options, change) {
  const one = (/** @type {Option} */ [key, text]) => html`<option value=${key} .selected=${key === value}>${text}</option>`;
  return html`
    <div class="filter"><label class="form-label" for=${id}>${label}</label>
      <select class="form-select" id=${id} @change=${(/** @type {any} */ e) => change(e.target.value)}>
        ${options.map((option) => (Array.isArray(option) ? one(option) : html`<optgroup label=${option.group}>${option.options.map(one)}</optgroup>`))}
      </select></div>`;
}
