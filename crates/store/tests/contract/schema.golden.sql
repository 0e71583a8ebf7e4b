CREATE INDEX access_grant_by_half on access_grant (half) where half is not null;

CREATE INDEX access_grant_by_receiver on access_grant (receiver, live);

CREATE INDEX access_grant_by_target on access_grant (target, live);

CREATE INDEX access_grant_by_time on access_grant (approved_at, id);

CREATE INDEX access_grant_due on access_grant (due_at) where due_at is not null;

CREATE INDEX credential_by_holder on credential (holder, ended);

CREATE INDEX disclosure_by_subject on disclosure (about);

CREATE INDEX entitlement_by_owner on entitlement (owner);

CREATE INDEX finding_by_grant on finding (access_grant) where access_grant is not null;

CREATE INDEX finding_by_target on finding (target, stands);

CREATE INDEX finding_by_time on finding (opened_at, id);

CREATE INDEX identity_by_manager on identity (manager);

CREATE INDEX identity_by_owner on identity (owner);

CREATE INDEX identity_team_by_identity on identity_team (identity);

CREATE INDEX request_approver_by_request on request_approver (request);

CREATE INDEX request_by_receiver on request (receiver, stands);

CREATE INDEX request_by_requester on request (requester, submitted_at, id);

CREATE INDEX request_by_time on request (submitted_at, id);

CREATE INDEX request_lapsing on request (lapses_at) where lapses_at is not null;

CREATE INDEX target_by_owner on target (owner);

CREATE INDEX waiting_by_request on waiting (request);

CREATE TABLE "access_grant" (
  id text primary key,
  version bigint not null constraint access_grant_version check (version > 0),
  state text not null,
  stands text not null
    constraint access_grant_stands
    check (stands in ('approved', 'pending', 'active', 'issued', 'ending', 'ended', 'cancelled')),
  request text not null constraint access_grant_request unique,
  receiver text not null,
  entitlement text not null,
  target text not null,
  approved_at bigint not null,
  live boolean not null,
  due_at bigint,
  half text,
  collector text
);

CREATE TABLE credential (
  id text primary key,
  version bigint not null constraint credential_version check (version > 0),
  state text not null,
  kind text not null,
  holder text not null,
  fingerprint text not null constraint credential_fingerprint unique,
  ended boolean not null
);

CREATE TABLE disclosure (
  commitment text primary key,
  about text not null,
  body text not null
);

CREATE TABLE entitlement (
  id text primary key,
  version bigint not null constraint entitlement_version check (version > 0),
  state text not null,
  name text not null constraint entitlement_name unique,
  target text not null,
  native text not null,
  owner text not null,
  retired boolean not null,
  constraint entitlement_native unique (target, native)
);

CREATE TABLE finding (
  id text primary key,
  version bigint not null constraint finding_version check (version > 0),
  state text not null,
  stands text not null constraint finding_stands check (stands in ('open', 'resolved')),
  kind text not null,
  target text not null,
  owner text not null,
  access_grant text,
  opened_at bigint not null
);

CREATE TABLE identity (
  id text primary key,
  version bigint not null constraint identity_version check (version > 0),
  state text not null,
  kind text not null,
  active boolean not null,
  owner text,
  manager text
);

CREATE TABLE identity_team (
  identity text not null,
  team text not null,
  primary key (team, identity)
);

CREATE TABLE ledger_entry (
  idx bigint primary key,
  id text not null constraint ledger_entry_id unique,
  stream text not null,
  version bigint not null,
  trail text not null,
  nth bigint not null,
  body text not null,
  constraint ledger_entry_stream unique (stream, version),
  constraint ledger_entry_trail unique (trail, nth)
);

CREATE TABLE ledger_head (
  one bigint primary key constraint ledger_head_one check (one = 1),
  size bigint not null,
  checkpoint text not null
);

CREATE TABLE ledger_tile (
  level bigint not null,
  idx bigint not null,
  hashes text not null,
  primary key (level, idx)
);

CREATE TABLE migration (name text primary key);

CREATE TABLE observed_binding (
  target text not null,
  native text not null,
  account text not null,
  first_seen_at bigint not null,
  last_seen_at bigint not null,
  primary key (target, native, account)
);

CREATE TABLE observed_target (
  target text primary key,
  completeness text not null,
  began_at bigint not null,
  finished_at bigint not null,
  complete_at bigint,
  detail text
);

CREATE TABLE organisation (
  id text primary key,
  version bigint not null constraint organisation_version check (version > 0),
  state text not null
);

CREATE TABLE profile (
  identity text primary key,
  handle text not null constraint profile_handle unique
);

CREATE TABLE record (
  digest text primary key,
  body text not null
);

CREATE TABLE request (
  id text primary key,
  version bigint not null constraint request_version check (version > 0),
  state text not null,
  stands text not null
    constraint request_stands check (stands in ('open', 'approved', 'denied', 'withdrawn', 'lapsed')),
  requester text not null,
  receiver text not null,
  entitlement text not null,
  submitted_at bigint not null,
  lapses_at bigint
);

CREATE TABLE request_approver (
  request text not null,
  identity text not null,
  primary key (identity, request)
);

CREATE TABLE set_version (
  name text primary key,
  version bigint not null
);

CREATE TABLE target (
  id text primary key,
  version bigint not null constraint target_version check (version > 0),
  state text not null,
  name text not null constraint target_name unique,
  owner text not null
);

CREATE TABLE team (
  id text primary key,
  version bigint not null constraint team_version check (version > 0),
  state text not null
);

CREATE TABLE trail (
  trail text primary key,
  nth bigint not null,
  head text not null
);

CREATE TABLE waiting (
  request text not null,
  stage text not null,
  identity text not null,
  primary key (identity, request, stage)
);

CREATE TRIGGER ledger_entry_kept before update on ledger_entry
begin select raise(abort, 'the ledger is append-only'); end;

CREATE TRIGGER ledger_entry_never_deleted before delete on ledger_entry
begin select raise(abort, 'the ledger is append-only'); end;
