-- Operational: what is remembered of programs that call. No decision on access reads it.

-- When a token was used last, to the minute.
create table token_use (
  token text primary key,
  used_at bigint not null
);
