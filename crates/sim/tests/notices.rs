//! Wherever the process dies, what was committed is told: nothing is lost, and what comes twice
//! comes under the same id.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use placet_sim::script::tell;

/// The life of one request, with a crash somewhere, and enough rounds to recover from it.
fn story(crash: &str) -> String {
    format!(
        "work\n\
         ines asks dev-db-write for 3d because \"the report is late\"\n\
         olga approves 1\n\
         {crash}\n\
         mara approves 1\n\
         mara approves 1\n\
         work 3 times\n\
         work 3 times\n\
         advance 20m\n\
         work 3 times\n\
         show mail\n"
    )
}

/// Who was told what about what, however often.
fn told(transcript: &str) -> BTreeSet<String> {
    let (_, mail) = transcript.rsplit_once("> show mail\n").unwrap();
    let what = |line: &str| line.split_whitespace().skip(1).take(3).collect::<Vec<_>>().join(" ");
    mail.lines().map(what).collect()
}

#[test]
fn a_crash_at_any_commit_loses_no_notice() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tell = |crash: &str| runtime.block_on(tell(&story(crash))).unwrap().transcript;
    let calm = told(&tell(""));
    assert!(calm.contains("ines grant_active g1"), "{calm:?}");
    assert!(calm.contains("ines request_approved r1"), "{calm:?}");
    let mut crashes = 0;
    for when in ["before", "after"] {
        for nth in 1..=8 {
            let transcript = tell(&format!("die {when} commit {nth}"));
            crashes += u32::from(transcript.contains("Placet crashed"));
            assert_eq!(told(&transcript), calm, "{when} commit {nth}:\n{transcript}");
        }
    }
    assert!(crashes >= 14, "{crashes} crashes");
    assert_eq!(told(&tell("die with the next mail")), calm);
}
