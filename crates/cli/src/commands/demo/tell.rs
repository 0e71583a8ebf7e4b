//! The teller: what happens, as it happens, with the time since the beginning.

use std::io::IsTerminal as _;

use placet_domain::Timestamp;
use placet_engine::{Environment as _, Machine};

use crate::output;

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

    /// A new act.
    pub fn act(&self, title: &str) {
        self.line(format!("\n{}", self.paint("1", title)));
    }

    /// Something that happens.
    pub fn tell(&self, text: impl AsRef<str>) {
        let micros = Machine.now().as_micros() - self.began.as_micros();
        let stamp = format!("{:>6.2}s", micros as f64 / 1e6);
        self.line(format!("{}  {}", self.paint("2", &stamp), text.as_ref()));
    }

    /// A refusal: code, sentence and next step.
    pub fn refused(&self, code: &str, sentence: &str, next: &str) {
        self.tell(format!("{} {sentence}", self.paint("31", &format!("refused ({code}):"))));
        self.quote(&format!("next: {next}"));
    }

    /// Lines that belong to what was just told.
    pub fn quote(&self, text: &str) {
        for line in text.lines() {
            self.line(format!("         {}", self.paint("2", "│ ") + line));
        }
    }
}
