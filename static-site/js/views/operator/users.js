// Everyone who can sign in, whatever their company: find, switch off and on, help with a lost phone, make an operator.
import { operator } from '../../api-admin.js';
import { head } from '../../company.js';
import { announce } from '../../dom.js';
import { html, nothing } from '../../html.js';
import { icon } from '../../icons.js';
import { Page } from '../../page.js';
import { store } from '../../store.js';
import { field, problemOf } from '../../widgets/dialog.js';
import { empty } from '../../widgets/faces.js';
import { listing } from '../../widgets/listing.js';
import { avatar, mfaBadge } from '../../widgets/person.js';
import { searchField } from '../../widgets/search.js';
import { ago } from '../../words.js';

/** @typedef {{id: string, email: string, name: string, is_active: boolean, is_operator: boolean, mfa: boolean, last_login: string|null, created_at: string, tenants: Array<{id: string, name: string, role: string}>}} User */

class UsersPage extends Page {
  users = this.paged();

  /** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('nav.to.operator.users'));
    this.load();
  }

  async load() {
    const { q } = this.params;
    const answer = await this.users.open((cursor, signal) => operator.users({ q, cursor }, signal));
    if (answer && q) announce(store.t('users.count', { n: answer.items.length }));
  }

  /** @param {Record<string, string>} before */
  follow(before) {
    if (before.q !== this.params.q) this.load();
  }

  /** @param {User} user */
  askActive(user) {
    const { t } = store;
    const act = user.is_active ? 'off' : 'on';
    this.ask({
      title: t(`users.${act}.title`, { name: user.name }), text: t(`users.${act}.text`), confirm: t(`users.${act}.confirm`), danger: user.is_active,
      submit: async () => {
        const answer = await operator.activate(user.id, !user.is_active);
        const { data } = this.users;
        if (data) data.items = data.items.map((one) => (one.id === user.id ? { ...one, ...answer } : one));
        this.say('good', t(`users.${act}.done`, { name: user.name }));
      },
    });
  }

  /** @param {User} user */
  askReset(user) {
    const { t } = store;
    this.ask({
      title: t('users.reset.title', { name: user.name }), text: t('users.reset.text'), confirm: t('users.reset.confirm'), danger: true,
      submit: async () => {
        await operator.resetMfa(user.id);
        this.say('good', t('users.reset.done', { name: user.name }));
        await this.load();
      },
    });
  }

  create = () => {
    const { t } = store;
    /** @type {import('../../widgets/dialog.js').Dialog} */
    const dialog = {
      title: t('users.new'), text: t('users.new_text'), confirm: t('users.create'), fields: ['name', 'email'],
      body: () => ['name', 'email'].map((name) => field({ id: `user-${name}`, label: t(`users.${name}`), problem: problemOf(dialog, name) }, ({ described, invalid }) => html`
        <input class="form-control" id="user-${name}" name=${name} type=${name === 'email' ? 'email' : 'text'} maxlength="254" autocomplete="off" required aria-describedby=${described} aria-invalid=${invalid}>`)),
      submit: async (data) => {
        const user = await operator.createUser({ name: String(data.get('name')).trim(), email: String(data.get('email')).trim() });
        this.say('good', t('users.created', { email: user.email }));
        await this.load();
      },
    };
    this.ask(dialog);
  };

  /** @param {User} user */
  row(user) {
    const { t } = store;
    const you = user.id === store.session?.user.id;
    const label = (/** @type {string} */ act) => t('source.action_of', { action: t(act), name: user.name });
    return html`
      <li class="person person-user" data-user=${user.email}>
        ${avatar(user.name, user.email)}
        <div class="person-who"><p class="person-name"><strong>${user.name}</strong>
            ${you ? html`<span class="label-chip">${t('team.you')}</span>` : nothing}${user.is_active ? nothing : html`<span class="state state-warn">${icon('pause')}${t('users.inactive')}</span>`}</p>
          <p class="muted">${user.email}</p></div>
        <div class="person-tenants">${user.is_operator ? html`<span class="label-chip chip-operator">${t('role.operator')}</span>` : nothing}
          ${user.tenants.map((one) => html`<a class="label-chip" href="#/operator/tenants/${encodeURIComponent(one.id)}">${one.name} · ${t(`role.${one.role}`)}</a>`)}</div>
        <div class="person-state">${mfaBadge(user.mfa)}<span class="muted">${t('team.last_login')} ${ago(user.last_login, t('team.never'))}</span></div>
        <div class="person-acts">
          ${user.mfa && !you ? html`<button type="button" class="btn btn-sm" data-action="reset" aria-label=${label('users.reset')} @click=${() => this.askReset(user)}>${t('users.reset')}</button>` : nothing}
          ${you ? nothing : html`<button type="button" class="btn btn-sm ${user.is_active ? 'btn-quiet-danger' : ''}" data-action="active" aria-label=${label(user.is_active ? 'users.off' : 'users.on')} @click=${() => this.askActive(user)}>${t(user.is_active ? 'users.off' : 'users.on')}</button>`}</div>
      </li>`;
  }

  template() {
    const { t } = store;
    const { q = '' } = this.params;
    const none = empty(t('users.none'), t('users.none_text'), nothing, 'search');
    return html`
      ${head(this.title, t('users.lead'), html`<button type="button" class="btn btn-primary" data-action="new" @click=${this.create}>${icon('plus')}${t('users.new')}</button>`)}
      ${this.noticeLine()}
      <form class="card filter-bar" role="search" @submit=${(/** @type {Event} */ e) => e.preventDefault()}>${searchField('users-q', t('users.search'), q)}</form>
      <section class="card widget" aria-label=${this.title}>${listing(this.users, { none, rows: (items) => html`<ul class="people">${items.map((one) => this.row(one))}</ul>` })}</section>`;
  }
}

/** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
export const usersView = (root, location) => new UsersPage(root, location).view();
