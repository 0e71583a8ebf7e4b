-- What pages ask: lists of one identity, entitlement or target by time, histories, open sessions.

-- The newest first of what one holds, and of what is over; before, their order was found by sorting.
drop index access_grant_by_receiver;
create index access_grant_by_receiver on access_grant (receiver, live, approved_at, id);
drop index access_grant_by_entitlement;
create index access_grant_by_entitlement on access_grant (entitlement, live, approved_at, id);
drop index access_grant_by_target;
create index access_grant_by_target on access_grant (target, live, approved_at, id);
create index access_grant_held on access_grant (approved_at, id, stands, due_at, live) where live;

create index request_of_receiver on request (receiver, submitted_at, id);
create index request_of_entitlement on request (entitlement, submitted_at, id);

create index finding_unsettled on finding (opened_at, id, kind, stands) where stands <> 'resolved';

-- When a credential is good for nothing any more: who lists open sessions looks at no others.
alter table credential add column expires_at bigint not null default 0;
--: only sqlite
update credential set expires_at =
  cast(strftime('%s', substr(json_extract(state, '$.issued.expires_at'), 1, 19)) as integer) * 1000000
  + cast(substr(json_extract(state, '$.issued.expires_at'), 21, 6) as integer);
--: only postgres
update credential set expires_at =
  (extract(epoch from (state::json #>> '{issued,expires_at}')::timestamptz) * 1000000)::bigint;
--: end
create index credential_open on credential (holder, kind, expires_at, id) where not ended;

-- What a search of the catalogue looks at, beside the name.
alter table entitlement add column environment text not null default '';
alter table entitlement add column privilege text not null default '';
alter table entitlement add column sensitivity bigint not null default 0;
alter table entitlement add column scope text not null default '';
--: only sqlite
update entitlement set
  environment = json_extract(state, '$.terms.environment'),
  privilege = json_extract(state, '$.terms.privilege'),
  sensitivity = json_extract(state, '$.terms.sensitivity'),
  scope = json_extract(state, '$.terms.scope');
--: only postgres
update entitlement set
  environment = state::json #>> '{terms,environment}',
  privilege = state::json #>> '{terms,privilege}',
  sensitivity = (state::json #>> '{terms,sensitivity}')::bigint,
  scope = state::json #>> '{terms,scope}';
--: end
