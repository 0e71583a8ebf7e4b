//! Public halves, as receivers hand them in: read once, and shown to be their own.
//!
//! An SSH key comes with a signature over the id of the grant (SSHSIG, `ssh-keygen -Y sign`): who
//! cannot sign with it gets no certificate for it. A token comes as its SHA-256 alone, a password as its
//! SCRAM-SHA-256 verifier.

use std::collections::BTreeSet;
use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use placet_domain::Refusal;
use placet_domain::canonical::Digest;
use placet_domain::grant::{Half, Public};
use placet_domain::id::GrantId;
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

/// The namespace in which the id of a grant is signed.
pub const NAMESPACE: &str = "placet-collect";

/// The shortest RSA key for which a certificate is signed, in bits.
const SHORTEST_RSA: usize = 3_072;

/// The longest text of a key or signature, in bytes.
const LONGEST: usize = 4_096;

/// How often a password is hashed for a verifier: PostgreSQL's own number. A password of 256 bits
/// needs no more, and each login pays for it.
const ITERATIONS: &str = "4096";

/// The most address blocks.
const MOST_SOURCES: usize = 16;

/// What came through the door.
#[derive(Clone, Debug, Default)]
pub struct Submitted {
    pub ssh_key: Option<String>,
    pub signature: Option<String>,
    pub token_sha256: Option<String>,
    pub scram_verifier: Option<String>,
    /// Address blocks that the credential is to be good from.
    pub from: Vec<String>,
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    pub public: Public,
    pub sources: BTreeSet<String>,
}

fn unfit(why: impl Into<String>) -> Refusal {
    Refusal::UnfitHalf { why: why.into() }
}

/// Reads what was handed in for a grant on a target that takes `half`.
pub fn read(half: Half, grant: GrantId, given: &Submitted) -> Result<Read, Refusal> {
    let sources = sources(&given.from)?;
    match (half, &given.ssh_key, &given.token_sha256, &given.scram_verifier) {
        (Half::SshKey, Some(key), None, None) => {
            let signature = given.signature.as_deref().ok_or_else(|| {
                let why = "the key came without a signature".to_owned();
                Refusal::NotYourHalf { why }
            })?;
            Ok(Read { public: ssh_key(key, signature, grant)?, sources })
        }
        (Half::SshKey, ..) => Err(unfit("this target takes a public SSH key, and nothing else")),
        (Half::TokenDigest, None, Some(hex), None) if given.signature.is_none() => {
            if !sources.is_empty() {
                return Err(unfit("a token cannot be bound to addresses"));
            }
            let sha256: Digest =
                hex.parse().map_err(|_| unfit("the SHA-256 is not 64 hex digits"))?;
            if sha256 == Digest::of(b"") {
                return Err(unfit("it is the SHA-256 of nothing"));
            }
            Ok(Read { public: Public::TokenDigest { sha256 }, sources })
        }
        (Half::TokenDigest, ..) => {
            Err(unfit("this target takes the SHA-256 of a token, and nothing else"))
        }
        (Half::ScramSha256, None, None, Some(verifier)) if given.signature.is_none() => {
            if !sources.is_empty() {
                return Err(unfit("a password cannot be bound to addresses"));
            }
            is_verifier(verifier)?;
            Ok(Read { public: Public::ScramSha256 { verifier: verifier.clone() }, sources })
        }
        (Half::ScramSha256, ..) => {
            let why =
                "this target takes the SCRAM-SHA-256 verifier of a password, and nothing else";
            Err(unfit(why))
        }
    }
}

/// A verifier in PostgreSQL's form and in one spelling. What is not one, the server would take for a
/// password, and keep.
fn is_verifier(text: &str) -> Result<(), Refusal> {
    let form = || {
        unfit("the verifier is not of the form `SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>`")
    };
    let rest = text.strip_prefix("SCRAM-SHA-256$").ok_or_else(form)?;
    let (first, second) = rest.split_once('$').ok_or_else(form)?;
    let (iterations, salt) = first.split_once(':').ok_or_else(form)?;
    let (stored, server) = second.split_once(':').ok_or_else(form)?;
    if iterations != ITERATIONS {
        return Err(unfit(format!("the verifier was not made in {ITERATIONS} iterations")));
    }
    let read = |part: &str| BASE64_STANDARD.decode(part).map_err(|_| form());
    let (salt, stored, server) = (read(salt)?, read(stored)?, read(server)?);
    match (salt.len(), stored.len(), server.len()) {
        (16..=64, 32, 32) => Ok(()),
        _ => Err(form()),
    }
}

fn ssh_key(text: &str, signature: &str, grant: GrantId) -> Result<Public, Refusal> {
    if text.len() > LONGEST || signature.len() > LONGEST {
        return Err(unfit(format!("the key or signature is longer than {LONGEST} bytes")));
    }
    let mut key = PublicKey::from_openssh(text.trim())
        .map_err(|_| unfit("it is not a public key in OpenSSH's form"))?;
    is_strong(&key)?;
    // A comment names people and machines, and proves nothing.
    key.set_comment("");
    let not_yours = |why: &str| Refusal::NotYourHalf { why: why.to_owned() };
    let signature = SshSig::from_pem(signature)
        .map_err(|_| not_yours("the signature is not one of `ssh-keygen -Y sign`"))?;
    let message = grant.to_string();
    key.verify(NAMESPACE, message.as_bytes(), &signature).map_err(|error| match error {
        ssh_key::Error::PublicKey => not_yours("another key signed"),
        ssh_key::Error::Namespace => not_yours("it was signed for something else"),
        _ => not_yours("the signature does not fit this grant and key"),
    })?;
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let key = key.to_openssh().map_err(|_| unfit("it cannot be written down again"))?;
    Ok(Public::SshKey { key: key.trim_end().to_owned(), fingerprint })
}

fn is_strong(key: &PublicKey) -> Result<(), Refusal> {
    match key.algorithm() {
        Algorithm::Rsa { .. } => {
            let modulus = key.key_data().rsa().and_then(|rsa| rsa.n.as_positive_bytes());
            let bits = modulus.map_or(0, bits);
            if bits >= SHORTEST_RSA {
                return Ok(());
            }
            Err(unfit(format!("an RSA key of {bits} bits is too weak, {SHORTEST_RSA} are needed")))
        }
        Algorithm::Ed25519
        | Algorithm::Ecdsa { .. }
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256 => Ok(()),
        Algorithm::Dsa => Err(unfit("DSA keys are too weak")),
        _ => Err(unfit("keys of this kind are not certified")),
    }
}

/// The bits of a positive number without leading zeros in front.
fn bits(bytes: &[u8]) -> usize {
    let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let unused = bytes.first().map_or(0, |first| first.leading_zeros());
    (bytes.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or(0))
}

/// Address blocks as OpenSSH takes them: it refuses a certificate whose blocks have bits set beyond
/// their prefix, so those are refused here.
fn sources(given: &[String]) -> Result<BTreeSet<String>, Refusal> {
    if given.len() > MOST_SOURCES {
        return Err(unfit(format!("there are more than {MOST_SOURCES} address blocks")));
    }
    given.iter().map(|text| block(text.trim())).collect()
}

fn block(text: &str) -> Result<String, Refusal> {
    let shown: String = text.chars().take(64).collect();
    let no_block = || unfit(format!("`{shown}` is not an address block such as `10.0.0.0/8`"));
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| no_block())?;
    let (value, width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let prefix: u32 = match prefix {
        Some(prefix) => prefix.parse().map_err(|_| no_block())?,
        None => width,
    };
    let beyond = value.checked_shl(prefix).unwrap_or(0);
    if prefix > width || beyond != 0 {
        return Err(unfit(format!("`{shown}` has bits beyond its prefix")));
    }
    Ok(format!("{address}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_blocks_are_read_as_sshd_reads_them() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(block(text).ok().as_deref(), expect, "{text}");
        };
        check("10.0.0.0/8", Some("10.0.0.0/8"));
        check("192.0.2.1", Some("192.0.2.1/32"));
        check("0.0.0.0/0", Some("0.0.0.0/0"));
        check("2001:db8::/32", Some("2001:db8::/32"));
        check("::1", Some("::1/128"));
        check("10.1.0.0/8", None);
        check("10.0.0.0/33", None);
        check("10.0.0.0/-1", None);
        check("here", None);
        check("", None);
    }

    #[test]
    fn a_password_is_known_by_its_verifier_alone() {
        let grant: GrantId = uuid::Uuid::from_u128(1).into();
        // The example of RFC 7677.
        let good = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                    WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                    wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        let given = |text: &str| Submitted {
            scram_verifier: Some(text.to_owned()),
            ..Submitted::default()
        };
        let check = |given: Submitted, expect: Result<(), &str>| {
            let got = read(Half::ScramSha256, grant, &given);
            assert_eq!(got.map(drop).map_err(|refusal| refusal.code()), expect, "{given:?}");
        };
        check(given(good), Ok(()));
        for bad in [
            "",
            "a password",
            &good.replace("SHA-256", "SHA-1"),
            &good.replace("4096", "1"),
            &good.replace("4096", "04096"),
            &good.replace("gQ==", "gR=="),
            &good.replace("W22ZaJ0SNY7soEsUEjb6gQ==", "W22ZaA=="),
            &good.replace("qY=", "qY"),
            &good.replace("dU=", "dU= "),
            &format!("{good}$"),
        ] {
            check(given(bad), Err("unfit_half"));
        }
        let token = Some(Digest::of(b"a token").to_string());
        check(Submitted { token_sha256: token, ..given(good) }, Err("unfit_half"));
        check(Submitted { from: vec!["10.0.0.0/8".to_owned()], ..given(good) }, Err("unfit_half"));
        let got = read(Half::TokenDigest, grant, &given(good));
        assert_eq!(got.unwrap_err().code(), "unfit_half");
    }

    #[test]
    fn a_token_is_known_by_its_digest_alone() {
        let grant: GrantId = uuid::Uuid::from_u128(1).into();
        let check = |given: Submitted, expect: Result<(), &str>| {
            let got = read(Half::TokenDigest, grant, &given);
            assert_eq!(got.map(drop).map_err(|refusal| refusal.code()), expect, "{given:?}");
        };
        let token = |hex: String| Submitted { token_sha256: Some(hex), ..Submitted::default() };
        check(token(Digest::of(b"a token").to_string()), Ok(()));
        check(token(Digest::of(b"").to_string()), Err("unfit_half"));
        check(token("abc".to_owned()), Err("unfit_half"));
        check(Submitted::default(), Err("unfit_half"));
        let bound = Submitted {
            from: vec!["10.0.0.0/8".to_owned()],
            ..token(Digest::of(b"a token").to_string())
        };
        check(bound, Err("unfit_half"));
    }
}
