//! The story of a request, one plain sentence for each entry. Names are told where they were
//! disclosed, else the opaque id stands.

use std::collections::BTreeSet;

use placet_domain::action::{Effect, Outcome};
use placet_domain::canonical::Digest;
use placet_domain::event::{Event, trail as seal};
use placet_domain::finding;
use placet_domain::grant::{self, Collected, Gone, Public, Reason};
use placet_domain::request::{self, Approval, Authority, Basis, Revision, Submitted};
use placet_domain::route::Route;
use placet_domain::ruling::Deciding;
use placet_domain::time::Timestamp;

use super::related::Related;
use super::{Line, Mark, Tone, of_entry};
use crate::laws::{Breach, Judged};
use crate::trail::{Step, Trail};

/// Tells a trail from its first entry to its last.
pub(super) fn tell(
    trail: &Trail,
    judged: &Judged,
    related: &Related,
    breaches: &[Breach],
) -> Vec<Line> {
    let mut story = Vec::new();
    for step in &trail.steps {
        let at = step.entry.at;
        story.push(Line { at, mark: Mark::Plain, text: sentence(step, related) });
        for breach in of_entry(breaches, step.index) {
            story.push(Line { at, mark: Mark::Breach, text: breach.why.clone() });
        }
    }
    if let Some(line) = overstay(trail, judged) {
        let later = story.iter().position(|told| told.at > line.at).unwrap_or(story.len());
        story.insert(later, line);
    }
    story
}

/// Seconds in words, in two units at the most.
pub(super) fn duration(seconds: u64) -> String {
    let (big, small) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3_600 => ((60, "min"), (1, "s")),
        3_600..86_400 => ((3_600, "h"), (60, "min")),
        _ => ((86_400, "d"), (3_600, "h")),
    };
    let (whole, rest) = (seconds / big.0, seconds % big.0 / small.0);
    if rest == 0 {
        return format!("{whole} {}", big.1);
    }
    format!("{whole} {} {rest} {}", big.1, small.1)
}

/// Access after its end, and for how long.
fn overstay(trail: &Trail, judged: &Judged) -> Option<Line> {
    let grant = judged.grant.as_ref()?;
    let until = grant.until?;
    let sealed_at = trail.steps.last()?.entry.at;
    let late = |at: Timestamp| duration(at.seconds_since(until));
    let (at, text) = match (&grant.gone, grant.state.is_over()) {
        (Some(Gone::SeenAbsent { sighting }), _) => {
            let at = sighting.finished_at;
            (at, format!("the access was seen to be gone {} after its end", late(at)))
        }
        (None, false) => {
            let late = late(sealed_at);
            let text = format!("{late} after its end the access had not been seen to be gone");
            (sealed_at, text)
        }
        _ => return None,
    };
    (at > until).then_some(Line { at, mark: Mark::Overstayed, text })
}

pub(super) fn sentence(step: &Step, related: &Related) -> String {
    match &step.entry.event.0 {
        Event::Request(event) => of_request(event, related),
        Event::Grant(event) => of_grant(event, related),
        Event::Finding(event) => of_finding(event, related),
        Event::Trail(seal::Event::Sealed(sealed)) => {
            format!("the trail was sealed with {} entries", sealed.entries)
        }
        other => format!("`{}` was entered", other.type_name()),
    }
}

/// Whether a step is of what was seen, or of what did not go well.
pub(super) fn tone(step: &Step) -> Tone {
    let of = |outcome: &Outcome| match outcome {
        Outcome::Done | Outcome::Ordered { .. } => Tone::Plain,
        Outcome::Failed { .. } | Outcome::InDoubt { .. } => Tone::Trouble,
    };
    match &step.entry.event.0 {
        Event::Grant(grant::Event::Activated { .. } | grant::Event::ReadBack(_)) => Tone::Seen,
        Event::Grant(grant::Event::Ended { .. }) => Tone::Seen,
        Event::Grant(grant::Event::SeenStill { .. } | grant::Event::WorkOverdue { .. }) => {
            Tone::Trouble
        }
        Event::Grant(grant::Event::Finished(finished)) => of(&finished.outcome),
        Event::Finding(finding::Event::Opened(_)) => Tone::Trouble,
        Event::Finding(finding::Event::RemovalTried(tried)) => of(&tried.outcome),
        _ => Tone::Plain,
    }
}

fn of_finding(event: &finding::Event, related: &Related) -> String {
    use finding::Event as E;
    match event {
        E::Opened(opened) => {
            let owner = related.who(opened.owner);
            let (kind, detail) = (opened.kind.as_str(), &opened.detail);
            format!("a finding was opened ({kind}: {detail}); {owner} has to answer it")
        }
        E::Resolved { .. } => "the finding was resolved".to_owned(),
        E::Accepted(accepted) => {
            format!("the finding is borne until {}, by `{}`", accepted.until, accepted.request)
        }
        E::Reopened {} => "the day until which the finding was borne has come".to_owned(),
        E::RemovalOrdered { by } => {
            format!("{} ordered what was found to be removed", related.who(*by))
        }
        E::RemovalIntended { action } => {
            format!("action `{action}` set out to remove what was found")
        }
        E::RemovalTried(tried) => format!("action `{}` {}", tried.action, came_out(&tried.outcome)),
    }
}

fn came_out(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "was done".to_owned(),
        Outcome::Failed { why } => format!("failed: {why}"),
        Outcome::InDoubt { why } => format!("is in doubt: {why}"),
        Outcome::Ordered { told } => {
            let team = told.team.as_ref().map(|team| format!(" of team `{team}`"));
            format!(
                "was given to people{}, to be done by {}",
                team.unwrap_or_default(),
                told.due_at
            )
        }
    }
}

fn of_request(event: &request::Event, related: &Related) -> String {
    use request::Event as E;
    match event {
        E::Submitted(submitted) => asked("asked for", submitted, related),
        E::Revised(revised) => asked("revised it to ask for", revised, related),
        E::Routed(routed) => route(&routed.route),
        E::ApprovalRecorded(approval) => agreed(approval, related),
        E::Narrowed(narrow) => {
            let of = asked("asked for less", &narrow.submitted, related);
            format!("{} narrowed it: {of}", related.who(narrow.by))
        }
        E::QuestionAsked(asked) => {
            let text = quote(related.open(&asked.text));
            format!("{} asked question {}{text}", related.who(asked.by), asked.number)
        }
        E::QuestionAnswered(answered) => {
            let text = quote(related.open(&answered.text));
            format!("{} answered question {}{text}", related.who(answered.by), answered.number)
        }
        E::Escalated(escalated) => {
            let to = escalated.to.iter();
            let to: Vec<String> = to
                .map(|(to, silent)| format!("{} for {}", related.who(*to), related.who(*silent)))
                .collect();
            let to =
                if to.is_empty() { "nobody, as nobody is above".to_owned() } else { to.join(", ") };
            format!("nobody decided in stage `{}`, and it was put before {to}", escalated.stage)
        }
        E::Overtaken(overtaken) => {
            let who = related.who(overtaken.by);
            format!(
                "{who} reported that `{}` is over, so nobody needs it any more",
                overtaken.event
            )
        }
        E::ReviewOwed(owed) => format!("a review of the emergency is owed by {}", owed.due_at),
        E::ReviewRecorded(reviewed) => format!(
            "{} reviewed the emergency: {}{}",
            related.who(reviewed.by),
            reviewed.verdict.as_str().replace('_', " "),
            quote(related.open(&reviewed.note))
        ),
        E::StepUpOpened(opened) => format!(
            "{} was asked to sign digest {} with a passkey, by {}",
            related.who(opened.approver),
            opened.digest.short(),
            opened.expires_at
        ),
        E::ApprovalWithdrawn { approver, .. } => {
            format!("{} withdrew their approval", related.who(*approver))
        }
        E::Denied(denied) => {
            let reason = quote(related.open(&denied.reason));
            format!("{} denied it{reason}", related.who(denied.by))
        }
        E::Approved(approved) => match &approved.basis {
            Basis::People { approvers } => {
                let names: Vec<String> = approvers.iter().map(|one| related.who(*one)).collect();
                format!("it was approved, on the word of {}", names.join(" and "))
            }
            Basis::PreApproved { policies } => {
                format!("it was approved, on the pre-approved pattern {}", quoted(policies))
            }
            Basis::BreakGlass { policies } => {
                format!("the glass was broken, as {} permits", quoted(policies))
            }
        },
        E::Withdrawn { by } => format!("{} withdrew the request", related.who(*by)),
        E::Lapsed {} => "nobody decided in time, and the request lapsed".to_owned(),
    }
}

/// A text that was disclosed, after a colon; nothing where it was not.
fn quote(text: Option<String>) -> String {
    text.map(|text| format!(": \"{text}\"")).unwrap_or_default()
}

fn agreed(approval: &Approval, related: &Related) -> String {
    let acting = approval.acting_for.as_ref().map(|acting| {
        let whose = related.who(acting.identity);
        match &acting.by {
            Authority::Delegation { delegation } => format!(" for {whose}, under `{delegation}`,"),
            Authority::Escalation => format!(" for {whose}, who was silent,"),
        }
    });
    let signed = approval.assertion.as_ref().map(|one| format!(", signed with `{}`", one.passkey));
    format!(
        "{}{} agreed in stage `{}`, in session `{}`, to digest {}{}",
        related.who(approval.approver),
        acting.unwrap_or_default(),
        approval.stage,
        approval.session,
        approval.digest.short(),
        signed.unwrap_or_default()
    )
}

fn asked(verb: &str, submitted: &Submitted, related: &Related) -> String {
    let revision = &submitted.revision;
    let requester = related.who(revision.requester);
    let whom = if revision.requester == revision.receiver {
        "themselves".to_owned()
    } else {
        related.who(revision.receiver)
    };
    let why = quote(related.open(&revision.justification));
    let reference = revision.reference.as_ref().and_then(|one| related.open(one));
    let reference = reference.map(|text| format!(" (reference {text})")).unwrap_or_default();
    format!(
        "{requester} {verb} {} ({} on {}) for {whom}, for {}{}{why}{reference}",
        related.entitlement(revision.entitlement),
        revision.terms.scope,
        related.target(revision.terms.target),
        revision.length,
        conditions(revision, related)
    )
}

/// When it begins, what ends it as well, what it goes on from, and whether it is an emergency.
fn conditions(revision: &Revision, related: &Related) -> String {
    let mut out = String::new();
    if let Some(starts_at) = revision.starts_at {
        out.push_str(&format!(", from {starts_at}"));
    }
    for event in &revision.ends_on {
        out.push_str(&format!(", or until `{event}` is over"));
    }
    if let Some(grant) = revision.extends {
        out.push_str(&format!(", going on from `{grant}`"));
    }
    if let Some(answering) = revision.answers {
        let (answer, finding) = (answering.answer.as_str(), answering.finding);
        out.push_str(&format!(", to {answer} what `{finding}` found"));
    }
    if let Some(emergency) = &revision.emergency {
        let incident = related.open(&emergency.incident);
        let incident = incident.unwrap_or_else(|| "an undisclosed incident".to_owned());
        let known = if emergency.verified { "verified" } else { "unverified" };
        out.push_str(&format!(", in the emergency {incident} ({known})"));
    }
    out
}

fn route(route: &Route) -> String {
    match route {
        Route::PreApproved { because } => {
            let policies: Vec<String> = because.iter().map(|one| one.policy.clone()).collect();
            format!("policy found it pre-approved by {}", quoted(&policies))
        }
        Route::BreakGlass { because, warnings } => {
            let policies = |of: &[Deciding]| {
                quoted(&of.iter().map(|one| one.policy.clone()).collect::<Vec<_>>())
            };
            let warned = if warnings.is_empty() {
                String::new()
            } else {
                format!("; it warned of {}", policies(warnings))
            };
            format!("policy lets the glass be broken, by {}{warned}", policies(because))
        }
        Route::People { stages } => {
            let stage =
                |stage: &placet_domain::route::Stage| format!("{} `{}`", stage.needed, stage.name);
            let stages: Vec<String> = stages.iter().map(stage).collect();
            format!("policy asked for the agreement of {}", stages.join(" and "))
        }
    }
}

pub(super) fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn of_grant(event: &grant::Event, related: &Related) -> String {
    use grant::Event as E;
    match event {
        E::Approved(approved) => {
            let account = related.open(&approved.account);
            let account = account
                .map_or_else(|| "an undisclosed account".to_owned(), |name| format!("`{name}`"));
            format!(
                "grant `{}` was approved: `{}` on {} for {account}, for {}",
                approved.grant,
                approved.native,
                related.target(approved.target),
                approved.length
            )
        }
        E::Collected(collected) => collection(collected, related),
        E::Intended(intended) => match intended.effect {
            Effect::Grant => format!(
                "policy permitted it still, and action `{}` set out to create the access until {}",
                intended.action, intended.until
            ),
            Effect::Remove => {
                format!("action `{}` set out to remove the access", intended.action)
            }
        },
        E::Finished(finished) => {
            format!("action `{}` {}", finished.action, came_out(&finished.outcome))
        }
        E::Issued(issued) => format!(
            "a certificate was issued, serial {}, digest {}; it is over for all at {}",
            issued.serial,
            issued.digest.short(),
            issued.over_at
        ),
        E::ReadBack(read_back) => format!(
            "its revocation was read back from {}, and not yet from {}",
            listed(&read_back.hosts),
            listed(&read_back.waits_for)
        ),
        E::Activated { sighting } => {
            format!("the access was seen on the target (`{}`)", sighting.observation)
        }
        E::Ending { reason } => format!("its end was ordered: {}", because(reason, related)),
        E::SeenStill { session: true, .. } => {
            "the access was gone, and a session that began with it went on".to_owned()
        }
        E::SeenStill { .. } => "the access was still seen on the target".to_owned(),
        E::Ended { gone: Gone::SeenAbsent { sighting } } => format!(
            "the access was seen to be gone from the target (`{}`, complete)",
            sighting.observation
        ),
        E::Ended { gone: Gone::CarriedOn { by } } => {
            format!("the grant ended; the access goes on under `{by}`")
        }
        E::Ended { gone: Gone::ValidityOver } => {
            "the validity of the certificate was over on every clock within the skew".to_owned()
        }
        E::Ended { gone: Gone::RevocationReadBack { hosts } } => {
            format!("its revocation was read back from every enrolled host: {}", listed(hosts))
        }
        E::CarriedOut(one) => format!(
            "{} said that action `{}` was carried out by hand, with evidence of SHA-256 {}{}",
            related.who(one.by),
            one.action,
            one.evidence,
            quote(related.open(&one.note))
        ),
        E::Returned(one) => format!(
            "{} did not confirm it, and sent it back{}",
            related.who(one.by),
            quote(related.open(&one.why))
        ),
        E::Confirmed(one) => format!(
            "{} confirmed that action `{}` was carried out; nobody can look at the target",
            related.who(one.by),
            one.action
        ),
        E::WorkOverdue { action } => {
            format!("people were reminded of action `{action}`, which was overdue")
        }
        E::Ended { gone: Gone::ConfirmedByPeople { .. } } => {
            "the grant ended on the word of two people; the target was not looked at".to_owned()
        }
        E::Ended { gone: Gone::NeverIssued } => {
            "the grant ended; no certificate was ever given out for it".to_owned()
        }
        E::Cancelled { reason } => {
            format!("the grant was never begun: {}", because(reason, related))
        }
    }
}

fn collection(collected: &Collected, related: &Related) -> String {
    let who = related.who(collected.by);
    let what = match &collected.public {
        Public::SshKey { fingerprint, .. } => {
            format!("with key `{fingerprint}`, shown to be their own")
        }
        Public::TokenDigest { sha256 } => {
            format!("for a token of their own with SHA-256 {}", sha256.short())
        }
        Public::ScramSha256 { verifier } => {
            let digest = Digest::of(verifier.as_bytes());
            format!("for a password of their own, with a verifier of SHA-256 {}", digest.short())
        }
    };
    let sources = match collected.sources.is_empty() {
        true => String::new(),
        false => format!(", good from {} only", listed(&collected.sources)),
    };
    format!("{who} collected it {what}{sources}")
}

fn listed(names: &BTreeSet<String>) -> String {
    match names.is_empty() {
        true => "nowhere".to_owned(),
        false => quoted(&names.iter().cloned().collect::<Vec<_>>()),
    }
}

fn because(reason: &Reason, related: &Related) -> String {
    let words = reason.as_str();
    match reason {
        Reason::GivenBack { by } | Reason::Revoked { by, .. } => {
            format!("{words} by {}", related.who(*by))
        }
        Reason::EndingEvent { event, by } => {
            format!("{words}: `{event}`, as {} reported", related.who(*by))
        }
        Reason::NotJustified { by } => format!("{words}, by {}", related.who(*by)),
        Reason::NotAssented { why } => format!("{words}: {why}"),
        Reason::RuledOut { ruling } if !ruling.policies.is_empty() => {
            format!("{words}: {}", quoted(&ruling.policies))
        }
        _ => words.to_owned(),
    }
}
