//! What people do in a walk to keep requests going: narrow, talk, delegate, break the glass and review
//! it, extend, report what has ended, answer findings; and whole days in which nobody says a word.

use placet_domain::finding::State as Found;
use placet_domain::id::{FindingId, RequestId};
use placet_domain::request::{Answer, State, Verdict};
use placet_engine::commands::answer::{AnswerFinding, ReleaseBrake, RemoveFound};
use placet_engine::commands::delegate::Delegate;
use placet_engine::commands::extend::ExtendGrant;
use placet_engine::commands::file::FileTogether;
use placet_engine::commands::narrow::NarrowRequest;
use placet_engine::commands::question::{AnswerQuestion, AskQuestion};
use placet_engine::commands::review::ReviewEmergency;
use placet_engine::commands::submit::SubmitRequest;

use super::{Acted, PURPOSE, Walk};
use crate::company;

/// The ticket that some requests name as their end.
pub(super) const TICKET: &str = "ticket:OPS-7";
const ON_CALL: [&str; 3] = ["olaf", "oda", "ines"];
const REVIEWERS: [&str; 4] = ["sven", "sara", "olaf", "ines"];

impl Walk {
    pub(super) async fn last(&mut self) -> Acted {
        match self.dice.below(12) {
            0 => self.narrow().await,
            1 => self.talk().await,
            2 => self.delegate().await,
            3 | 4 => self.break_glass().await,
            5 => self.review().await,
            6 => self.extend().await,
            7 => self.report().await,
            8 | 9 => self.answer().await,
            10 => self.file().await,
            _ => self.silence().await,
        }
    }

    /// Sometimes not at once, sometimes impossibly late or early.
    pub(super) fn starts_at(&mut self) -> Option<String> {
        if !self.dice.chance(15) {
            return None;
        }
        let now = self.world.nature.moment();
        let ahead = [60, 3_600, 86_400, 6 * 86_400, 30 * 86_400];
        let ahead = self.dice.pick(&ahead).copied().unwrap_or(60);
        Some(now.plus_seconds(ahead).to_string())
    }

    async fn narrow(&mut self) -> Acted {
        let Some(request) = self.request(&[State::Open]) else { return Self::nothing("narrow") };
        let who = self.approver(request).await;
        let digest = self.shown_digest(request);
        let lengths = ["10m", "1h", "40d"];
        let length = self.dice.pick(&lengths).map(|one| (*one).to_owned());
        let lower = self.dice.chance(20).then(|| "dev-db-read".to_owned());
        let narrow = NarrowRequest { request, digest, length, entitlement: lower, starts_at: None };
        let done = self.world.by(&who, &narrow).await;
        let words = format!("{who} narrows {request}");
        (words, done.map(|decided| self.promised(request, decided.grant)))
    }

    async fn talk(&mut self) -> Acted {
        let Some(request) = self.request(&[State::Open]) else { return Self::nothing("talk") };
        let known = self.checkers.book.request(request);
        let unanswered = known.and_then(|one| {
            let open = one.questions.iter().find(|question| question.answered.is_none());
            open.map(|question| (question.asked.number, one.revision.requester))
        });
        let text = "for which table?".to_owned();
        if let Some((number, requester)) = unanswered.filter(|_| self.dice.chance(70)) {
            let who = self.world.name(requester).to_owned();
            let done = self.world.by(&who, &AnswerQuestion { request, number, text }).await;
            return (format!("{who} answers question {number} of {request}"), done);
        }
        let who = self.approver(request).await;
        let done = self.world.by(&who, &AskQuestion { request, text }).await;
        (format!("{who} asks about {request}"), done)
    }

    async fn delegate(&mut self) -> Acted {
        let givers = ["mara", "olga", "gerda", "sven", "dora"];
        let who = self.dice.pick(&givers).copied().unwrap_or("mara");
        let to = self.person();
        let now = self.world.nature.moment();
        let ends_at = self.dice.chance(90).then(|| now.plus_seconds(3 * 86_400).to_string());
        let delegate = Delegate { to: to.clone(), starts_at: None, ends_at };
        let done = self.world.by(who, &delegate).await.map(drop);
        (format!("{who} delegates to {to}"), done)
    }

    async fn break_glass(&mut self) -> Acted {
        let who = self.dice.pick(&ON_CALL).copied().unwrap_or("olaf");
        let offers: Vec<&str> = company::OFFERS.iter().map(|offer| offer.name).collect();
        let ask = SubmitRequest {
            entitlement: self.dice.pick(&offers).copied().unwrap_or_default().to_owned(),
            length: if self.dice.chance(80) { "1h" } else { "8h" }.to_owned(),
            justification: PURPOSE.to_owned(),
            incident: Some("INC-7".to_owned()),
            ..SubmitRequest::default()
        };
        let words = format!("{who} breaks the glass for {}", ask.entitlement);
        let done = self.world.by(who, &ask).await;
        (words, done.map(|out| self.promised(out.request, out.grant)))
    }

    async fn review(&mut self) -> Acted {
        let owed: Vec<RequestId> = self
            .checkers
            .book
            .requests()
            .filter(|one| one.review.as_ref().is_some_and(|review| review.recorded.is_none()))
            .map(|one| one.id)
            .collect();
        let Some(request) = self.dice.pick(&owed).copied() else { return Self::nothing("review") };
        let who = self.dice.pick(&REVIEWERS).copied().unwrap_or("sven");
        let justified = self.dice.chance(70);
        let verdict = if justified { Verdict::Justified } else { Verdict::NotJustified };
        let review = ReviewEmergency { request, verdict, note: "I read the incident".to_owned() };
        let done = self.world.by(who, &review).await;
        (format!("{who} reviews {request}"), done)
    }

    async fn extend(&mut self) -> Acted {
        let Some(grant) = self.live_grant() else { return Self::nothing("extend") };
        let receiver = self.checkers.book.grant(grant).map(|one| one.approved.receiver);
        let who = receiver.map(|id| self.world.name(id).to_owned()).unwrap_or_default();
        let extend =
            ExtendGrant { grant, length: "2h".to_owned(), justification: PURPOSE.to_owned() };
        let done = self.world.by(&who, &extend).await;
        let words = format!("{who} extends {grant}");
        (words, done.map(|out| self.promised(out.request, out.grant)))
    }

    async fn report(&mut self) -> Acted {
        let who = self.person();
        let done = self.world.report(&who, TICKET).await.map(drop);
        (format!("{who} reports {TICKET}"), done)
    }

    async fn answer(&mut self) -> Acted {
        let open: Vec<(FindingId, String)> = self
            .checkers
            .book
            .findings()
            .filter(|one| one.state != Found::Resolved)
            .map(|one| (one.id, self.world.name(one.opened.owner).to_owned()))
            .collect();
        let Some((finding, owner)) = self.dice.pick(&open).cloned() else {
            return self.release().await;
        };
        let who = if self.dice.chance(80) { owner } else { self.person() };
        if self.dice.chance(40) {
            let done = self.world.by(&who, &RemoveFound { finding }).await;
            return (format!("{who} has {finding} removed"), done);
        }
        let answers = [Answer::Adopt, Answer::Regrant, Answer::Accept];
        let answer = self.dice.pick(&answers).copied().unwrap_or(Answer::Adopt);
        let ask = AnswerFinding {
            finding,
            answer,
            receiver: None,
            length: "4h".to_owned(),
            justification: PURPOSE.to_owned(),
        };
        let words = format!("{who} asks to {} {finding}", answer.as_str());
        let done = self.world.by(&who, &ask).await;
        (words, done.map(|out| self.promised(out.request, out.grant)))
    }

    async fn release(&mut self) -> Acted {
        let done = self.world.by("olga", &ReleaseBrake { target: "staging".to_owned() }).await;
        ("olga releases staging".to_owned(), done)
    }

    async fn file(&mut self) -> Acted {
        let who = self.person();
        let asks = vec![self.ask_of(&who), self.ask_of(&who)];
        let done = self.world.by(&who, &FileTogether { asks }).await;
        let words = format!("{who} files two asks together");
        let done = done.map(|filed| {
            for one in filed.requests {
                self.promised(one.request, one.grant);
            }
        });
        (words, done)
    }

    /// Nobody says a word for days.
    async fn silence(&mut self) -> Acted {
        if !self.world.can_log_in() {
            return Self::nothing("silence");
        }
        let days = self.dice.below(3) + 1;
        self.world.pass(days * 86_400).await;
        (format!("{days} days of silence"), Ok(()))
    }
}
