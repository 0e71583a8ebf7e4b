//! What is wrong with a bundle, where it stands, and what was perhaps meant.

use std::fmt;
use std::ops::Range;

use miette::Diagnostic;

/// Something wrong in a file of a bundle.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// The path inside the bundle.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    pub message: String,
    /// What was perhaps meant.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " (did you mean `{hint}`?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// A file of a bundle: makes problems with the right line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// A problem at a byte offset.
    pub fn at(&self, offset: usize, message: impl Into<String>) -> Problem {
        let (line, column) = position(self.text, offset);
        Problem { file: self.file.to_owned(), line, column, message: message.into(), hint: None }
    }

    /// A problem where `word` first stands within `range`, or at the start of `range`.
    pub fn at_word(&self, range: Range<usize>, word: &str, message: String) -> Problem {
        let part = self.text.get(range.clone()).unwrap_or_default();
        self.at(range.start + find_word(part, word).unwrap_or(0), message)
    }

    /// What Cedar reports, where it says; `fallback` is the offset if it does not say.
    pub fn diagnosed(&self, found: &dyn Diagnostic, fallback: usize) -> Problem {
        let offset = found
            .labels()
            .and_then(|mut labels| labels.next())
            .map_or(fallback, |label| label.offset());
        let message = found.to_string();
        let help = found.help().map(|help| help.to_string());
        let hint = help.as_deref().and_then(|help| suggested(help, &message));
        let mut problem = self.at(offset, plain(&message, help.as_deref(), hint.is_some()));
        problem.hint = hint;
        problem
    }
}

impl Problem {
    pub(crate) fn with_hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(str::to_owned);
        self
    }
}

/// Line and column, from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

/// Where a word stands in a text: not inside a longer word, and not in a comment.
pub(crate) fn find_word(text: &str, word: &str) -> Option<usize> {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let starts_inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let (before, after) = (text.get(..*at), text.get(at + word.len()..));
        let before = before.unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let joined = word.starts_with(starts_inside) && inside(before.chars().next_back())
            || word.ends_with(starts_inside) && inside(after.and_then(|rest| rest.chars().next()));
        !joined && !line.trim_start().starts_with("//")
    })
}

/// What Cedar's help suggests: its "did you mean `x`?", or the nearest of the words that it lists.
fn suggested(help: &str, message: &str) -> Option<String> {
    if help.contains("did you mean") {
        return help.split('`').nth(1).map(str::to_owned);
    }
    if !help.contains("valid entity eids") {
        return None;
    }
    let given = message.split('"').nth(1)?;
    nearest(given, help.split('"').skip(1).step_by(2)).map(str::to_owned)
}

/// Cedar's message without the policy, whose place is given, and with its help.
fn plain(message: &str, help: Option<&str>, hinted: bool) -> String {
    let message = message
        .strip_prefix("for policy `")
        .and_then(|rest| rest.split_once('`'))
        .map_or(message, |(_, rest)| rest.trim_start_matches([',', ':', ' ']));
    match help {
        Some(help) if !hinted => format!("{message}; {help}"),
        _ => message.to_owned(),
    }
}

/// The word of `known` nearest to `given`, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let slips = (given.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(given, word), word))
        .filter(|(distance, _)| (1..=slips).contains(distance))
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let check = |offset, expect| assert_eq!(position("aé\nbc\n", offset), expect, "{offset}");
        check(0, (1, 1));
        check(3, (1, 3));
        check(2, (1, 2));
        check(4, (2, 1));
        check(7, (3, 1));
        check(99, (3, 1));
    }

    #[test]
    fn words_are_found_as_words() {
        let check = |word, expect| {
            let text = "// an owner\nowners = x_owner\n@why @owner(owner)";
            assert_eq!(find_word(text, word), expect, "{word}");
        };
        check("owners", Some(12));
        check("@owner", Some(34));
        check("owner", Some(35));
        check("an", None);
    }

    #[test]
    fn only_slips_are_suggested() {
        let check = |given, expect| {
            assert_eq!(nearest(given, ["security", "owner", "manager"]), expect, "{given}");
        };
        check("securty", Some("security"));
        check("onwer", Some("owner"));
        check("legal", None);
        check("owner", None);
    }
}
