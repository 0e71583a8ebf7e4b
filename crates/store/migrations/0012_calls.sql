-- Operational: calls that came with a key of their own, so that one that is sent again is done once.

create table keyed_call (
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
create index keyed_call_by_done_at on keyed_call (done_at);
