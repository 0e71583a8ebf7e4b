//! The bundle file: its form, its writing and its reading. What it shows is judged elsewhere.

use placet_domain::Refusal;
use placet_domain::canonical;
use placet_domain::committed::Disclosure;
use placet_domain::id::{RequestId, Stream};
use serde::{Deserialize, Serialize};

use super::incomplete;
use crate::proof::Proof;
use crate::trail::Proven;

/// The format that this code writes; readers refuse any other.
pub const FORMAT: &str = "placet.evidence.v1";

/// The largest bundle file, in bytes.
pub const LARGEST: usize = 64 * 1024 * 1024;

/// The evidence for one request, as it stands in its file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    format: String,
    /// The log that the entries are in.
    pub(super) origin: String,
    /// The signed checkpoint (C2SP `tlog-checkpoint`) that everything is proved under.
    pub(super) checkpoint: String,
    pub(super) trail: Stream,
    /// Every entry of the trail up to a seal, in order.
    pub(super) entries: Vec<Item>,
    /// Entries of other trails that say who and what the trail names.
    pub(super) related: Vec<Item>,
    pub(super) disclosures: Vec<Disclosure>,
}

/// An entry in the file: its stored text verbatim, its place and its inclusion proof (RFC 6962).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    index: u64,
    body: String,
    proof: Proof,
}

impl Item {
    fn of(proven: Proven) -> Result<Self, Refusal> {
        let Proven { index, body, proof } = proven;
        let body = String::from_utf8(body)
            .map_err(|_| incomplete(format!("entry {index} is not UTF-8 text")))?;
        Ok(Self { index, body, proof })
    }

    pub fn into_proven(self) -> Proven {
        Proven { index: self.index, body: self.body.into_bytes(), proof: self.proof }
    }
}

impl Bundle {
    /// Puts a bundle together. `entries` is the whole trail up to a seal; all proofs are under
    /// `checkpoint`. Nothing is verified here: whoever exports verifies the file before giving it
    /// away, as everyone else will.
    pub fn new(
        checkpoint: String,
        request: RequestId,
        entries: Vec<Proven>,
        related: Vec<Proven>,
        disclosures: Vec<Disclosure>,
    ) -> Result<Self, Refusal> {
        let items =
            |list: Vec<Proven>| list.into_iter().map(Item::of).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            format: FORMAT.to_owned(),
            origin: checkpoint.lines().next().unwrap_or_default().to_owned(),
            checkpoint,
            trail: Stream::Request(request),
            entries: items(entries)?,
            related: items(related)?,
            disclosures,
        })
    }

    /// The text of the file.
    pub fn to_json(&self) -> Result<String, Refusal> {
        let text = canonical::text(self).map_err(incomplete)?;
        within_limit(&text)?;
        Ok(text)
    }
}

fn within_limit(text: &str) -> Result<(), Refusal> {
    if text.len() > LARGEST {
        let (size, limit) = (text.len() >> 20, LARGEST >> 20);
        return Err(incomplete(format!("the file has {size} MiB, and {limit} MiB are the limit")));
    }
    Ok(())
}

/// Reads a bundle file; fails closed on any field or format that it does not know.
pub(super) fn read(json: &str) -> Result<Bundle, Refusal> {
    within_limit(json)?;
    let bundle: Bundle = serde_json::from_str(json)
        .map_err(|e| incomplete(format!("the file cannot be read: {e}")))?;
    if bundle.format != FORMAT {
        let found: String = bundle.format.chars().take(64).collect();
        return Err(incomplete(format!("format `{found}` is not known here, only `{FORMAT}`")));
    }
    Ok(bundle)
}
