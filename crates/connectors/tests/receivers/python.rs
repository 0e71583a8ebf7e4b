//! Python programs of others, run beside a test and ended with it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The interpreter with the packages of the tests: that of `PLACET_TEST_PYTHON`, or the one that
/// `./test` makes.
fn interpreter() -> PathBuf {
    let named = std::env::var_os("PLACET_TEST_PYTHON").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let usual = || cache.or_else(home).unwrap().join("placet/venv/bin/python3");
    let found = named.unwrap_or_else(usual);
    assert!(
        found.exists(),
        "{} is not there: run `./test` once, or\n  python3 -m venv ~/.cache/placet/venv && \
         ~/.cache/placet/venv/bin/pip install aiosmtpd standardwebhooks",
        found.display()
    );
    found
}

/// A program that goes on until it is dropped, and says things line by line.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(interpreter())
            .args(["-c", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// The next line that it says.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.out.read_line(&mut line).unwrap() > 0, "the program ended");
        line.trim_end().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end on an input.
pub fn run(program: &str, input: &str) -> Result<String, String> {
    let mut child = Command::new(interpreter())
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
}
