//! `./bench`: what Placet costs, one line a figure, beside the machine's own limits measured in the
//! same run. One file a group of figures. Here does not belong a test of correctness; and no timing
//! is ever a test.

#![allow(clippy::print_stdout, clippy::print_stderr)] // Figures go to stdout, progress to stderr.

mod company;
mod figure;
mod flows;
mod machine;
mod server;
mod split;
mod start;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const USAGE: &str = "usage: ./bench [--sizes N,N,...] [--only NAME,...] [--seconds N] [--dir DIR]
  names: limits flows start";
/// The groups of figures, in the order in which they are measured.
const GROUPS: &[&str] = &["limits", "start", "flows"];

struct Options {
    /// The program that is measured.
    binary: PathBuf,
    only: Vec<String>,
    /// How long each run of callers takes.
    seconds: i64,
    /// Where everything is made, and removed again.
    dir: PathBuf,
}

impl Options {
    fn read() -> anyhow::Result<Self> {
        let mut options = Self {
            binary: std::env::current_exe()?.with_file_name("placet"),
            only: Vec::new(),
            seconds: 10,
            dir: std::env::temp_dir(),
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}`?\n{USAGE}"));
            match arg.as_str() {
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--seconds" => options.seconds = value()?.parse()?,
                "--dir" => options.dir = value()?.into(),
                _ => bail!("`{arg}`?\n{USAGE}"),
            }
        }
        let unknown = options.only.iter().find(|one| !GROUPS.contains(&one.as_str()));
        if let Some(unknown) = unknown {
            bail!("no figures are called `{unknown}`\n{USAGE}");
        }
        Ok(options)
    }

    fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == group)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::read()?;
    let dir = tempfile::Builder::new().prefix("placet-bench-").tempdir_in(&options.dir)?;
    println!("{}", machine::describe(dir.path()));
    run(&options, dir.path()).await
}

async fn run(options: &Options, dir: &Path) -> anyhow::Result<()> {
    let mut limits = None;
    if options.wants("limits") {
        limits = Some(machine::limits(dir).await?);
    }
    if options.wants("start") {
        start::measure(&options.binary, dir).await?;
    }
    if options.wants("flows") {
        flows::measure(&options.binary, dir, options.seconds, limits.as_ref()).await?;
    }
    Ok(())
}
