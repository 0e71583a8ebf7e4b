-- Work orders: what people are told to do at targets that no program reaches. A grant that stands on
-- their word is in a state of its own.

--: only sqlite
-- A check is changed by making the table anew.
create table access_grant_new (
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
insert into access_grant_new
  (id, version, state, stands, request, receiver, entitlement, target, approved_at, live, due_at,
   half, collector)
  select id, version, state, stands, request, receiver, entitlement, target, approved_at, live,
   due_at, half, collector
  from access_grant;
drop table access_grant;
alter table access_grant_new rename to access_grant;
create index access_grant_due on access_grant (target, due_at, id, stands) where due_at is not null;
create index access_grant_by_receiver on access_grant (receiver, live);
create index access_grant_by_target on access_grant (target, live);
create index access_grant_by_time on access_grant (approved_at, id);
create index access_grant_by_half on access_grant (half) where half is not null;
create index access_grant_by_entitlement on access_grant (entitlement, live);
create index access_grant_live on access_grant (id) where live;
--: only postgres
alter table access_grant drop constraint access_grant_stands;
alter table access_grant add constraint access_grant_stands
  check (stands in
    ('approved', 'pending', 'active', 'unverified', 'issued', 'ending', 'ended', 'cancelled'));
alter table access_grant add column work_action text;
alter table access_grant add column work_due_at bigint;
alter table access_grant add column work_team text;
--: end
create index access_grant_by_work on access_grant (work_action) where work_action is not null;
create index access_grant_work on access_grant (work_due_at, id) where work_due_at is not null;
