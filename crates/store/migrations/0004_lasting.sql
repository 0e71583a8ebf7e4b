-- Requests that last: silence, ending events, emergencies with their reviews, delegations.

alter table request add column escalates_at bigint;
alter table request add column review_due_at bigint;
alter table request add column emergency_of text;
create index request_escalating on request (escalates_at) where escalates_at is not null;
create index request_review_due on request (review_due_at) where review_due_at is not null;
create index request_by_emergency on request (emergency_of) where emergency_of is not null;

create table request_ends_on (
  request text not null,
  event text not null,
  primary key (event, request)
);
create index request_ends_on_by_request on request_ends_on (request);

create table delegation (
  id text primary key,
  version bigint not null constraint delegation_version check (version > 0),
  state text not null,
  giver text not null,
  delegate text not null,
  starts_at bigint not null,
  ends_at bigint not null
);
create index delegation_by_delegate on delegation (delegate, ends_at);
create index delegation_by_giver on delegation (giver, ends_at);

-- Findings with a deadline, an answer that runs out, and work of their own.

create table finding_wider (
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
--: only sqlite
insert into finding_wider
select id, version, state, stands, kind, target, json_extract(state, '$.opened.entitlement'), owner,
  access_grant, json_extract(state, '$.opened.request'), opened_at, null from finding;
--: only postgres
insert into finding_wider
select id, version, state, stands, kind, target, state::json #>> '{opened,entitlement}', owner,
  access_grant, state::json #>> '{opened,request}', opened_at, null from finding;
--: end
drop table finding;
alter table finding_wider rename to finding;
create index finding_by_target on finding (target, stands);
create index finding_by_entitlement on finding (entitlement, kind, stands);
create index finding_by_grant on finding (access_grant) where access_grant is not null;
create index finding_by_request on finding (request) where request is not null;
create index finding_by_time on finding (opened_at, id);
create index finding_work on finding (work_at) where work_at is not null;

-- Which account on a target is whose, where it differs from the handle.

create table profile_account (
  target text not null,
  account text not null,
  identity text not null,
  primary key (target, account, identity)
);
create index profile_account_by_identity on profile_account (identity);

-- What the target says that a native thing really allows.

create table observed_scope (
  target text not null,
  native text not null,
  scope text not null,
  seen_at bigint not null,
  primary key (target, native)
);
