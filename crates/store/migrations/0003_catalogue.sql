-- The governed catalogue: schedules, proposals to change it, and what passes on when people leave.

create table schedule (
  id text primary key,
  version bigint not null constraint schedule_version check (version > 0),
  state text not null
);

create table proposal (
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
create index proposal_by_time on proposal (proposed_at, id);
create index proposal_lapsing on proposal (lapses_at) where lapses_at is not null;

create table handover (
  id text primary key,
  version bigint not null constraint handover_version check (version > 0),
  state text not null,
  what text not null,
  owner text not null,
  waits boolean not null,
  opened_at bigint not null
);
create index handover_by_what on handover (what, waits);
create index handover_by_owner on handover (owner, waits);
create index handover_by_time on handover (opened_at, id);

alter table identity add column sponsor text;
alter table identity add column contract_ends bigint;
create index identity_by_sponsor on identity (sponsor) where sponsor is not null;
create index identity_contract_ends on identity (contract_ends) where contract_ends is not null;

alter table target add column retired boolean not null default false;

create index access_grant_by_entitlement on access_grant (entitlement, live);
create index access_grant_live on access_grant (id) where live;
create index request_by_entitlement on request (entitlement, stands);
create index request_open on request (id) where lapses_at is not null;

-- Operational: why an open request waits for nobody.

create table stalled (
  request text primary key,
  why text not null
);

-- Operational: what workers still have to go through after a change, and how far they have come.

create table upkeep (
  round text primary key,
  turn bigint not null,
  progress text not null,
  due_at bigint not null
);
create index upkeep_due on upkeep (due_at);
