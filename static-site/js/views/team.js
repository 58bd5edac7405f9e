// Who belongs to the company, with which role, and who is still invited.
import { api } from '../api.js';
import { team } from '../api-admin.js';
import { head, tabs } from '../company.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { Page } from '../page.js';
import { change, go } from '../router.js';
import { store } from '../store.js';
import { empty } from '../widgets/faces.js';
import { listing } from '../widgets/listing.js';
import { invitation, member } from '../widgets/person.js';
import { InvitePanel } from './team-invite.js';

/** @typedef {import('../widgets/person.js').Member} Member */
/** @typedef {import('../widgets/person.js').Invitation} Invitation */

class TeamPage extends Page {
  members = this.paged();
  invited = this.paged();
  /** @type {InvitePanel|null} */
  panel = null;

  /** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('company.team'));
    this.follow({});
    this.loadMembers();
    this.loadInvited();
  }

  loadMembers = () => this.members.open((cursor, signal) => team.list({ limit: 100, cursor }, signal));
  loadInvited = () => this.invited.open((cursor, signal) => team.invitations({ cursor }, signal));

  follow() {
    const wanted = this.params.invite === 'new';
    if (wanted && !this.panel) this.panel = new InvitePanel(() => this.draw(), this.loadInvited);
    if (!wanted) this.panel = null;
    this.draw();
    if (wanted) this.panel?.focus(this.root);
  }

  /** @param {Member} person @param {Partial<Member>} changes */
  replace(person, changes) {
    const { data } = this.members;
    if (data) data.items = data.items.map((one) => (one.user_id === person.user_id ? { ...one, ...changes } : one));
    this.draw();
  }

  /** @type {import('../widgets/person.js').MemberActions} */
  actions = {
    role: (person, role) => {
      if (person.you) this.ask(this.stepDown(person, role));
      else this.setRole(person, role);
    },
    sessions: (person) => this.ask({
      title: store.t('team.sessions.title', { name: person.name }), text: store.t('team.sessions.text'), confirm: store.t('team.sessions.confirm'),
      submit: async () => {
        await team.endSessions(person.user_id);
        this.say('good', store.t('team.sessions.done', { name: person.name }));
      },
    }),
    remove: (person) => this.ask({
      title: store.t('team.remove.title', { name: person.name }), danger: true,
      text: store.t('team.remove.text', { name: person.name, email: person.email, company: store.session?.tenant?.name ?? '' }), confirm: store.t('team.remove.confirm'),
      submit: async () => {
        await team.remove(person.user_id).catch((error) => this.explain(error));
        this.say('good', store.t('team.remove.done', { name: person.name }));
        await this.loadMembers();
      },
    }),
  };

  /** "The last administrator" gets the way out beside the refusal. @param {any} error @returns {never} */
  explain(error) {
    if (error.code === 'last_admin') error.message = store.t('team.last_admin');
    throw error;
  }

  /** @param {Member} person @param {string} role */
  async setRole(person, role) {
    const answer = await this.run(`role ${person.user_id}`, () => team.setRole(person.user_id, role).catch((error) => this.explain(error)));
    // Without an answer the list is drawn from what it was, so the select goes back by itself.
    if (!answer) return;
    this.replace(person, answer);
    this.say('good', store.t('team.role_done', { name: person.name, role: store.t(`role.${answer.role}`) }));
  }

  /** Taking the administration from oneself asks first: only another administrator can give it back. @param {Member} person @param {string} role @returns {import('../page.js').Dialog} */
  stepDown(person, role) {
    return {
      title: store.t('team.step_down.title'), text: store.t('team.step_down.text'), confirm: store.t('team.step_down.confirm'), danger: true,
      submit: async () => {
        await team.setRole(person.user_id, role).catch((error) => this.explain(error));
        store.setSession(await api.session());
        go('/dashboard', {}, true);
      },
    };
  }

  /** @type {import('../widgets/person.js').InvitationActions} */
  inviteActions = {
    resend: async (one) => {
      const answer = await this.run(`resend ${one.id}`, () => team.resend(one.id));
      if (!answer) return;
      this.say('good', store.t('invite.resent', { email: one.email }));
      this.loadInvited();
    },
    revoke: (one) => this.ask({
      title: store.t('invite.revoke.title', { email: one.email }), text: store.t('invite.revoke.text'), confirm: store.t('invite.revoke.confirm'), danger: true,
      submit: async () => {
        await team.revoke(one.id);
        this.say('good', store.t('invite.revoke.done', { email: one.email }));
        await this.loadInvited();
      },
    }),
  };

  people() {
    const { t } = store;
    return html`
      <section class="card widget" aria-labelledby="members-title">
        <div class="widget-head"><h2 id="members-title">${t('team.members')}</h2>
          ${this.members.data ? html`<span class="muted">${t('team.count', { n: this.members.data.items.length })}</span>` : nothing}</div>
        ${listing(this.members, { none: nothing, rows: (items) => html`<ul class="people">${items.map((one) => member(one, this.actions, this.busy))}</ul>` })}
      </section>`;
  }

  pending() {
    const { t } = store;
    const none = html`<p class="muted">${t('invite.none')}</p>`;
    return html`
      <section class="card widget" aria-labelledby="invited-title">
        <div class="widget-head"><h2 id="invited-title">${t('invite.pending')}</h2></div>
        ${listing(this.invited, { none, rows: (items) => html`<ul class="people">${items.map((one) => invitation(one, this.inviteActions, this.busy))}</ul>` })}
      </section>`;
  }

  template() {
    const { t } = store;
    const action = this.panel ? nothing
      : html`<button type="button" class="btn btn-primary" data-action="invite" @click=${() => change({ invite: 'new' })}>${icon('plus')}${t('invite.open')}</button>`;
    const alone = this.members.data?.items.length === 1 && !this.panel && !this.invited.data?.items.length;
    return html`
      ${tabs('team')}
      ${head(this.title, t('team.lead'), action)}
      ${this.noticeLine()}
      ${this.panel?.template() ?? nothing}
      ${this.people()}
      ${alone ? html`<section class="card widget">${empty(t('team.alone'), t('team.alone_text'), nothing, 'user')}</section>` : this.pending()}`;
  }
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export const teamView = (root, location) => new TeamPage(root, location).view();
