-- What is due is found target by target: each has lanes of its own.

drop index access_grant_due;
create index access_grant_due on access_grant (target, due_at, id, stands) where due_at is not null;
drop index finding_work;
create index finding_work on finding (target, work_at, id, stands) where work_at is not null;
create index finding_borne on finding (work_at, id) where stands = 'accepted';
