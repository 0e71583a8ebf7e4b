//! Each story beside the transcript that it must have. `UPDATE_GOLDEN=1` writes the transcripts.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use placet_sim::script::tell;

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    all.sort();
    all
}

#[test]
fn every_story_is_told_as_it_was_written_down() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut wrong = Vec::new();
    for path in stories() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let told = match runtime.block_on(tell(&text)) {
            Ok(told) => told.transcript,
            Err(why) => {
                wrong.push(format!("{name}: {why}"));
                continue;
            }
        };
        let golden = path.with_extension("out");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if told != expected {
            let at = told.lines().zip(expected.lines()).find(|(now, then)| now != then);
            wrong.push(format!("{name}: the transcript is another: {at:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nwrite them anew with UPDATE_GOLDEN=1", wrong.join("\n"));
}
