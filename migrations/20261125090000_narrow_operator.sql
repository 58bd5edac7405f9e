-- What portal_operator may do is what the operators' statements and the purge do, column by column. Narrows only: the
-- previous binary runs the same statements.

-- Every column of a tenant, by name: one that comes later is not its own by itself.
revoke select, insert, update on tenants from portal_operator;
grant select (id, name, plan, status, settings, limits, delete_after, created_at, updated_at),
      insert (id, name, plan, status, settings, limits, created_at, updated_at),
      update (name, plan, status, limits, delete_after, updated_at) on tenants to portal_operator;

-- Only the demo people are made members by this role; an admin invites and an invitation is accepted as others.
revoke select, insert, update, delete on memberships from portal_operator;
grant select (tenant_id, user_id, role), insert (tenant_id, user_id, role, created_at) on memberships to portal_operator;

revoke select (locale), insert, update (name, locale) on users from portal_operator;
grant insert (id, email, name, password_hash, is_operator, created_at) on users to portal_operator;

revoke select, insert, update on invitations from portal_operator;
grant select (tenant_id, id, email, role, status, invited_by, created_at, expires_at),
      insert (tenant_id, id, email, role, status, invited_by, created_at, expires_at),
      update (status, settled_at) on invitations to portal_operator;

revoke insert, select (dedup_key) on jobs from portal_operator;
grant insert (id, tenant_id, kind, queue, dedup_key, payload, state, run_at, created_at) on jobs to portal_operator;

revoke select (id) on sessions from portal_operator;
revoke select (status, finished_at) on syncs from portal_operator;
revoke select (status_until, cadence_minutes, created_at) on data_sources from portal_operator;
revoke update on audit_heads from portal_operator;
grant update (seq, digest) on audit_heads to portal_operator;

-- The policies say what the grants cannot: a tenant goes only after it was stopped, and an operator's account never.
drop policy tenants_operator on tenants;
create policy tenants_operator_select on tenants for select to portal_operator using (true);
create policy tenants_operator_insert on tenants for insert to portal_operator with check (true);
create policy tenants_operator_update on tenants for update to portal_operator using (true) with check (true);
create policy tenants_operator_delete on tenants for delete to portal_operator using (status = 'deleting');
drop policy users_operator on users;
create policy users_operator_select on users for select to portal_operator using (true);
create policy users_operator_insert on users for insert to portal_operator with check (true);
create policy users_operator_update on users for update to portal_operator using (true) with check (true);
create policy users_operator_delete on users for delete to portal_operator using (not is_operator);
drop policy memberships_operator on memberships;
create policy memberships_operator_select on memberships for select to portal_operator using (true);
create policy memberships_operator_insert on memberships for insert to portal_operator with check (true);
