// A line of the team: a member or an invitation that is still open.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { initials } from '../lib/people.js';
import { store } from '../store.js';
import { ago, moment } from '../words.js';

/** @typedef {{user_id: string, name: string, email: string, role: string, mfa: boolean, last_login: string|null, since: string, you: boolean}} Member */
/** @typedef {{id: string, email: string, role: string, status: string, invited_by: string|null, created_at: string, expires_at: string}} Invitation */
/** @typedef {{role: (person: Member, role: string) => void, sessions: (person: Member) => void, remove: (person: Member) => void}} MemberActions */
/** @typedef {{resend: (one: Invitation) => void, revoke: (one: Invitation) => void}} InvitationActions */

/** @param {string} name @param {string} email */
export const avatar = (name, email) => html`<span class="avatar" aria-hidden="true">${initials(name, email)}</span>`;

/** @param {boolean} on */
export const mfaBadge = (on) => html`<span class="state ${on ? 'state-good' : 'state-calm'}">${icon(on ? 'lock' : 'info')}${store.t(on ? 'team.mfa_on' : 'team.mfa_off')}</span>`;

/** @param {Member} person @param {MemberActions} actions @param {string} busy */
export function member(person, actions, busy) {
  const { t } = store;
  const label = (/** @type {string} */ act) => t('source.action_of', { action: t(act), name: person.name });
  return html`
    <li class="person" data-person=${person.email}>
      ${avatar(person.name, person.email)}
      <div class="person-who"><p class="person-name"><strong>${person.name}</strong>${person.you ? html`<span class="label-chip">${t('team.you')}</span>` : nothing}</p>
        <p class="muted">${person.email}</p></div>
      <div class="person-state">${mfaBadge(person.mfa)}<span class="muted">${t('team.last_login')} ${ago(person.last_login, t('team.never'))}</span></div>
      <select class="form-select form-select-sm person-role" aria-label=${t('team.role_of', { name: person.name })}
        @change=${(/** @type {any} */ e) => { const wish = e.target.value; e.target.value = person.role; actions.role(person, wish); }}>
        ${['viewer', 'admin'].map((role) => html`<option value=${role} .selected=${person.role === role}>${t(`role.${role}`)}</option>`)}
      </select>
      <div class="person-acts">${person.you ? nothing : html`
        <button type="button" class="btn btn-sm" data-action="sessions" ?disabled=${busy !== ''} aria-label=${label('team.do.sessions')} @click=${() => actions.sessions(person)}>${t('team.do.sessions')}</button>
        <button type="button" class="btn btn-sm btn-quiet-danger" data-action="remove" ?disabled=${busy !== ''} aria-label=${label('team.do.remove')} @click=${() => actions.remove(person)}>${t('team.do.remove')}</button>`}</div>
    </li>`;
}

/** @param {Invitation} one */
export const expiry = (one) => (one.status === 'expired'
  ? html`<span class="state state-warn">${icon('clock')}${store.t('invite.expired')}</span>`
  : html`<span class="muted">${store.t('invite.expires')} ${moment(one.expires_at)}</span>`);

/** @param {Invitation} one @param {InvitationActions} actions @param {string} busy */
export function invitation(one, actions, busy) {
  const { t } = store;
  const label = (/** @type {string} */ act) => t('source.action_of', { action: t(act), name: one.email });
  return html`
    <li class="person" data-invitation=${one.email}>
      <span class="avatar avatar-open" aria-hidden="true">${icon('mail')}</span>
      <div class="person-who"><p class="person-name"><strong>${one.email}</strong></p>
        <p class="muted">${one.invited_by ? t('invite.by', { name: one.invited_by }) : nothing} ${ago(one.created_at, '')}</p></div>
      <div class="person-state">${expiry(one)}</div>
      <span class="person-role label-chip">${t(`role.${one.role}`)}</span>
      <div class="person-acts">
        <button type="button" class="btn btn-sm" data-action="resend" ?disabled=${busy !== ''} aria-label=${label('invite.do.resend')} @click=${() => actions.resend(one)}>${t('invite.do.resend')}</button>
        <button type="button" class="btn btn-sm btn-quiet-danger" data-action="revoke" ?disabled=${busy !== ''} aria-label=${label('invite.do.revoke')} @click=${() => actions.revoke(one)}>${t('invite.do.revoke')}</button></div>
    </li>`;
}
