//! Login by a provider over TLS: it is believed as long as its certificate is one of the authorities that
//! the operator named, and for the name by which it is called.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

use crate::browser::Browser;
use crate::company::{Company, free_port, part, session_in};
use crate::hostile::refused;
use crate::real::Provider;

/// Where the provider is.
const HERE: &str = "127.0.0.1";
const ELSEWHERE: &str = "id.example.org";

const UNSIGNED: &str = "its TLS certificate is signed by no CA in `ca_file`";
const MISNAMED: &str = "its TLS certificate does not hold: certificate not valid for name";

/// A CA in a folder, in which the certificates lie that it signed.
struct Ca {
    dir: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    fn called(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), issuer }
    }

    /// A server's certificate with its key, in one file.
    fn server(&self, host: &str) -> PathBuf {
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = self.dir.path().join(format!("{host}.pem"));
        std::fs::write(&path, certificate.pem() + &key.serialize_pem()).unwrap();
        path
    }

    /// The line of the configuration that names it.
    fn named(&self) -> String {
        let path = self.dir.path().join("ca.pem");
        std::fs::write(&path, self.issuer.pem()).unwrap();
        format!("ca_file = \"{}\"\n", path.display())
    }
}

fn callback(port: u16) -> String {
    format!("http://127.0.0.1:{port}/login/callback")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_over_tls_holds_as_long_as_the_certificate_of_the_provider_does() {
    let (ours, theirs) = (Ca::called("our CA"), Ca::called("our CA"));
    let (good, port) = (ours.server(HERE), free_port());
    let provider = Provider::over_tls(&callback(port), &good);
    let company = Company::reaching(port, &provider.issuer, "placet", &ours.named());
    // The provider shows another certificate only when the code is traded, and is known until then.
    let log_in = async |shown: &Path| {
        provider.shows(&good);
        let mut browser = Browser::trusting(&ours.issuer.pem());
        let to = company.begin(&mut browser).await;
        assert!(to.as_str().starts_with(&format!("{}/", provider.issuer)), "{to}");
        assert!(provider.issuer.starts_with("https://"));
        assert_eq!(part(&to, "code_challenge_method"), "S256");
        let stop = company.at("/login/callback");
        let page = browser.walk(&to, "Ines/42", stop.as_str()).await;
        let back = page.leads_to().unwrap_or_else(|| panic!("{}: {}", page.url, page.body));
        provider.shows(shown);
        browser.get(&back).await
    };
    assert_eq!(company.who(&session_in(&log_in(&good).await)).await, "ines");
    for (shown, says) in [(theirs.server(HERE), UNSIGNED), (ours.server(ELSEWHERE), MISNAMED)] {
        refused(&log_in(&shown).await, says, "login_provider_down", says);
    }
    // It was that, and nothing else.
    assert_eq!(company.who(&session_in(&log_in(&good).await)).await, "ines");
    // The operator reads the same in the log.
    let (_, log) = company.server.terminate();
    assert!(log.contains(UNSIGNED) && log.contains(MISNAMED), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_prove_who_it_is_is_not_asked() {
    let (ours, theirs) = (Ca::called("our CA"), Ca::called("a CA of others"));
    let check = async |certificate: Option<PathBuf>, how: &str, says: &str| {
        let port = free_port();
        let provider = match certificate {
            Some(certificate) => Provider::over_tls(&callback(port), &certificate),
            None => Provider::start(&callback(port)),
        };
        let issuer = provider.issuer.replace("http://", "https://");
        let company = Company::reaching(port, &issuer, "placet", how);
        let page = Browser::new().get(&company.at("/login/provider")).await;
        refused(&page, says, "login_provider_down", says);
        let (_, log) = company.server.terminate();
        assert!(log.contains(says), "{log}");
    };
    check(Some(theirs.server(HERE)), &ours.named(), UNSIGNED).await;
    check(Some(ours.server(ELSEWHERE)), &ours.named(), MISNAMED).await;
    let machine = "is signed by no CA that this machine trusts; name it in `ca_file`";
    check(Some(ours.server(HERE)), "", machine).await;
    check(None, &ours.named(), "what answers there does not speak TLS").await;
}
