-- Identity, roles, audit and the operator. Widens only: the previous binary works on it.

-- People ------------------------------------------------------------------------------------------------------------

alter table users
    add column password_changed_at timestamptz,
    add constraint users_id_operator_key unique (id, is_operator);

-- An operator is a member of no tenant: the key makes it impossible, whoever writes.
alter table memberships
    add column is_operator boolean not null default false
        constraint memberships_of_no_operator check (not is_operator),
    add constraint memberships_user_operator_fkey foreign key (user_id, is_operator)
        references users (id, is_operator) on delete cascade;

alter table sessions
    -- When the password was last given; sensitive acts ask for it again after five minutes.
    add column authenticated_at timestamptz not null default now(),
    -- A second factor was given, too.
    add column mfa boolean not null default false;
create index sessions_tenant_idx on sessions (tenant_id, user_id);

-- The ticket between password and second factor is a one-time token, too.
alter table one_time_tokens
    drop constraint one_time_tokens_purpose_known,
    add constraint one_time_tokens_purpose_known
        check (purpose in ('oauth_state', 'password_reset', 'invitation', 'mfa'));
create index one_time_tokens_user_idx on one_time_tokens (user_id, purpose);

create table mfa_credentials (
    user_id uuid constraint mfa_credentials_pkey primary key
        constraint mfa_credentials_user_fkey references users (id) on delete cascade,
    -- Sealed.
    secret jsonb not null,
    -- Null until a first code has proven it; only then it counts.
    confirmed_at timestamptz,
    -- The newest 30-second step that a code was accepted for: each is accepted once (RFC 6238, section 5.2).
    last_step bigint not null default 0,
    created_at timestamptz not null
);

-- SHA-256 of codes of 120 random bits. A used one is deleted.
create table recovery_codes (
    user_id uuid not null constraint recovery_codes_user_fkey references mfa_credentials (user_id) on delete cascade,
    code_hash bytea not null,
    constraint recovery_codes_pkey primary key (user_id, code_hash)
);

-- Attempts that are counted; the key is a digest, so that no address of anybody is kept.
create table rate_counters (
    key bytea constraint rate_counters_pkey primary key,
    hits integer not null,
    started_at timestamptz not null,
    blocked_until timestamptz,
    expires_at timestamptz not null
);
create index rate_counters_expiry_idx on rate_counters (expires_at);

-- Tenants -----------------------------------------------------------------------------------------------------------

alter table tenants
    -- {"users": 50}: what differs from the plan.
    add column limits jsonb not null default '{}',
    -- Everything of it goes after this time.
    add column delete_after timestamptz,
    add column updated_at timestamptz not null default now(),
    drop constraint tenants_status_known,
    add constraint tenants_status_known check (status in ('active', 'suspended', 'deleting')),
    add constraint tenants_deletion_whole check ((status = 'deleting') = (delete_after is not null));

create table invitations (
    tenant_id uuid not null constraint invitations_tenant_fkey references tenants (id) on delete cascade,
    id uuid not null,
    email text not null constraint invitations_email_lower check (email = lower(email)),
    role text not null constraint invitations_role_known check (role in ('admin', 'viewer')),
    status text not null constraint invitations_status_known check (status in ('pending', 'accepted', 'revoked')),
    -- Their name at that time; null when an operator invited.
    invited_by text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    settled_at timestamptz,
    constraint invitations_pkey primary key (tenant_id, id)
);
create unique index invitations_one_pending on invitations (tenant_id, email) where status = 'pending';

-- Datapoints stored, counted when a run or an upload ends.
alter table data_sources add column stored_datapoints bigint not null default 0;

alter table jobs
    drop constraint jobs_kind_known,
    add constraint jobs_kind_known check (kind in ('sync', 'mail'));
create index jobs_failed_idx on jobs (id) where state = 'failed';

-- Audit -------------------------------------------------------------------------------------------------------------

-- Who, as they were called then; what was before and after; and the chain: each entry's digest covers the one before.
alter table audit_log
    add column actor_kind text not null default 'member'
        constraint audit_log_actor_kind_known check (actor_kind in ('member', 'operator', 'system')),
    add column actor_email text,
    add column outcome text not null default 'ok'
        constraint audit_log_outcome_known check (outcome in ('ok', 'refused', 'failed')),
    add column user_agent text,
    add column before jsonb,
    add column after jsonb,
    add column seq bigint,
    add column previous text,
    add column digest text;
create index audit_log_actor_idx on audit_log (tenant_id, actor_id, id desc);
create index audit_log_action_idx on audit_log (tenant_id, action, id desc);
create unique index audit_log_seq_idx on audit_log (tenant_id, seq);

alter table platform_audit
    add column about_tenant uuid,
    add column actor_kind text not null default 'member'
        constraint platform_audit_actor_kind_known check (actor_kind in ('member', 'operator', 'system')),
    add column actor_email text,
    add column outcome text not null default 'ok'
        constraint platform_audit_outcome_known check (outcome in ('ok', 'refused', 'failed')),
    add column user_agent text,
    add column before jsonb,
    add column after jsonb,
    add column seq bigint,
    add column previous text,
    add column digest text;
create unique index platform_audit_seq_idx on platform_audit (seq);

-- The end of each chain; the nil UUID is the platform's.
create table audit_heads (
    tenant_id uuid constraint audit_heads_pkey primary key,
    seq bigint not null,
    digest text not null
);

-- Row level security ------------------------------------------------------------------------------------------------

alter table mfa_credentials enable row level security;
alter table mfa_credentials force row level security;
alter table recovery_codes enable row level security;
alter table recovery_codes force row level security;
alter table rate_counters enable row level security;
alter table rate_counters force row level security;
alter table invitations enable row level security;
alter table invitations force row level security;
alter table audit_heads enable row level security;
alter table audit_heads force row level security;

create policy invitations_app on invitations to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy audit_heads_app on audit_heads to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Sign-in and what follows from a token in a mail: the router finds whose it is and writes what belongs to the person.
create policy mfa_credentials_router on mfa_credentials to portal_router using (true) with check (true);
create policy recovery_codes_router on recovery_codes to portal_router using (true) with check (true);
create policy rate_counters_router on rate_counters to portal_router using (true) with check (true);
create policy invitations_router on invitations to portal_router using (true) with check (true);
create policy memberships_router_insert on memberships for insert to portal_router with check (true);
create policy audit_log_router_insert on audit_log for insert to portal_router with check (true);
create policy audit_heads_router on audit_heads to portal_router using (true) with check (true);
-- Retention: nothing younger than the shortest retention can go, whatever the program says.
create policy audit_log_router_select on audit_log for select to portal_router using (ts < now() - interval '90 days');
create policy audit_log_router_delete on audit_log for delete to portal_router using (ts < now() - interval '90 days');
create policy platform_audit_router_select on platform_audit for select to portal_router using (ts < now() - interval '365 days');
create policy platform_audit_router_delete on platform_audit for delete to portal_router using (ts < now() - interval '365 days');

create policy data_sources_operator on data_sources for select to portal_operator using (true);
create policy syncs_operator on syncs for select to portal_operator using (true);
create policy jobs_operator on jobs to portal_operator using (true) with check (true);
create policy invitations_operator on invitations to portal_operator using (true) with check (true);
create policy mfa_credentials_operator on mfa_credentials to portal_operator using (true) with check (true);
create policy sessions_operator on sessions for delete to portal_operator using (true);
create policy sessions_operator_select on sessions for select to portal_operator using (true);
create policy audit_log_operator_insert on audit_log for insert to portal_operator with check (true);
-- Exports are counted, nothing else of a tenant's trail is read.
create policy audit_log_operator_exports on audit_log for select to portal_operator using (action = 'audit.exported');
create policy audit_heads_operator on audit_heads to portal_operator using (true) with check (true);

-- Grants ------------------------------------------------------------------------------------------------------------

grant insert, update, delete on memberships to portal_app;
grant update (name, settings, updated_at) on tenants to portal_app;
grant select, insert, update on invitations to portal_app;
grant select, insert, update on audit_heads to portal_app;

grant update (name, locale, password_changed_at) on users to portal_router;
-- Not is_operator: who comes by invitation is a member.
grant insert (id, email, name, locale, password_hash, password_changed_at, created_at) on users to portal_router;
grant insert on memberships to portal_router;
grant select, insert, update, delete on mfa_credentials, recovery_codes, rate_counters to portal_router;
grant select, update (status, settled_at) on invitations to portal_router;
grant insert on audit_log to portal_router;
grant select (tenant_id, id, ts, seq), delete on audit_log to portal_router;
grant select, insert, update on audit_heads to portal_router;
grant select (id, ts), delete on platform_audit to portal_router;
grant select (kind, attempts) on jobs to portal_router;

grant delete on tenants to portal_operator;
grant delete on users to portal_operator;
grant select (tenant_id, id, type, provider, name, status, status_code, status_until, cadence_minutes, next_due, last_sync_at,
        data_through, stored_datapoints, created_at, updated_at) on data_sources to portal_operator;
grant select (tenant_id, id, source_id, status, failure_code, failure_cause, created_at, finished_at) on syncs to portal_operator;
grant select (id, tenant_id, kind, queue, dedup_key, state, run_at, attempts, last_error, created_at, finished_at) on jobs to portal_operator;
grant update (state, run_at, attempts, fruitless_attempts, announced_at, finished_at, last_error) on jobs to portal_operator;
grant insert on jobs to portal_operator;
grant delete on jobs to portal_operator;
grant select, insert, update on invitations to portal_operator;
grant select (user_id, confirmed_at), delete on mfa_credentials to portal_operator;
grant select (id, user_id, tenant_id), delete on sessions to portal_operator;
grant insert on audit_log to portal_operator;
grant select (tenant_id, action, ts) on audit_log to portal_operator;
grant select, insert, update, delete on audit_heads to portal_operator;
-- A mail is ordered in the transaction of the act that it tells of.
grant insert on jobs to portal_router;
