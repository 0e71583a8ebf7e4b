-- By what OpenID providers know people. It only finds; the profile that the ledger commits to says.

create table profile_login (
  issuer text not null,
  subject text not null,
  identity text not null,
  primary key (issuer, subject)
);
create index profile_login_by_identity on profile_login (identity);
