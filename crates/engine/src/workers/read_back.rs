//! Read back: a revoked certificate is gone when each enrolled host shows that it refuses it.

use std::collections::BTreeMap;

use placet_domain::actor::Worker;
use placet_domain::grant::{self, Grant, Issued, ReadBack};
use placet_domain::id::GrantId;

use super::actor;
use super::touch::Reached;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Tells a grant which hosts show its revocation.
struct TellReadBack {
    grant: GrantId,
    read_back: ReadBack,
}

#[async_trait::async_trait]
impl Command for TellReadBack {
    type Output = Grant;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Grant, Error> {
        let grant = draft.grant(self.grant).await?;
        let command = grant::Command::ReadBack(self.read_back.clone());
        let events = grant::decide(Some(&grant), command, draft.now)?;
        Ok(draft.advance(grant, events))
    }
}

impl Engine {
    /// Reads a revocation back from every enrolled host. `detail` becomes what is missing, in words.
    pub(super) async fn read_back(
        &self,
        reached: &Reached,
        grant: &Grant,
        issued: &Issued,
        detail: &mut String,
    ) -> Result<Grant, Error> {
        let shown = tokio::select! {
            shown = reached.connector.read_back(issued) => shown,
            // Nothing was shown by anybody: tried again like any ending.
            () = self.environment.after(grant::CALL_SECONDS) => return Ok(grant.clone()),
        };
        *detail = waits(&shown.waits_for, issued);
        let waits_for = shown.waits_for.into_keys().collect();
        let read_back = ReadBack { hosts: shown.hosts, waits_for };
        self.run(actor(Worker::Observe), &TellReadBack { grant: grant.id, read_back }).await
    }
}

/// Why it is not over yet. A host may say much: what a finding holds is bounded.
fn waits(waits_for: &BTreeMap<String, String>, issued: &Issued) -> String {
    let over_at = issued.over_at;
    if waits_for.is_empty() {
        return format!("it is revoked, and no enrolled host shows it; it runs out at {over_at}");
    }
    let hosts = waits_for.iter().take(5).map(|(host, why)| format!("`{host}`: {why}"));
    let hosts: Vec<String> = hosts.collect();
    let count = waits_for.len();
    format!("it is revoked, and {count} enrolled hosts do not show it: {}", hosts.join("; "))
}
