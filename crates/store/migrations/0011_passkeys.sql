-- Passkeys of people: found by what an authenticator calls them, and listed by their holder.

create table passkey (
  id text primary key,
  version bigint not null constraint passkey_version check (version > 0),
  state text not null,
  holder text not null,
  credential_id text not null,
  stands text not null
    constraint passkey_stands check (stands in ('offered', 'enrolled', 'revoked')),
  lapses_at bigint
);
create unique index passkey_by_credential on passkey (credential_id);
create index passkey_by_holder on passkey (holder, id);
create index passkey_waiting on passkey (lapses_at, id) where lapses_at is not null;
