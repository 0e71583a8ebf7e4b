//! The program in a folder of its own, run as people run it, and its server.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// A folder for one test, and the program run in it.
pub struct Place {
    pub dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, who: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PLACET_SESSIONS", self.path(&format!("{who}.sessions")))
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, who: &str, args: &[&str]) -> Output {
        self.command(who, args).output().unwrap()
    }

    /// The server on this data directory, started from elsewhere, on a free port.
    pub fn serve(&self) -> Command {
        let mut command = self.command("operator", &["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--data").arg(self.path("placet-data")).current_dir("/");
        command
    }

    /// Runs well, and answers what was printed.
    #[track_caller]
    pub fn good(&self, who: &str, args: &[&str]) -> String {
        let output = self.run(who, args);
        let (out, err) = texts(&output);
        assert!(output.status.success(), "{args:?}: {out}{err}");
        out
    }

    #[track_caller]
    pub fn json(&self, who: &str, args: &[&str]) -> Value {
        let args: Vec<&str> = [args, &["--output", "json"]].concat();
        serde_json::from_str(&self.good(who, &args)).unwrap()
    }

    /// Ends with this exit code, and says this on stderr.
    #[track_caller]
    pub fn bad(&self, who: &str, args: &[&str], code: i32, says: &str) {
        let output = self.run(who, args);
        let (_, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
}

pub fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

pub fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/catalog.toml")
}

/// A server, started from elsewhere, that is killed when the test lets go of it.
pub struct Server {
    child: Child,
    pub url: String,
    /// What it said and logged.
    pub log: Arc<Mutex<String>>,
}

impl Server {
    pub fn start(place: &Place) -> Self {
        Self::of(place.serve())
    }

    /// The same by another command, such as one that runs it elsewhere.
    pub fn of(mut serve: Command) -> Self {
        let mut child = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let url = lines.find_map(|line| {
            let line = line.unwrap();
            said.push_str(&(line.clone() + "\n"));
            line.strip_prefix("serving on ").map(str::to_owned)
        });
        let url = url.unwrap_or_else(|| panic!("the server says where it serves: {said}"));
        let log = Arc::new(Mutex::new(said));
        let logged = Arc::clone(&log);
        std::thread::spawn(move || {
            lines.for_each(|line| logged.lock().unwrap().push_str(&(line.unwrap() + "\n")));
        });
        Self { child, url, log }
    }

    /// `kill -9`: nothing is tidied up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: it finishes what it is at. Answers its exit code, and all that it said.
    #[allow(dead_code)] // For the tests of crashes, which share this file.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        // The log ends with the program, and whoever reads it a moment later.
        let log = Arc::clone(&self.log);
        drop(self);
        for _ in 0..100 {
            if Arc::strong_count(&log) == 1 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let said = log.lock().unwrap().clone();
        (code, said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
