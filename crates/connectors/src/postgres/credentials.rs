//! The two files that say how Placet reaches the server, and the local list of what it must never
//! grant. Nothing of the first two is ever printed.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What may stand behind the `?` of the address. Anything else would be ignored by the library, and
/// written to the log by it.
const PARAMETERS: [&str; 5] = ["host", "sslcert", "sslkey", "sslmode", "sslrootcert"];

/// The local file of roles that are never granted.
const DENY: &str = "deny";

/// How to reach the server as one account.
pub(super) struct Access {
    pub options: PgConnectOptions,
    /// The file that it was read from.
    pub file: PathBuf,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Access {
    /// The role that it logs in as.
    pub fn role(&self) -> &str {
        self.options.get_username()
    }
}

/// Reads one file. It is read for each call, so that one that was taken away opens nothing more.
pub(super) async fn read(path: &Path) -> Result<Access, String> {
    let path = path.to_owned();
    beside(move || {
        let text = text(&path, 0o077, "others than its owner can reach it; `chmod 600` it")?;
        let options = options(text.trim());
        let options = options.map_err(|why| format!("`{}`: {why}", path.display()))?;
        Ok(Access { options, file: path })
    })
    .await
}

/// Roles that are never granted, one a line, from the file beside the credentials. The catalogue
/// names the credentials and not this file, so it cannot leave it out.
pub(super) async fn denied(credentials: &Path) -> Result<BTreeSet<String>, String> {
    let credentials = credentials.to_owned();
    beside(move || {
        let real = credentials.canonicalize();
        let real = real.map_err(|error| format!("`{}`: {error}", credentials.display()))?;
        let deny = real.with_file_name(DENY);
        if matches!(deny.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
        {
            return Ok(BTreeSet::new());
        }
        let text = text(&deny, 0o022, "others than its owner can change it; `chmod 644` it")?;
        let lines = text.lines().map(str::trim);
        Ok(lines.filter(|one| !one.is_empty() && !one.starts_with('#')).map(str::to_owned).collect())
    })
    .await
}

async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err("reading the credentials was cut short".to_owned()))
}

fn text(path: &Path, refused_mode: u32, why: &str) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("`{shown}`: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() || metadata.mode() & refused_mode != 0 {
        return Err(format!("`{shown}` is refused: {why}"));
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// The address as it stands in the file. What is wrong with it is said without showing any of it.
fn options(address: &str) -> Result<PgConnectOptions, String> {
    let form = "it is not one line of the form `postgres://user:password@host/database`";
    let rest = ["postgres://", "postgresql://"].iter().find_map(|one| address.strip_prefix(one));
    let rest = rest.filter(|_| !address.contains(char::is_whitespace)).ok_or(form)?;
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    if !place.contains('@') {
        return Err(form.to_owned());
    }
    let keys = || parameters.split('&').filter(|one| !one.is_empty());
    let key = |one: &str| one.split('=').next().unwrap_or_default().to_owned();
    if keys().any(|one| !PARAMETERS.contains(&key(one).as_str())) {
        return Err(format!("behind the `?` may stand `{}`", PARAMETERS.join("`, `")));
    }
    // The library's own words may quote what stands there.
    let options = PgConnectOptions::from_str(address).map_err(|_| form)?;
    if options.get_database().is_none() || options.get_username().is_empty() {
        return Err(form.to_owned());
    }
    let said = keys().any(|one| key(one) == "sslmode");
    let options = match (is_local(&options), said, options.get_ssl_mode()) {
        (false, true, PgSslMode::Allow | PgSslMode::Prefer) => {
            let why = "`sslmode` of another machine is `verify-full`, `verify-ca`, `require` or \
                       `disable`: with any other, whoever is in between decides";
            return Err(why.to_owned());
        }
        (_, true, _) => options,
        (true, false, _) => options.ssl_mode(PgSslMode::Prefer),
        (false, false, _) => options.ssl_mode(PgSslMode::VerifyFull),
    };
    // Statements hold verifiers, and a log is no place for them.
    Ok(options.application_name("placet").disable_statement_logging())
}

/// Whether nothing between here and the server is a network.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host.starts_with('/') || host == "localhost" || loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_reached_by_proven_tls() {
        let mode = |address: &str| options(address).map(|one| format!("{:?}", one.get_ssl_mode()));
        let check = |address: &str, expect: &str| assert_eq!(mode(address).unwrap(), expect);
        check("postgres://placet:pw@db.example.org/shop", "VerifyFull");
        check("postgres://placet:pw@203.0.113.7/shop", "VerifyFull");
        check("postgres://placet:pw@db/shop?sslmode=verify-ca&sslrootcert=/ca.pem", "VerifyCa");
        check("postgres://placet:pw@db/shop?sslmode=disable", "Disable");
        check("postgres://placet:pw@localhost/shop", "Prefer");
        check("postgresql://placet:pw@127.0.0.1:5433/shop", "Prefer");
        check("postgres://placet:pw@[::1]/shop", "Prefer");
        check("postgres://placet@localhost/shop?host=/run/postgresql", "Prefer");
        assert!(
            mode("postgres://placet:pw@db/shop?sslmode=prefer").unwrap_err().contains("verify")
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_it() {
        for address in [
            "",
            "placet:s3cret@db/shop",
            "postgres://db/s3cret",
            "postgres://placet:s3cret@db",
            "postgres://placet:s3cret@db:port/shop",
            "postgres://placet:s3cret@db/shop?pasword=s3cret",
            "postgres://placet:s3cret@db/shop?sslmode=s3cret",
            "postgres://placet:s3cret@db/shop\npostgres://placet:s3cret@db/shop",
        ] {
            let why = options(address).map(drop).unwrap_err();
            assert!(!why.contains("s3cret"), "{address:?}: {why}");
        }
        let options = options("postgres://placet:s3cret@db/shop").unwrap();
        let access = Access { options, file: "key".into() };
        assert_eq!(format!("{access:?}"), "Access { file: \"key\", .. }");
        assert_eq!(access.role(), "placet");
    }
}
