//! Who signs certificates: a key file that only Placet may read, or an `ssh-agent`, which keeps the
//! key to itself. A hardware module would be a third.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh_key::{PrivateKey, PublicKey, Signature};

/// What a CA key can do.
pub(super) trait Signer: fmt::Debug + Send + Sync {
    fn public(&self) -> Result<PublicKey, String>;

    fn sign(&self, bytes: &[u8]) -> Result<Signature, String>;
}

/// A key in a file. It is read for each signature, so that a key that was taken away signs no more.
#[derive(Debug)]
pub(super) struct KeyFile(pub PathBuf);

impl KeyFile {
    fn read(&self) -> Result<PrivateKey, String> {
        let shown = self.0.display();
        let metadata = std::fs::metadata(&self.0).map_err(|e| format!("`{shown}`: {e}"))?;
        if !metadata.is_file() || metadata.mode() & 0o077 != 0 {
            return Err(format!(
                "the CA key `{shown}` is refused: others than its owner can reach it; \
                 `chmod 600` it"
            ));
        }
        let key = PrivateKey::read_openssh_file(&self.0)
            .map_err(|_| format!("`{shown}` is not a private key in OpenSSH's form"))?;
        if key.is_encrypted() {
            return Err(format!(
                "the CA key `{shown}` has a passphrase: load it into an agent, and set `agent`"
            ));
        }
        // The one library for it has no defence yet against timing of the private operation.
        if key.key_data().is_rsa() {
            return Err(format!(
                "the CA key `{shown}` is RSA: load it into an agent, and set `agent`, or take an \
                 Ed25519 key"
            ));
        }
        Ok(key)
    }
}

impl Signer for KeyFile {
    fn public(&self) -> Result<PublicKey, String> {
        Ok(self.read()?.public_key().clone())
    }

    fn sign(&self, bytes: &[u8]) -> Result<Signature, String> {
        use ssh_key::SigningKey;
        let key = self.read()?;
        let signing: &dyn SigningKey = &key;
        signing.try_sign(bytes).map_err(|e| format!("`{}`: {e}", self.0.display()))
    }
}

/// A key that an agent holds, named by its public half.
#[derive(Debug)]
pub(super) struct Agent {
    pub socket: PathBuf,
    pub public: PathBuf,
}

const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// An RSA key is to sign with SHA-512.
const RSA_SHA2_512: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const LONGEST: usize = 64 * 1024;

impl Signer for Agent {
    fn public(&self) -> Result<PublicKey, String> {
        read_public(&self.public)
    }

    fn sign(&self, bytes: &[u8]) -> Result<Signature, String> {
        let key = self.public()?;
        let blob = key.to_bytes().map_err(|e| e.to_string())?;
        let flags = if key.key_data().is_rsa() { RSA_SHA2_512 } else { 0 };
        let mut request = vec![SIGN_REQUEST];
        for part in [blob.as_slice(), bytes] {
            request.extend(length(part)?.to_be_bytes());
            request.extend(part);
        }
        request.extend(flags.to_be_bytes());
        let answer = self.ask(&request).map_err(|e| format!("{}: {e}", self.socket.display()))?;
        // The type, and a signature with its length in front.
        match answer.split_first() {
            Some((&SIGN_RESPONSE, rest)) => {
                let signature = rest.get(4..).unwrap_or_default();
                Signature::try_from(signature)
                    .map_err(|_| "the agent's signature cannot be read".to_owned())
            }
            _ => Err(format!(
                "the agent at `{}` does not sign with `{}`; is the key loaded?",
                self.socket.display(),
                self.public.display()
            )),
        }
    }
}

impl Agent {
    fn ask(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let size = length(request).map_err(std::io::Error::other)?;
        stream.write_all(&size.to_be_bytes())?;
        stream.write_all(request)?;
        let mut size = [0; 4];
        stream.read_exact(&mut size)?;
        let size = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX);
        if size > LONGEST {
            return Err(std::io::Error::other("the answer is too long"));
        }
        let mut answer = vec![0; size];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

fn length(part: &[u8]) -> Result<u32, String> {
    u32::try_from(part.len()).map_err(|e| e.to_string())
}

fn read_public(path: &Path) -> Result<PublicKey, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| format!("`{shown}`: {e}"))?;
    PublicKey::from_openssh(text.trim())
        .map_err(|_| format!("`{shown}` is not a public key in OpenSSH's form"))
}
