//! A disk that is really full: a small volume of its own for the data directory. What is new is
//! refused, what is due ends and is journalled, also when the program dies meanwhile; and once there
//! is room everything goes on.
//!
//! The volume is a tmpfs in a mount namespace, which goes with the process that holds it. Who is not
//! root needs a machine that allows user namespaces; where neither is to be had, the test fails.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::book::Book;
use crate::company::{Company, Door};
use crate::place::{Place, Server};

/// Enough for a company, and for a log of the database that grows to its usual size.
const MEGABYTES: u32 = 48;

/// A small volume, and the process that holds it.
struct Volume {
    holder: Child,
    at: PathBuf,
    as_root: bool,
}

impl Volume {
    fn at(at: PathBuf) -> Self {
        let as_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !as_root {
            command.args(["--user", "--map-root-user"]);
        }
        let mount = format!("mount -t tmpfs -o size={MEGABYTES}m tmpfs '{}'", at.display());
        let script = format!("{mount} && echo ready && exec sleep 600");
        let holder = command.args(["sh", "-c", &script]).stdout(Stdio::piped()).spawn();
        let mut holder = holder.expect("this test needs `unshare`: apt-get install util-linux");
        let said = BufReader::new(holder.stdout.take().unwrap()).lines().next();
        assert!(
            matches!(said, Some(Ok(line)) if line == "ready"),
            "this test needs a small volume: run it as root, or allow user namespaces"
        );
        Self { holder, at, as_root }
    }

    /// A command on the volume, with the rest of the machine as it is.
    fn run(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !self.as_root {
            inside.args(["--user", "--preserve-credentials"]);
        }
        // The folder is entered there: from outside it would lead past the volume.
        let enter = format!("cd '{}' && exec \"$@\"", command.get_current_dir().unwrap().display());
        inside.args(["sh", "-c", &enter, "sh"]);
        inside.arg(command.get_program()).args(command.get_args()).env_clear();
        let envs = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        inside.envs(envs).env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
        inside
    }

    /// The volume, as it is seen from outside.
    fn seen(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.at.strip_prefix("/").unwrap())
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = std::fs::OpenOptions::new();
        let mut ballast =
            ballast.create(true).append(true).open(self.seen().join("ballast")).unwrap();
        while ballast.write_all(&[1; 4_096]).is_ok() {}
        while ballast.write_all(&[1]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.seen().join("ballast")).unwrap();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[tokio::test]
async fn a_disk_that_is_full_refuses_the_new_and_ends_the_due() {
    let place = Place::new();
    std::fs::create_dir(place.path("placet-data")).unwrap();
    let volume = Volume::at(place.path("placet-data"));
    let mut company = Company::begin(place);
    // What the program writes there is read through the process that holds the volume.
    let seen = volume.seen();
    std::fs::write(seen.join("placet.toml"), "observe_seconds = 1\n").unwrap();
    let init = [&company.init()[..], &["--output", "json"]].concat();
    let output = volume.run(&company.place.command("ada", &init)).output().unwrap();
    let (out, err) = crate::place::texts(&output);
    assert!(output.status.success(), "{out}{err}");
    let founded: serde_json::Value = serde_json::from_str(&out).unwrap();
    let key = std::fs::read(seen.join("log.verifier")).unwrap();
    std::fs::write(company.data().join("log.verifier"), key).unwrap();
    let serve = |company: &Company| Server::of(volume.run(&company.place.serve()));
    let server = serve(&company);
    company.let_in(&server, &founded["login_codes"]).await;
    let door = Door::of(&server.url);

    let granted = async |door: &Door, who: &str, length: &str| {
        let asked = company.ask(door, who, "build-logs", length).await.unwrap().good();
        company.until(door, &asked.text("/grant/id"), "active").await;
        asked.text("/grant/id")
    };
    let first = granted(&door, "anna", "4s").await;
    let second = granted(&door, "bert", "8s").await;
    volume.fill();
    // Whatever room the database and its log had inside themselves is used up by what is asked for.
    let mut code = String::new();
    for _ in 0..1_000 {
        let asked = company.ask(&door, "dag", "build-logs", "1h").await.unwrap();
        code = asked.code();
        if code == "storage_full" {
            asked.refused("storage_full");
            break;
        }
        volume.fill();
        let grant = asked.text("/grant/id");
        let path = format!("/grants/{grant}/give-back");
        let _ = company.post(&door, "dag", &path, &serde_json::json!({})).await;
    }
    assert_eq!(code, "storage_full", "{}", server.log.lock().unwrap());
    let gone = async |who: &str, seconds: u64| {
        for _ in 0..seconds * 20 {
            if !company.groups().contains(who) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("what is due still ends: {}", company.groups());
    };
    gone("anna", 9).await;
    // It dies, and starts again on a disk that is as full as it was.
    server.kill();
    volume.fill();
    let server = serve(&company);
    let door = Door::of(&server.url);
    gone("bert", 14).await;
    let refused = company.ask(&door, "elin", "build-logs", "1h").await.unwrap();
    assert!(!refused.code().eq("ok") && !refused.text("/next").is_empty(), "{refused:?}");

    volume.make_room();
    let mut asked = company.ask(&door, "elin", "build-logs", "1h").await.unwrap();
    for _ in 0..100 {
        if asked.code() == "ok" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        asked = company.ask(&door, "elin", "build-logs", "1h").await.unwrap();
    }
    company.until(&door, &asked.good().text("/grant/id"), "active").await;
    // A removal whose intent still found room on the disk and whose outcome did not is in doubt for half
    // a minute.
    for grant in [&first, &second] {
        let ended = company.until_within(45, &door, grant, "ended").await;
        assert_eq!(ended.text("/gone"), "seen absent", "{}", ended.body);
    }
    let journal = || std::fs::read(seen.join("endings.journal")).unwrap();
    for _ in 0..100 {
        if journal().iter().all(|byte| *byte == 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(journal().iter().all(|byte| *byte == 0), "what was journalled is entered");
    let (exit, said) = server.terminate();
    assert_eq!(exit, Some(0), "{said}");
    let verify = company.place.command("operator", &["ledger", "verify", "--state"]);
    let output = volume.run(&verify).output().unwrap();
    assert!(output.status.success(), "{:?}", crate::place::texts(&output));
    // SQLite follows the way through the holder to the end, and past the volume.
    for file in ["placet.db", "placet.db-wal"].into_iter().filter(|file| seen.join(file).exists()) {
        std::fs::copy(seen.join(file), company.data().join(file)).unwrap();
    }
    Book::default().read_on(&company.data(), &company.key).await.unwrap();
}
