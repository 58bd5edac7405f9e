// The pages in front of the portal: one narrow column with a card in it. Also the faces of a link that leads nowhere or has done its work.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';

/** @param {string} title @param {unknown} lead @param {unknown} content @param {unknown} [below] */
export const gate = (title, lead, content, below = nothing) => html`
  <div class="login">
    <h1 tabindex="-1">${title}</h1>
    ${lead ? html`<p class="text-secondary">${lead}</p>` : nothing}
    ${content}
    ${below}
  </div>`;

/** One thing to know and one thing to do. @param {Parameters<typeof icon>[0]} image @param {'good'|'bad'} tone @param {unknown} text @param {unknown} action */
export const verdict = (image, tone, text, action) => html`
  <section class="card card-body login-card verdict" role="status">
    <span class="verdict-image verdict-${tone}">${icon(image)}</span>
    <div>${text}</div>
    ${action}
  </section>`;
