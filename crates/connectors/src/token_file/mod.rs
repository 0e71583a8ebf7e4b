//! Token files: digests of tokens that a service reads at each request, as it would read an
//! `htpasswd` file. One token a line:
//!
//! `sha256:<64 hex digits> <native> <account> <until, RFC 3339> <grant>`
//!
//! The service takes the SHA-256 of the token that it is shown, looks for the line, and lets nobody
//! in after `until`. The token itself was drawn by its holder and stands nowhere else. Comments,
//! blank lines and lines of another form are kept as they are. Setting: `path`.

pub mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use placet_domain::action::Outcome;
use placet_domain::grant::{Half, Public};
use placet_domain::observation::{Binding, Completeness, Kept, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::settings::{Known, Value};
use crate::{Abilities, Connector, Granted, Look, Sessions, Settings, file};
use text::Line;

/// A file of token digests.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
}

pub(crate) const SETTINGS: Known = &[("path", Value::Path)];

pub(crate) fn build(settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    let path = settings.get("path").ok_or("setting `path` is missing")?;
    Ok(Arc::new(TokenFile::at(path)))
}

impl TokenFile {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    async fn rewrite(&self, change: impl Fn(&str) -> Option<String> + Send + 'static) -> Outcome {
        let path = self.path.clone();
        let changed = tokio::task::spawn_blocking(move || file::rewrite_text(&path, change)).await;
        let cut_short = || Outcome::InDoubt { why: "changing the tokens was cut short".to_owned() };
        changed.unwrap_or_else(|_| cut_short())
    }
}

#[async_trait]
impl Connector for TokenFile {
    fn abilities(&self) -> Abilities {
        // The service reads the file at each request, and `until` with it.
        Abilities {
            native_expiry: true,
            sessions: Sessions::None,
            tells_scopes: false,
            residual_seconds: 0,
            issues: Some(Half::TokenDigest),
            by_hand: false,
        }
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        let collected = assent.collected().map(|collected| &collected.public);
        let Some(Public::TokenDigest { sha256 }) = collected else {
            let why = "no token was collected for it".to_owned();
            return Outcome::Failed { why }.into();
        };
        let line = Line {
            digest: *sha256,
            binding: Binding { native: assent.native().clone(), account: assent.account().clone() },
            until: assent.until(),
            grant: assent.grant(),
        };
        if !line.can_stand() {
            let why = "a name with blanks in it cannot stand there";
            return file::failed("cannot write to", &self.path, why).into();
        }
        self.rewrite(move |before| text::with(before, &line)).await.into()
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        self.rewrite(move |before| match order.grant {
            Some(grant) => text::without(before, grant),
            None => {
                let (native, account) = (order.native.clone(), order.account.clone());
                text::without_binding(before, &Binding { native, account })
            }
        })
        .await
    }

    async fn observe(&self, scope: &Scope) -> Look {
        let path = self.path.clone();
        let look = tokio::task::spawn_blocking(move || look(&path)).await;
        let mut look = look.unwrap_or_else(|_| Look::unknown("reading the tokens was cut short"));
        if let Scope::Binding(only) = scope {
            look.present.retain(|binding| binding == only);
            if let Some(kept) = &mut look.credentials {
                kept.retain(|kept| kept.binding == *only);
            }
        }
        look
    }
}

/// What stands there, also what is past its `until`: it is there until it is removed.
fn look(path: &Path) -> Look {
    let (bytes, _) = match file::read(path) {
        Ok(found) => found,
        Err(error) => return Look::unknown(format!("cannot read `{}`: {error}", path.display())),
    };
    let readable = String::from_utf8_lossy(&bytes);
    let (lines, odd) = text::lines(&readable);
    let garbled = matches!(readable, std::borrow::Cow::Owned(_)) || bytes.contains(&0);
    let detail = match (garbled, odd) {
        (true, _) => Some(format!("`{}` is not plain UTF-8 text", path.display())),
        (false, 0) => None,
        (false, odd) => Some(format!("`{}` has {odd} tokens that cannot be read", path.display())),
    };
    let completeness =
        if detail.is_some() { Completeness::Partial } else { Completeness::Complete };
    let kept = |line: &Line| Kept { binding: line.binding.clone(), digest: line.digest };
    Look {
        completeness,
        present: lines.iter().map(|line| line.binding.clone()).collect(),
        scopes: BTreeMap::new(),
        credentials: Some(lines.iter().map(kept).collect()),
        sessions: BTreeSet::new(),
        detail,
    }
}
