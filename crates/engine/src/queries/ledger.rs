//! The ledger from inside: its signed head, its files for others to verify, and the check of every
//! governed row against it.

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_ledger::export::Exporter;
use placet_ledger::{Checkpoint, verify::Verifier};
use serde::Serialize;

use crate::Engine;
use crate::error::Error;

/// What verifying the own ledger showed.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerReport {
    pub origin: String,
    pub size: u64,
    pub root: String,
    /// Rows that were compared; none if the rows were not to be compared.
    pub rows: Option<u64>,
    /// Each a sentence; empty if everything holds.
    pub faults: Vec<String>,
}

/// Where the files of an export go: path by path, nothing kept in memory.
pub type Sink<'a> = dyn FnMut(&str, &[u8]) -> std::io::Result<()> + Send + 'a;

/// Takes one entry after the other.
type Take<'a> = dyn FnMut(u64, &[u8]) -> Result<(), placet_ledger::Error> + Send + 'a;

impl Engine {
    /// The key by which others verify this ledger.
    pub fn verifier_key(&self) -> String {
        self.store.verifier().to_string()
    }

    /// The last signed checkpoint.
    pub async fn checkpoint(&self, actor: Actor) -> Result<String, Error> {
        self.reader(actor).await?;
        Ok(self.store.checkpoint().await?)
    }

    /// Reads every entry again, and with `state` every governed row. Needs no actor: whoever can
    /// open the data directory reads the files anyway.
    pub async fn verify_ledger(&self, state: bool) -> Result<LedgerReport, Error> {
        let text = self.store.checkpoint().await?;
        let broken = |error: placet_ledger::Error| Error::Fault(error.to_string());
        let checkpoint = Checkpoint::open(&text, self.store.verifier()).map_err(broken)?;
        let mut report = LedgerReport {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.to_string(),
            rows: None,
            faults: Vec::new(),
        };
        report.faults.extend(self.ending_only());
        let mut verifier = Verifier::new();
        if let Err(error) = self
            .push_all(&checkpoint, &mut |index, body| verifier.push(index, body).map(|_| ()))
            .await?
        {
            report.faults.push(error.to_string());
        } else if let Err(error) = verifier.finish(&checkpoint) {
            report.faults.push(error.to_string());
        }
        if state {
            let compared = self.store.verify_state().await?;
            report.rows = Some(compared.rows);
            report.faults.extend(
                compared
                    .differences
                    .iter()
                    .map(|one| format!("table `{}`, row `{}`: {}", one.table, one.row, one.what)),
            );
        }
        Ok(report)
    }

    /// Writes the ledger as C2SP tiles, for programs that are not ours.
    pub async fn export_ledger(
        &self,
        actor: Actor,
        sink: &mut Sink<'_>,
    ) -> Result<Checkpoint, Error> {
        self.authorise(actor, Deed::ExportEvidence).await?;
        self.export_files(sink).await
    }

    /// The same for whoever holds the data directory itself.
    pub async fn export_files(&self, sink: &mut Sink<'_>) -> Result<Checkpoint, Error> {
        let text = self.store.checkpoint().await?;
        let broken = |error: placet_ledger::Error| Error::Fault(error.to_string());
        let checkpoint = Checkpoint::open(&text, self.store.verifier()).map_err(broken)?;
        let files = |error: std::io::Error| Error::Fault(format!("writing the export: {error}"));
        let mut exporter = Exporter::new();
        let mut written = Ok(());
        self.push_all(&checkpoint, &mut |_, body| {
            for file in exporter.push(body)? {
                if written.is_ok() {
                    written = sink(&file.path, &file.bytes);
                }
            }
            Ok(())
        })
        .await?
        .map_err(broken)?;
        written.map_err(files)?;
        for file in exporter.finish(&text, self.store.verifier()).map_err(broken)? {
            sink(&file.path, &file.bytes).map_err(files)?;
        }
        Ok(checkpoint)
    }

    /// Hands every entry that a checkpoint covers to `take`, a page at a time. The inner error is
    /// that of `take`.
    async fn push_all(
        &self,
        checkpoint: &Checkpoint,
        take: &mut Take<'_>,
    ) -> Result<Result<(), placet_ledger::Error>, Error> {
        let mut next = 0;
        while next < checkpoint.size {
            if let Some(bodies) = self.store.bodies_from(next).await? {
                for body in bodies.iter() {
                    if next < checkpoint.size
                        && let Err(error) = take(next, body.as_bytes())
                    {
                        return Ok(Err(error));
                    }
                    next += 1;
                }
                continue;
            }
            let page = self.store.entries_from(next).await?;
            let covered = page.iter().take_while(|entry| entry.index < checkpoint.size);
            let before = next;
            for entry in covered {
                if let Err(error) = take(entry.index, entry.body.as_bytes()) {
                    return Ok(Err(error));
                }
                next = entry.index + 1;
            }
            if next == before {
                let what = format!("entry {next} is missing");
                return Err(Refusal::EvidenceIncomplete { why: what }.into());
            }
        }
        Ok(Ok(()))
    }
}
