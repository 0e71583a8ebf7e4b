//! What a role really allows, as one readable line: its id, the roles that it leads to, and for
//! each thing in the database the verbs. The same rights always make the same line.
//!
//! The id comes first: a role that was dropped and made anew under its name is another one. Then who
//! may pass it on, Placet's own account among them: a member who may is more than a member. What
//! everybody may (`public`) is not the role's, and what lies in other databases is not seen.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::PgRow;

use super::names::shown;
use super::server::{Server, get};

/// The longest line, in bytes. What does not fit is counted, and its digest still tells of changes.
const LONGEST: usize = 4_000;

/// The most rights that are read at once.
const MOST: i64 = 200_000;

/// Every role with its memberships.
#[derive(Debug, Default)]
pub(super) struct Roles {
    pub names: BTreeMap<i64, String>,
    powers: BTreeMap<i64, Vec<&'static str>>,
    member_of: BTreeMap<i64, BTreeSet<i64>>,
    /// Who may make others members of a role.
    passed_on_by: BTreeMap<i64, BTreeSet<i64>>,
}

/// One right of one role on one thing.
#[derive(Clone, Debug)]
struct Right {
    kind: String,
    name: Vec<String>,
    verb: String,
    may_grant: bool,
}

impl Roles {
    pub async fn read(server: &mut Server) -> Result<Self, String> {
        let roles = sqlx::query(
            "select oid::int8, rolname::text, rolsuper, rolcreaterole, rolcreatedb, \
             rolreplication, rolbypassrls from pg_roles",
        );
        let powers =
            ["superuser", "makes roles", "makes databases", "replicates", "passes row security"];
        let mut read = Self::default();
        for row in &server.rows(roles).await? {
            let oid = get(row, 0)?;
            read.names.insert(oid, get(row, 1)?);
            let mut has = Vec::new();
            for (at, power) in (2..).zip(powers) {
                has.extend(get::<bool>(row, at)?.then_some(power));
            }
            read.powers.insert(oid, has);
        }
        let members =
            sqlx::query("select member::int8, roleid::int8, admin_option from pg_auth_members");
        for row in &server.rows(members).await? {
            let (member, role) = (get(row, 0)?, get(row, 1)?);
            read.member_of.entry(member).or_default().insert(role);
            if get(row, 2)? {
                read.passed_on_by.entry(role).or_default().insert(member);
            }
        }
        Ok(read)
    }

    /// A role and all that it leads to.
    fn reach(&self, role: i64) -> BTreeSet<i64> {
        let mut reached = BTreeSet::from([role]);
        let mut next = vec![role];
        while let Some(one) = next.pop() {
            let more = self.member_of.get(&one).into_iter().flatten();
            next.extend(more.filter(|more| reached.insert(**more)));
        }
        reached
    }

    fn line(&self, role: i64, rights: &BTreeMap<i64, Vec<Right>>) -> String {
        let reach = self.reach(role);
        let powers: BTreeSet<&str> =
            reach.iter().filter_map(|one| self.powers.get(one)).flatten().copied().collect();
        let mut parts = vec![format!("oid {role}")];
        let passed_on_by = self.passed_on_by.get(&role).into_iter().flatten();
        parts.extend(self.called("passed on by", passed_on_by));
        parts.extend(powers.iter().map(|power| (*power).to_owned()));
        parts.extend(self.called("inherits", reach.iter().filter(|one| **one != role)));
        parts.extend(things(reach.iter().filter_map(|one| rights.get(one)).flatten()));
        bounded(&parts)
    }

    /// Some roles by their names, in a fixed order; nothing if there are none.
    fn called<'r>(&self, what: &str, roles: impl Iterator<Item = &'r i64>) -> Option<String> {
        let names: BTreeSet<String> =
            roles.filter_map(|one| self.names.get(one)).map(|name| shown(name)).collect();
        let names: Vec<String> = names.into_iter().collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    }
}

/// Each thing once, with all that may be done to it.
fn things<'r>(rights: impl Iterator<Item = &'r Right>) -> Vec<String> {
    let mut things: BTreeMap<String, BTreeMap<&str, bool>> = BTreeMap::new();
    for right in rights {
        // A function comes with its arguments, which are no name of their own.
        let (name, arguments) = match (right.kind.as_str(), right.name.split_last()) {
            ("function", Some((arguments, name))) => (name, format!("({arguments})")),
            _ => (right.name.as_slice(), String::new()),
        };
        let name: Vec<String> = name.iter().map(|part| shown(part)).collect();
        let thing = format!("{} {}{arguments}", right.kind, name.join("."));
        *things.entry(thing).or_default().entry(&right.verb).or_default() |= right.may_grant;
    }
    let verb = |(verb, may_grant): (&&str, &bool)| match may_grant {
        true => format!("{verb} (and may grant it)"),
        false => (*verb).to_owned(),
    };
    let line = |(thing, verbs): (&String, &BTreeMap<&str, bool>)| {
        format!("{thing}: {}", verbs.iter().map(verb).collect::<Vec<_>>().join(", "))
    };
    things.iter().map(line).collect()
}

fn bounded(parts: &[String]) -> String {
    let whole = parts.join("; ");
    if whole.len() <= LONGEST {
        return whole;
    }
    let mut kept = String::new();
    let mut left = parts.len();
    for part in parts {
        if kept.len() + part.len() + 2 > LONGEST {
            break;
        }
        kept.push_str(part);
        kept.push_str("; ");
        left -= 1;
    }
    let digest = placet_domain::canonical::Digest::of(whole.as_bytes());
    format!("{kept}and {left} more, sha256 {digest}")
}

/// The lines of these roles; none at all where there is more than can be read.
pub(super) async fn lines(
    server: &mut Server,
    roles: &Roles,
    of: &BTreeSet<i64>,
) -> Result<Option<BTreeMap<i64, String>>, String> {
    let reached: BTreeSet<i64> = of.iter().flat_map(|one| roles.reach(*one)).collect();
    let reached: Vec<i64> = reached.into_iter().collect();
    let rows = server.rows(sqlx::query(RIGHTS).bind(reached).bind(MOST)).await?;
    if i64::try_from(rows.len()).unwrap_or(MOST) >= MOST {
        return Ok(None);
    }
    let mut rights: BTreeMap<i64, Vec<Right>> = BTreeMap::new();
    for row in &rows {
        let (role, right) = right(row)?;
        rights.entry(role).or_default().push(right);
    }
    Ok(Some(of.iter().map(|one| (*one, roles.line(*one, &rights))).collect()))
}

fn right(row: &PgRow) -> Result<(i64, Right), String> {
    let right = Right {
        kind: get(row, 1)?,
        name: get(row, 2)?,
        verb: get(row, 3)?,
        may_grant: get(row, 4)?,
    };
    Ok((get(row, 0)?, right))
}

/// Who owns a thing may give themselves every right to it, so an owner's own entries say no more.
/// What the system's roles have on the system's own things is theirs by making.
const RIGHTS: &str = "
with thing(kind, name, owner, acl) as (
    select case c.relkind when 'S' then 'sequence' when 'v' then 'view'
               when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
           array[n.nspname::text, c.relname::text], c.relowner, c.relacl
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and n.nspname !~ '^pg_(toast|temp)'
    union all
    select 'column', array[n.nspname::text, c.relname::text, a.attname::text], c.relowner, a.attacl
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    where a.attacl is not null and not a.attisdropped and n.nspname !~ '^pg_(toast|temp)'
    union all
    select 'function', array[n.nspname::text, p.proname::text,
               pg_get_function_identity_arguments(p.oid)], p.proowner, p.proacl
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname !~ '^pg_temp'
    union all
    select 'schema', array[n.nspname::text], n.nspowner, n.nspacl
    from pg_namespace n where n.nspname !~ '^pg_(toast|temp)'
    union all
    select 'database', array[d.datname::text], d.datdba, d.datacl from pg_database d
)
select a.grantee::int8, t.kind, t.name, lower(a.privilege_type), a.is_grantable
from thing t cross join aclexplode(t.acl) a
where a.grantee::int8 = any($1) and a.grantee <> t.owner
union
select t.owner::int8, t.kind, t.name, 'owner', false
from thing t
where t.owner::int8 = any($1) and t.owner::int8 <> 10 and t.kind <> 'column'
limit $2";

#[cfg(test)]
mod tests {
    use super::*;

    fn right(kind: &str, name: &[&str], verb: &str, may_grant: bool) -> Right {
        let name = name.iter().map(|one| (*one).to_owned()).collect();
        Right { kind: kind.to_owned(), name, verb: verb.to_owned(), may_grant }
    }

    #[test]
    fn the_same_rights_make_the_same_line() {
        let mut roles = Roles::default();
        for (oid, name) in [(1, "app_write"), (2, "app_read"), (3, "Odd; role")] {
            roles.names.insert(oid, name.to_owned());
        }
        roles.member_of.insert(1, BTreeSet::from([2]));
        // In a circle, which the server refuses, it would still come to an end.
        roles.member_of.insert(2, BTreeSet::from([1, 3]));
        let orders = ["shop", "orders"];
        let rights = BTreeMap::from([
            (1, vec![right("table", &orders, "update", false)]),
            (
                2,
                vec![
                    right("table", &orders, "select", true),
                    right("function", &["shop", "f", "integer"], "execute", false),
                    right("table", &["Shop", "a; b"], "select", false),
                ],
            ),
        ]);
        let line = "oid 1; inherits \"Odd; role\", app_read; function shop.f(integer): execute; \
                    table \"Shop\".\"a; b\": select; \
                    table shop.orders: select (and may grant it), update";
        assert_eq!(roles.line(1, &rights), line);
        roles.powers.insert(3, vec!["superuser"]);
        roles.passed_on_by.insert(1, BTreeSet::from([2, 3]));
        let begins = "oid 1; passed on by \"Odd; role\", app_read; superuser; inherits";
        assert!(roles.line(1, &rights).starts_with(begins));
    }

    #[test]
    fn a_long_line_is_cut_and_still_tells_of_a_change() {
        let parts = |last: &str| -> Vec<String> {
            let many = (0..500).map(|n| format!("table shop.t{n:03}: select"));
            many.chain([last.to_owned()]).collect()
        };
        let (one, other) = (bounded(&parts("z: select")), bounded(&parts("z: update")));
        assert!(one.len() < LONGEST + 100 && one != other, "{one}");
        assert!(one.contains("more, sha256 "));
    }
}
