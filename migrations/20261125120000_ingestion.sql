-- Ingestion: accesses to providers, streams with cursors of their own, records of mutable objects, restatements, the log
-- of a run, shared allowances of requests, and one run at a time per access.

-- An access that a client gave us: one per tenant and holder at the provider, many sources under it.
create table credentials (
    tenant_id uuid not null constraint credentials_tenant_fkey references tenants (id) on delete cascade,
    id uuid not null,
    provider text not null,
    -- The provider's id of who gave it, where the provider tells; then there is one row for that person.
    holder text,
    -- How people recognise it: an address, or the last characters of a key.
    label text not null default '',
    -- Sealed values only: refresh token and access token, or API key.
    secrets jsonb not null default '{}',
    -- Until when the access token serves, and from when on it is renewed ahead of that; the database's clock.
    access_until timestamptz,
    renew_from timestamptz,
    -- Who renews the access token at this moment: one process at a time.
    renewal_token uuid,
    renewal_until timestamptz,
    -- [{"stream": …, "missing": null | …}] as the last check found it.
    permissions jsonb not null default '[]',
    test_mode boolean not null default false,
    -- The accounts that it showed, and the keys that seal its secrets: what must be found across tenants.
    shown_accounts jsonb not null default '[]',
    key_ids jsonb not null generated always as (jsonb_path_query_array(secrets, '$.*.kid')) stored,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint credentials_pkey primary key (tenant_id, id),
    constraint credentials_renewal_whole check ((renewal_token is null) = (renewal_until is null))
);
create unique index credentials_one_per_holder on credentials (tenant_id, provider, holder) where holder is not null;

alter table data_sources
    add column credential_id uuid,
    add column pause_reason text constraint data_sources_pause_reason_length check (char_length(pause_reason) <= 300),
    add constraint data_sources_credential_fkey foreign key (tenant_id, credential_id) references credentials (tenant_id, id);
create index data_sources_credential_idx on data_sources (tenant_id, credential_id) where credential_id is not null;

-- Sources of before have an access of their own with the source's id, so that what is sealed for its place still opens.
-- Their copy in data_sources.auth stays for the previous version of the program until a person connects anew.
insert into credentials (tenant_id, id, provider, label, secrets, shown_accounts, created_at, updated_at)
select tenant_id, id, provider, '', auth, shown_accounts, created_at, updated_at from data_sources where auth ? 'refresh_token';
update data_sources set credential_id = id where auth ? 'refresh_token';

-- A part of a source with a cursor of its own.
create table source_streams (
    tenant_id uuid not null,
    source_id uuid not null,
    stream text not null,
    cursor jsonb not null default 'null',
    -- Why it cannot be read while others can, and the permission that is missing.
    blocked_code text,
    blocked_permission text,
    data_through date,
    provisional_from date,
    backfilled_from date,
    backfill_until date,
    fetched_at timestamptz,
    constraint source_streams_pkey primary key (tenant_id, source_id, stream),
    constraint source_streams_source_fkey foreign key (tenant_id, source_id) references data_sources (tenant_id, id) on delete cascade
);

insert into source_streams (tenant_id, source_id, stream, data_through, provisional_from, backfilled_from, backfill_until, fetched_at)
select tenant_id, id, 'reports', data_through, provisional_from, backfilled_from, backfill_until, last_sync_at
  from data_sources where provider = 'ga4' and backfilled_from is not null;

-- Which streams a source's figures of a metric are made of: as old as the oldest of them. Empty: as old as the source.
alter table metric_sources add column streams text[] not null default '{}';

-- Objects of a provider that change, reduced to what they add to metrics. Facts are made of them anew, day by day.
create table source_records (
    tenant_id uuid not null,
    source_id uuid not null,
    stream text not null,
    record_id text not null,
    at timestamptz not null,
    -- The day of `at` in the source's zone.
    day date not null,
    -- An answer that is older than this changes nothing.
    observed_at timestamptz not null,
    -- [{"m": metric, "v": value, "n": denominator, "c": currency, "d": {dimension: value}}]
    measures jsonb not null,
    constraint source_records_pkey primary key (tenant_id, source_id, stream, record_id),
    constraint source_records_source_fkey foreign key (tenant_id, source_id) references data_sources (tenant_id, id) on delete cascade
);
create index source_records_day_idx on source_records (tenant_id, source_id, day);

-- A figure that was final and changed all the same.
create table restatements (
    tenant_id uuid not null,
    id uuid not null,
    metric_id uuid not null,
    source_id uuid not null,
    sync_id uuid not null,
    period_start date not null,
    period_end date not null,
    grain text not null,
    dims jsonb not null,
    currency text,
    old_value numeric not null,
    old_denominator numeric,
    -- Null: the source no longer has it.
    new_value numeric,
    new_denominator numeric,
    at timestamptz not null,
    constraint restatements_pkey primary key (tenant_id, id),
    constraint restatements_metric_fkey foreign key (tenant_id, metric_id) references metrics (tenant_id, id) on delete cascade,
    constraint restatements_source_fkey foreign key (tenant_id, source_id) references data_sources (tenant_id, id) on delete cascade
);
create index restatements_metric_idx on restatements (tenant_id, metric_id, id desc);
create index restatements_source_idx on restatements (tenant_id, source_id);

-- Totals of periods that are no calendar's: seven days, twenty-eight days.
alter table datapoints
    drop constraint datapoints_grain_known,
    add constraint datapoints_grain_known check (grain in ('day', 'week', 'month', 'quarter', 'year', 'span'));

-- What a run said, line by line; a code has a sentence for clients, the detail is the operator's.
alter table syncs
    add column attempts integer not null default 0,
    add column batches integer not null default 0,
    add column next_attempt_at timestamptz;
create table sync_log (
    tenant_id uuid not null,
    sync_id uuid not null,
    line integer not null,
    at timestamptz not null,
    level text not null constraint sync_log_level_known check (level in ('info', 'warning', 'error')),
    stream text,
    code text not null,
    -- Counts and days that the sentence names.
    figures jsonb not null default '{}',
    -- For the operator: request ids, what the provider said; no secret.
    cause text,
    constraint sync_log_pkey primary key (tenant_id, sync_id, line),
    constraint sync_log_sync_fkey foreign key (tenant_id, sync_id) references syncs (tenant_id, id) on delete cascade
);

-- Requests that may be sent, per access, account and endpoint; the database's clock.
create table request_buckets (
    tenant_id uuid not null,
    credential_id uuid not null,
    account text not null,
    endpoint text not null,
    tokens double precision not null,
    counted_at timestamptz not null,
    slow_until timestamptz,
    constraint request_buckets_pkey primary key (tenant_id, credential_id, account, endpoint),
    constraint request_buckets_credential_fkey foreign key (tenant_id, credential_id) references credentials (tenant_id, id) on delete cascade
);

-- Whether a provider serves anybody at this moment. No tenant: it is one provider for all.
create table provider_breakers (
    provider text constraint provider_breakers_pkey primary key,
    -- Sources that failed since the last success of any; at most a few are kept.
    failing uuid[] not null default '{}',
    since timestamptz not null,
    openings integer not null default 0,
    open_until timestamptz
);

-- At most one running job per key, whatever it is of.
alter table jobs add column exclusive_key text;
create unique index jobs_one_running_per_exclusive_key on jobs (tenant_id, exclusive_key)
    where state = 'running' and exclusive_key is not null;
create index jobs_running_idx on jobs (tenant_id, queue) where state = 'running';

-- Row level security and grants ---------------------------------------------------------------------------------------

alter table credentials enable row level security;
alter table credentials force row level security;
alter table source_streams enable row level security;
alter table source_streams force row level security;
alter table source_records enable row level security;
alter table source_records force row level security;
alter table restatements enable row level security;
alter table restatements force row level security;
alter table sync_log enable row level security;
alter table sync_log force row level security;
alter table request_buckets enable row level security;
alter table request_buckets force row level security;
alter table provider_breakers enable row level security;
alter table provider_breakers force row level security;

create policy credentials_app on credentials to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy source_streams_app on source_streams to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy source_records_app on source_records to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy restatements_app on restatements to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy sync_log_app on sync_log to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy request_buckets_app on request_buckets to portal_app
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy credentials_router on credentials for select to portal_router using (true);
create policy provider_breakers_router on provider_breakers to portal_router using (true) with check (true);

grant select, insert, update, delete on credentials, source_streams, source_records, request_buckets to portal_app;
grant select, insert on restatements, sync_log to portal_app;
grant select, insert, update on provider_breakers to portal_router;
grant select (tenant_id, id, provider, holder, shown_accounts, key_ids) on credentials to portal_router;
grant insert (exclusive_key) on jobs to portal_operator;
