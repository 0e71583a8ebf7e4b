//! Sessions: ended with the access, and told while they go on.
//!
//! The server does not say what a session was opened for, and one that switched to a role (`set
//! role`) keeps it when the membership is gone. So every session of an account that was open when a
//! membership was taken away counts for that membership, and is ended. One that began later cannot
//! have it: whoever still holds something else logs in again and stays.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use placet_domain::observation::Binding;
use sqlx::postgres::PgRow;

use super::server::{Server, get};

/// How often, and how far apart, is looked whether sessions have ended.
const LOOKS: u32 = 20;
const APART: Duration = Duration::from_millis(100);

/// An account's sessions up to a moment of the server's clock, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct UpTo {
    pub account: i64,
    pub moment: i64,
}

/// When memberships were taken away by this process. The server does not keep it, so after a restart
/// of Placet those sessions are not told any more that could not be ended together with the removal.
#[derive(Debug, Default)]
pub(super) struct Taken(Mutex<BTreeMap<Binding, UpTo>>);

impl Taken {
    fn known(&self) -> MutexGuard<'_, BTreeMap<Binding, UpTo>> {
        // A panic elsewhere leaves a plain map behind, which stays usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn of(&self, binding: &Binding) -> Option<UpTo> {
        self.known().get(binding).copied()
    }

    pub fn note(&self, binding: &Binding, up_to: UpTo) {
        self.known().insert(binding.clone(), up_to);
    }

    pub fn forget(&self, binding: &Binding) {
        self.known().remove(binding);
    }

    pub fn all(&self) -> BTreeMap<Binding, UpTo> {
        self.known().clone()
    }
}

/// One session that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub account: i64,
    /// None where it may not be seen; it counts as old then.
    pub began: Option<i64>,
}

impl Open {
    pub fn is_within(&self, up_to: &UpTo) -> bool {
        self.account == up_to.account && self.began.is_none_or(|began| began <= up_to.moment)
    }
}

pub(super) async fn open(server: &mut Server) -> Result<Vec<Open>, String> {
    let open = sqlx::query(
        "select usesysid::int8, (extract(epoch from backend_start) * 1000000)::int8 \
         from pg_stat_activity where usesysid is not null",
    );
    let one = |row: &PgRow| Ok(Open { account: get(row, 0)?, began: get(row, 1)? });
    server.rows(open).await?.iter().map(one).collect()
}

/// The server's clock.
pub(super) async fn now(server: &mut Server) -> Result<i64, String> {
    let now = sqlx::query("select (extract(epoch from clock_timestamp()) * 1000000)::int8");
    let rows = server.rows(now).await?;
    rows.first().map_or_else(|| Err("the server has no clock".to_owned()), |row| get(row, 0))
}

/// The statement that ends all sessions of an account. It passes over those that Placet's account may
/// not end, so that it does not fail; `end` says what is left.
pub(super) fn end_all(account: i64) -> String {
    format!(
        "select pg_terminate_backend(a.pid) from pg_stat_activity a \
         join pg_roles r on r.oid = a.usesysid where a.usesysid::int8 = {account} \
         and a.pid <> pg_backend_pid() and not r.rolsuper \
         and (pg_has_role('pg_signal_backend', 'usage') or pg_has_role(a.usesysid, 'usage'))"
    )
}

/// Ends the sessions of an account up to a moment, and waits until they are over.
pub(super) async fn end(server: &mut Server, up_to: UpTo) -> Result<(), String> {
    const WHICH: &str = "from pg_stat_activity where usesysid::int8 = $1 \
         and pid <> pg_backend_pid() and coalesce((extract(epoch from backend_start) * 1000000)::int8 <= $2, true)";
    let signal = format!("select count(*) filter (where pg_terminate_backend(pid)) {WHICH}");
    let count = format!("select count(*) {WHICH}");
    let ask = |text: String| {
        let query = sqlx::query(sqlx::AssertSqlSafe(text));
        query.bind(up_to.account).bind(up_to.moment)
    };
    server.rows(ask(signal)).await?;
    let mut open: i64 = 0;
    for _ in 0..LOOKS {
        let rows = server.rows(ask(count.clone())).await?;
        open = rows.first().map_or(Ok(0), |row| get(row, 0))?;
        if open == 0 {
            return Ok(());
        }
        tokio::time::sleep(APART).await;
    }
    Err(format!("{open} sessions have not ended yet"))
}
