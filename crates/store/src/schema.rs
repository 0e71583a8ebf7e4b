//! The schema: one migration set for both dialects, applied once each, and the class of every
//! table. Queries do not belong here.

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use crate::Error;

/// Migrations in order; one that was released is never edited.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_core", include_str!("../migrations/0001_core.sql")),
    ("0002_creds", include_str!("../migrations/0002_creds.sql")),
    ("0003_catalogue", include_str!("../migrations/0003_catalogue.sql")),
    ("0004_lasting", include_str!("../migrations/0004_lasting.sql")),
    ("0005_notices", include_str!("../migrations/0005_notices.sql")),
    ("0006_lanes", include_str!("../migrations/0006_lanes.sql")),
    ("0007_work", include_str!("../migrations/0007_work.sql")),
    ("0008_delegations", include_str!("../migrations/0008_delegations.sql")),
    ("0009_logins", include_str!("../migrations/0009_logins.sql")),
    ("0010_programs", include_str!("../migrations/0010_programs.sql")),
    ("0011_passkeys", include_str!("../migrations/0011_passkeys.sql")),
    ("0012_calls", include_str!("../migrations/0012_calls.sql")),
    ("0013_pages", include_str!("../migrations/0013_pages.sql")),
    ("0014_overview", include_str!("../migrations/0014_overview.sql")),
];

/// What a table holds, and so who writes it and what may read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Exactly the fold of events; `ledger verify --state` recomputes it.
    Governed,
    /// The ledger itself, and what is stored under its own digest.
    Ledger,
    /// Personal and free text under a commitment; erasable.
    Disclosed,
    /// What targets say is there.
    Observed,
    /// Leases, hints, bookkeeping; no decision on access reads them.
    Operational,
}

/// Every table, in one class each; a test names any table that is missing here.
pub const TABLES: &[(&str, Class)] = &[
    ("access_grant", Class::Governed),
    ("credential", Class::Governed),
    ("delegation", Class::Governed),
    ("delivery", Class::Operational),
    ("disclosure", Class::Disclosed),
    ("entitlement", Class::Governed),
    ("finding", Class::Governed),
    ("handover", Class::Governed),
    ("identity", Class::Governed),
    ("identity_team", Class::Governed),
    ("keyed_call", Class::Operational),
    ("ledger_entry", Class::Ledger),
    ("ledger_head", Class::Ledger),
    ("ledger_tile", Class::Ledger),
    ("migration", Class::Operational),
    ("notice", Class::Operational),
    ("observed_binding", Class::Observed),
    ("observed_scope", Class::Observed),
    ("observed_target", Class::Observed),
    ("organisation", Class::Governed),
    ("outbox", Class::Operational),
    ("passkey", Class::Governed),
    ("profile", Class::Disclosed),
    ("profile_account", Class::Disclosed),
    ("profile_login", Class::Disclosed),
    ("proposal", Class::Governed),
    ("record", Class::Ledger),
    ("reminder", Class::Operational),
    ("request", Class::Governed),
    ("request_approver", Class::Governed),
    ("request_ends_on", Class::Governed),
    ("schedule", Class::Governed),
    ("set_version", Class::Governed),
    ("stalled", Class::Operational),
    ("target", Class::Governed),
    ("team", Class::Governed),
    ("token_use", Class::Operational),
    ("trail", Class::Governed),
    ("upkeep", Class::Operational),
    ("waiting", Class::Operational),
];

/// The dialects that the fences in a migration name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    Sqlite,
    #[cfg(test)]
    Postgres,
}

/// The text of a migration for one dialect: lines between `--: only x` and `--: end` are kept for
/// dialect `x` alone.
pub(crate) fn for_dialect(text: &str, dialect: Dialect) -> String {
    let name = match dialect {
        Dialect::Sqlite => "sqlite",
        #[cfg(test)]
        Dialect::Postgres => "postgres",
    };
    let mut out = String::with_capacity(text.len());
    let mut kept = true;
    for line in text.lines() {
        match line.trim().strip_prefix("--:").map(str::trim) {
            Some("end") => kept = true,
            Some(fence) => kept = fence.strip_prefix("only ") == Some(name),
            None if kept => {
                out.push_str(line);
                out.push('\n');
            }
            None => {}
        }
    }
    out
}

/// Brings the schema up to date; a database that is newer than this program is refused.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::raw_sql("create table if not exists migration (name text primary key)")
        .execute(&mut *connection)
        .await?;
    let rows = sqlx::query("select name from migration").fetch_all(&mut *connection).await?;
    let mut applied = Vec::with_capacity(rows.len());
    for row in rows {
        applied.push(row.try_get::<String, _>(0)?);
    }
    if let Some(unknown) =
        applied.iter().find(|name| MIGRATIONS.iter().all(|(known, _)| known != name))
    {
        return Err(Error::Damaged {
            what: format!("the database was made by a newer `placet` (migration `{unknown}`)"),
        });
    }
    for (name, text) in MIGRATIONS.iter().filter(|(name, _)| !applied.iter().any(|one| one == name))
    {
        let text = for_dialect(text, Dialect::Sqlite);
        let whole = format!(
            "begin immediate;\n{text}\ninsert into migration (name) values ('{name}');\ncommit;"
        );
        sqlx::raw_sql(AssertSqlSafe(whole)).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_keep_one_dialect() {
        let text = "a\n--: only sqlite\nb\n--: only postgres\nc\n--: end\nd\n";
        assert_eq!(for_dialect(text, Dialect::Sqlite), "a\nb\nd\n");
        assert_eq!(for_dialect(text, Dialect::Postgres), "a\nc\nd\n");
    }
}
