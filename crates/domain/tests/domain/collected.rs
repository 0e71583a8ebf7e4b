//! Grants of credentials: who may collect one, once; what is issued for it; and how what is out in
//! the wild comes to its end.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::action::{Effect, Outcome};
use placet_domain::canonical::Digest;
use placet_domain::grant::{
    Approved, Collect, Collected, Command, Event, Gone, Grant, Half, Intend, Issued, Public,
    ReadBack, Reason, Serial, State, apply, decide,
};
use placet_domain::identity::Identity;
use placet_domain::observation::{Binding, Completeness, Kept, Observation, Scope, Seen as Looked};

use crate::build::{
    GRANT, Says, Seen, TARGET, approved, at, gone, id, length, outcome, person, ruling, workload,
};

const LENGTH: u64 = 3_600;
/// By how many seconds a certificate outlives its grant on slow clocks.
const SKEW: i64 = 60;

fn key() -> Public {
    Public::SshKey { key: "ssh-ed25519 AAAA".to_owned(), fingerprint: "SHA256:x".to_owned() }
}

fn token() -> Public {
    Public::TokenDigest { sha256: Digest::of(b"a token") }
}

fn collected(by: u128, public: Public) -> Collected {
    Collected { by: id(by), public, sources: BTreeSet::new() }
}

/// A grant on a target that issues, and a clock in seconds.
#[derive(Clone)]
struct Life {
    grant: Grant,
    now: i64,
    actions: u128,
}

impl Life {
    fn of(half: Half) -> Self {
        let approved = Approved { issues: Some(half), ..approved(length(LENGTH)) };
        let events =
            decide(None, Command::Approve { asked: approved.length, approved }, at(0)).unwrap();
        Self { grant: apply(None, &events[0], at(0)).unwrap(), now: 0, actions: 0 }
    }

    fn certificate() -> Self {
        Self::of(Half::SshKey)
    }

    fn then(mut self, words: &[&str]) -> Self {
        for word in words {
            if let Ok(seconds) = word.parse::<i64>() {
                self.now += seconds;
                continue;
            }
            let events = self.tell(word).unwrap_or_else(|refusal| panic!("{word}: {refusal}"));
            for event in &events {
                self.grant = apply(Some(self.grant), event, at(self.now)).unwrap();
            }
            self.actions += u128::from(matches!(*word, "grant" | "remove"));
        }
        self
    }

    fn issued(&self) -> Issued {
        Issued {
            serial: Serial(7),
            digest: Digest::of(b"a certificate"),
            certificate: "a certificate".to_owned(),
            over_at: at(LENGTH as i64 + SKEW),
        }
    }

    fn tell(&self, word: &str) -> Result<Vec<Event>, Refusal> {
        let permit = ruling(Says::Yes);
        let (me, latest) = (person(1), id(0x600 + self.actions.saturating_sub(1)));
        let collect = |by, public, receiver, anothers| {
            Command::Collect(Collect { collected: collected(by, public), receiver, anothers })
        };
        let intend = |effect| {
            let ruling = (effect == Effect::Grant).then_some(&permit);
            let action = id(0x600 + self.actions);
            Command::Intend(Intend { action, effect, epoch: 1, busy: false, ruling })
        };
        let finish = |outcome, issued| Command::Finish { action: latest, outcome, issued };
        let hosts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let shown = |hosts, waits_for| Command::ReadBack(ReadBack { hosts, waits_for });
        let short = Issued { over_at: at(LENGTH as i64 - 1), ..self.issued() };
        let look = look(self.now, &[]);
        let command = match word {
            "collect" => collect(1, key(), &me, false),
            "collect token" => collect(1, token(), &me, false),
            "collect for another" => collect(2, key(), &me, false),
            "collect another's key" => collect(1, key(), &me, true),
            "grant" => intend(Effect::Grant),
            "remove" => intend(Effect::Remove),
            "done" => finish(Outcome::Done, None),
            "failed" => finish(Outcome::Failed { why: "no key".to_owned() }, Some(self.issued())),
            "issued" => finish(Outcome::Done, Some(self.issued())),
            "issued short" => finish(Outcome::Done, Some(short)),
            "seen" => Command::See { observation: &look, seen: Looked::Present },
            "gone" => Command::See { observation: &look, seen: Looked::Absent },
            "revoked" => Command::End { reason: Reason::Revoked { by: id(2), note: None } },
            "expired" => Command::End { reason: Reason::Expired },
            "run out" => Command::RunOut,
            "shown by a" => shown(hosts(&["a"]), hosts(&["b"])),
            "shown by both" => shown(hosts(&["a", "b"]), hosts(&[])),
            "shown by nobody" => shown(hosts(&[]), hosts(&[])),
            other => panic!("{other}"),
        };
        decide(Some(&self.grant), command, at(self.now))
    }
}

fn look(began: i64, credentials: &[(&str, &[u8])]) -> Observation {
    let kept = credentials
        .iter()
        .map(|(account, token)| Kept { binding: binding(account), digest: Digest::of(token) });
    let kept: BTreeSet<Kept> = kept.collect();
    Observation {
        id: id(0x500),
        target: id(TARGET),
        scope: Scope::Everything,
        completeness: Completeness::Complete,
        began_at: at(began),
        finished_at: at(began),
        present: kept.iter().map(|one| one.binding.clone()).collect(),
        credentials: Some(kept),
        sessions: BTreeSet::new(),
    }
}

fn binding(account: &str) -> Binding {
    Binding { native: "dba".parse().unwrap(), account: account.parse().unwrap() }
}

#[test]
fn a_credential_is_collected_once_in_time_and_by_its_own() {
    let mut seen = Seen::default();
    let mut check = |before: &[&str], word: &str, expect: &str| {
        let life = Life::certificate().then(before);
        seen.check(&format!("{before:?} then {word}"), life.tell(word), expect);
    };
    check(&[], "grant", "no: wrong_step");
    check(&[], "collect", "grant.collected");
    check(&[], "collect token", "no: unfit_half");
    check(&[], "collect for another", "no: not_yours");
    check(&[], "collect another's key", "no: not_your_half");
    check(&["604799"], "collect", "grant.collected");
    check(&["604800"], "collect", "no: approval_lapsed");
    check(&["collect"], "collect", "no: already_collected");
    check(&["collect"], "grant", "action.intended");
    check(&["collect", "grant"], "collect", "no: already_collected");
    check(&["revoked"], "collect", "no: grant_over");
    check(&["collect", "grant", "issued", "revoked"], "remove", "action.intended");
    check(&["collect", "grant", "issued"], "shown by both", "no: wrong_step");

    let tell = |life: &Life, by: u128, receiver: &Identity| {
        let collect = Collect { collected: collected(by, key()), receiver, anothers: false };
        decide(Some(&life.grant), Command::Collect(collect), at(life.now))
    };
    let mut other = |life: &Life, by, receiver: &Identity, expect| {
        seen.check(expect, tell(life, by, receiver), expect);
    };
    let life = Life::certificate();
    other(&life, 1, &gone(person(1)), "no: inactive_identity");
    other(&life, 2, &person(2), "no: not_yours");
    let mut theirs = life.clone();
    theirs.grant.approved.receiver = id(7);
    other(&theirs, 1, &workload(7, 1), "grant.collected");
    other(&theirs, 7, &workload(7, 1), "grant.collected");
    other(&theirs, 2, &workload(7, 1), "no: not_yours");
    let mut plain = life;
    plain.grant.approved.issues = None;
    other(&plain, 1, &person(1), "no: nothing_to_collect");
    seen.covers("grant/collect.rs");
}

#[test]
fn a_certificate_is_issued_and_never_active() {
    let check = |before: &[&str], word: &str, expect: &str| {
        assert_eq!(
            outcome(Life::certificate().then(before).tell(word)),
            expect,
            "{before:?} {word}"
        );
    };
    let begun = &["collect", "grant"];
    check(begun, "issued", "action.finished, grant.issued");
    check(begun, "issued short", "no: wrong_step");
    check(begun, "failed", "action.finished");
    check(begun, "seen", "");
    // It came when the end had been ordered: nobody is given it.
    check(&["collect", "grant", "revoked"], "issued", "action.finished");
    check(&["collect", "grant", "issued"], "seen", "");
    check(&["collect", "grant", "issued", "revoked"], "gone", "");
    let life = Life::certificate().then(&["collect", "grant", "issued"]);
    assert_eq!(life.grant.state, State::Issued);
    let token = Life::of(Half::TokenDigest).then(&["collect token", "grant", "issued"]);
    assert_eq!((token.grant.state, token.grant.issued), (State::Pending, None));
}

#[test]
fn what_is_in_the_wild_is_over_when_it_cannot_be_used_any_more() {
    let check = |before: &[&str], word: &str, expect: Result<Option<Gone>, &str>| {
        let got = Life::certificate().then(before).tell(word);
        let got = got.map(|events| {
            events.into_iter().find_map(|event| match event {
                Event::Ended { gone } => Some(gone),
                _ => None,
            })
        });
        assert_eq!(got.map_err(|refusal| refusal.code()), expect, "{before:?} {word}");
    };
    let hosts = ["a".to_owned(), "b".to_owned()].into();
    let read_back = Ok(Some(Gone::RevocationReadBack { hosts }));
    check(&["collect", "grant", "issued", "3600"], "run out", Ok(None));
    check(&["collect", "grant", "issued", "3659"], "run out", Ok(None));
    check(&["collect", "grant", "issued", "3660"], "run out", Ok(Some(Gone::ValidityOver)));
    let revoked = ["collect", "grant", "issued", "revoked"];
    check(&revoked, "run out", Ok(None));
    check(&revoked, "shown by nobody", Ok(None));
    check(&revoked, "shown by a", Ok(None));
    check(&revoked, "shown by both", read_back);
    check(&[&revoked[..], &["3660"]].concat(), "run out", Ok(Some(Gone::ValidityOver)));
    // What was never put on record was never given to anybody.
    check(&["collect", "grant", "revoked"], "run out", Ok(None));
    check(&["collect", "grant", "revoked", "29"], "run out", Ok(None));
    check(&["collect", "grant", "revoked", "30"], "run out", Ok(Some(Gone::NeverIssued)));
    check(&["collect", "grant", "failed", "revoked"], "run out", Ok(Some(Gone::NeverIssued)));
    check(&["collect", "grant", "failed"], "run out", Ok(None));
    check(&["collect", "grant", "failed", "3600"], "run out", Ok(Some(Gone::NeverIssued)));
    check(&[], "run out", Ok(None));
    // A token stands at its target, and only a look shows that it is gone.
    let token = Life::of(Half::TokenDigest).then(&["collect token", "grant", "done", "3600"]);
    assert_eq!(token.tell("run out"), Ok(vec![]));
}

#[test]
fn a_read_back_is_news_once() {
    let life = Life::certificate().then(&["collect", "grant", "issued", "revoked"]);
    assert_eq!(outcome(life.tell("shown by a")), "grant.read_back");
    assert_eq!(outcome(life.then(&["shown by a"]).tell("shown by a")), "");
}

/// When a worker has to look again, in seconds from the beginning.
#[test]
fn what_waits_for_its_receiver_is_due_when_it_lapses() {
    let check = |words: &[&str], expect: Option<i64>| {
        assert_eq!(Life::certificate().then(words).grant.due_at, expect.map(at), "{words:?}");
    };
    check(&[], Some(7 * 86_400));
    check(&["5", "collect"], Some(5));
    check(&["collect", "grant", "issued"], Some(3_660));
    check(&["collect", "grant", "issued", "9", "revoked"], Some(9));
    check(&["collect", "grant", "issued", "9", "revoked", "remove", "done"], Some(10));
    // No try is put off beyond the time when it is over by itself.
    let late = ["collect", "grant", "issued", "revoked", "3659", "remove", "done"];
    check(&[&late[..], &["remove"]].concat(), Some(3_689));
    check(&[&late[..], &["remove", "done", "remove", "done"]].concat(), Some(3_660));
}

#[test]
fn each_credential_is_its_own() {
    let ending =
        Life::of(Half::TokenDigest).then(&["collect token", "grant", "1", "done", "revoked"]);
    let mut by =
        Life::of(Half::TokenDigest).then(&["collect token", "grant", "done", "seen"]).grant;
    by.id = id(GRANT + 1);
    let carried = decide(Some(&ending.grant), Command::CarryOn { by: &by }, at(ending.now));
    assert_eq!(outcome(carried), "no: wrong_step");

    let own = Some(Digest::of(b"a token"));
    let check = |credentials: &[(&str, &[u8])], expect: Looked| {
        assert_eq!(look(0, credentials).says_of(&binding("ines"), own), expect, "{credentials:?}");
    };
    check(&[("ines", b"a token")], Looked::Present);
    check(&[("ines", b"another")], Looked::Absent);
    check(&[("eve", b"a token")], Looked::Absent);
    check(&[], Looked::Absent);
}
