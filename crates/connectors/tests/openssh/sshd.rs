//! A real `sshd`: who is let in, from where, and for how long.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use placet_connectors::conformance::{assent_of, grant_of, removal};
use placet_connectors::{Connector, Shown};
use placet_domain::action::Outcome;
use placet_domain::grant::Issued;
use placet_ledger::RemovalOrder;

use crate::ground::{Ground, now, wanted};

/// A host that trusts the CA, and reads what is revoked from its own file.
struct Host {
    ground: Ground,
    port: u16,
    _sshd: Running,
}

/// A program that ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Host {
    async fn new() -> (Self, std::sync::Arc<dyn Connector>) {
        let ground = Ground::new();
        for name in ["ca", "user", "host-key"] {
            ground.key(name, &["ed25519"]);
        }
        let ca = ground.ca(&[("key", "ca"), ("krl", "krl"), ("hosts", "host-krl")]).unwrap();
        ca.set_up(now()).await.unwrap();
        std::fs::copy(ground.path("krl"), ground.path("host-krl")).unwrap();
        let me = ground.good("id", &["-un"]).trim().to_owned();
        ground.write("principals", "ops\n");
        let file = |name: &str| ground.path(name).display().to_string();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nTrustedUserCAKeys {}\n\
             AuthorizedPrincipalsFile {}\nRevokedKeys {}\nAuthorizedKeysFile none\nUsePAM no\n\
             StrictModes no\nPidFile none\nPasswordAuthentication no\nAllowUsers {me}\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n",
            file("host-key"),
            file("ca.pub"),
            file("principals"),
            file("host-krl")
        );
        ground.write("sshd_config", config);
        // It insists on the folder, also where it does not separate privileges.
        let _ = std::fs::create_dir_all("/run/sshd");
        let sshd = Command::new("/usr/sbin/sshd")
            .args(["-D", "-f", &file("sshd_config"), "-E", &file("log")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs sshd: apt-get install openssh-server");
        let host = Self { ground, port, _sshd: Running(sshd) };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return (host, ca);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("sshd does not answer: {}", host.ground.text("log"));
    }

    /// Whether the certificate lets somebody in.
    fn lets_in(&self, issued: &Issued) -> bool {
        self.ground.write("user-cert.pub", format!("{}\n", issued.certificate));
        let port = self.port.to_string();
        let (ok, _) = self.ground.run(
            "ssh",
            &[
                "-F",
                "none",
                "-p",
                &port,
                "-i",
                "user",
                "-o",
                "CertificateFile=user-cert.pub",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "IdentityAgent=none",
                "-o",
                "BatchMode=yes",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "127.0.0.1",
                "true",
            ],
        );
        ok
    }

    #[track_caller]
    fn logged(&self, what: &str) {
        let log = self.ground.text("log");
        assert!(log.contains(what), "`{what}` is not in the log:\n{log}");
    }
}

async fn issue(
    host: &Host,
    ca: &dyn Connector,
    (serial, principal, length): (u128, &str, &str),
    from: &[&str],
) -> Issued {
    let half = host.ground.half(grant_of(serial), "user", from).unwrap();
    let granted = ca.grant(assent_of(&wanted(principal, serial, length, half))).await;
    assert_eq!(granted.outcome, Outcome::Done);
    granted.issued.expect("a certificate")
}

fn revocation(serial: u128, issued: &Issued) -> RemovalOrder {
    let binding = wanted_binding();
    RemovalOrder { issued: Some(issued.clone()), at: now(), ..removal(&binding, serial) }
}

fn wanted_binding() -> placet_domain::observation::Binding {
    placet_domain::observation::Binding {
        native: "ops".parse().unwrap(),
        account: "ines".parse().unwrap(),
    }
}

fn names(shown: &Shown) -> (usize, Vec<&String>) {
    (shown.hosts.len(), shown.waits_for.values().collect())
}

#[tokio::test]
async fn sshd_lets_in_whom_the_certificate_names_and_nobody_else() {
    let (host, ca) = Host::new().await;
    let good = issue(&host, ca.as_ref(), (1, "ops", "1h"), &[]).await;
    assert!(host.lets_in(&good), "{}", host.ground.text("log"));
    let serial = good.serial;
    host.logged(&format!("ID {} (serial {serial})", grant_of(1)));
    let other = issue(&host, ca.as_ref(), (2, "readers", "1h"), &[]).await;
    assert!(!host.lets_in(&other));
    host.logged("Certificate does not contain an authorized principal");
    let elsewhere = issue(&host, ca.as_ref(), (3, "ops", "1h"), &["192.0.2.1"]).await;
    assert!(!host.lets_in(&elsewhere));
    host.logged("not from a permitted source address");
    let here = issue(&host, ca.as_ref(), (4, "ops", "1h"), &["192.0.2.1", "127.0.0.0/8"]).await;
    assert!(host.lets_in(&here), "{}", host.ground.text("log"));

    host.ground.write("shown-cert.pub", &here.certificate);
    let shown = host.ground.good("ssh-keygen", &["-L", "-f", "shown-cert.pub"]);
    let rest: Vec<&str> = shown.lines().map(str::trim).skip(1).collect();
    let from = |what: &str| rest.iter().position(|line| line.starts_with(what)).expect(what);
    assert_eq!(rest[from("Key ID")], format!("Key ID: \"{}\"", grant_of(4)));
    assert_eq!(rest[from("Serial")], format!("Serial: {}", here.serial));
    assert_eq!(rest[from("Principals") + 1..from("Critical")], ["ops"]);
    let options = "source-address 127.0.0.0/8,192.0.2.1/32";
    assert_eq!(rest[from("Critical") + 1..from("Extensions")], [options]);
    assert_eq!(rest[from("Extensions") + 1..], ["permit-pty"], "nothing that nobody asked for");
}

#[tokio::test]
async fn sshd_refuses_what_has_run_out() {
    let (host, ca) = Host::new().await;
    let short = issue(&host, ca.as_ref(), (1, "ops", "3s"), &[]).await;
    assert!(host.lets_in(&short), "{}", host.ground.text("log"));
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    assert!(!host.lets_in(&short));
    host.logged("Certificate invalid: expired");
}

#[tokio::test]
async fn sshd_refuses_what_is_revoked_once_the_list_has_come() {
    let (host, ca) = Host::new().await;
    let one = issue(&host, ca.as_ref(), (1, "ops", "1h"), &[]).await;
    // Their intents stand in the same place of two ledgers: only the end tells them apart.
    let other = issue(&host, ca.as_ref(), (2, "ops", "2h"), &[]).await;
    assert_eq!(ca.remove(revocation(1, &one)).await, Outcome::Done);
    let waits = ca.read_back(&one).await;
    assert_eq!(names(&waits).1, ["it does not show the revocation yet"]);
    assert!(host.lets_in(&one), "the host has not heard of it, and nothing says it has");

    std::fs::copy(host.ground.path("krl"), host.ground.path("host-krl")).unwrap();
    assert_eq!(names(&ca.read_back(&one).await).0, 1);
    assert_eq!(names(&ca.read_back(&other).await).0, 0);
    assert!(!host.lets_in(&one));
    host.logged("revoked by file");
    assert!(host.lets_in(&other), "{}", host.ground.text("log"));

    // Another process, with nothing but the files, adds to what the first one revoked.
    let again =
        host.ground.ca(&[("key", "ca"), ("krl", "krl"), ("hosts", "host-krl,away")]).unwrap();
    again.set_up(now()).await.unwrap();
    assert_eq!(again.remove(revocation(2, &other)).await, Outcome::Done);
    assert_eq!(again.remove(revocation(2, &other)).await, Outcome::Done, "once more is once");
    std::fs::copy(host.ground.path("krl"), host.ground.path("host-krl")).unwrap();
    assert!(!host.lets_in(&one) && !host.lets_in(&other));
    let shown = again.read_back(&other).await;
    assert_eq!((shown.hosts.len(), shown.waits_for.len()), (1, 1), "a host that is away counts");
    // A list that was lost is taken from a host, with what had been revoked before.
    std::fs::remove_file(host.ground.path("krl")).unwrap();
    assert_eq!(again.remove(revocation(2, &other)).await, Outcome::Done);
    host.ground.write("user-cert.pub", format!("{}\n", one.certificate));
    let (ok, text) = host.ground.run("ssh-keygen", &["-Q", "-f", "krl", "user-cert.pub"]);
    assert!(!ok && text.contains("REVOKED"), "{text}");
}

#[tokio::test]
async fn an_agent_signs_as_well_as_a_file() {
    let (host, _) = Host::new().await;
    let ground = &host.ground;
    let socket = ground.path("agent").display().to_string();
    let agent = Command::new("ssh-agent")
        .args(["-D", "-a", &socket])
        .stdout(Stdio::null())
        .spawn()
        .expect("this test needs ssh-agent: apt-get install openssh-client");
    let _agent = Running(agent);
    for _ in 0..200 {
        if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let ca = ground.ca(&[("agent", "agent"), ("public", "ca.pub"), ("krl", "krl")]).unwrap();
    ca.set_up(now()).await.unwrap();
    let half = ground.half(grant_of(1), "user", &[]).unwrap();
    let before = ca.grant(assent_of(&wanted("ops", 1, "1h", half.clone()))).await;
    let Outcome::Failed { why } = before.outcome else { panic!("{before:?}") };
    assert!(why.contains("does not sign"), "{why}");
    let added = Command::new("ssh-add")
        .env("SSH_AUTH_SOCK", &socket)
        .arg(ground.path("ca"))
        .output()
        .unwrap();
    assert!(added.status.success());
    let granted = ca.grant(assent_of(&wanted("ops", 1, "1h", half))).await;
    let issued = granted.issued.unwrap_or_else(|| panic!("{:?}", granted.outcome));
    let let_in = host.lets_in(&issued);
    assert!(let_in, "{}", host.ground.text("log"));
}

#[tokio::test]
async fn a_key_in_the_open_and_a_list_that_is_lost_issue_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let ground = Ground::new();
    ground.key("ca", &["ed25519"]);
    ground.key("user", &["ed25519"]);
    ground.key("rsa-ca", &["rsa", "-b", "3072"]);
    let ca = ground.ca(&[("key", "ca"), ("krl", "krl")]).unwrap();
    let half = ground.half(grant_of(1), "user", &[]).unwrap();
    let refused = async |ca: &dyn Connector, expect: &str| {
        let granted = ca.grant(assent_of(&wanted("ops", 1, "1h", half.clone()))).await;
        let Outcome::Failed { why } = granted.outcome else { panic!("{expect}") };
        assert!(why.contains(expect) && granted.issued.is_none(), "{why}");
    };
    refused(ca.as_ref(), "No such file").await;
    ca.set_up(now()).await.unwrap();
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    assert_eq!(std::fs::metadata(ground.path("krl")).unwrap().permissions(), mode(0o100644));
    std::fs::set_permissions(ground.path("ca"), mode(0o640)).unwrap();
    refused(ca.as_ref(), "others than its owner can reach it").await;
    assert!(ca.set_up(now()).await.unwrap_err().contains("chmod 600"));
    std::fs::set_permissions(ground.path("ca"), mode(0o600)).unwrap();
    ground.write("krl", "not a list");
    refused(ca.as_ref(), "not a revocation list").await;
    let rsa = ground.ca(&[("key", "rsa-ca"), ("krl", "krl2")]).unwrap();
    assert!(rsa.set_up(now()).await.unwrap_err().contains("load it into an agent"));
    assert!(!ground.path("krl2").exists());
}
