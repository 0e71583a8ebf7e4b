//! The way to a server on another machine: encrypted, and proven by a CA. A real handshake with a
//! server whose certificates a CA of our own signed.

use placet_domain::action::Outcome;
use placet_domain::observation::{Completeness, Scope};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

use crate::ground::Ground;
use crate::server::Server;
use crate::{at, failed, grant};

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca(name: &str) -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The server shows this certificate from now on.
async fn show(server: &Server, ca: &Ca, change: impl FnOnce(&mut CertificateParams)) {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    server.write("data/server.crt", &certificate.pem());
    server.write("data/server.key", &key.serialize_pem());
    server.by_hand("alter system set ssl = on").await;
    server.by_hand("select pg_reload_conf()").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
}

#[tokio::test]
async fn only_a_server_that_its_ca_vouches_for_is_spoken_to() {
    let server: &Server = Box::leak(Box::new(Server::start()));
    let ground = Ground::on(server, "tls", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    let now = placet_connectors::conformance::assent(&app, 1).until();
    let (right, wrong) = (ca("the right one"), ca("another one"));
    for (name, ca) in [("right.pem", &right), ("wrong.pem", &wrong)] {
        ground.write(name, &ca.pem());
    }
    let address = |user: &str, password: &str, host: &str, mode: &str, ca: &str| {
        let plain = server.address(user, password, "postgres").replace("127.0.0.1", host);
        format!("{plain}?sslmode={mode}&sslrootcert={}", ground.path(ca).display())
    };
    let reach = |host: &str, mode: &str, ca: &str| {
        ground.write("credentials", &address("tls_placet", "change-s3cret", host, mode, ca));
        ground.write("observer", &address("tls_observer", "look-s3cret", host, mode, ca));
    };
    let refused = async |says: &str| {
        let why = target.set_up(now).await.unwrap_err();
        assert!(why.contains("no trusted encryption") && why.contains(says), "{says}: {why}");
        assert!(failed(grant(&*target, &app).await).contains("no trusted encryption"));
        let look = target.observe(&Scope::Everything).await;
        assert_eq!(look.completeness, Completeness::Unknown);
        assert!(!why.contains("s3cret"), "{why}");
    };
    // A server that does not speak it is not spoken to in clear instead.
    reach("localhost", "verify-full", "right.pem");
    refused("does not support TLS").await;

    show(server, &right, |_| {}).await;
    target.set_up(now).await.unwrap();
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
    assert_eq!(at(&*target, &app).await, (true, false));
    let clear = server
        .log()
        .lines()
        .filter(|line| line.contains("authorized: user=tls_"))
        .any(|line| !line.contains("SSL enabled"));
    assert!(!clear, "every connection of both accounts was encrypted");

    reach("localhost", "verify-full", "wrong.pem");
    refused("UnknownIssuer").await;
    // The certificate is for `localhost`, and this is another name of it.
    reach("127.0.0.1", "verify-full", "right.pem");
    refused("not valid for name").await;
    reach("127.0.0.1", "verify-ca", "right.pem");
    target.set_up(now).await.unwrap();
    reach("127.0.0.1", "verify-ca", "wrong.pem");
    refused("UnknownIssuer").await;
    reach("localhost", "verify-full", "right.pem");
    show(server, &right, |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)).await;
    refused("expired").await;
    show(server, &wrong, |_| {}).await;
    refused("UnknownIssuer").await;
}
