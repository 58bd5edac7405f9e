-- The first schema. Runs as portal_owner; migrations/roles.sql has made the four roles before.
--
-- Rules (docs/architecture.md): tenant-owned tables have the key (tenant_id, id), foreign keys carry tenant_id, row level
-- security is forced, policies have no subqueries, every constraint is named. A query without `app.tenant_id` sees no row.
-- A reused connection reads '' (not null) for the setting, hence nullif.

-- People and tenants ------------------------------------------------------------------------------------------------

create table tenants (
    id uuid constraint tenants_pkey primary key,
    name text not null constraint tenants_name_length check (char_length(name) between 1 and 120),
    plan text not null default 'standard',
    status text not null default 'active' constraint tenants_status_known check (status in ('active', 'suspended')),
    settings jsonb not null default '{}',
    created_at timestamptz not null
);

create table users (
    id uuid constraint users_pkey primary key,
    email text not null constraint users_email_key unique constraint users_email_lower check (email = lower(email)),
    name text not null,
    locale text not null default 'es' constraint users_locale_known check (locale in ('es', 'en')),
    password_hash text not null,
    is_active boolean not null default true,
    is_operator boolean not null default false,
    last_login timestamptz,
    created_at timestamptz not null
);

create table memberships (
    tenant_id uuid not null constraint memberships_tenant_fkey references tenants (id) on delete cascade,
    user_id uuid not null constraint memberships_user_fkey references users (id) on delete cascade,
    role text not null constraint memberships_role_known check (role in ('admin', 'viewer')),
    created_at timestamptz not null,
    constraint memberships_pkey primary key (tenant_id, user_id)
);
create index memberships_user_idx on memberships (user_id);

-- The token itself is never stored, only its SHA-256. Times are the database's clock, one for all instances.
create table sessions (
    token_hash bytea constraint sessions_pkey primary key,
    id uuid not null constraint sessions_id_key unique,
    user_id uuid not null constraint sessions_user_fkey references users (id) on delete cascade,
    tenant_id uuid,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    ip text,
    user_agent text
);
create index sessions_user_idx on sessions (user_id);
create index sessions_expiry_idx on sessions (expires_at);

-- OAuth state now; password reset and invitations later. Single use: the row is deleted by the statement that reads it.
create table one_time_tokens (
    token_hash bytea constraint one_time_tokens_pkey primary key,
    purpose text not null constraint one_time_tokens_purpose_known check (purpose in ('oauth_state', 'password_reset', 'invitation')),
    tenant_id uuid,
    user_id uuid,
    payload jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index one_time_tokens_expiry_idx on one_time_tokens (expires_at);

-- Sources and their runs --------------------------------------------------------------------------------------------

create table data_sources (
    tenant_id uuid not null constraint data_sources_tenant_fkey references tenants (id) on delete cascade,
    id uuid not null,
    type text not null constraint data_sources_type_known check (type in ('oauth2', 'api_key', 'file')),
    provider text not null,
    name text not null constraint data_sources_name_length check (char_length(name) between 1 and 120),
    status text not null constraint data_sources_status_known
        check (status in ('not_connected', 'connected', 'syncing', 'rate_limited', 'error', 'needs_reauth', 'paused')),
    -- Stable code of the failure behind status; the sentence for the client is made from it.
    status_code text,
    status_until timestamptz,
    -- Sealed values only.
    auth jsonb not null default '{}',
    -- What is not secret: the chosen account, the accounts to choose from.
    config jsonb not null default '{}',
    -- The source's own calendar.
    zone text,
    currency text,
    cadence_minutes integer not null default 360 constraint data_sources_cadence_sane check (cadence_minutes between 5 and 10080),
    next_due timestamptz,
    last_sync_at timestamptz,
    -- Last complete period, first period that may still change, and how far back the history is complete.
    data_through date,
    provisional_from date,
    backfilled_from date,
    backfill_until date,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint data_sources_pkey primary key (tenant_id, id)
);
create index data_sources_due_idx on data_sources (next_due) where next_due is not null;

create table syncs (
    tenant_id uuid not null,
    id uuid not null,
    source_id uuid not null,
    trigger text not null constraint syncs_trigger_known check (trigger in ('schedule', 'manual', 'connect', 'upload')),
    status text not null constraint syncs_status_known
        check (status in ('queued', 'running', 'succeeded', 'incomplete', 'failed', 'cancelled')),
    window_from date,
    window_to date,
    rows_read bigint not null default 0,
    rows_changed bigint not null default 0,
    rows_removed bigint not null default 0,
    -- The failure's stable code for the client, and its cause for the operator.
    failure_code text,
    failure_cause text,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    constraint syncs_pkey primary key (tenant_id, id),
    constraint syncs_source_fkey foreign key (tenant_id, source_id) references data_sources (tenant_id, id) on delete cascade
);
create index syncs_source_idx on syncs (tenant_id, source_id, id desc);

-- Every piece of background work. The queue's message carries only ids; this row is the truth. run_at, leases and
-- attempts use the database's clock. No foreign key: in a cluster this table stays on the coordinator.
create table jobs (
    id uuid constraint jobs_pkey primary key,
    tenant_id uuid not null,
    kind text not null constraint jobs_kind_known check (kind in ('sync')),
    queue text not null,
    dedup_key text not null,
    payload jsonb not null,
    state text not null constraint jobs_state_known check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    run_at timestamptz not null,
    attempts integer not null default 0,
    -- Attempts since the last progress; the retry ladder starts over when a slice was committed.
    fruitless_attempts integer not null default 0,
    lease_token uuid,
    leased_until timestamptz,
    -- When a message was last sent for the present run_at; null = none yet.
    announced_at timestamptz,
    last_error text,
    created_at timestamptz not null,
    finished_at timestamptz,
    constraint jobs_lease_whole check ((lease_token is null) = (leased_until is null))
);
create unique index jobs_one_live_per_key on jobs (tenant_id, dedup_key) where state in ('queued', 'running');
create index jobs_sweep_idx on jobs (run_at) where state in ('queued', 'running');
create index jobs_finished_idx on jobs (finished_at) where finished_at is not null;

-- Metrics and their values ------------------------------------------------------------------------------------------

create table metrics (
    tenant_id uuid not null constraint metrics_tenant_fkey references tenants (id) on delete cascade,
    id uuid not null,
    key text not null,
    name text not null,
    definition text not null default '',
    -- {"en": {"name", "definition"}}: other languages than the tenant's own.
    translations jsonb not null default '{}',
    source_ids uuid[] not null default '{}',
    provider text not null,
    unit text not null,
    additivity text not null constraint metrics_additivity_known check (additivity in ('sum', 'ratio', 'unique', 'last')),
    good_direction text not null default 'up' constraint metrics_good_direction_known check (good_direction in ('up', 'down', 'none')),
    formula text not null default '',
    endpoint text not null default '',
    field text not null default '',
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint metrics_pkey primary key (tenant_id, id),
    constraint metrics_key_key unique (tenant_id, key)
);

-- What each source stores of a metric: its grain and the sets of dimensions that its datapoints come in.
create table metric_sources (
    tenant_id uuid not null,
    metric_id uuid not null,
    source_id uuid not null,
    grain text not null constraint metric_sources_grain_known check (grain in ('day', 'week', 'month', 'quarter', 'year')),
    -- JSON array of sorted arrays of names, [] for totals: [[],["country"]].
    dim_sets jsonb not null,
    constraint metric_sources_pkey primary key (tenant_id, metric_id, source_id),
    constraint metric_sources_metric_fkey foreign key (tenant_id, metric_id) references metrics (tenant_id, id) on delete cascade,
    constraint metric_sources_source_fkey foreign key (tenant_id, source_id) references data_sources (tenant_id, id) on delete cascade
);
create index metric_sources_source_idx on metric_sources (tenant_id, source_id);

create table datapoints (
    tenant_id uuid not null,
    source_id uuid not null,
    external_id text not null,
    metric_id uuid not null,
    -- The instant at which the period begins in the source's zone.
    ts timestamptz not null,
    period_start date not null,
    period_end date not null,
    grain text not null constraint datapoints_grain_known check (grain in ('day', 'week', 'month', 'quarter', 'year')),
    -- The value, or the numerator of a ratio.
    value numeric not null,
    denominator numeric,
    dims jsonb not null default '{}',
    -- The sorted dimension names as JSON text, so that totals and each kind of split are told apart by equality.
    dim_set text not null,
    currency text,
    provisional boolean not null default false,
    sync_id uuid not null,
    constraint datapoints_pkey primary key (tenant_id, source_id, external_id),
    constraint datapoints_period_ordered check (period_start <= period_end),
    constraint datapoints_source_fkey foreign key (tenant_id, source_id) references data_sources (tenant_id, id) on delete cascade,
    constraint datapoints_metric_fkey foreign key (tenant_id, metric_id) references metrics (tenant_id, id) on delete cascade
);
create index datapoints_series_idx on datapoints (tenant_id, metric_id, source_id, dim_set, period_start);

create table alerts (
    tenant_id uuid not null,
    id uuid not null,
    metric_id uuid not null,
    rule jsonb not null,
    channel text not null default 'email' constraint alerts_channel_known check (channel in ('email')),
    is_active boolean not null default true,
    created_at timestamptz not null,
    constraint alerts_pkey primary key (tenant_id, id),
    constraint alerts_metric_fkey foreign key (tenant_id, metric_id) references metrics (tenant_id, id) on delete cascade
);

-- What a repeated POST answers with: the thing that the first one made. Kept for a day.
create table idempotency_keys (
    tenant_id uuid not null constraint idempotency_keys_tenant_fkey references tenants (id) on delete cascade,
    user_id uuid not null,
    key text not null constraint idempotency_keys_key_length check (char_length(key) between 1 and 200),
    -- SHA-256 of route and body: the same key with another request is refused.
    request_hash bytea not null,
    resource_id uuid not null,
    created_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, user_id, key)
);
create index idempotency_keys_age_idx on idempotency_keys (created_at);

-- Audit -------------------------------------------------------------------------------------------------------------

create table audit_log (
    tenant_id uuid not null constraint audit_log_tenant_fkey references tenants (id) on delete cascade,
    id uuid not null,
    actor_id uuid,
    action text not null,
    resource text not null,
    ts timestamptz not null,
    detail jsonb not null default '{}',
    ip text,
    request_id text,
    constraint audit_log_pkey primary key (tenant_id, id)
);

-- What has no tenant: failed logins of unknown users, acts of operators.
create table platform_audit (
    id uuid constraint platform_audit_pkey primary key,
    actor_id uuid,
    action text not null,
    resource text not null,
    ts timestamptz not null,
    detail jsonb not null default '{}',
    ip text,
    request_id text
);

-- Row level security ------------------------------------------------------------------------------------------------

alter table tenants enable row level security;
alter table tenants force row level security;
alter table users enable row level security;
alter table users force row level security;
alter table memberships enable row level security;
alter table memberships force row level security;
alter table sessions enable row level security;
alter table sessions force row level security;
alter table one_time_tokens enable row level security;
alter table one_time_tokens force row level security;
alter table data_sources enable row level security;
alter table data_sources force row level security;
alter table syncs enable row level security;
alter table syncs force row level security;
alter table jobs enable row level security;
alter table jobs force row level security;
alter table metrics enable row level security;
alter table metrics force row level security;
alter table metric_sources enable row level security;
alter table metric_sources force row level security;
alter table datapoints enable row level security;
alter table datapoints force row level security;
alter table alerts enable row level security;
alter table alerts force row level security;
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
alter table audit_log enable row level security;
alter table audit_log force row level security;
alter table platform_audit enable row level security;
alter table platform_audit force row level security;

create policy tenants_app on tenants to portal_app
    using (id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy memberships_app on memberships to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy data_sources_app on data_sources to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy syncs_app on syncs to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy jobs_app on jobs to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy metrics_app on metrics to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy metric_sources_app on metric_sources to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy datapoints_app on datapoints to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy alerts_app on alerts to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy idempotency_keys_app on idempotency_keys to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy audit_log_app on audit_log to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- What must look across tenants does it through these two roles, on this list and no more.
create policy tenants_router on tenants for select to portal_router using (true);
create policy users_router on users to portal_router using (true) with check (true);
create policy memberships_router on memberships for select to portal_router using (true);
create policy sessions_router on sessions to portal_router using (true) with check (true);
create policy one_time_tokens_router on one_time_tokens to portal_router using (true) with check (true);
create policy jobs_router on jobs to portal_router using (true) with check (true);
create policy data_sources_router on data_sources for select to portal_router using (true);
create policy idempotency_keys_router_select on idempotency_keys for select to portal_router using (true);
create policy idempotency_keys_router_delete on idempotency_keys for delete to portal_router using (true);
create policy platform_audit_router on platform_audit for insert to portal_router with check (true);

create policy tenants_operator on tenants to portal_operator using (true) with check (true);
create policy users_operator on users to portal_operator using (true) with check (true);
create policy memberships_operator on memberships to portal_operator using (true) with check (true);
create policy platform_audit_operator on platform_audit to portal_operator using (true) with check (true);

-- Grants ------------------------------------------------------------------------------------------------------------

grant usage on schema public to portal_app, portal_router, portal_operator;

grant select on tenants, memberships to portal_app;
grant select, insert, update, delete on data_sources, syncs, metrics, metric_sources, datapoints, alerts to portal_app;
grant select, insert, update on jobs to portal_app;
grant select, insert on idempotency_keys, audit_log to portal_app;

grant select on tenants, memberships to portal_router;
grant select on users to portal_router;
grant update (password_hash, last_login) on users to portal_router;
grant select, insert, update, delete on sessions to portal_router;
grant select, insert, delete on one_time_tokens to portal_router;
grant select (id, tenant_id, queue, state, run_at, leased_until, announced_at, finished_at), update (announced_at), delete
    on jobs to portal_router;
grant select (tenant_id, id, status, next_due) on data_sources to portal_router;
grant select (tenant_id, user_id, key, created_at), delete on idempotency_keys to portal_router;
grant insert on platform_audit to portal_router;

grant select, insert, update on tenants to portal_operator;
grant select (id, email, name, locale, is_active, is_operator, last_login, created_at) on users to portal_operator;
grant insert on users to portal_operator;
grant update (name, locale, is_active) on users to portal_operator;
grant select, insert, update, delete on memberships to portal_operator;
grant select, insert on platform_audit to portal_operator;
