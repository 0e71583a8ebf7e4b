//! `./bench`: what Placet costs, one line a figure, beside the machine's own limits measured in the
//! same run. One file a group of figures. Here does not belong a test of correctness; and no timing
//! is ever a test.

#![allow(clippy::print_stdout, clippy::print_stderr)] // Figures go to stdout, progress to stderr.

mod commits;
mod company;
mod crowd;
mod figure;
mod flows;
mod growth;
mod machine;
mod pages;
mod remote;
mod server;
mod split;
mod start;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const USAGE: &str =
    "usage: ./bench [--sizes N,N,...] [--only NAME,...] [--due N] [--seconds N] [--dir DIR]
  names: limits start flows commits endings verify evidence pages";
/// The groups of figures, in the order in which they are measured.
const GROUPS: &[&str] =
    &["limits", "start", "flows", "commits", "endings", "verify", "evidence", "pages"];

struct Options {
    /// The program that is measured.
    binary: PathBuf,
    only: Vec<String>,
    /// How many live grants there are in turn.
    sizes: Vec<u64>,
    /// How many grants are due, a hundred and some a second.
    due: u64,
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
            sizes: vec![10_000, 100_000, 1_000_000],
            due: growth::DUE,
            seconds: 10,
            dir: std::env::temp_dir(),
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}`?\n{USAGE}"));
            match arg.as_str() {
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--sizes" => {
                    options.sizes =
                        value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--due" => options.due = value()?.parse()?,
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
    if options.wants("commits") {
        commits::measure(dir, limits.as_ref()).await?;
    }
    let wanted = growth::Wanted {
        endings: options.wants("endings"),
        verify: options.wants("verify"),
        evidence: options.wants("evidence"),
        due: options.due,
    };
    if wanted.endings || wanted.verify || wanted.evidence {
        growth::measure(dir, &options.sizes, wanted, limits.as_ref()).await?;
    }
    if options.wants("pages") {
        pages::measure(&options.binary, dir, &options.sizes).await?;
    }
    Ok(())
}
