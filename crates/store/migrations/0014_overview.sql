-- Live grants are counted by where they stand and until when, and listed by time: an index for each.
-- The rows of one index for both had to be taken apart one by one, and moved with every step of a grant.

drop index access_grant_held;
create index access_grant_held on access_grant (approved_at, id, live) where live;
create index access_grant_standing on access_grant (stands, due_at, live) where live;
