CREATE INDEX access_grant_by_entitlement on access_grant (entitlement, live, approved_at, id);

CREATE INDEX access_grant_by_half on access_grant (half) where half is not null;

CREATE INDEX access_grant_by_receiver on access_grant (receiver, live, approved_at, id);

CREATE INDEX access_grant_by_target on access_grant (target, live, approved_at, id);

CREATE INDEX access_grant_by_time on access_grant (approved_at, id);

CREATE INDEX access_grant_by_work on access_grant (work_action) where work_action is not null;

CREATE INDEX access_grant_due on access_grant (target, due_at, id, stands) where due_at is not null;

CREATE INDEX access_grant_held on access_grant (approved_at, id, live) where live;

CREATE INDEX access_grant_live on access_grant (id) where live;

CREATE INDEX access_grant_standing on access_grant (stands, due_at, live) where live;

CREATE INDEX access_grant_work on access_grant (work_due_at, id) where work_due_at is not null;

CREATE INDEX credential_by_holder on credential (holder, ended);

CREATE INDEX credential_open on credential (holder, kind, expires_at, id) where not ended;

CREATE INDEX delegation_by_delegate on delegation (delegate, ends_at);

CREATE INDEX delegation_by_end on delegation (ends_at, id);

CREATE INDEX delegation_by_giver on delegation (giver, ends_at);

CREATE INDEX delivery_due on delivery (channel, due_at) where due_at is not null;

CREATE INDEX delivery_given_up on delivery (notice, channel) where due_at is null and why is not null;

CREATE INDEX disclosure_by_subject on disclosure (about);

CREATE INDEX entitlement_by_owner on entitlement (owner);

CREATE INDEX finding_borne on finding (work_at, id) where stands = 'accepted';

CREATE INDEX finding_by_entitlement on finding (entitlement, kind, stands);

CREATE INDEX finding_by_grant on finding (access_grant) where access_grant is not null;

CREATE INDEX finding_by_request on finding (request) where request is not null;

CREATE INDEX finding_by_target on finding (target, stands);

CREATE INDEX finding_by_time on finding (opened_at, id);

CREATE INDEX finding_unsettled on finding (opened_at, id, kind, stands) where stands <> 'resolved';

CREATE INDEX finding_work on finding (target, work_at, id, stands) where work_at is not null;

CREATE INDEX handover_by_owner on handover (owner, waits);

CREATE INDEX handover_by_time on handover (opened_at, id);

CREATE INDEX handover_by_what on handover (what, waits);

CREATE INDEX identity_by_manager on identity (manager);

CREATE INDEX identity_by_owner on identity (owner);

CREATE INDEX identity_by_sponsor on identity (sponsor) where sponsor is not null;

CREATE INDEX identity_contract_ends on identity (contract_ends) where contract_ends is not null;

CREATE INDEX identity_team_by_identity on identity_team (identity);

CREATE INDEX keyed_call_by_done_at on keyed_call (done_at);

CREATE INDEX notice_by_receiver on notice (receiver, at, id);

CREATE INDEX notice_by_time on notice (at, id);

CREATE INDEX outbox_by_time on outbox (at, id);

CREATE UNIQUE INDEX passkey_by_credential on passkey (credential_id);

CREATE INDEX passkey_by_holder on passkey (holder, id);

CREATE INDEX passkey_waiting on passkey (lapses_at, id) where lapses_at is not null;

CREATE INDEX profile_account_by_identity on profile_account (identity);

CREATE INDEX profile_login_by_identity on profile_login (identity);

CREATE INDEX proposal_by_time on proposal (proposed_at, id);

CREATE INDEX proposal_lapsing on proposal (lapses_at) where lapses_at is not null;

CREATE INDEX reminder_due on reminder (due_at, about, kind);

CREATE INDEX request_approver_by_request on request_approver (request);

CREATE INDEX request_by_emergency on request (emergency_of) where emergency_of is not null;

CREATE INDEX request_by_entitlement on request (entitlement, stands);

CREATE INDEX request_by_receiver on request (receiver, stands);

CREATE INDEX request_by_requester on request (requester, submitted_at, id);

CREATE INDEX request_by_time on request (submitted_at, id);

CREATE INDEX request_ends_on_by_request on request_ends_on (request);

CREATE INDEX request_escalating on request (escalates_at) where escalates_at is not null;

CREATE INDEX request_lapsing on request (lapses_at) where lapses_at is not null;

CREATE INDEX request_of_entitlement on request (entitlement, submitted_at, id);

CREATE INDEX request_of_receiver on request (receiver, submitted_at, id);

CREATE INDEX request_open on request (id) where lapses_at is not null;

CREATE INDEX request_review_due on request (review_due_at) where review_due_at is not null;

CREATE INDEX target_by_owner on target (owner);

CREATE INDEX upkeep_due on upkeep (due_at);

CREATE INDEX waiting_by_request on waiting (request);

CREATE TABLE "access_grant" (
  id text primary key,
  version bigint not null constraint access_grant_version check (version > 0),
  state text not null,
  stands text not null
    constraint access_grant_stands
    check (stands in
      ('approved', 'pending', 'active', 'unverified', 'issued', 'ending', 'ended', 'cancelled')),
  request text not null constraint access_grant_request unique,
  receiver text not null,
  entitlement text not null,
  target text not null,
  approved_at bigint not null,
  live boolean not null,
  due_at bigint,
  half text,
  collector text,
  work_action text,
  work_due_at bigint,
  work_team text
);

CREATE TABLE credential (
  id text primary key,
  version bigint not null constraint credential_version check (version > 0),
  state text not null,
  kind text not null,
  holder text not null,
  fingerprint text not null constraint credential_fingerprint unique,
  ended boolean not null
, expires_at bigint not null default 0);

CREATE TABLE delegation (
  id text primary key,
  version bigint not null constraint delegation_version check (version > 0),
  state text not null,
  giver text not null,
  delegate text not null,
  starts_at bigint not null,
  ends_at bigint not null
);

CREATE TABLE delivery (
  notice text not null,
  channel text not null,
  failures bigint not null,
  due_at bigint,
  why text,
  primary key (notice, channel)
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
  retired boolean not null, environment text not null default '', privilege text not null default '', sensitivity bigint not null default 0, scope text not null default '',
  constraint entitlement_native unique (target, native)
);

CREATE TABLE "finding" (
  id text primary key,
  version bigint not null constraint finding_version check (version > 0),
  state text not null,
  stands text not null
    constraint finding_stands check (stands in ('open', 'accepted', 'resolved')),
  kind text not null,
  target text not null,
  entitlement text not null,
  owner text not null,
  access_grant text,
  request text,
  opened_at bigint not null,
  work_at bigint
);

CREATE TABLE handover (
  id text primary key,
  version bigint not null constraint handover_version check (version > 0),
  state text not null,
  what text not null,
  owner text not null,
  waits boolean not null,
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
, sponsor text, contract_ends bigint);

CREATE TABLE identity_team (
  identity text not null,
  team text not null,
  primary key (team, identity)
);

CREATE TABLE keyed_call (
  caller text not null,
  key text not null,
  -- Of the method, the address and the body.
  digest text not null,
  done_at bigint not null,
  -- What was answered; nothing until that is known.
  status bigint,
  answer text,
  primary key (caller, key)
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

CREATE TABLE notice (
  id text primary key,
  receiver text not null,
  kind text not null,
  about text not null,
  at bigint not null
);

CREATE TABLE observed_binding (
  target text not null,
  native text not null,
  account text not null,
  first_seen_at bigint not null,
  last_seen_at bigint not null,
  primary key (target, native, account)
);

CREATE TABLE observed_scope (
  target text not null,
  native text not null,
  scope text not null,
  seen_at bigint not null,
  primary key (target, native)
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

CREATE TABLE outbox (
  id text primary key,
  cause text not null,
  kind text not null,
  about text not null,
  audience text not null,
  not_to text,
  at bigint not null
);

CREATE TABLE passkey (
  id text primary key,
  version bigint not null constraint passkey_version check (version > 0),
  state text not null,
  holder text not null,
  credential_id text not null,
  stands text not null
    constraint passkey_stands check (stands in ('offered', 'enrolled', 'revoked')),
  lapses_at bigint
);

CREATE TABLE profile (
  identity text primary key,
  handle text not null constraint profile_handle unique
);

CREATE TABLE profile_account (
  target text not null,
  account text not null,
  identity text not null,
  primary key (target, account, identity)
);

CREATE TABLE profile_login (
  issuer text not null,
  subject text not null,
  identity text not null,
  primary key (issuer, subject)
);

CREATE TABLE proposal (
  id text primary key,
  version bigint not null constraint proposal_version check (version > 0),
  state text not null,
  stands text not null
    constraint proposal_stands
    check (stands in ('open', 'adopted', 'rejected', 'withdrawn', 'lapsed')),
  author text not null,
  proposed_at bigint not null,
  lapses_at bigint
);

CREATE TABLE record (
  digest text primary key,
  body text not null
);

CREATE TABLE reminder (
  about text not null,
  kind text not null,
  due_at bigint not null,
  primary key (about, kind, due_at)
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
, escalates_at bigint, review_due_at bigint, emergency_of text);

CREATE TABLE request_approver (
  request text not null,
  identity text not null,
  primary key (identity, request)
);

CREATE TABLE request_ends_on (
  request text not null,
  event text not null,
  primary key (event, request)
);

CREATE TABLE schedule (
  id text primary key,
  version bigint not null constraint schedule_version check (version > 0),
  state text not null
);

CREATE TABLE set_version (
  name text primary key,
  version bigint not null
);

CREATE TABLE stalled (
  request text primary key,
  why text not null
);

CREATE TABLE target (
  id text primary key,
  version bigint not null constraint target_version check (version > 0),
  state text not null,
  name text not null constraint target_name unique,
  owner text not null
, retired boolean not null default false);

CREATE TABLE team (
  id text primary key,
  version bigint not null constraint team_version check (version > 0),
  state text not null
);

CREATE TABLE token_use (
  token text primary key,
  used_at bigint not null
);

CREATE TABLE trail (
  trail text primary key,
  nth bigint not null,
  head text not null
);

CREATE TABLE upkeep (
  round text primary key,
  turn bigint not null,
  progress text not null,
  due_at bigint not null
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
