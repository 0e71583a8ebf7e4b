//! What is never granted: roles that lead to power over the server, over Placet, or to what a local
//! file names. The list stands here, where no catalogue can widen it.

use std::collections::BTreeSet;

use super::server::{Role, Server, get};

/// Predefined roles that read or write files of the server, or run programs there: whoever can do
/// that can become a superuser.
const SERVER_ROLES: [&str; 3] =
    ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"];

/// A role that is reached: the one that is granted, or one that it is a member of, over any number
/// of steps and with whatever options, since a member that does not inherit can still switch.
#[derive(Clone, Debug, Default)]
struct Reached {
    name: String,
    superuser: bool,
    makes_roles: bool,
    makes_databases: bool,
    replicates: bool,
    passes_row_security: bool,
}

/// What stands in the way of granting it.
pub(super) async fn refusal(
    server: &mut Server,
    native: &Role,
    own: &BTreeSet<String>,
    deny: &BTreeSet<String>,
) -> Result<Option<String>, String> {
    let reached = reached(server, native).await?;
    Ok(reached.iter().find_map(|one| refused(&native.name, one, own, deny)))
}

/// A role, and all that it leads to.
async fn reached(server: &mut Server, role: &Role) -> Result<Vec<Reached>, String> {
    let reach = sqlx::query(
        "with recursive reach(oid) as (select $1::int8::oid union \
             select m.roleid from pg_auth_members m join reach r on m.member = r.oid) \
         select rolname::text, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls \
         from reach join pg_roles using (oid) order by rolname::text collate \"C\"",
    );
    let mut reached = Vec::new();
    for row in &server.rows(reach.bind(role.oid)).await? {
        reached.push(Reached {
            name: get(row, 0)?,
            superuser: get(row, 1)?,
            makes_roles: get(row, 2)?,
            makes_databases: get(row, 3)?,
            replicates: get(row, 4)?,
            passes_row_security: get(row, 5)?,
        });
    }
    Ok(reached)
}

/// The power over the server that a role has, in words.
fn power(reached: &Reached) -> Option<&'static str> {
    Some(if reached.superuser {
        "is a superuser"
    } else if reached.makes_roles {
        "may make roles"
    } else if reached.makes_databases {
        // Whoever makes a database owns what no look covers.
        "may make databases"
    } else if reached.replicates {
        "may replicate, which reads everything"
    } else if reached.passes_row_security {
        "passes row security"
    } else if SERVER_ROLES.contains(&reached.name.as_str()) {
        "reaches the files or programs of the server"
    } else {
        return None;
    })
}

fn refused(
    native: &str,
    reached: &Reached,
    own: &BTreeSet<String>,
    deny: &BTreeSet<String>,
) -> Option<String> {
    let name = &reached.name;
    let why = if let Some(power) = power(reached) {
        power
    } else if own.contains(name) {
        "is an account of Placet itself"
    } else if deny.contains(name) {
        "stands in the local file `deny`"
    } else {
        return None;
    };
    Some(match name == native {
        true => format!("role `{native}` is never granted: it {why}"),
        false => format!("role `{native}` is never granted: it leads to `{name}`, which {why}"),
    })
}

/// Whether the account that looks can see what it must, and can do nothing else.
pub(super) async fn fit_to_look(server: &mut Server) -> Result<(), String> {
    let own = sqlx::query(
        "select current_user::text, pg_has_role('pg_read_all_stats', 'usage'), \
         exists (select from pg_auth_members join pg_roles r on r.oid = member \
             where admin_option and r.rolname = current_user)",
    );
    let rows = server.rows(own).await?;
    let row = rows.first().ok_or("the server does not say who the observer is")?;
    let (name, sees_sessions, passes_on): (String, bool, bool) =
        (get(row, 0)?, get(row, 1)?, get(row, 2)?);
    let own = server.role(&name).await?.ok_or("the server does not know the observer's role")?;
    let reached = reached(server, &own).await?;
    if passes_on || reached.iter().any(|one| power(one).is_some()) {
        return Err("the observer is to look and no more: give it a plain role".to_owned());
    }
    match sees_sessions {
        true => Ok(()),
        false => {
            let why =
                "the observer cannot see when sessions began: `grant pg_read_all_stats` to it";
            Err(why.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_over_the_server_is_refused_with_its_reason() {
        let plain = || Reached { name: "boss".to_owned(), ..Reached::default() };
        let check = |native: &str, reached: Reached, expect: Option<&str>| {
            let own = BTreeSet::from(["placet".to_owned()]);
            let deny = BTreeSet::from(["payroll".to_owned()]);
            assert_eq!(refused(native, &reached, &own, &deny).as_deref(), expect);
        };
        let named = |name: &str| Reached { name: name.to_owned(), ..Reached::default() };
        check("boss", plain(), None);
        let never = "role `app` is never granted: it leads to `boss`, which";
        let check_never =
            |reached, why: &str| check("app", reached, Some(&format!("{never} {why}")));
        check_never(Reached { superuser: true, ..plain() }, "is a superuser");
        check_never(Reached { makes_roles: true, ..plain() }, "may make roles");
        check_never(Reached { makes_databases: true, ..plain() }, "may make databases");
        let replicates = "may replicate, which reads everything";
        check_never(Reached { replicates: true, ..plain() }, replicates);
        check_never(Reached { passes_row_security: true, ..plain() }, "passes row security");
        let own = "role `placet` is never granted: it is an account of Placet itself";
        check("placet", named("placet"), Some(own));
        let deny = "role `payroll` is never granted: it stands in the local file `deny`";
        check("payroll", named("payroll"), Some(deny));
        for name in SERVER_ROLES {
            let why = "it reaches the files or programs of the server";
            let whole = format!("role `{name}` is never granted: {why}");
            check(name, named(name), Some(&whole));
        }
    }
}
