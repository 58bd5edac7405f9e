-- Keys that can be replaced, and access that is given back. Widens only: the previous binary works on it.

-- Which keys seal a source's secrets, and which accounts its consent showed: what the router needs to find sealed values
-- of an old key and consents of one account, without seeing a sealed value or a name. Made by the database, so that the
-- previous binary keeps them right, too.
alter table data_sources
    add column key_ids jsonb not null generated always as (jsonb_path_query_array(auth, '$.*.kid')) stored,
    add column shown_accounts jsonb not null generated always as (jsonb_path_query_array(config, '$.properties[*].id')) stored;

-- `withdrawal`: tells a provider that an access is given back.
alter table jobs
    drop constraint jobs_kind_known,
    add constraint jobs_kind_known check (kind in ('sync', 'mail', 'withdrawal'));
-- Their rows are walked when a key is replaced.
create index jobs_withdrawal_idx on jobs (id) where kind = 'withdrawal' and state in ('queued', 'running');

grant select (provider, key_ids, shown_accounts) on data_sources to portal_router;
-- A withdrawal outlives its tenant: it becomes the platform's when the tenant goes.
grant update (tenant_id) on jobs to portal_operator;
