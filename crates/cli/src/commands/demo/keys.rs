//! The SSH keys of the demo, and what OpenSSH's own tool says of what was made with them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use placet_engine::commands::collect::NAMESPACE;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

/// A fresh key in a file that only its owner can read.
pub fn make(path: &Path) -> anyhow::Result<PrivateKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let mut file =
        std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(key.to_openssh(LineEnding::LF)?.as_bytes())?;
    Ok(key)
}

/// The public half of a key, as it is handed in.
pub fn public(key: &PrivateKey) -> anyhow::Result<String> {
    Ok(key.public_key().to_openssh()?)
}

/// Shows that a key is at hand: the id of a grant, signed by it as `ssh-keygen -Y sign` would.
pub fn sign(key: &PrivateKey, grant: &str) -> anyhow::Result<String> {
    Ok(key.sign(NAMESPACE, HashAlg::Sha512, grant.as_bytes())?.to_pem(LineEnding::LF)?)
}

/// What `ssh-keygen` prints, also where it ends with a failure, as it does for a key that is revoked;
/// nothing where OpenSSH is not installed.
pub fn ssh_keygen(args: &[&str], files: &[&Path]) -> Option<String> {
    let out = Command::new("ssh-keygen").args(args).args(files).output().ok()?;
    Some(String::from_utf8_lossy(&out.stdout).trim_end().to_owned())
}
