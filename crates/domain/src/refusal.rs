//! Every refusal: a stable code, a sentence and a next step. A refusal is a value, never a silent
//! no-op; adding one here adds it to the generated reference and to the coverage list.

/// What kind of "no" it is; doors map it to their protocol's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// What was given cannot be read.
    Malformed,
    /// Nobody is known by this credential.
    Unauthenticated,
    /// What was named does not exist, or may not be seen.
    Unknown,
    /// The rules say no.
    Forbidden,
    /// The state says no: it has moved on, or somebody was first.
    Conflict,
    /// A record is not as the caller saw it and said that it must be.
    Precondition,
    /// Too many have tried; later it is possible again.
    TooMany,
    /// Placet cannot do it now, and fails closed.
    Unavailable,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident { $($field:ident: $type:ty),* } = $code:literal, $class:ident,
        $sentence:literal, $next:literal;)*) => {
        /// Why something was not done.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Refusal { $($(#[$doc])* $variant { $($field: $type),* },)* }

        impl Refusal {
            /// Every code, in the order of this file.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// What kind of "no" each code is, in the same order.
            pub const CLASSES: &'static [Class] = &[$(Class::$class),*];

            /// The stable code: `self_approval`.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $code,)* }
            }

            pub fn class(&self) -> Class {
                match self { $(Self::$variant { .. } => Class::$class,)* }
            }

            /// What happened, to what.
            #[allow(unused_variables)]
            pub fn sentence(&self) -> String {
                match self { $(Self::$variant { $($field),* } => format!($sentence),)* }
            }

            /// What to do next.
            #[allow(unused_variables)]
            pub fn next_step(&self) -> String {
                match self { $(Self::$variant { $($field),* } => format!($next),)* }
            }
        }
    };
}

refusals! {
    // ---- what was given cannot be read ----
    LengthUnreadable { given: String } = "length_unreadable", Malformed,
        "`{given}` is not a length",
        "write it as `4h`, `90m`, `1d 12h` or `PT4H`";
    LengthOutOfRange { given: String } = "length_out_of_range", Malformed,
        "`{given}` is not a length that access can have: every grant ends, after 1 second at the least and 366 days at the most",
        "ask for a length within that range";
    EmptyJustification {} = "empty_justification", Malformed,
        "the justification is empty",
        "say in a sentence what the access is for; the people who decide will read it";
    TextTooLong { what: String, limit: usize } = "text_too_long", Malformed,
        "the {what} is longer than {limit} characters",
        "shorten it, or refer to a document";
    EmptyText { what: String } = "empty_text", Malformed,
        "the {what} is empty",
        "write it in a few words and send it again";
    MomentUnreadable { why: String } = "moment_unreadable", Malformed,
        "{why}",
        "write date and time that way, with `Z` for UTC or another offset";
    Unreadable { what: String } = "unreadable", Malformed,
        "{what}",
        "correct the input and send it again";

    // ---- who is there ----
    NotAuthenticated {} = "not_authenticated", Unauthenticated,
        "nobody is known by this credential",
        "log in with `placet login`, or give a token that is still valid";
    LoginCodeSpent {} = "login_code_spent", Unauthenticated,
        "this login code is not valid: it was used, has run out or never existed",
        "ask an administrator for a new one";
    LoginUnknown { subject: String, issuer: String } = "login_unknown", Unauthenticated,
        "nobody is registered with the login `{subject}` of `{issuer}`",
        "ask an administrator to have this login registered for you: `{subject}`";
    LoginRefused { why: String } = "login_refused", Unauthenticated,
        "this login is not accepted: {why}",
        "log in again from the beginning; if that ends the same way, tell the operator of Placet";
    NoLoginProvider {} = "no_login_provider", Unknown,
        "no provider to log in by is set up here",
        "log in with a one-time code: `placet login`";
    LoginProviderDown { why: String } = "login_provider_down", Unavailable,
        "the provider to log in by cannot be used now: {why}",
        "try again in a while, or log in with a one-time code: `placet login`";
    TooManyLogins {} = "too_many_logins", TooMany,
        "too many have tried to log in within the last minute",
        "wait a minute, then log in again";
    NeedsSession {} = "needs_session", Forbidden,
        "a token cannot decide: decisions are made by people in an interactive session of their own",
        "log in with `placet login` and decide again";
    OnlyPeopleDecide {} = "only_people_decide", Forbidden,
        "a workload cannot decide: only people approve",
        "let a person who is eligible decide";
    NotPermitted { what: String, why: String } = "not_permitted", Forbidden,
        "{what} is not permitted: {why}",
        "ask somebody who may, or have the policy changed through its own approval";

    // ---- what is asked for ----
    UnknownIdentity { given: String } = "unknown_identity", Unknown,
        "no identity is known as `{given}`",
        "list the identities with `placet identities list`";
    InactiveIdentity { who: String } = "inactive_identity", Forbidden,
        "`{who}` is not active",
        "an identity that has left, or whose contract is over, gets no access; if that is wrong, have the identity corrected";
    /// `hint` is empty, or says which known name is near.
    UnknownEntitlement { given: String, hint: String } = "unknown_entitlement", Unknown,
        "no entitlement is called `{given}`{hint}",
        "list what may be asked for with `placet catalog list`";
    RetiredEntitlement { name: String } = "retired_entitlement", Forbidden,
        "`{name}` is retired: it is granted to nobody any more",
        "ask its owner what replaces it";
    UnknownTarget { given: String } = "unknown_target", Unknown,
        "no target is known as `{given}`",
        "list the targets with `placet catalog targets`";
    OverLimit { asked: String, longest: String, entitlement: String } = "over_limit", Forbidden,
        "{asked} is longer than {longest}, the longest that `{entitlement}` is granted for",
        "ask for {longest} or less; when it ends you may ask again";
    AlreadyAsked { request: String } = "already_asked", Conflict,
        "`{request}` already asks for this, and is open",
        "follow or withdraw that request first";

    // ---- policy ----
    RefusedByPolicy { why: String } = "refused_by_policy", Forbidden,
        "policy refuses this: {why}",
        "change what you ask for, or talk to the owner of the entitlement";
    PolicyFailed { why: String } = "policy_failed", Unavailable,
        "{why}, so nothing was granted",
        "tell the owner of the policy bundle; the request can be made again once it is mended";
    UnassentedRoute {} = "unassented_route", Forbidden,
        "policy asked for no approval, and no pre-approved pattern covers this; nothing is granted on nobody's word",
        "the policy bundle needs a gate or a pre-approved pattern for this entitlement";
    PowerPreApproved { entitlement: String } = "power_pre_approved", Forbidden,
        "`{entitlement}` gives power over Placet itself, and such access is never given unless people agree first",
        "have the pattern taken out of the policy bundle, or ask in the ordinary way; people must agree to this one";
    UnfillableStage { stage: String, needed: u32, eligible: usize } = "unfillable_stage", Forbidden,
        "stage `{stage}` cannot be filled: it needs {needed} distinct people beside the other stages, and {eligible} are eligible for it",
        "ask the owner of the entitlement to name more people; nobody may approve for themselves or for a workload they own";
    BundleInvalid { why: String } = "bundle_invalid", Malformed,
        "this policy bundle does not validate: {why}",
        "mend it and check it with `placet policy check`; until then the old one keeps ruling";
    BundleUnknown { given: String } = "bundle_unknown", Unknown,
        "no policy bundle `{given}` has been proposed",
        "propose it first with `placet policy propose`";
    BundleOwnProposal {} = "bundle_own_proposal", Forbidden,
        "you proposed this policy bundle, so somebody else must adopt it",
        "ask another administrator to look at it and adopt it";
    BundleRules {} = "bundle_rules", Conflict,
        "this policy bundle is ruling already",
        "nothing needs to be done";

    StartOutOfRange { given: String } = "start_out_of_range", Malformed,
        "access cannot begin at {given}: nothing is backdated, and an approval is used within seven days",
        "name a start from now to seven days ahead, or leave it out to begin as soon as it is approved";
    EndingEventUnreadable { why: String } = "ending_event_unreadable", Malformed,
        "{why}",
        "name what ends the access by its kind and its reference elsewhere";
    TooManyEndingEvents { most: usize } = "too_many_ending_events", Malformed,
        "more than {most} ending events are named",
        "name those on which the access really depends";
    NotExtendable { grant: String } = "not_extendable", Conflict,
        "`{grant}` cannot be extended: it is not this access of this receiver, or it is ending",
        "make a new request";
    OwnershipOpen { entitlement: String } = "ownership_open", Conflict,
        "the owner of `{entitlement}` has left, and who answers for it now has not been settled",
        "wait until the handover is settled, or make a new request; it is listed with `placet catalog handovers`";
    ConflictingAsks { one: String, other: String } = "conflicting_asks", Forbidden,
        "`{one}` and `{other}` conflict: no one may hold both",
        "leave one of them out, or ask for them for different people";
    AskedTwice { entitlement: String } = "asked_twice", Malformed,
        "`{entitlement}` is asked for twice for the same receiver",
        "leave one of the two out";
    NothingAsked {} = "nothing_asked", Malformed,
        "nothing is asked for",
        "name between 1 and 20 asks";
    NoEmergency {} = "no_emergency", Malformed,
        "breaking the glass needs the reference of an incident",
        "name the incident with `--incident`; if there is none, ask in the ordinary way";

    UnknownIncident { given: String } = "unknown_incident", Unknown,
        "the source of incidents knows no open incident `{given}`",
        "name an incident that is open there; if there is none, ask in the ordinary way";

    // ---- deciding ----
    UnknownRequest { given: String } = "unknown_request", Unknown,
        "no request `{given}` that you may see",
        "list yours with `placet request list`";
    RequestClosed { request: String, state: String } = "request_closed", Conflict,
        "`{request}` is {state}; it cannot be decided or changed any more",
        "if the access is still needed, make a new request";
    OldRevision { request: String } = "old_revision", Conflict,
        "what you decided on is not what `{request}` asks for now",
        "read the request again and decide on what it says now";
    SelfApproval {} = "self_approval", Forbidden,
        "you asked for this or would benefit from it, so you cannot approve it",
        "the people it waits for are named with the request";
    OwnsReceiver {} = "owns_receiver", Forbidden,
        "you own the workload that asked for this or would receive it, so you cannot approve it",
        "the people it waits for are named with the request";
    AlreadyApproved {} = "already_approved", Conflict,
        "you have approved this request already, and each person counts once",
        "nothing needs to be done; withdraw your approval if you changed your mind";
    NotEligible { why: String } = "not_eligible", Forbidden,
        "you are not eligible to approve this: {why}",
        "the people it waits for are named with the request";
    UnknownStage { given: String } = "unknown_stage", Unknown,
        "stage `{given}` is not open on this request",
        "leave the stage out, or name one that is open";
    TermsChanged { entitlement: String } = "terms_changed", Conflict,
        "`{entitlement}` is no longer what was asked for: its terms have changed",
        "make a new request, so that people agree to what it is now";
    NoApproval {} = "no_approval", Conflict,
        "you have no approval on this request that could be withdrawn",
        "nothing needs to be done";
    NoWorkOrder { action: String, why: String } = "no_work_order", Conflict,
        "`{action}` is no work order that waits for this: {why}",
        "list the open ones with `placet work list`";
    WorksForThemselves { what: String } = "works_for_themselves", Forbidden,
        "you asked for this or would benefit from it, so {what} is for somebody else",
        "ask another of those who answer for the target";
    ApproverCarriesOut {} = "approver_carries_out", Forbidden,
        "you approved this access, and who approves does not carry out",
        "ask another of those who answer for the target";
    OtherEvidence {} = "other_evidence", Conflict,
        "this is not the evidence that was handed in: its SHA-256 is another",
        "look at the very file that was named, or send the work back";
    ConfirmsOwnWork {} = "confirms_own_work", Forbidden,
        "you carried this out yourself, so a second person must confirm it",
        "show the evidence to another of those who answer for the target";
    NotNarrower { request: String } = "not_narrower", Forbidden,
        "this asks for as much as `{request}`, or for more; an approver can only ask for less",
        "name a shorter length, or an entitlement of a lower privilege on the same target; for more, the asker revises it";
    TooManyQuestions { most: usize } = "too_many_questions", Conflict,
        "{most} questions have been asked about this request already",
        "talk to the asker, and agree or deny";
    UnknownQuestion { number: u32, request: String } = "unknown_question", Unknown,
        "no question {number} was asked about `{request}`",
        "read the request again: its questions are numbered";
    AnsweredAlready { number: u32 } = "answered_already", Conflict,
        "question {number} has been answered",
        "nothing needs to be done; what was said cannot be changed";
    NoReview { request: String } = "no_review", Conflict,
        "`{request}` owes no review: it was not an emergency, or was not granted",
        "nothing needs to be done";
    ReviewedAlready { request: String } = "reviewed_already", Conflict,
        "`{request}` has been reviewed",
        "nothing needs to be done; a review is given once";
    ReviewsOwnApproval {} = "reviews_own_approval", Forbidden,
        "you agreed to this emergency, so you cannot review it",
        "let somebody review it who had no part in it";
    DelegationWithoutEnd {} = "delegation_without_end", Malformed,
        "a delegation needs an end: after its start, in the future, and 90 days later at the most",
        "name the day on which it ends; it can be made anew then";
    DelegationToSelf {} = "delegation_to_self", Malformed,
        "you cannot delegate to yourself",
        "name another person";
    UnknownDelegation { given: String } = "unknown_delegation", Unknown,
        "no delegation `{given}` that you may see",
        "list yours with `placet delegation list`";
    NotYours { what: String } = "not_yours", Forbidden,
        "{what} is not yours",
        "only the one who asked, who holds it, who owns it or an administrator may do that";

    // ---- passkeys ----
    PasskeysOff {} = "passkeys_off", Unknown,
        "no passkeys are set up here, and what takes one cannot be agreed to",
        "let an operator set `origin` under `[passkeys]` in `placet.toml`";
    UnknownPasskey { given: String } = "unknown_passkey", Unknown,
        "no passkey `{given}` that you may see",
        "look at yours on the page `/passkeys`";
    PasskeyOver { passkey: String, state: &'static str } = "passkey_over", Conflict,
        "`{passkey}` is {state}",
        "nothing needs to be done; if it is needed, let its holder add one anew";
    TooManyPasskeys { most: usize } = "too_many_passkeys", Conflict,
        "you have {most} passkeys already, and that is the most",
        "revoke one that you do not use";
    VouchesForThemselves {} = "vouches_for_themselves", Forbidden,
        "it is your own passkey, so a second person must answer for it",
        "ask your manager or an administrator, or confirm it with another passkey of yours";
    NoPasskey {} = "no_passkey", Conflict,
        "you have no enrolled passkey to sign with",
        "add one on the page `/passkeys`, and let a second person vouch for it";
    StepUpNeeded { stage: String } = "step_up_needed", Forbidden,
        "in stage `{stage}` whoever agrees signs with a passkey of theirs, and nothing was signed",
        "open the request in a browser and agree there: its page asks for your passkey";
    StepUpOver {} = "step_up_over", Conflict,
        "what was signed is not open any more: it was used, took longer than five minutes, or was for something else or another session",
        "read the request again and agree anew";
    PasskeyRefused { why: String } = "passkey_refused", Forbidden,
        "this passkey does not show it: {why}",
        "try again from the beginning, with a passkey that is listed on the page `/passkeys`";

    // ---- tokens ----
    ScopeMissing { scope: &'static str } = "scope_missing", Forbidden,
        "this takes a token with the scope `{scope}`, and this token has it not",
        "use a token that was issued with `--scope {scope}`, or log in";
    UnknownToken { given: String } = "unknown_token", Unknown,
        "no token `{given}` that you answer for",
        "list yours with `placet token list`";
    UnknownSession { given: String } = "unknown_session", Unknown,
        "no open session `{given}` of yours",
        "look at the sessions that are open, on the page of sessions and tokens";
    TokenOver { token: String } = "token_over", Conflict,
        "`{token}` is good for nothing any more",
        "nothing needs to be done";

    // ---- grants and findings ----
    UnknownGrant { given: String } = "unknown_grant", Unknown,
        "no grant `{given}` that you may see",
        "list them with `placet grants`";
    GrantOver { grant: String, state: String } = "grant_over", Conflict,
        "`{grant}` is {state}",
        "nothing needs to be done";
    ApprovalLapsed { grant: String } = "approval_lapsed", Conflict,
        "the approval of `{grant}` was not used in time",
        "make a new request";
    NotAssented { why: String } = "not_assented", Forbidden,
        "the ledger does not show assent to exactly this: {why}",
        "nothing was granted; look at the trail with `placet evidence export` and make a new request";
    NothingToCollect { grant: String } = "nothing_to_collect", Conflict,
        "for `{grant}` there is nothing to collect: its target issues no credential",
        "nothing needs to be done; the access comes by itself";
    AlreadyCollected { grant: String } = "already_collected", Conflict,
        "`{grant}` was collected already, and each grant is collected once",
        "see what was issued with `placet grants {grant}`; if it was not you, give it back at once";
    UnfitHalf { why: String } = "unfit_half", Malformed,
        "nothing can be issued for what was handed in: {why}",
        "for a certificate take an Ed25519 key (`ssh-keygen -t ed25519`); for a token let `placet collect` draw it";
    NotYourHalf { why: String } = "not_your_half", Forbidden,
        "what was handed in is not shown to be yours: {why}",
        "use a key of your own and sign with it, as `placet collect --key` does, or draw a new token";
    BindingBusy {} = "binding_busy", Conflict,
        "another action on the same account and entitlement is still under way",
        "it is tried again by itself";
    WrongStep { what: String, state: String } = "wrong_step", Conflict,
        "{what} does not follow on `{state}`",
        "nothing needs to be done; the workers look again";
    UnknownFinding { given: String } = "unknown_finding", Unknown,
        "no finding `{given}` that you may see",
        "list them with `placet findings`";

    NotAcceptable { kind: &'static str } = "not_acceptable", Forbidden,
        "a finding of kind `{kind}` cannot be accepted until a day that has passed, and what is due to end is never borne",
        "name a day ahead, or let the access end";
    NothingToRemove { kind: &'static str } = "nothing_to_remove", Conflict,
        "a finding of kind `{kind}` stands for no access that nobody approved",
        "revoke the grant that it names instead, with `placet revoke`";
    RemovalOrdered { finding: String } = "removal_ordered", Conflict,
        "the removal of what `{finding}` found is ordered already",
        "nothing needs to be done; it is tried until it is seen to be gone";
    WrongAnswer { answer: &'static str, kind: &'static str } = "wrong_answer", Conflict,
        "`{answer}` is no answer to a finding of kind `{kind}`",
        "adopt or remove what is unapproved, grant anew what is missing, or accept it until a day";
    NotThatAccount { who: String, account: String } = "not_that_account", Forbidden,
        "`{account}` is not the account of `{who}` on this target",
        "name the one whose account it is, or have the account entered in the catalogue";
    NoBrake { target: String } = "no_brake", Conflict,
        "nothing is held back on `{target}`",
        "nothing needs to be done";

    // ---- records ----
    AlreadyRegistered { what: String } = "already_registered", Conflict,
        "{what} is registered already",
        "choose another name, or change the one that is there";
    Unowned { what: String } = "unowned", Forbidden,
        "{what} needs one living person who answers for it",
        "name an active person as its owner";
    NoSchedule { name: String, why: String } = "no_schedule", Malformed,
        "`{name}` is not a schedule: {why}",
        "give it a time zone, days, and the hours from `opens` to `closes` on one day";
    TargetInUse { target: String, grants: String } = "target_in_use", Conflict,
        "target `{target}` still carries {grants}, and what is live must be found where it is",
        "retire its entitlements so that nothing new begins, end these grants, and try again when they are over";
    NothingChanges {} = "nothing_changes", Conflict,
        "the catalogue says all of this already",
        "nothing needs to be done";
    UnknownProposal { given: String } = "unknown_proposal", Unknown,
        "no change of the catalogue `{given}` has been proposed",
        "list them with `placet catalog proposals`";
    ProposalClosed { proposal: String, state: String } = "proposal_closed", Conflict,
        "`{proposal}` is {state}",
        "if the change is still needed, propose it again";
    ProposalStale { proposal: String, what: String } = "proposal_stale", Conflict,
        "`{proposal}` was made on a catalogue that has moved on: {what} is another one now",
        "look at the difference anew with `placet catalog diff`, and propose it again";
    OwnProposal {} = "own_proposal", Forbidden,
        "you proposed this change of the catalogue, so somebody else must adopt or reject it",
        "ask another administrator to look at it, or withdraw it";
    HelpsOwnRequest { who: String, what: String, record: String } = "helps_own_request", Forbidden,
        "{who} would benefit from `{what}`, and this change of {record} could help it",
        "let the catalogue be changed by people without a part in it, or withdraw that request first";
    RecoveryRefused { why: String } = "recovery_refused", Forbidden,
        "nobody is let in again: {why}",
        "name two active administrators with `--people`, and say why with `--because`";
    NothingHeld { what: String } = "nothing_held", Conflict,
        "ruling again after a change of `{what}` does not wait for anybody",
        "nothing needs to be done";
    UnknownHandover { given: String } = "unknown_handover", Unknown,
        "no handover `{given}` waits",
        "list them with `placet catalog handovers`";
    Founders { why: String } = "founders", Malformed,
        "the organisation cannot be founded: {why}",
        "name two different people who are active as its first administrators";

    // ---- conditions of a call ----
    ChangedMeanwhile { what: String } = "changed_meanwhile", Precondition,
        "`{what}` is not as you saw it: it has changed since",
        "read it again, and decide on what it says now";
    KeyReused { key: String } = "key_reused", Malformed,
        "the idempotency key `{key}` came with another call before",
        "take a new key for each call, and the same one only to send that very call again";
    AnswerNotKept { key: String } = "answer_not_kept", Conflict,
        "the call with the idempotency key `{key}` was done or is under way, and its answer is not kept",
        "read what it was to change; it is not done twice";

    TooManyWatchers {} = "too_many_watchers", Unavailable,
        "as many are being told of changes as can be at once",
        "read again now and then, and ask to be told later";

    // ---- Placet itself ----
    StaleFacts {} = "stale_facts", Conflict,
        "what this was decided on changed meanwhile, three times in a row",
        "try again";
    DataDirInUse {} = "data_dir_in_use", Conflict,
        "another `placet` works on this data directory",
        "stop it, or speak to it with `--server`";
    EndingOnly { why: String } = "ending_only", Unavailable,
        "Placet only ends access for now: {why}",
        "what is due still ends; an operator must look at it with `placet doctor`";
    ClockBehind { behind: String } = "clock_behind", Unavailable,
        "the clock of this machine is {behind} behind what the ledger has recorded, so nobody knows how late it is, and nothing new is granted",
        "set the clock right; if it is right and what was recorded was ahead, start with `placet serve --trust-clock` and wait until it has caught up; what is due still ends";
    StorageFull {} = "storage_full", Unavailable,
        "nothing can be written: the disk is full",
        "make room on the volume of the data directory; what is due still ends";
    EvidenceIncomplete { why: String } = "evidence_incomplete", Conflict,
        "this evidence does not hold: {why}",
        "do not rely on it; ask for a fresh export and compare the keys";
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.sentence(), self.next_step())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_speak_plainly() {
        let mut codes = Refusal::CODES.to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Refusal::CODES.len());
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        let refusal = Refusal::OverLimit {
            asked: "9 h".to_owned(),
            longest: "8 h".to_owned(),
            entitlement: "prod-db-admin".to_owned(),
        };
        assert_eq!(
            refusal.to_string(),
            "9 h is longer than 8 h, the longest that `prod-db-admin` is granted for; \
             ask for 8 h or less; when it ends you may ask again"
        );
    }
}
