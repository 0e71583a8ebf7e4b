//! `placet ledger ...`: verify it, and export it for programs that are not ours.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Context;
use crate::output::{self, Ended, Format};

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Read every entry of the data directory's ledger again; with `--state`, every governed row too.
    Verify {
        #[arg(long)]
        state: bool,
    },
    /// Write the ledger as C2SP tiles (`checkpoint`, `tile/...`, `tile/entries/...`).
    Export {
        /// A folder that does not exist yet.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Where the verifier key goes, apart from the export.
        #[arg(long, value_name = "FILE")]
        key_out: Option<PathBuf>,
    },
    /// Verify an exported ledger, offline.
    VerifyExport {
        dir: PathBuf,
        /// The file of the verifier key, obtained from elsewhere.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    if context.is_served() && !matches!(verb, Verb::VerifyExport { .. }) {
        let what = "this reads a data directory, not a server; stop the server, and name the directory with `--data`";
        return Err(Ended::Unreadable(what.to_owned()).into());
    }
    match verb {
        Verb::Verify { state } => verify(context, state).await,
        Verb::Export { out, key_out } => export(context, &out, key_out.as_deref()).await,
        Verb::VerifyExport { dir, key } => verify_export(context, &dir, &key),
    }
}

async fn verify(context: &Context, state: bool) -> anyhow::Result<()> {
    let engine = context.engine().await?;
    let report = engine.verify_ledger(state).await.map_err(output::ended)?;
    if context.format == Format::Json {
        output::show_json(&serde_json::to_value(&report)?);
    } else {
        output::say(format!("{}: {} entries, root {}", report.origin, report.size, report.root));
        if let Some(rows) = report.rows {
            output::say(format!("{rows} governed rows compared with the fold of their events"));
        }
    }
    if report.faults.is_empty() {
        output::note("everything holds");
        return Ok(());
    }
    Err(Ended::Broken(format!("this ledger does not hold:\n  {}", report.faults.join("\n  ")))
        .into())
}

async fn export(context: &Context, out: &Path, key_out: Option<&Path>) -> anyhow::Result<()> {
    let engine = context.engine().await?;
    if out.exists() {
        let what = format!("`{}` exists already; name a folder that does not", out.display());
        return Err(Ended::Unreadable(what).into());
    }
    std::fs::create_dir_all(out)?;
    let mut files = 0u64;
    let mut sink = |path: &str, bytes: &[u8]| {
        files += 1;
        let path = out.join(path);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(path, bytes)
    };
    let checkpoint = engine.export_files(&mut sink).await.map_err(output::ended)?;
    if let Some(key_out) = key_out {
        std::fs::write(key_out, format!("{}\n", engine.verifier_key()))?;
    }
    context.show(
        &json!({ "size": checkpoint.size, "root": checkpoint.root, "files": files, "out": out }),
        |_| format!("{} entries in {files} files, root {}", checkpoint.size, checkpoint.root),
    );
    Ok(())
}

fn verify_export(context: &Context, dir: &Path, key: &Path) -> anyhow::Result<()> {
    let key = super::evidence::verifier_key(key)?;
    let read = |path: &str| std::fs::read(dir.join(path)).ok();
    let exported = placet_ledger::verify::verify_export(read, &key, None)
        .map_err(|error| Ended::Broken(format!("this export does not hold: {error}")))?;
    context.show(
        &json!({
            "origin": exported.checkpoint.origin,
            "size": exported.checkpoint.size,
            "root": exported.checkpoint.root,
            "files": exported.files,
        }),
        |_| {
            let checkpoint = &exported.checkpoint;
            format!("{}: {} entries, root {}", checkpoint.origin, checkpoint.size, checkpoint.root)
        },
    );
    output::note("everything holds");
    Ok(())
}
