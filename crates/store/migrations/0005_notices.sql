-- Operational: what people are to be told of. Ids alone; names are looked up when it is told.

-- Written with the events themselves: what was committed is told, whatever dies afterwards.
create table outbox (
  id text primary key,
  cause text not null,
  kind text not null,
  about text not null,
  audience text not null,
  not_to text,
  at bigint not null
);
create index outbox_by_time on outbox (at, id);

-- What one person is told.
create table notice (
  id text primary key,
  receiver text not null,
  kind text not null,
  about text not null,
  at bigint not null
);
create index notice_by_receiver on notice (receiver, at, id);
create index notice_by_time on notice (at, id);

-- Its way out through one channel; `due_at` is none once it has arrived or is given up.
create table delivery (
  notice text not null,
  channel text not null,
  failures bigint not null,
  due_at bigint,
  why text,
  primary key (notice, channel)
);
create index delivery_due on delivery (channel, due_at) where due_at is not null;
create index delivery_given_up on delivery (notice, channel) where due_at is null and why is not null;

-- What may have to be said again before a time runs out.
create table reminder (
  about text not null,
  kind text not null,
  due_at bigint not null,
  primary key (about, kind, due_at)
);
create index reminder_due on reminder (due_at, about, kind);
