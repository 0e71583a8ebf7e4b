//! The teller: what happens, as it happens, with the time since the beginning.

use std::io::IsTerminal as _;
use std::time::Duration;

use placet_domain::Timestamp;
use placet_engine::{Environment as _, Machine};

use crate::output;

/// How wide the story is told.
const WIDTH: usize = 100;
/// Where what is told begins, after its time.
const TOLD: usize = 9;
/// Where what is quoted begins.
const QUOTED: usize = 11;

/// Tells the story on a terminal, or nothing where a program reads.
#[derive(Debug)]
pub struct Teller {
    began: Timestamp,
    silent: bool,
    colours: bool,
}

impl Teller {
    pub fn new(silent: bool) -> Self {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { began: Machine.now(), silent, colours }
    }

    fn line(&self, text: String) {
        if !self.silent {
            output::say(text);
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// How long it has been told.
    pub fn passed(&self) -> Duration {
        let micros = Machine.now().as_micros() - self.began.as_micros();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// A new act.
    pub fn act(&self, title: &str) {
        self.line(format!("\n{}", self.paint("1", title)));
    }

    /// Something that happens.
    pub fn tell(&self, text: impl AsRef<str>) {
        self.stamped("", text.as_ref());
    }

    /// A refusal: code, sentence and next step.
    pub fn refused(&self, code: &str, sentence: &str, next: &str) {
        let mark = format!("refused ({code}):");
        self.stamped(&mark, &format!("{mark} {sentence}"));
        self.quote(&format!("next: {next}"));
    }

    /// With the time in front; `mark`, with which it begins, stands out.
    fn stamped(&self, mark: &str, text: &str) {
        let mut stamp = self.paint("2", &format!("{:>6.2}s", self.passed().as_secs_f64()));
        for line in wrap(text, WIDTH - TOLD) {
            let line = match line.strip_prefix(mark) {
                Some(rest) if !mark.is_empty() => self.paint("31", mark) + rest,
                _ => line,
            };
            self.line(format!("{stamp}  {line}"));
            stamp = " ".repeat(TOLD - 2);
        }
    }

    /// Lines that belong to what was just told.
    pub fn quote(&self, text: &str) {
        for line in text.lines().flat_map(|line| wrap(line, WIDTH - QUOTED)) {
            self.beside(&line);
        }
    }

    /// Lines to be copied: they are never broken.
    pub fn offer(&self, text: &str) {
        text.lines().for_each(|line| self.beside(line));
    }

    fn beside(&self, line: &str) {
        let line = format!("{:TOLD$}{}{line}", "", self.paint("2", "│ "));
        self.line(line.trim_end().to_owned());
    }
}

/// Breaks a line between words; what goes on stands two columns further in. A word that is longer
/// than the line stays whole, so that it can be copied.
fn wrap(line: &str, width: usize) -> Vec<String> {
    let indent = line.chars().take_while(|c| *c == ' ').count();
    let further = " ".repeat(indent + 2);
    let mut out = Vec::new();
    let mut rest = line.to_owned();
    while let Some(at) = break_at(&rest, width) {
        let (head, tail) = rest.split_at(at);
        out.push(head.trim_end().to_owned());
        rest = format!("{further}{}", tail.trim_start());
    }
    out.push(rest);
    out
}

/// The byte at which a line that is too long is broken: the last gap that fits, or else the first.
fn break_at(line: &str, width: usize) -> Option<usize> {
    let begins = line.len() - line.trim_start().len();
    let mut last = None;
    let mut columns = 0;
    for (column, (at, c)) in line.char_indices().enumerate() {
        columns = column + 1;
        if c == ' ' && at > begins && (column <= width || last.is_none()) {
            last = Some(at);
        }
    }
    last.filter(|_| columns > width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_go_on_further_in() {
        let check = |line: &str, expect: &[&str]| assert_eq!(wrap(line, 10), expect, "{line}");
        check("", &[""]);
        check("ten chars.", &["ten chars."]);
        check("one two three", &["one two", "  three"]);
        check("  one two three", &["  one two", "    three"]);
        check("averylongword", &["averylongword"]);
        check("averylongword b", &["averylongword", "  b"]);
        check("ä ö ü é è à", &["ä ö ü é è", "  à"]);
    }
}
