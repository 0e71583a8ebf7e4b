//! The verifier of a password, as PostgreSQL keeps it (SCRAM-SHA-256: RFC 5802, RFC 7677): whoever
//! has it can tell the password, and cannot log in with it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac as _};
use placet_domain::canonical::Digest;

/// PostgreSQL's own number. A password of 256 bits needs no more.
const ITERATIONS: u32 = 4096;

/// Of a password of plain letters and digits, which SASLprep leaves as it is. The salt is the first
/// half of what was drawn for it.
pub(super) fn verifier(password: &str, drawn: [u8; 32]) -> anyhow::Result<String> {
    let (salt, _) = drawn.split_at(16);
    verifier_with(password, salt)
}

fn verifier_with(password: &str, salt: &[u8]) -> anyhow::Result<String> {
    let salted = salted(password.as_bytes(), salt)?;
    let stored = Digest::of(&mac(&salted, &[b"Client Key"])?);
    let server = mac(&salted, &[b"Server Key"])?;
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let (salt, stored, server) = (text(salt), text(stored.as_bytes()), text(&server));
    Ok(format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}"))
}

/// `Hi` of RFC 5802: PBKDF2 of one block.
fn salted(password: &[u8], salt: &[u8]) -> anyhow::Result<[u8; 32]> {
    let mut last = mac(password, &[salt, &1_u32.to_be_bytes()])?;
    let mut all = last;
    for _ in 1..ITERATIONS {
        last = mac(password, &[&last])?;
        for (all, last) in all.iter_mut().zip(last) {
            *all ^= last;
        }
    }
    Ok(all)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> anyhow::Result<[u8; 32]> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, with the keys that its exchange comes out of.
    #[test]
    fn the_verifier_is_that_of_the_rfc() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let expect = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                      WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                      wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(verifier_with("pencil", &salt).unwrap(), expect);
    }
}
