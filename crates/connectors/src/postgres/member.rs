//! Membership: one account in one role, and out of it again.
//!
//! Up to PostgreSQL 15 there is one membership for each pair of roles; from 16 on there is one for
//! each who granted it, with options of its own, and taking access away means taking all of them.

use super::names::identifier;
use super::server::{Role, Server, get, words};

/// Makes `account` a member of `native`, and looks in the same transaction that it is exactly those
/// two: a role that was dropped and made anew meanwhile is another one.
pub(super) async fn grant(
    server: &mut Server,
    native: &Role,
    account: &Role,
) -> Result<(), String> {
    let (role, member) = (native.quoted()?, account.quoted()?);
    // Said aloud: left out, they would follow what the account happens to be set to.
    let options = match server.has_options() {
        true => " with inherit true, set true, admin false",
        false => "",
    };
    server.run(format!("grant {role} to {member}{options}")).await?;
    match grantors(server, native.oid, account.oid).await?.is_empty() {
        true => Err(format!("role `{}` is another one than a moment ago", native.name)),
        false => Ok(()),
    }
}

/// What became of a membership.
pub(super) enum Taken {
    /// There was none.
    Absent,
    All,
    /// Some of it is gone, and the rest stays, for the reason in words.
    Part(String),
}

/// Takes `account` out of `native`. Fails if nothing of it could be taken away.
pub(super) async fn revoke(
    server: &mut Server,
    native: &Role,
    account: &Role,
) -> Result<Taken, String> {
    let grantors = grantors(server, native.oid, account.oid).await?;
    if grantors.is_empty() {
        return Ok(Taken::Absent);
    }
    let statement = format!("revoke {} from {}", native.quoted()?, account.quoted()?);
    let statements: Vec<String> = match server.has_options() {
        false => vec![statement],
        true => {
            let by =
                |grantor: &String| Ok(format!("{statement} granted by {}", identifier(grantor)?));
            grantors.iter().map(by).collect::<Result<_, String>>()?
        }
    };
    let mut stays = Vec::new();
    for one in &statements {
        if let Err(error) = server.attempt(std::slice::from_ref(one)).await {
            stays.push(words(&error));
        }
    }
    match stays.first() {
        None => Ok(Taken::All),
        Some(why) if stays.len() == statements.len() => Err(why.clone()),
        Some(why) => Ok(Taken::Part(format!("another's grant of the same stays: {why}"))),
    }
}

/// Who granted the membership; nobody, if there is none.
async fn grantors(server: &mut Server, native: i64, account: i64) -> Result<Vec<String>, String> {
    let grantors = sqlx::query(
        "select coalesce(g.rolname::text, '') from pg_auth_members m \
         left join pg_roles g on g.oid = m.grantor \
         where m.roleid::int8 = $1 and m.member::int8 = $2 order by 1",
    );
    let rows = server.rows(grantors.bind(native).bind(account)).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}
