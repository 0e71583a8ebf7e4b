//! A look: who is in which role, which issued logins stand for whom, which sessions are open, and
//! what roles allow. It reads the catalogues of the server with the observer's account, in one
//! transaction that cannot write.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::canonical::Digest;
use placet_domain::name::NativeId;
use placet_domain::observation::{Binding, Completeness, Kept, Scope};

use super::login::{Mark, Stands};
use super::names::account_of;
use super::scope::{self, Roles};
use super::server::{Server, get};
use super::sessions::{self, Open, UpTo};
use crate::Look;

/// The most memberships that are read.
const MOST: i64 = 200_000;

/// What is known here of sessions that are to end, by binding.
pub(super) type Ending = BTreeMap<Binding, UpTo>;

/// What was seen, and what the next call may need of it.
pub(super) struct Seen {
    pub look: Look,
    /// The ids of the roles that were looked for by name.
    pub ids: BTreeMap<NativeId, i64>,
}

/// One membership.
struct Member {
    binding: Binding,
    account: i64,
    /// Where the member is a login that was issued.
    mark: Option<Mark>,
    stands: Stands,
}

pub(super) async fn look(
    server: &mut Server,
    scope: &Scope,
    ending: &Ending,
    own: Option<&str>,
) -> Result<Seen, String> {
    let only = match scope {
        Scope::Everything => None,
        Scope::Binding(binding) => Some(binding),
    };
    let roles = Roles::read(server).await?;
    let (members, whole) = members(server, only.map(|one| one.native.as_str()), own).await?;
    let in_scope = |binding: &Binding| only.is_none_or(|only| only == binding);
    let open = sessions::open(server).await?;
    let mut look = Look {
        completeness: Completeness::Complete,
        present: BTreeSet::new(),
        scopes: BTreeMap::new(),
        credentials: Some(BTreeSet::new()),
        sessions: BTreeSet::new(),
        detail: None,
    };
    for member in members.iter().filter(|one| in_scope(&one.binding)) {
        look.present.insert(member.binding.clone());
        match &member.mark {
            Some(mark) => {
                let changed = mark.changed_by_hand(&member.stands);
                let kept = [mark.digest].into_iter().chain(changed);
                let kept = kept.map(|digest| Kept { binding: member.binding.clone(), digest });
                look.credentials.get_or_insert_default().extend(kept);
            }
            None => {
                // Where logins are issued, an account that is a member itself is nobody's login.
                let digest = Digest::of(format!("member {}", member.account).as_bytes());
                let kept = Kept { binding: member.binding.clone(), digest };
                look.credentials.get_or_insert_default().insert(kept);
                // Each issued login is its own: one's sessions say nothing of another's end.
                if open.iter().any(|one| one.account == member.account) {
                    look.sessions.insert(member.binding.clone());
                }
            }
        }
    }
    let left = ended_with_sessions(server, &open, ending).await?;
    look.sessions.extend(left.into_iter().filter(in_scope));
    let wanted = wanted(server, &roles, only).await?;
    let oids: BTreeSet<i64> = wanted.values().copied().collect();
    // Where there is too much of it, the rest of the look would take too long as well.
    let lines = match whole {
        true => scope::lines(server, &roles, &oids).await?,
        false => None,
    };
    for (native, oid) in &wanted {
        let line = lines.as_ref().and_then(|lines| lines.get(oid));
        look.scopes.extend(line.map(|line| (native.clone(), line.clone())));
    }
    if !whole || lines.is_none() {
        look.completeness = Completeness::Partial;
        look.detail = Some("there are more memberships or rights than are read".to_owned());
    }
    if server.is_standby().await? {
        look.completeness = Completeness::Partial;
        let why =
            "this is a standby: it may be behind, and does not show who is on the other server";
        look.detail = Some(why.to_owned());
    }
    Ok(Seen { look, ids: wanted })
}

/// The members of one role or of all. That Placet's own account may pass a role on is how it works,
/// and no access of anybody's.
async fn members(
    server: &mut Server,
    native: Option<&str>,
    own: Option<&str>,
) -> Result<(Vec<Member>, bool), String> {
    let members = sqlx::query(
        "select n.rolname::text, a.oid::int8, a.rolname::text, \
             shobj_description(a.oid, 'pg_authid'), a.rolcanlogin, \
             case when isfinite(a.rolvaliduntil) \
                 then (extract(epoch from a.rolvaliduntil) * 1000000)::int8 end, \
             a.rolsuper or a.rolcreaterole or a.rolcreatedb or a.rolreplication or a.rolbypassrls \
         from (select roleid, member, bool_or(admin_option) as passes_on \
             from pg_auth_members group by roleid, member) m \
         join pg_roles n on n.oid = m.roleid join pg_roles a on a.oid = m.member \
         where ($1::text is null or n.rolname::text = $1) \
             and not (m.passes_on and a.rolname::text = coalesce($2::text, '')) limit $3",
    );
    let members = members.bind(native.map(str::to_owned)).bind(own.map(str::to_owned));
    let rows = server.rows(members.bind(MOST)).await?;
    let mut read = Vec::new();
    for row in &rows {
        let (native, account, name): (String, i64, String) =
            (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        let comment: Option<String> = get(row, 3)?;
        // No entitlement can name a role whose name cannot be a native id.
        let Ok(native) = native.parse::<NativeId>() else { continue };
        let mark = comment.and_then(|comment| Mark::read(&comment, &name));
        let holder = match &mark {
            Some(mark) => Some(mark.binding.account.clone()),
            None => account_of(&name, account),
        };
        let Some(holder) = holder else { continue };
        let stands =
            Stands { can_login: get(row, 4)?, until: get(row, 5)?, has_power: get(row, 6)? };
        read.push(Member { binding: Binding { native, account: holder }, account, mark, stands });
    }
    let whole = i64::try_from(rows.len()).is_ok_and(|rows| rows < MOST);
    Ok((read, whole))
}

/// Bindings whose access is gone and whose sessions are not.
async fn ended_with_sessions(
    server: &mut Server,
    open: &[Open],
    ending: &Ending,
) -> Result<Vec<Binding>, String> {
    let goes_on = |(_, up_to): &(&Binding, &UpTo)| open.iter().any(|one| one.is_within(up_to));
    let mut left: Vec<Binding> =
        ending.iter().filter(goes_on).map(|(binding, _)| binding.clone()).collect();
    // A login that was taken away stays until its sessions are over.
    let disabled = sqlx::query(
        "select oid::int8, rolname::text, shobj_description(oid, 'pg_authid') from pg_roles \
         where not rolcanlogin and starts_with(rolname::text, 'grt_')",
    );
    for row in &server.rows(disabled).await? {
        let (oid, name): (i64, String) = (get(row, 0)?, get(row, 1)?);
        let comment: Option<String> = get(row, 2)?;
        let mark = comment.and_then(|comment| Mark::read(&comment, &name));
        left.extend(
            mark.filter(|_| open.iter().any(|one| one.account == oid)).map(|mark| mark.binding),
        );
    }
    Ok(left)
}

/// The roles whose scope is told: the one that is asked about, or every one that an entitlement could
/// name.
async fn wanted(
    server: &mut Server,
    roles: &Roles,
    only: Option<&Binding>,
) -> Result<BTreeMap<NativeId, i64>, String> {
    if let Some(only) = only {
        let role = server.role(only.native.as_str()).await?;
        return Ok(role.map(|role| (only.native.clone(), role.oid)).into_iter().collect());
    }
    let named = roles.names.iter().filter_map(|(oid, name)| Some((name.parse().ok()?, *oid)));
    Ok(named.collect())
}
