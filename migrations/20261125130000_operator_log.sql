-- Operators read what runs said: each line with its cause, where the provider's request ids are. No figure is in it.

create policy sync_log_operator on sync_log for select to portal_operator using (true);
grant select (tenant_id, sync_id, line, at, level, stream, code, figures, cause) on sync_log to portal_operator;
