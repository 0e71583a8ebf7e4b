//! Assent: what a connector takes before it creates any access (law 1, law 5).
//!
//! A [`VerifiedAssent`] can only come out of [`VerifiedAssent::verify`], which believes nothing but
//! the log's key: it checks the signed checkpoint, every entry of the trail, and the laws over
//! them. It stands for one action and is used up by it. Policy is asked elsewhere; its answers come
//! in as facts.

use std::collections::BTreeMap;

use placet_domain::Refusal;
use placet_domain::action::Effect;
use placet_domain::committed::Disclosure;
use placet_domain::entitlement::Terms;
use placet_domain::grant::{self, Approved, Collected, Grant, Intended};
use placet_domain::id::{
    ActionId, EntitlementId, GrantId, IdentityId, PasskeyId, RequestId, Stream, TargetId,
};
use placet_domain::name::{AccountName, NativeId, StageName};
use placet_domain::request::{self, Basis, Request};
use placet_domain::ruling::Ruling;
use placet_domain::time::Timestamp;

use crate::checkpoint::{Checkpoint, Head};
use crate::error::Error;
use crate::key::VerifierKey;
use crate::laws::{self, Judged};
use crate::passkeys::Passkeys;
use crate::proof::{self, Proof};
use crate::trail::{Proven, Step, Trail, TrailHead};

/// What is about to be done to a target.
#[derive(Debug)]
pub struct Act<'a> {
    pub grant: GrantId,
    pub action: ActionId,
    pub entitlement: EntitlementId,
    pub native: &'a NativeId,
    /// The account that will hold it, and what opens the grant's commitment to it.
    pub account: &'a AccountName,
    pub disclosure: &'a Disclosure,
    /// What holding the entitlement means now.
    pub terms: &'a Terms,
}

/// Everything that assent is judged by.
#[derive(Debug)]
pub struct Claim<'a> {
    pub key: &'a VerifierKey,
    /// The newest checkpoint that is remembered outside the database.
    pub remembered: Option<Head>,
    /// The signed checkpoint that everything is proved under.
    pub checkpoint: &'a str,
    /// That the checkpoint grew from the remembered one; empty if their sizes are equal.
    pub consistency: &'a Proof,
    pub request: RequestId,
    /// Every entry of the request's trail, in order.
    pub entries: &'a [Proven],
    /// Where the trail ends, as the store knows it.
    pub end: TrailHead,
    /// The passkeys with which approvals were signed, and those that answer for them.
    pub passkeys: &'a [PasskeyTrail],
    pub act: Act<'a>,
    /// For each approver and stage, what policy says now.
    pub eligible_now: &'a BTreeMap<(IdentityId, StageName), Ruling>,
    pub now: Timestamp,
}

/// Every entry of a passkey, proved under the same checkpoint as the request's.
#[derive(Clone, Debug)]
pub struct PasskeyTrail {
    pub passkey: PasskeyId,
    pub entries: Vec<Proven>,
    /// Where it ends, as the store knows it.
    pub end: TrailHead,
}

/// Proof that the ledger shows assent to exactly one action. It cannot be copied: whoever carries
/// the action out consumes it.
///
/// ```compile_fail
/// fn copied<T: Clone>() {}
/// copied::<placet_ledger::VerifiedAssent>();
/// ```
#[derive(Debug)]
pub struct VerifiedAssent {
    approved: Approved,
    intended: Intended,
    account: AccountName,
    basis: Basis,
    place: u64,
    intended_at: Timestamp,
    collected: Option<Box<Collected>>,
}

impl VerifiedAssent {
    /// The only way to an assent.
    pub fn verify(claim: &Claim<'_>) -> Result<Self, Refusal> {
        let refuse = |why: String| Refusal::NotAssented { why };
        let judged = read(claim).map_err(|e| refuse(e.to_string()))?;
        settle(claim, judged).map_err(refuse)
    }

    pub fn action(&self) -> ActionId {
        self.intended.action
    }

    /// Higher than that of every earlier action on the same account and entitlement.
    pub fn epoch(&self) -> u64 {
        self.intended.epoch
    }

    /// The call to the target must be over by then.
    pub fn call_over_by(&self) -> Timestamp {
        self.intended.call_over_by
    }

    /// When the access ends.
    pub fn until(&self) -> Timestamp {
        self.intended.until
    }

    pub fn entitlement(&self) -> EntitlementId {
        self.approved.entitlement
    }

    pub fn target(&self) -> TargetId {
        self.approved.target
    }

    pub fn native(&self) -> &NativeId {
        &self.approved.native
    }

    pub fn account(&self) -> &AccountName {
        &self.account
    }

    pub fn receiver(&self) -> IdentityId {
        self.approved.receiver
    }

    pub fn request(&self) -> RequestId {
        self.approved.request
    }

    pub fn grant(&self) -> GrantId {
        self.approved.grant
    }

    /// What its receiver handed in, where the target issues credentials.
    pub fn collected(&self) -> Option<&Collected> {
        self.collected.as_deref()
    }

    /// Where the intent stands in the ledger: no two actions stand in the same place.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// When the action was intended.
    pub fn intended_at(&self) -> Timestamp {
        self.intended_at
    }

    /// On what the assent rests.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// On what the assent rests, in words.
    pub fn basis_words(&self) -> String {
        let join = |list: Vec<String>| list.join(", ");
        match &self.basis {
            Basis::People { approvers } => {
                format!("agreed to by {}", join(approvers.iter().map(|a| a.to_string()).collect()))
            }
            Basis::PreApproved { policies } => {
                let quoted = policies.iter().map(|policy| format!("`{policy}`")).collect();
                format!("pre-approved by {}", join(quoted))
            }
            Basis::BreakGlass { policies } => {
                let quoted = policies.iter().map(|policy| format!("`{policy}`")).collect();
                format!("an emergency under {}", join(quoted))
            }
        }
    }
}

/// The log and the trail: signed, not rolled back, every entry there, none left out.
fn read(claim: &Claim<'_>) -> Result<Judged, Error> {
    let checkpoint = Checkpoint::open(claim.checkpoint, claim.key)?;
    if let Some(remembered) = claim.remembered {
        proof::check_consistency(remembered, checkpoint.head(), claim.consistency)?;
    }
    let stream = Stream::Request(claim.request);
    let trail = whole(&stream, claim.entries, claim.end, checkpoint.head())?;
    laws::judge(&trail, &passkeys(claim, checkpoint.head())?)
}

/// A trail that ends where the store knows it to end.
fn whole(stream: &Stream, entries: &[Proven], end: TrailHead, head: Head) -> Result<Trail, Error> {
    let trail = Trail::read(stream, entries, head)?;
    if trail.head != end {
        let why = format!(
            "the trail ends at entry {} here, and elsewhere at entry {}",
            trail.head.entries, end.entries
        );
        return Err(Error::Proof { why });
    }
    Ok(trail)
}

/// The passkeys, in the order in which the ledger tells of them.
fn passkeys(claim: &Claim<'_>, head: Head) -> Result<Passkeys, Error> {
    let mut steps: Vec<Step> = Vec::new();
    for one in claim.passkeys {
        let trail = whole(&Stream::Passkey(one.passkey), &one.entries, one.end, head)?;
        steps.extend(trail.steps);
    }
    steps.sort_by_key(|step| step.index);
    let mut known = Passkeys::default();
    steps.iter().for_each(|step| known.learn(step.index, &step.entry));
    Ok(known)
}

/// The laws over the trail, and that it is for exactly this act, now.
fn settle(claim: &Claim<'_>, judged: Judged) -> Result<VerifiedAssent, String> {
    let Judged { request, basis, grant, first_intent, last_intent, intended_at, breaches, .. } =
        judged;
    if let Some(breach) = breaches.into_iter().next() {
        return Err(breach.why);
    }
    let request = request.ok_or("there is no request")?;
    if request.state != request::State::Approved {
        return Err(match request.state {
            request::State::Withdrawn => "an approval or the request was withdrawn".to_owned(),
            state => format!("the request is {}, not approved", state.as_str()),
        });
    }
    let basis = basis.ok_or("nothing says on what the approval rests")?;
    still_eligible(&request, claim.eligible_now)?;
    let grant = grant.ok_or("there is no grant")?;
    let account = same_access(&request, &grant, &claim.act)?;
    let intended = last_intent.ok_or("the action was never intended")?;
    first_intent.ok_or("the action was never intended")?;
    same_action(&grant, &intended, claim.act.action, claim.now)?;
    let (place, intended_at) = intended_at.ok_or("the action was never intended")?;
    let Grant { approved, collected, .. } = grant;
    Ok(VerifiedAssent { approved, intended, account, basis, place, intended_at, collected })
}

/// Each approver is permitted still; approvals of people who are no longer eligible do not count.
fn still_eligible(
    request: &Request,
    eligible_now: &BTreeMap<(IdentityId, StageName), Ruling>,
) -> Result<(), String> {
    for approval in &request.approvals {
        let who = approval.approver;
        let stage = &approval.stage;
        match eligible_now.get(&(who, stage.clone())) {
            Some(ruling) if ruling.permit && ruling.errors.is_empty() => {}
            Some(ruling) => {
                let why = ruling.sentence();
                return Err(format!("`{who}` may no longer approve in stage `{stage}`: {why}"));
            }
            None => {
                return Err(format!("policy was not asked again whether `{who}` may approve"));
            }
        }
    }
    Ok(())
}

fn same_access(request: &Request, grant: &Grant, act: &Act<'_>) -> Result<AccountName, String> {
    let approved = &grant.approved;
    let fits = [
        (grant.id == act.grant, "it was agreed to another grant"),
        (approved.entitlement == act.entitlement, "it was agreed to another entitlement"),
        (approved.native == *act.native, "it was agreed to another native id"),
        (request.revision.terms == *act.terms, "what the entitlement means has changed since"),
    ];
    if let Some((_, why)) = fits.iter().find(|(holds, _)| !holds) {
        return Err((*why).to_owned());
    }
    let account = approved.account.open(act.disclosure);
    let account = account.map_err(|_| "the account cannot be shown to be the one agreed to")?;
    if account != *act.account {
        return Err("it was agreed to another account".to_owned());
    }
    Ok(account)
}

/// The latest intent is for exactly this action, it is not over, and its time has not run out.
fn same_action(
    grant: &Grant,
    intended: &Intended,
    action: ActionId,
    now: Timestamp,
) -> Result<(), String> {
    let latest = grant.action.as_ref().filter(|latest| latest.id == intended.action);
    let unspent = latest.is_some_and(|latest| latest.outcome.is_none());
    let begun = latest.is_some_and(|latest| latest.intended_at <= now);
    let pending = grant.state == grant::State::Pending && intended.effect == Effect::Grant;
    let fits = [
        (intended.action == action, "the latest intended action is another one"),
        (pending, "the latest intended action is not to grant this"),
        (unspent, "the action has been carried out already"),
        (begun, "the action was intended in the future: a clock is wrong"),
        (now < intended.until, "its time is over"),
        (now < intended.call_over_by, "the time for this call is over"),
    ];
    match fits.iter().find(|(holds, _)| !holds) {
        Some((_, why)) => Err((*why).to_owned()),
        None => Ok(()),
    }
}
