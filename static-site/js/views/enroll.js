// Where somebody lands whose company (or office) asks for a second step: what for, set it up, or sign out. There is nothing else to do.
import { Enrolment } from '../account/enrolment.js';
import { html, nothing, render } from '../html.js';
import { icon } from '../icons.js';
import { safeNext } from '../lib/url.js';
import { store } from '../store.js';

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location @param {() => void} signOut */
export function enrollView(root, location, signOut) {
  const enrolment = new Enrolment(draw, () => {}, () => {
    globalThis.location.replace(`#${safeNext(location.params.next)}`);
  });
  const listen = new AbortController();
  window.addEventListener('beforeunload', (event) => enrolment.codes && event.preventDefault(), { signal: listen.signal });

  function draw() {
    const { t } = store;
    const { tenant } = store.session ?? {};
    render(html`
      <div class="sheet sheet-narrow">
        <header class="page-head"><h1 tabindex="-1">${t('enroll.title')}</h1></header>
        <section class="card section">
          ${enrolment.codes ? nothing : html`
            <div class="why"><span class="verdict-image verdict-good">${icon('shield')}</span>
              <div><p>${tenant ? t('enroll.why_tenant', { company: tenant.name }) : t('enroll.why_operator')}</p><p class="text-secondary">${t('enroll.what')}</p></div></div>`}
          ${enrolment.template(false)}
          ${enrolment.codes ? nothing : html`<p class="enroll-out">${t('enroll.not_now')} <button type="button" class="link" id="enroll-out" @click=${signOut}>${t('menu.sign_out')}</button></p>`}
        </section>
      </div>`, root);
  }
  draw();
  return {
    get title() { return store.t('enroll.title'); },
    draw,
    stop: () => {
      listen.abort();
      enrolment.stop();
    },
  };
}
