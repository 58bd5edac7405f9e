-- The four database roles of the portal. Not a migration (sqlx reads only files that begin with a version and an
-- underscore): roles belong to the whole server, migrations to one database, and migrations run as portal_owner.
--
-- Run it once per server, before the first migration, as a role that may create roles; running it again is harmless:
--   psql "$ADMIN_URL" --file migrations/roles.sql
-- then give each role its password (or its Entra ID identity) and create the database:
--   ALTER ROLE portal_app PASSWORD '…';
--   CREATE DATABASE portal OWNER portal_owner ENCODING 'UTF8' TEMPLATE template0;
--
--   portal_owner     owns the tables and runs the migrations; no request is ever served as it
--   portal_app       serves requests; row level security shows it one tenant at a time
--   portal_router    finds which tenant a session, token or job belongs to; a listed set of columns
--   portal_operator  the operator's console; a listed set of columns, never figures or sealed values
--
-- None of them may pass over row level security, and none inherits from another role. A role that exists with more
-- rights than that is an error here, not something to repair in silence.
DO $roles$
DECLARE
    wanted text;
    surplus text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['portal_owner', 'portal_app', 'portal_router', 'portal_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT', wanted);
        END IF;

        SELECT concat_ws(', ',
                   CASE WHEN rolsuper THEN 'SUPERUSER' END,
                   CASE WHEN rolcreatedb THEN 'CREATEDB' END,
                   CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
                   CASE WHEN rolreplication THEN 'REPLICATION' END,
                   CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
                   CASE WHEN rolinherit THEN 'INHERIT' END,
                   CASE WHEN NOT rolcanlogin THEN 'NOLOGIN' END)
          INTO surplus
          FROM pg_catalog.pg_roles
         WHERE rolname = wanted;
        IF surplus <> '' THEN
            RAISE EXCEPTION 'role % exists with %', wanted, surplus
                USING HINT = 'Take these attributes away with ALTER ROLE, as an administrator, and run this file again.';
        END IF;

        SELECT string_agg(held.rolname, ', ' ORDER BY held.rolname)
          INTO surplus
          FROM pg_catalog.pg_auth_members AS membership
          JOIN pg_catalog.pg_roles AS held ON held.oid = membership.roleid
          JOIN pg_catalog.pg_roles AS holder ON holder.oid = membership.member
         WHERE holder.rolname = wanted;
        IF surplus IS NOT NULL THEN
            RAISE EXCEPTION 'role % is a member of %', wanted, surplus
                USING HINT = 'The roles of the portal stand alone: REVOKE the membership and run this file again.';
        END IF;
    END LOOP;
END
$roles$;
