//! A form that was refused comes back: its page again, with what was typed, why nothing was done, and
//! beside which field that is said. What was refused, and what to do next, are the refusal's own words.

use std::fmt::{self, Display, Write as _};

use askama::filters::{HtmlSafe, Safe};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;

use super::failed::Failed;
use super::form::{Form, Typed};
use super::show::Spoken;
use crate::problem;

/// A form on its way back.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    /// Where the form was sent: its `action`, which tells the forms of a page apart.
    sent_to: String,
    typed: Typed,
    /// Beside which field it is said; empty if it is about none.
    pub field: &'static str,
    pub status: StatusCode,
    pub sentence: String,
    pub next: String,
}

impl Refused {
    pub(super) fn of(refusal: &Refusal, sent_to: String, typed: Typed) -> Self {
        let field = field_of(refusal, &typed);
        Self {
            sent_to,
            typed,
            field,
            // What was typed into a field is what is wrong, whatever it is that refuses it.
            status: match field {
                "" => problem::status(refusal.class()).0,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            },
            sentence: refusal.sentence(),
            next: refusal.next_step(),
        }
    }
}

/// What answers a form: the page at `to` if it was carried out, or else its own page again.
pub(super) async fn then<T>(
    done: Result<T, impl Into<Failed>>,
    to: &str,
    form: Form,
    page: impl AsyncFnOnce(Refused) -> Result<Response, Failed>,
) -> Result<Response, Failed> {
    match done {
        Ok(_) => Ok(Redirect::to(to).into_response()),
        Err(error) => back(error, form, page).await,
    }
}

/// What answers a form that was not carried out: the page that shows it again, or one that only says
/// why, to somebody who may not see that page.
pub(super) async fn back(
    error: impl Into<Failed>,
    form: Form,
    page: impl AsyncFnOnce(Refused) -> Result<Response, Failed>,
) -> Result<Response, Failed> {
    let (refusal, field) = error.into().refusal()?;
    let mut refused = Refused::of(&refusal, form.sent_to, form.typed);
    if let Some(field) = field {
        refused.field = field;
    }
    match page(refused).await {
        // A fault stays one.
        Err(failed) => Err(failed.refusal().map(|_| refusal)?.into()),
        shown => shown,
    }
}

/// The field that a refusal is about, of those that were sent.
fn field_of(refusal: &Refusal, typed: &Typed) -> &'static str {
    let fields: &[&str] = match refusal {
        Refusal::LengthUnreadable { .. }
        | Refusal::LengthOutOfRange { .. }
        | Refusal::OverLimit { .. }
        | Refusal::NotNarrower { .. }
        | Refusal::NotAcceptable { .. } => &["length"],
        Refusal::EmptyJustification {} => &["justification"],
        Refusal::UnknownIdentity { .. }
        | Refusal::InactiveIdentity { .. }
        | Refusal::NotThatAccount { .. }
        | Refusal::DelegationToSelf {} => &["receiver", "to", "holder", "who"],
        Refusal::NotYours { .. } => &["holder"],
        Refusal::UnknownEntitlement { .. } | Refusal::RetiredEntitlement { .. } => &["entitlement"],
        Refusal::MomentUnreadable { .. } | Refusal::StartOutOfRange { .. } => &["starts_at"],
        Refusal::EndingEventUnreadable { .. } | Refusal::TooManyEndingEvents { .. } => &["ends_on"],
        Refusal::NoEmergency {} | Refusal::UnknownIncident { .. } => &["incident"],
        Refusal::DelegationWithoutEnd {} => &["until"],
        Refusal::OtherEvidence {} => &["evidence"],
        Refusal::TextTooLong { what, .. } | Refusal::EmptyText { what } => fields_called(what),
        _ => &[],
    };
    fields.iter().find(|one| typed.has(one)).copied().unwrap_or_default()
}

/// The fields in which a text is typed that commands call so.
fn fields_called(text: &str) -> &'static [&'static str] {
    match text {
        "justification" => &["justification"],
        "reference" => &["reference"],
        "incident" => &["incident"],
        "question" | "answer" => &["text"],
        "reason" => &["reason", "why"],
        "note" => &["note"],
        "name" => &["name"],
        _ => &[],
    }
}

/// A form of a page, as it is to be shown: empty, or as it came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a>(Option<&'a Refused>);

impl<'a> Sent<'a> {
    pub(super) fn of(refused: Option<&'a Refused>, action: &impl Display) -> Self {
        let action = action.to_string();
        Self(refused.filter(|one| one.sent_to == action))
    }

    pub(super) fn is_back(&self) -> bool {
        self.0.is_some()
    }

    /// Unfolds what holds the form, if it came back.
    pub(super) fn open(&self) -> &'static str {
        if self.0.is_some() { " open" } else { "" }
    }

    pub(super) fn field(&self, name: &str, id: impl Display) -> Field<'a> {
        let wrong = self.0.filter(|one| one.field == name);
        Field {
            id: id.to_string(),
            typed: self.0.map(|one| one.typed.text(name)),
            wrong: wrong.map(|one| one.sentence.as_str()),
        }
    }

    /// Whether something was typed into a field.
    pub(super) fn has_typed(&self, name: &str) -> bool {
        self.0.is_some_and(|one| !one.typed.text(name).is_empty())
    }
}

/// One field of a form. Its `id` is ours, and needs no escaping.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    id: String,
    typed: Option<&'a str>,
    wrong: Option<&'a str>,
}

impl Field<'_> {
    /// What was typed.
    pub(super) fn typed(&self) -> &str {
        self.or("")
    }

    /// What was typed, or what stands there at first.
    pub(super) fn or<'b>(&'b self, first: &'b str) -> &'b str {
        self.typed.unwrap_or(first)
    }

    /// The attributes of a field that may be wrong. Wrong, it is where the page begins.
    pub(super) fn marks(&self) -> Safe<String> {
        self.described(None)
    }

    /// The same for a field with a line of help, whose `id` is the field's and `-help`.
    pub(super) fn helped(&self) -> Safe<String> {
        self.described(Some(format!("{}-help", self.id)))
    }

    fn described(&self, help: Option<String>) -> Safe<String> {
        let error = self.wrong.map(|_| format!("{}-error", self.id));
        let by: Vec<String> = help.into_iter().chain(error).collect();
        let mut out = String::new();
        if !by.is_empty() {
            let _ = write!(out, " aria-describedby=\"{}\"", by.join(" "));
        }
        if self.wrong.is_some() {
            out.push_str(" aria-invalid=\"true\" autofocus");
        }
        Safe(out)
    }

    /// Why it is wrong, to stand below it.
    pub(super) fn error(&self) -> Wrong {
        let sentence = self.wrong.map(|sentence| Spoken(sentence.to_owned()));
        Wrong { id: self.id.clone(), sentence }
    }
}

/// A line below a field; nothing where nothing is wrong.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    id: String,
    sentence: Option<Spoken>,
}

impl HtmlSafe for Wrong {}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sentence {
            Some(sentence) => {
                write!(f, "<p class=\"error\" id=\"{}-error\">{sentence}</p>", self.id)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(refusal: &Refusal, sent: &[&str], field: &str) {
        let typed = sent.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        assert_eq!(field_of(refusal, &Typed::of(typed)), field, "{refusal:?}");
    }

    #[test]
    fn a_refusal_stands_beside_the_field_that_it_is_about() {
        let long = |what: &str| Refusal::TextTooLong { what: what.to_owned(), limit: 1 };
        let empty = |what: &str| Refusal::EmptyText { what: what.to_owned() };
        let unread = |what: &str| Refusal::Unreadable { what: what.to_owned() };
        let nobody = Refusal::UnknownIdentity { given: "x".to_owned() };
        check(&nobody, &["length", "receiver"], "receiver");
        check(&nobody, &["to", "until"], "to");
        check(&nobody, &["length"], "");
        check(&long("reason"), &["reason"], "reason");
        check(&long("reason"), &["why"], "why");
        check(&empty("question"), &["text"], "text");
        check(&unread("no reason at all"), &["digest", "reason"], "");
        check(&Refusal::OtherEvidence {}, &["evidence"], "evidence");
        check(&Refusal::SelfApproval {}, &["digest"], "");
    }

    #[test]
    fn only_the_form_that_was_sent_shows_what_was_typed() {
        let typed = Typed::of(vec![("reason".to_owned(), "no & never".to_owned())]);
        let long = Refusal::TextTooLong { what: "reason".to_owned(), limit: 1 };
        let refused = Refused::of(&long, "/requests/r/deny".to_owned(), typed);
        let deny = Sent::of(Some(&refused), &"/requests/r/deny");
        let reason = deny.field("reason", "reason");
        assert_eq!((deny.open(), reason.typed()), (" open", "no & never"));
        let marks =
            " aria-describedby=\"reason-help reason-error\" aria-invalid=\"true\" autofocus";
        assert_eq!(reason.helped().0, marks);
        let error =
            "<p class=\"error\" id=\"reason-error\">the reason is longer than 1 characters</p>";
        assert_eq!(reason.error().to_string(), error);
        let other = Sent::of(Some(&refused), &"/requests/r/say");
        let text = other.field("reason", "reason");
        assert_eq!(
            (other.open(), text.or("first"), text.error().to_string()),
            ("", "first", String::new())
        );
        assert_eq!(text.marks().0, "");
    }
}
