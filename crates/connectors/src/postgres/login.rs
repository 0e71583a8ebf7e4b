//! Logins that are issued: a role for one grant, made for a password that its receiver drew, and
//! gone with the grant. The server is given a verifier; nobody but the receiver has the password.
//!
//! The role is called as the grant is. A comment on it says for whom it stands, so that a look
//! needs nothing but the server; it counts only on a role of that very name.

use placet_domain::Timestamp;
use placet_domain::canonical::Digest;
use placet_domain::name::{AccountName, NativeId};
use placet_domain::observation::Binding;
use sqlx::Error;

use super::member;
use super::names::{identifier, literal};
use super::server::{Role, Server, get, words};

const HEAD: &str = "placet login: ";

/// What stands on a role that was issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub grant: String,
    pub binding: Binding,
    pub until: Timestamp,
    /// Of the verifier.
    pub digest: Digest,
}

impl Mark {
    fn text(&self) -> String {
        let Self { grant, binding: Binding { native, account }, until, digest } = self;
        // The native name comes last: it alone may have blanks in it.
        format!(
            "{HEAD}grant {grant} account {account} until {until} verifier {digest} role {native}"
        )
    }

    /// Reads a comment; none if it stands on another role than it names.
    pub fn read(comment: &str, role: &str) -> Option<Self> {
        let parts: Vec<&str> = comment.strip_prefix(HEAD)?.splitn(10, ' ').collect();
        let [
            "grant",
            grant,
            "account",
            account,
            "until",
            until,
            "verifier",
            digest,
            "role",
            native,
        ] = parts[..]
        else {
            return None;
        };
        let account: AccountName = account.parse().ok()?;
        let native: NativeId = native.parse().ok()?;
        let binding = Binding { native, account };
        let (until, digest) = (until.parse().ok()?, digest.parse().ok()?);
        let mark = Self { grant: grant.to_owned(), binding, until, digest };
        (grant == role).then_some(mark)
    }

    /// Something that nobody collected, where a hand made more of a login than it was made for.
    pub fn changed_by_hand(&self, stands: &Stands) -> Option<Digest> {
        let as_made = stands.until == Some(self.until.as_micros()) && !stands.has_power;
        let changed = || Digest::of(format!("changed {} {stands:?}", self.digest).as_bytes());
        (stands.can_login && !as_made).then(changed)
    }
}

/// How an issued role stands on the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stands {
    pub can_login: bool,
    /// None where the server lets it in for ever.
    pub until: Option<i64>,
    /// Over the server, of its own.
    pub has_power: bool,
}

/// What is to be made.
pub(super) struct Wanted<'a> {
    pub mark: Mark,
    pub verifier: &'a str,
    /// How many sessions it may have at once.
    pub connections: u32,
}

/// Makes the role, or finds it made, and makes it a member.
pub(super) async fn create(
    server: &mut Server,
    native: &Role,
    wanted: &Wanted<'_>,
) -> Result<(), String> {
    let name = &wanted.mark.grant;
    let role = identifier(name)?;
    if let Some(there) = server.role(name).await? {
        if comment(server, there.oid).await?.as_deref() != Some(&wanted.mark.text()) {
            return Err(format!("a role `{name}` is there that was not made for this grant"));
        }
        // Left over by a removal: what was ended is not begun again.
        if !there.can_login {
            return Err(format!("role `{name}` was ended before"));
        }
        return member::grant(server, native, &there).await;
    }
    let (verifier, until) = (literal(wanted.verifier)?, literal(&wanted.mark.until.to_string())?);
    let limit = wanted.connections;
    server
        .run(format!(
            "create role {role} login inherit connection limit {limit} valid until {until} \
             password {verifier}"
        ))
        .await?;
    server.run(format!("comment on role {role} is {}", literal(&wanted.mark.text())?)).await?;
    let made = server.role(name).await?;
    let made = made.ok_or_else(|| format!("role `{name}` is not there after it was made"))?;
    member::grant(server, native, &made).await
}

async fn comment(server: &mut Server, oid: i64) -> Result<Option<String>, String> {
    let comment = sqlx::query("select shobj_description($1::int8::oid, 'pg_authid')");
    let rows = server.rows(comment.bind(oid)).await?;
    rows.first().map_or(Ok(None), |row| get(row, 0))
}

/// The issued roles that stand for a binding.
pub(super) async fn standing_for(
    server: &mut Server,
    binding: &Binding,
) -> Result<Vec<Role>, String> {
    let issued = sqlx::query(
        "select oid::int8, rolname::text, rolcanlogin, shobj_description(oid, 'pg_authid') \
         from pg_roles where starts_with(shobj_description(oid, 'pg_authid'), $1)",
    );
    let mut standing = Vec::new();
    for row in &server.rows(issued.bind(HEAD)).await? {
        let role = Role { oid: get(row, 0)?, name: get(row, 1)?, can_login: get(row, 2)? };
        let comment: String = get(row, 3)?;
        if Mark::read(&comment, &role.name).is_some_and(|mark| mark.binding == *binding) {
            standing.push(role);
        }
    }
    Ok(standing)
}

/// Takes away all that a role can do: from here on nobody gets in with it, and it is in no role.
pub(super) async fn disable(server: &mut Server, role: &Role) -> Result<(), String> {
    let name = role.quoted()?;
    server
        .run(format!(
            "alter role {name} nologin connection limit 0 valid until '-infinity' password null"
        ))
        .await?;
    let of = sqlx::query(
        "select distinct r.oid::int8, r.rolname::text, r.rolcanlogin from pg_auth_members m \
         join pg_roles r on r.oid = m.roleid where m.member::int8 = $1 order by 1",
    );
    for row in &server.rows(of.bind(role.oid)).await? {
        let native = Role { oid: get(row, 0)?, name: get(row, 1)?, can_login: get(row, 2)? };
        // What another granted goes with the role, if it does not go now.
        let _ = member::revoke(server, &native, role).await;
    }
    Ok(())
}

/// Drops a role that can do nothing any more. What it owns in this database goes to the role that it
/// worked as: it is somebody's work, and nothing of it is thrown away. Says what is in the way.
pub(super) async fn drop(
    server: &mut Server,
    role: &Role,
    heir: Option<&str>,
) -> Result<Result<(), String>, String> {
    let name = role.quoted()?;
    let plainly = server.attempt(&[format!("drop role {name}")]).await;
    let owns = match plainly {
        Ok(()) => return Ok(Ok(())),
        Err(error) if is_owner(&error) => words(&error),
        Err(error) => return Err(words(&error)),
    };
    let Some(heir) = heir else { return Ok(Err(owns)) };
    // Handing on wants the rights of both, for a moment only.
    let with = match server.has_options() {
        true => " with inherit true, set true",
        false => "",
    };
    let (own, member) = own_memberships(server, heir).await?;
    let heir = identifier(heir)?;
    let mut steps = vec![format!("grant {name} to {own}{with}")];
    steps.extend((!member).then(|| format!("grant {heir} to {own}{with}")));
    steps.push(format!("reassign owned by {name} to {heir}"));
    // Nothing is owned any more: what is dropped are rights that others gave it.
    steps.push(format!("drop owned by {name}"));
    steps.push(format!("drop role {name}"));
    let granted_by =
        if server.has_options() { format!(" granted by {own}") } else { String::new() };
    steps.extend((!member).then(|| format!("revoke {heir} from {own}{granted_by}")));
    let handed_on = server.attempt(&steps).await;
    Ok(handed_on.map_err(|error| format!("{owns}; it could not be handed on: {}", words(&error))))
}

fn is_owner(error: &Error) -> bool {
    error.as_database_error().and_then(|one| one.code()).is_some_and(|code| code == "2BP01")
}

/// The role that is worked as, quoted, and whether it has the rights of the heir already.
async fn own_memberships(server: &mut Server, heir: &str) -> Result<(String, bool), String> {
    let own = sqlx::query(
        "select quote_ident(current_user), coalesce(bool_or(pg_has_role(oid, 'usage')), false) \
         from pg_roles where rolname::text = $1",
    );
    let rows = server.rows(own.bind(heir.to_owned())).await?;
    let row = rows.first().ok_or("the server does not say who this is")?;
    Ok((get(row, 0)?, get(row, 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_on_its_own_role_alone() {
        let mark = Mark {
            grant: "grt_1".to_owned(),
            binding: Binding {
                native: "app read role x".parse().unwrap(),
                account: "ines".parse().unwrap(),
            },
            until: Timestamp::from_micros(7_000_000),
            digest: Digest::of(b"a verifier"),
        };
        assert_eq!(Mark::read(&mark.text(), "grt_1"), Some(mark.clone()));
        assert_eq!(Mark::read(&mark.text(), "grt_2"), None);
        assert_eq!(Mark::read("placet login: grant grt_1", "grt_1"), None);
        assert_eq!(Mark::read("somebody's role", "grt_1"), None);
        let made = Stands { can_login: true, until: Some(7_000_000), has_power: false };
        assert_eq!(mark.changed_by_hand(&made), None);
        let longer = Stands { until: Some(8_000_000), ..made };
        let shut = Stands { can_login: false, ..longer };
        assert_eq!(mark.changed_by_hand(&shut), None);
        for changed in [longer, Stands { until: None, ..made }, Stands { has_power: true, ..made }]
        {
            assert_ne!(mark.changed_by_hand(&changed), None, "{changed:?}");
        }
    }
}
