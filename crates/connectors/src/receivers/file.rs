//! A file: one line of JSON for each notice, appended and flushed to the disk before it counts as
//! delivered.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use placet_domain::Timestamp;

use super::{Failed, Message, Receiver, cloud_event};

#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
}

impl File {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

#[async_trait]
impl Receiver for File {
    async fn deliver(&self, message: &Message, _now: Timestamp) -> Result<(), Failed> {
        let line = cloud_event(message)?;
        let path = self.path.clone();
        let appended = tokio::task::spawn_blocking(move || append(&path, &line)).await;
        match appended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                let path = self.path.display();
                Err(Failed::again(format!("`{path}` could not be written: {error}")))
            }
            Err(error) => Err(Failed::again(error.to_string())),
        }
    }
}

/// A line that broke off, as on a full disk, is ended first: it harms no other.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    let mut text = String::with_capacity(line.len() + 2);
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    text.push_str(line);
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_data()
}
