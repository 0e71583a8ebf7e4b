//! Evidence: what an auditor takes away, and what it shows to someone with nothing but a key.
//!
//! Here: the verification. The file itself is in `bundle`, the words are in `story`, and what
//! other entries add about people is in `related`. Which entries are related, and who may export,
//! is the engine's to say.

mod bundle;
mod related;
mod story;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use placet_domain::Refusal;
use placet_domain::canonical::Digest;
use placet_domain::committed::{Commitment, Disclosure};
use placet_domain::event::{Event, trail as seal};
use placet_domain::id::Stream;
use placet_domain::request::Basis;
use placet_domain::time::Timestamp;

use crate::checkpoint::{Checkpoint, Head};
use crate::error::Error;
use crate::key::VerifierKey;
use crate::laws::{self, Breach, Judged};
use crate::trail::{Proven, Step, Trail};
use related::Related;

pub use bundle::{Bundle, FORMAT, LARGEST};
pub use verdict::{Failed, Line, Mark, Verdict};

fn incomplete(why: impl fmt::Display) -> Refusal {
    Refusal::EvidenceIncomplete { why: why.to_string() }
}

/// Verifies a bundle file with a key that came from elsewhere.
pub fn verify(json: &str, key: &VerifierKey) -> Result<Verdict, Failed> {
    let bundle = bundle::read(json).map_err(Failed::Incomplete)?;
    let Stream::Request(request) = bundle.trail else {
        return Err(Failed::Incomplete(incomplete("it is not of a request")));
    };
    let checkpoint = Checkpoint::open(&bundle.checkpoint, key)?;
    if bundle.origin != checkpoint.origin {
        return Err(Failed::Incomplete(incomplete("it names another log than its checkpoint")));
    }
    let head = checkpoint.head();
    let items = |list: Vec<bundle::Item>| {
        list.into_iter().map(bundle::Item::into_proven).collect::<Vec<_>>()
    };
    let (entries, others) = (items(bundle.entries), items(bundle.related));
    let trail = Trail::read(&bundle.trail, &entries, head)?;
    let sealed_at = sealed(&trail).map_err(Failed::Incomplete)?;
    let disclosed =
        disclosed(entries.iter().chain(&others), bundle.disclosures).map_err(Failed::Incomplete)?;
    let related = read_related(&bundle.trail, &others, head, disclosed)?;

    let judged = laws::judge(&trail, related.passkeys())?;
    let mut breaches = judged.breaches.clone();
    breaches.extend(related.judge(&trail, &judged));
    let story = story::tell(&trail, &judged, &related, &breaches);
    let lawful = breaches.is_empty();
    let verdict = Verdict {
        request,
        story,
        checks: checks(&checkpoint, &trail, &others, &related, lawful.then_some(&judged)),
        complete_up_to: sealed_at,
        cannot_know: cannot_know(&trail, &judged, &related, key),
        checkpoint,
    };
    if lawful { Ok(verdict) } else { Err(Failed::Breach(Box::new(verdict))) }
}

/// What kind of thing an entry tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    Plain,
    /// What was seen on a target.
    Seen,
    /// Something that did not go well.
    Trouble,
}

impl Tone {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Seen => "seen",
            Self::Trouble => "trouble",
        }
    }
}

/// An entry of a trail, told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Where it stands in the ledger.
    pub index: u64,
    /// Where it stands in its trail, from 1.
    pub nth: u64,
    pub at: Timestamp,
    /// The type of its event.
    pub kind: &'static str,
    pub tone: Tone,
    pub text: String,
}

/// Tells a trail, sealed or not: every entry is proved to be in the log and linked to the one before
/// it. The laws are not judged, and what came after the last entry may be left out: that is for
/// [`verify`].
pub fn tell(bundle: Bundle, key: &VerifierKey) -> Result<Vec<Told>, Failed> {
    let head = Checkpoint::open(&bundle.checkpoint, key)?.head();
    let items = |list: Vec<bundle::Item>| {
        list.into_iter().map(bundle::Item::into_proven).collect::<Vec<_>>()
    };
    let (entries, others) = (items(bundle.entries), items(bundle.related));
    let trail = Trail::read(&bundle.trail, &entries, head)?;
    let disclosed =
        disclosed(entries.iter().chain(&others), bundle.disclosures).map_err(Failed::Incomplete)?;
    let related = read_related(&bundle.trail, &others, head, disclosed)?;
    let told = |step: &Step| Told {
        index: step.index,
        nth: step.entry.nth,
        at: step.entry.at,
        kind: step.entry.event.0.type_name(),
        tone: story::tone(step),
        text: story::sentence(step, &related),
    };
    Ok(trail.steps.iter().map(told).collect())
}

/// The trail ends with a seal that counts everything before it.
///
/// A seal further inside may count less than stood before it, as an entry can come between counting
/// and sealing; but what it counts must be this trail.
fn sealed(trail: &Trail) -> Result<(u64, Timestamp), Refusal> {
    let mut digests: Vec<Digest> = Vec::with_capacity(trail.steps.len());
    let mut end = None;
    for step in &trail.steps {
        end = None;
        if let Event::Trail(seal::Event::Sealed(sealed)) = &step.entry.event.0 {
            let last = sealed.entries.checked_sub(1).and_then(|last| usize::try_from(last).ok());
            if last.and_then(|last| digests.get(last)) != Some(&sealed.head) {
                let why = format!("the seal at entry {} is of another trail", step.index);
                return Err(incomplete(why));
            }
            let everything = digests.len() as u64 == sealed.entries;
            end = everything.then_some((step.index, step.entry.at));
        }
        digests.push(step.digest);
    }
    end.ok_or_else(|| {
        incomplete("the trail does not end with a seal of all its entries: some may be left out")
    })
}

/// The disclosures by what they open; one that opens nothing here does not belong here.
fn disclosed<'a>(
    entries: impl Iterator<Item = &'a Proven>,
    disclosures: Vec<Disclosure>,
) -> Result<BTreeMap<Commitment, Disclosure>, Refusal> {
    let mut commitments = BTreeSet::new();
    for entry in entries {
        let body = serde_json::from_slice(&entry.body).unwrap_or_default();
        collect(&body, &mut commitments);
    }
    let mut out = BTreeMap::new();
    for disclosure in disclosures {
        let commitment = disclosure.commitment();
        if !commitments.contains(&commitment) {
            let why = format!("a disclosure opens nothing here (its commitment is {commitment})");
            return Err(incomplete(why));
        }
        out.insert(commitment, disclosure);
    }
    Ok(out)
}

fn collect(value: &serde_json::Value, into: &mut BTreeSet<Commitment>) {
    match value {
        serde_json::Value::Object(fields) => {
            if let Some(serde_json::Value::String(text)) = fields.get("$sd") {
                into.extend(Commitment::try_from(text.clone()));
            }
            fields.values().for_each(|value| collect(value, into));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, into)),
        _ => {}
    }
}

fn read_related(
    trail: &Stream,
    others: &[Proven],
    head: Head,
    disclosed: BTreeMap<Commitment, Disclosure>,
) -> Result<Related, Error> {
    let mut related = Related::new(disclosed);
    let mut entries = BTreeMap::new();
    for proven in others {
        let entry = proven.read(head)?;
        let at_fault = |why: &str| Error::Entry { index: proven.index, why: why.to_owned() };
        if entry.trail == *trail {
            return Err(at_fault("it belongs to the trail, and stands among related entries"));
        }
        if entries.insert(proven.index, entry).is_some() {
            return Err(at_fault("it stands there twice"));
        }
    }
    // In the order of the ledger, so that what came later counts.
    entries.into_iter().for_each(|(index, entry)| related.learn(index, entry));
    Ok(related)
}

fn checks(
    checkpoint: &Checkpoint,
    trail: &Trail,
    others: &[Proven],
    related: &Related,
    lawful: Option<&Judged>,
) -> Vec<String> {
    let mut out = vec![
        format!(
            "the key of `{}` signed the checkpoint of {} entries",
            checkpoint.origin, checkpoint.size
        ),
        format!(
            "{} entries of the trail, and the seal that counts them, are in the log, each linked to \
             the one before",
            trail.head.entries.saturating_sub(1)
        ),
    ];
    if !others.is_empty() {
        out.push(format!("{} entries of other trails are in the log", others.len()));
    }
    if related.disclosures() > 0 {
        let n = related.disclosures();
        out.push(format!("{n} disclosures open what these entries committed to"));
    }
    let Some(judged) = lawful else { return out };
    match &judged.basis {
        Some(Basis::People { approvers }) => out.push(format!(
            "{} distinct people filled every stage; each is independent of the request, decided in \
             a session of their own, and agreed to the digest of what was granted",
            approvers.len()
        )),
        Some(Basis::PreApproved { policies }) => {
            out.push(format!("a pre-approved pattern is cited: {}", story::quoted(policies)));
        }
        Some(Basis::BreakGlass { policies }) => out.push(format!(
            "the glass was broken in an emergency, as {} permits, and a review is owed for it",
            story::quoted(policies)
        )),
        None => {}
    }
    let approvals = judged.request.iter().flat_map(|request| &request.approvals);
    let signed = approvals.filter(|one| one.assertion.is_some()).count();
    if signed > 0 {
        out.push(format!(
            "{signed} approvals are signed with passkeys that had been enrolled before and answered \
             for by another passkey or a second person, each over the challenge that was opened for \
             this digest"
        ));
    }
    if let (Some(request), Some(grant)) = (&judged.request, &judged.grant) {
        let asked = request.revision.length;
        let approved = grant.approved.length;
        out.push(format!("asked for {asked}, approved for {approved}"));
    }
    if let Some((first, at)) = &judged.first_intent {
        let lived = story::duration(first.until.seconds_since(*at));
        out.push(format!(
            "the access was approved before it was begun, and its end was fixed before the call: \
             {lived} later, at {}",
            first.until
        ));
    }
    out
}

fn cannot_know(
    trail: &Trail,
    judged: &Judged,
    related: &Related,
    key: &VerifierKey,
) -> Vec<String> {
    let mut out: Vec<String> = [
        "whether the key is the right one: compare it with a copy that came another way",
        "whether people were coerced or deceived, or lent their sessions to others",
        "what was left out beside the trail: that somebody had left, or a session had ended, shows \
         only where its entry is here",
        "what was entered after the seal; ask for a newer export to see it",
        "whether others were shown the same ledger, unless witnesses signed the checkpoint",
        "whether the targets told the truth when they were observed",
        "whether the clocks were right: times are the writers', the order is the ledger's",
    ]
    .map(str::to_owned)
    .into();
    out.extend(related.gaps(trail, judged, key));
    out
}

/// The breaches of one entry.
fn of_entry(breaches: &[Breach], index: u64) -> impl Iterator<Item = &Breach> {
    breaches.iter().filter(move |breach| breach.index == index)
}
