//! Plots made on the server: parts of a whole as one strip, and lengths beside each other. Each says in
//! words what it shows, for those who do not see it.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;

use super::show::escaped;

/// One part of a whole: what it is called, how much of it there is, and the class of its colour.
pub(super) struct Part {
    pub name: &'static str,
    pub count: u64,
    pub class: &'static str,
}

/// The parts of a whole beside each other, as wide as their share.
pub(super) struct Strip {
    pub of: String,
    pub parts: Vec<Part>,
}

impl HtmlSafe for Strip {}

impl fmt::Display for Strip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.parts.iter().map(|part| part.count).sum::<u64>().max(1) as f64;
        let said: Vec<String> =
            self.parts.iter().map(|part| format!("{} {}", part.count, part.name)).collect();
        let said = escaped(&format!("{}: {}", self.of, said.join(", ")));
        write!(f, "<svg class=\"strip\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" ")?;
        write!(f, "role=\"img\" aria-label=\"{said}\">")?;
        let mut x = 0.0;
        for part in self.parts.iter().filter(|part| part.count > 0) {
            // What is there is seen, however little it is.
            let width = (part.count as f64 * 1_000.0 / all).max(4.0);
            write!(
                f,
                "<rect class=\"{}\" x=\"{x:.0}\" width=\"{width:.0}\" height=\"10\"/>",
                part.class
            )?;
            x += width;
        }
        f.write_str("</svg>")
    }
}

/// A length as a bar, beside the longest one.
pub(super) struct Length {
    pub of: u64,
    pub longest: u64,
}

impl HtmlSafe for Length {}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = (self.of.saturating_mul(100) / self.longest.max(1)).clamp(1, 100);
        let mut svg = String::new();
        write!(svg, "<svg class=\"bar\" aria-hidden=\"true\">")?;
        write!(svg, "<rect width=\"{width}%\" height=\"100%\"/></svg>")?;
        f.write_str(&svg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_says_what_it_shows_and_hides_nothing_small() {
        let part = |name, count, class| Part { name, count, class };
        let parts =
            vec![part("in a day", 1, "one"), part("later", 9_999, "two"), part("never", 0, "x")];
        let strip = Strip { of: "what is held <b>".to_owned(), parts }.to_string();
        assert!(
            strip
                .contains("aria-label=\"what is held &lt;b&gt;: 1 in a day, 9999 later, 0 never\"")
        );
        assert!(strip.contains("width=\"4\"") && !strip.contains("class=\"x\""), "{strip}");
        assert!(!strip.contains("style"));
    }

    #[test]
    fn nothing_is_no_strip_of_a_broken_width() {
        let strip = Strip { of: "nothing".to_owned(), parts: Vec::new() }.to_string();
        assert!(!strip.contains("NaN") && strip.ends_with("</svg>"));
        assert!(Length { of: 0, longest: 0 }.to_string().contains("width=\"1%\""));
    }
}
