//! `placet collect`: hands in a public half, and keeps what is issued for it. The private key, the token
//! and the password never leave this machine.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use placet_domain::canonical::Digest;
use placet_engine::commands::collect::NAMESPACE;
use serde_json::{Value, json};

use super::{Context, moment_at, scram, text_at};
use crate::api::Api;
use crate::output::{self, Ended};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("half").required(true))]
pub struct Args {
    grant: String,
    /// Have a certificate signed for this SSH key; it is written to `<FILE>-cert.pub`.
    #[arg(long, value_name = "FILE", group = "half")]
    key: Option<PathBuf>,
    /// Draw a token and write it to this new file, which only you can read.
    #[arg(long, value_name = "FILE", group = "half")]
    token_file: Option<PathBuf>,
    /// Draw a token and print it, for a pipeline that masks it.
    #[arg(long, group = "half")]
    token_stdout: bool,
    /// Draw a password for a database login and write it to this new file, which only you can read.
    #[arg(long, value_name = "FILE", group = "half")]
    password_file: Option<PathBuf>,
    /// Draw a password and print it, for a pipeline that masks it.
    #[arg(long, group = "half")]
    password_stdout: bool,
    /// With `--key`: an address block that the certificate is to be good from; may be repeated.
    #[arg(long, value_name = "BLOCK", requires = "key")]
    from: Vec<String>,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    let api = context.api().await?;
    let Args { grant, key, token_file, token_stdout: _, password_file, password_stdout, from } =
        args;
    if let Some(key) = key {
        return certificate(context, &api, &grant, &key, &from).await;
    }
    let secret = match password_stdout || password_file.is_some() {
        true => Secret::password()?,
        false => Secret::token()?,
    };
    match token_file.or(password_file) {
        Some(file) => keep(context, &api, &grant, secret, &file).await,
        None => {
            let collected = hand_in(&api, &grant, &secret.half).await?;
            output::note(stands(context, &collected));
            if let Some(login) = secret.login(&collected) {
                output::note(login);
            }
            output::say(secret.text);
            Ok(())
        }
    }
}

/// What was drawn here, and the half of it that travels.
struct Secret {
    /// What it is, in words.
    what: &'static str,
    text: String,
    half: Value,
}

impl Secret {
    fn token() -> anyhow::Result<Self> {
        let text = format!("issued_{}", Digest::from_bytes(drawn()?));
        let half = json!({ "token_sha256": Digest::of(text.as_bytes()) });
        Ok(Self { what: "token", text, half })
    }

    fn password() -> anyhow::Result<Self> {
        let text = Digest::from_bytes(drawn()?).to_string();
        let half = json!({ "scram_verifier": scram::verifier(&text, drawn()?)? });
        Ok(Self { what: "password", text, half })
    }

    /// As whom to log in, where that is not the holder themselves.
    fn login(&self, grant: &Value) -> Option<String> {
        (self.what == "password").then(|| format!("log in as `{}`", text_at(grant, "/id")))
    }
}

/// 256 bits that nobody can guess.
fn drawn() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    Ok(bytes)
}

async fn keep(
    context: &Context,
    api: &Api,
    grant: &str,
    secret: Secret,
    file: &Path,
) -> anyhow::Result<()> {
    // Before anything is asked: a secret that cannot be kept must not be collected.
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let unwritable = |error| Ended::Unreadable(format!("`{}`: {error}", file.display()));
    let mut opened = opened.map_err(unwritable)?;
    opened
        .write_all(secret.text.as_bytes())
        .and_then(|()| opened.sync_all())
        .map_err(unwritable)?;
    let collected = hand_in(api, grant, &secret.half).await;
    if collected.is_err() {
        let _ = std::fs::remove_file(file);
    }
    let collected = collected?;
    if let Some(login) = secret.login(&collected) {
        output::note(login);
    }
    tell(context, &collected, &format!("the {} is in {}", secret.what, file.display()));
    Ok(())
}

async fn hand_in(api: &Api, grant: &str, half: &Value) -> anyhow::Result<Value> {
    api.post(&format!("/grants/{grant}/collect"), half).await
}

/// Where the grant stands, in a sentence.
fn stands(context: &Context, grant: &Value) -> String {
    let (state, until) = (text_at(grant, "/state"), moment_at(grant, "/until"));
    match (state, text_at(grant, "/trouble")) {
        ("active" | "issued", _) => format!("{state} until {until}"),
        (_, "") if context.is_served() => "collected; it is carried out in a moment".to_owned(),
        (_, "") => "collected; it is carried out when `placet serve` runs".to_owned(),
        (_, trouble) => format!("collected, and not yet carried out: {trouble}"),
    }
}

fn tell(context: &Context, grant: &Value, kept: &str) {
    output::note(stands(context, grant));
    context.show(grant, |_| kept.to_owned());
}

async fn certificate(
    context: &Context,
    api: &Api,
    grant: &str,
    key: &Path,
    from: &[String],
) -> anyhow::Result<()> {
    // The public half may be named too: it says which key is meant.
    let key = if key.extension().is_some_and(|end| end == "pub") {
        key.with_extension("")
    } else {
        key.to_owned()
    };
    let public = beside(&key, ".pub");
    let text = std::fs::read_to_string(&public)
        .map_err(|error| Ended::Unreadable(format!("`{}`: {error}", public.display())))?;
    let known = api.get(&format!("/grants/{grant}")).await?;
    // What was issued for this very key is fetched again, not asked for again.
    let collected = text_at(&known, "/collected");
    let shown = if !collected.is_empty() && collected == format!("ssh:{}", fingerprint(&public)?) {
        known
    } else {
        let signature = sign(&key, grant)?;
        let half = json!({ "ssh_key": text.trim(), "signature": signature, "from": from });
        hand_in(api, grant, &half).await?
    };
    let certificate = text_at(&shown, "/certificate");
    if certificate.is_empty() {
        output::note("run this again to fetch the certificate once it is signed");
        tell(context, &shown, "there is no certificate yet");
        return Ok(());
    }
    let path = beside(&key, "-cert.pub");
    replace(&path, &format!("{certificate}\n"))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    tell(context, &shown, &format!("the certificate is in {}", path.display()));
    Ok(())
}

fn beside(key: &Path, ending: &str) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A public file, whole at once.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let dir = path.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."));
    let mut fresh = tempfile::Builder::new().prefix(".placet-").tempfile_in(dir)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    fresh.as_file().sync_all()?;
    fresh.persist(path)?;
    Ok(())
}

/// `ssh-keygen` signs, so that agents, passphrases and hardware keys work as they do for `ssh`.
fn sign(key: &Path, grant: &str) -> anyhow::Result<String> {
    let key = key.display().to_string();
    ssh_keygen(&["-Y", "sign", "-f", &key, "-n", NAMESPACE], grant)
}

fn fingerprint(public: &Path) -> anyhow::Result<String> {
    let said = ssh_keygen(&["-l", "-f", &public.display().to_string()], "")?;
    Ok(said.split_whitespace().nth(1).unwrap_or_default().to_owned())
}

fn ssh_keygen(args: &[&str], input: &str) -> anyhow::Result<String> {
    let mut child = Command::new("ssh-keygen")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("`ssh-keygen` of OpenSSH is needed to sign with the key")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let out = child.wait_with_output()?;
    if !out.status.success() {
        let why = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        return Err(Ended::Unreadable(format!("`ssh-keygen` did not do it: {why}")).into());
    }
    Ok(String::from_utf8(out.stdout)?)
}
