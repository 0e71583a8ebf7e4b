//! How values look on a page: moments beside now, lengths, states as tags, bars, digests. Each writes
//! HTML of its own, out of parts that cannot hold any.

use std::fmt;

use askama::filters::HtmlSafe;
use placet_domain::Timestamp;
use placet_engine::queries::Who;

/// A moment as people say it, the exact one behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    pub at: Timestamp,
    pub now: Timestamp,
}

impl HtmlSafe for When {}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.at.to_string();
        let second = exact.get(..19).unwrap_or(&exact);
        let words = self.words();
        let title = second.replace('T', " ");
        write!(f, "<time datetime=\"{second}Z\" title=\"{title} UTC\">{words}</time>")
    }
}

/// From how many seconds on a date says more than a count of days.
const FAR: u64 = 45 * 86_400;

impl When {
    fn words(self) -> String {
        let (ahead, behind) = (self.at.seconds_since(self.now), self.now.seconds_since(self.at));
        match (ahead, behind) {
            (FAR.., _) | (_, FAR..) => date(self.at),
            (0, 0) => "now".to_owned(),
            (0, _) => format!("{} ago", roughly(behind)),
            _ => format!("in {}", roughly(ahead)),
        }
    }
}

/// A day in words.
pub(super) fn date(at: Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|one| MONTHS.get(one.checked_sub(1)?));
    let day = part(8, 10).trim_start_matches('0');
    format!("{day} {} {}", month.copied().unwrap_or_default(), part(0, 4))
}

/// The time of day, to the second.
pub(super) fn clock(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// Seconds in one unit, or two where the second one matters.
pub(super) fn roughly(seconds: u64) -> String {
    let two = |whole: u64, big: &str, rest: u64, small: &str| match rest {
        0 => format!("{whole} {big}"),
        rest => format!("{whole} {big} {rest} {small}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..36_000 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        36_000..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A state as a word with its mark.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    kind: &'static str,
    word: &'static str,
}

impl HtmlSafe for Tag {}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.kind.is_empty() { "" } else { " " };
        write!(f, "<span class=\"tag{space}{}\">", self.kind)?;
        self.word.split('_').enumerate().try_for_each(|(place, part)| {
            f.write_str(if place == 0 { "" } else { " " }).and_then(|()| f.write_str(part))
        })?;
        f.write_str("</span>")
    }
}

/// The tag of a state, a kind of finding or a completeness, as the engine names it.
pub(super) fn tag(word: &'static str) -> Tag {
    let kind = match word {
        "active" | "adopted" | "agreed" | "complete" | "enrolled" | "pre_approved" | "lawful" => {
            "ok"
        }
        "open" | "approved" | "pending" | "issued" | "offered" | "this one" => "info",
        "ending" | "unverified" | "overstayed" | "missing" | "orphan" | "unowned" | "stuck"
        | "scope_changed" | "partial" | "unknown" | "never" | "raised" | "accepted"
        | "duty_conflict" | "break_glass" | "widens" => "warn",
        "unapproved" | "overdue_review" | "overdue" | "high" | "high_risk" | "broken" => "bad",
        _ => "",
    };
    Tag { kind, word }
}

/// What is left of a length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    left: u64,
    length: u64,
}

impl Bar {
    pub(super) fn of(until: Timestamp, length: u64, now: Timestamp) -> Self {
        Self { left: until.seconds_since(now), length: length.max(1) }
    }
}

impl HtmlSafe for Bar {}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.left.saturating_mul(100) / self.length).min(100);
        let (kind, width) = match (self.left, percent) {
            (0, _) => (" over", 100),
            (_, ..15) => (" low", percent.max(1)),
            _ => ("", percent),
        };
        write!(f, "<svg class=\"bar{kind}\" aria-hidden=\"true\">")?;
        write!(f, "<rect width=\"{width}%\" height=\"100%\"/></svg>")
    }
}

/// A digest in groups, without spaces: copied as a whole.
#[derive(Clone, Debug)]
pub(super) struct Digits(pub String);

impl HtmlSafe for Digits {}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<code class=\"digest\">")?;
        let hex: Vec<char> = self.0.chars().filter(char::is_ascii_hexdigit).collect();
        for group in hex.chunks(8) {
            write!(f, "<span>{}</span>", group.iter().collect::<String>())?;
        }
        f.write_str("</code>")
    }
}

/// A sentence of the engine's, with what stands in backticks as code.
#[derive(Clone, Debug)]
pub(super) struct Spoken(pub String);

impl HtmlSafe for Spoken {}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spoken(f, &self.0, |quoted| format!("<code>{}</code>", escaped(quoted)))
    }
}

/// What to do next, as the engine says it. What it calls a command is a link, where a page does the same.
#[derive(Clone, Debug)]
pub(super) struct Next(pub String);

impl HtmlSafe for Next {}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spoken(f, &self.0, |quoted| match PAGES.iter().find(|(command, ..)| *command == quoted) {
            Some((_, page, called)) => format!("<a href=\"{page}\">{called}</a>"),
            None => format!("<code>{}</code>", escaped(quoted)),
        })
    }
}

/// Commands of the command line and the pages that do the same, as a sentence goes on with them.
const PAGES: [(&str, &str, &str); 14] = [
    ("placet login", "/login", "the login page"),
    ("placet identities list", "/identities", "the page of identities"),
    ("placet catalog list", "/ask", "a search"),
    ("placet catalog targets", "/targets", "the page of targets"),
    ("placet catalog proposals", "/proposals", "the page of proposals"),
    ("placet catalog handovers", "/handovers", "the page of handovers"),
    ("placet request list", "/", "the page Mine"),
    ("placet grants", "/", "the page Mine"),
    ("placet findings", "/findings", "the page of findings"),
    ("placet work list", "/work", "the page of work"),
    ("placet delegation list", "/delegations", "the page of delegations"),
    ("placet token list", "/sessions", "the page of sessions and tokens"),
    ("/passkeys", "/passkeys", "of your passkeys"),
    ("--incident", "#incident", "the field of it"),
];

/// A sentence, with what stands in backticks written in another way.
fn spoken(
    f: &mut fmt::Formatter<'_>,
    sentence: &str,
    write_quoted: impl Fn(&str) -> String,
) -> fmt::Result {
    let parts: Vec<&str> = sentence.split('`').collect();
    // An odd number of backticks quotes nothing.
    let quotes = parts.len() % 2 == 1;
    parts.iter().enumerate().try_for_each(|(place, part)| match (quotes, place % 2) {
        (true, 1) => f.write_str(&write_quoted(part)),
        (false, _) if place > 0 => write!(f, "`{}", escaped(part)),
        _ => f.write_str(&escaped(part)),
    })
}

/// Text as it may stand in HTML and SVG, without what steers a terminal.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, one| {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            one if one.is_control() => out.push(' '),
            one => out.push(one),
        }
        out
    })
}

/// The most of a name on a page, in bytes as they are served; the longest in plain letters fits.
const CALLED: usize = 100;

/// How somebody is called; who was erased has an id alone.
pub(super) fn called(who: &Who) -> String {
    let name = who.name.as_deref().or(who.handle.as_deref());
    name.map_or_else(|| who.id.to_string(), |name| cut(name, CALLED))
}

/// Some of several people, the last one after "or".
pub(super) fn either(people: &[Who]) -> String {
    let names: Vec<String> = people.iter().map(called).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [many @ .., last] if many.len() < 6 => format!("{} or {last}", many.join(", ")),
        many => {
            let shown: Vec<&str> = many.iter().take(5).map(String::as_str).collect();
            format!("{} or one of {} more", shown.join(", "), many.len() - 5)
        }
    }
}

/// At most so many of several names, and how many more there are.
pub(super) fn few<T: ToString>(names: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut names: Vec<String> = names.into_iter().map(|one| one.to_string()).collect();
    let more = names.len().saturating_sub(most);
    names.truncate(most);
    match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// So many of these people.
pub(super) fn some_of(needed: u32, people: &[Who]) -> String {
    match needed {
        1 => either(people),
        _ if people.is_empty() => either(people),
        many => {
            let names: Vec<String> = people.iter().map(called).collect();
            format!("{many} of {}", names.join(", "))
        }
    }
}

/// The most of a text in a list, in bytes as they are served; the page behind it has all of it.
const BEGUN: usize = 120;

/// The most of a question or an answer, in bytes as they are served: the longest that there may be, but
/// for one of nothing but marks or of letters that take three bytes each.
pub(super) const TOLD: usize = 4_000;

/// How a text begins.
pub(super) fn begun(text: &str) -> String {
    cut(text, BEGUN)
}

/// How many bytes a letter takes on a page: five where it is written as a reference.
fn served(one: char) -> usize {
    if matches!(one, '<' | '>' | '&' | '"' | '\'') { 5 } else { one.len_utf8() }
}

/// How many bytes texts take on a page.
pub(super) fn weight<'a>(texts: impl IntoIterator<Item = &'a String>) -> usize {
    texts.into_iter().flat_map(|text| text.chars()).map(served).sum()
}

/// A text up to so many bytes as they are served.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut bytes = 0;
    let over = text.char_indices().find(|(_, one)| {
        bytes += served(*one);
        bytes > most
    });
    match over {
        Some((end, _)) => format!("{}\u{2026}", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

/// A long id, its middle left out.
pub(super) fn short(id: &str) -> String {
    match (id.get(..12), id.len().checked_sub(6).and_then(|from| id.get(from..))) {
        (Some(first), Some(last)) if id.len() > 20 => format!("{first}\u{2026}{last}"),
        _ => id.to_owned(),
    }
}

/// A number with its thousands apart.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What stays possible after the end, and what becomes of sessions.
pub(super) fn after_the_end(residual: Option<u64>, sessions: Option<&str>) -> String {
    let gone = match residual {
        None => "not known: the target cannot be reached by its settings".to_owned(),
        Some(0) => "gone when it is removed".to_owned(),
        Some(seconds) => format!("may go on for {} after it is removed", roughly(seconds)),
    };
    match sessions {
        Some("ended") => format!("{gone}; open sessions are ended"),
        Some("go_on") => format!("{gone}; open sessions go on"),
        _ => gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn moments_are_said_as_people_say_them() {
        let now = 1_800_000_000;
        for (seconds, said) in [
            (0, "now"),
            (5, "in 5 s"),
            (-59, "59 s ago"),
            (61, "in 1 min"),
            (3_600, "in 1 h"),
            (3_660, "in 1 h 1 min"),
            (40_000, "in 11 h"),
            (-172_800, "2 days ago"),
            (50 * 86_400, "6 Mar 2027"),
        ] {
            assert_eq!(When { at: at(now + seconds), now: at(now) }.words(), said);
        }
    }

    #[test]
    fn of_many_names_some_are_said() {
        for (names, said) in [
            (0, "none"),
            (1, "1"),
            (3, "1, 2, 3"),
            (4, "1, 2, 3 and 1 more"),
            (9, "1, 2, 3 and 6 more"),
        ] {
            assert_eq!(few(1..=names, 3), said);
        }
    }

    #[test]
    fn a_bar_runs_out() {
        for (left, kind, width) in [
            (100, "bar\"", "100%"),
            (50, "bar\"", "50%"),
            (10, "bar low", "10%"),
            (0, "bar over", "100%"),
        ] {
            let bar = Bar::of(at(left), 100, at(0)).to_string();
            assert!(bar.contains(kind) && bar.contains(width), "{bar}");
        }
    }

    #[test]
    fn long_things_are_shortened_and_numbers_are_grouped() {
        assert_eq!(short("req_01a2105f28917c0d8e41b7a95d30c2e6"), "req_01a2105f\u{2026}30c2e6");
        assert_eq!(short("prod"), "prod");
        assert_eq!(thousands(1_204), "1,204");
        assert_eq!(thousands(999), "999");
        assert_eq!(Spoken("`a<b` & c".to_owned()).to_string(), "<code>a&lt;b</code> &amp; c");
        assert_eq!(Spoken("it`s <b>".to_owned()).to_string(), "it`s &lt;b&gt;");
        let next = |text: &str| Next(text.to_owned()).to_string();
        let list = "list them with <a href=\"/findings\">the page of findings</a>";
        assert_eq!(next("list them with `placet findings`"), list);
        assert_eq!(next("make `<b>` a name"), "make <code>&lt;b&gt;</code> a name");
        assert_eq!(
            tag("scope_changed").to_string(),
            "<span class=\"tag warn\">scope changed</span>"
        );
    }
}
