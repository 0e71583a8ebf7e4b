-- The list of all delegations, those that last longest first.

create index delegation_by_end on delegation (ends_at, id);
