//! Group files: an `htgroup`-style membership file (`group: account account ...`), as Apache's
//! `mod_authz_groupfile` reads it.
//!
//! A group may stand on several lines; a member of any of them is a member. Comments, blank lines
//! and lines of another form are kept as they are. The file is replaced as a whole, never written
//! in place. Setting: `path`.

pub mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use placet_domain::action::{Effect, Outcome};
use placet_domain::observation::{Binding, Completeness, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::settings::{Known, Value};
use crate::{Abilities, Connector, Granted, Look, Sessions, Settings, file};

/// A membership file.
#[derive(Debug)]
pub struct GroupFile {
    path: PathBuf,
}

pub(crate) const SETTINGS: Known = &[("path", Value::Path)];

pub(crate) fn build(settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    let path = settings.get("path").ok_or("setting `path` is missing")?;
    Ok(Arc::new(GroupFile::at(path)))
}

impl GroupFile {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    async fn call(&self, effect: Effect, binding: Binding) -> Outcome {
        let path = self.path.clone();
        let changed = tokio::task::spawn_blocking(move || change(&path, effect, &binding)).await;
        match changed {
            Ok(outcome) => outcome,
            Err(_) => Outcome::InDoubt { why: "changing the group file was cut short".to_owned() },
        }
    }
}

#[async_trait]
impl Connector for GroupFile {
    fn abilities(&self) -> Abilities {
        // A web server reads the file at each request, so nothing lingers.
        Abilities {
            native_expiry: false,
            sessions: Sessions::None,
            tells_scopes: false,
            residual_seconds: 0,
            issues: None,
            by_hand: false,
        }
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        let (native, account) = (assent.native().clone(), assent.account().clone());
        self.call(Effect::Grant, Binding { native, account }).await.into()
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        self.call(Effect::Remove, Binding { native: order.native, account: order.account }).await
    }

    async fn observe(&self, scope: &Scope) -> Look {
        let path = self.path.clone();
        let look = tokio::task::spawn_blocking(move || look(&path)).await;
        let mut look =
            look.unwrap_or_else(|_| Look::unknown("reading the group file was cut short"));
        if let Scope::Binding(only) = scope {
            look.present.retain(|binding| binding == only);
        }
        look
    }
}

fn change(path: &Path, effect: Effect, binding: &Binding) -> Outcome {
    if !text::can_carry(binding) {
        let why = "the group or account name cannot stand in it";
        return file::failed("cannot write to", path, why);
    }
    file::rewrite_text(path, |before| match effect {
        Effect::Grant => text::with(before, binding),
        Effect::Remove => text::without(before, binding),
    })
}

fn look(path: &Path) -> Look {
    let (bytes, _) = match file::read(path) {
        Ok(found) => found,
        Err(error) => return Look::unknown(format!("cannot read `{}`: {error}", path.display())),
    };
    let readable = String::from_utf8_lossy(&bytes);
    let (present, odd): (BTreeSet<Binding>, u64) = text::bindings(&readable);
    let garbled = matches!(readable, std::borrow::Cow::Owned(_)) || bytes.contains(&0);
    let detail = match (garbled, odd) {
        (true, _) => Some(format!("`{}` is not plain UTF-8 text", path.display())),
        (false, 0) => None,
        (false, odd) => Some(format!("`{}` has {odd} names that cannot be read", path.display())),
    };
    let completeness =
        if detail.is_some() { Completeness::Partial } else { Completeness::Complete };
    let (scopes, sessions) = (BTreeMap::new(), BTreeSet::new());
    Look { completeness, present, scopes, credentials: None, sessions, detail }
}
