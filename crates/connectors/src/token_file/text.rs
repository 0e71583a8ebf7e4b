//! The text of a token file. Every line that is not touched stays byte for byte as it is.

use placet_domain::Timestamp;
use placet_domain::canonical::Digest;
use placet_domain::id::GrantId;
use placet_domain::observation::Binding;

const MARK: &str = "sha256:";

/// One token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub digest: Digest,
    pub binding: Binding,
    pub until: Timestamp,
    pub grant: GrantId,
}

impl Line {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix(MARK)?.split_ascii_whitespace();
        let line = Self {
            digest: words.next()?.parse().ok()?,
            binding: Binding {
                native: words.next()?.parse().ok()?,
                account: words.next()?.parse().ok()?,
            },
            until: words.next()?.parse().ok()?,
            grant: words.next()?.parse().ok()?,
        };
        // What stands for bytes that are no text is nobody's name.
        let whole = words.next().is_none() && !text.contains(char::REPLACEMENT_CHARACTER);
        whole.then_some(line)
    }

    fn write(&self) -> String {
        let Self { digest, binding: Binding { native, account }, until, grant } = self;
        format!("{MARK}{digest} {native} {account} {until} {grant}\n")
    }

    /// Whether it is read as it is written.
    pub fn can_stand(&self) -> bool {
        Self::read(self.write().trim_end()).as_ref() == Some(self)
    }
}

/// Whether a line says that it is a token, whatever else it says.
fn is_token(line: &str) -> bool {
    line.starts_with(MARK)
}

/// Every token, and how many lines say that they are one and cannot be read.
pub fn lines(text: &str) -> (Vec<Line>, usize) {
    let tokens: Vec<&str> = text.lines().filter(|line| is_token(line)).collect();
    let read: Vec<Line> = tokens.iter().filter_map(|line| Line::read(line)).collect();
    let odd = tokens.len() - read.len();
    (read, odd)
}

/// The text with the token, or none if it has it already. What else stands under the same grant
/// goes: a grant has one token.
pub fn with(text: &str, line: &Line) -> Option<String> {
    let own: Vec<Line> = lines(text).0.into_iter().filter(|one| one.grant == line.grant).collect();
    if own == [line.clone()] {
        return None;
    }
    let mut out = without(text, line.grant).unwrap_or_else(|| text.to_owned());
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(&line.write());
    Some(out)
}

/// The text without the tokens of a grant, or none if it has none. A line that ends in the id of
/// the grant and cannot be read goes as well: whatever it lets in, it says whose it is.
pub fn without(text: &str, grant: GrantId) -> Option<String> {
    let id = grant.to_string();
    let is_own = |line: &str| is_token(line) && line.split_ascii_whitespace().last() == Some(&id);
    if !text.lines().any(is_own) {
        return None;
    }
    Some(text.split_inclusive('\n').filter(|line| !is_own(line)).collect())
}

/// The text without any token of one account for one thing, or none if it has none: what nobody
/// approved has no grant to be told apart by.
pub fn without_binding(text: &str, binding: &Binding) -> Option<String> {
    let is_theirs = |line: &str| lines(line).0.iter().any(|one| one.binding == *binding);
    if !text.lines().any(is_theirs) {
        return None;
    }
    Some(text.split_inclusive('\n').filter(|line| !is_theirs(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u128, account: &str) -> Line {
        Line {
            digest: Digest::of(account.as_bytes()),
            binding: Binding {
                native: "deploy".parse().unwrap(),
                account: account.parse().unwrap(),
            },
            until: Timestamp::from_micros(1_795_328_462_000_000),
            grant: uuid::Uuid::from_u128(n).into(),
        }
    }

    #[test]
    fn tokens_come_and_go_and_everything_else_stays() {
        let before = "# tokens\n\nodd line\nsha256:odd deploy ci\r\nno end";
        let one = with(before, &line(1, "ci")).unwrap();
        assert_eq!(with(&one, &line(1, "ci")), None);
        let two = with(&one, &line(2, "ci")).unwrap();
        assert_eq!(lines(&two), (vec![line(1, "ci"), line(2, "ci")], 1));
        assert_eq!(
            without(&two, line(1, "ci").grant).unwrap(),
            with(before, &line(2, "ci")).unwrap()
        );
        assert_eq!(without(&one, line(1, "ci").grant).unwrap(), format!("{before}\n"));
        assert_eq!(without(before, line(1, "ci").grant), None);
        let moved = with(&one, &line(1, "bo")).unwrap();
        assert_eq!(lines(&moved).0, [line(1, "bo")]);
    }

    #[test]
    fn what_nobody_approved_goes_with_all_its_tokens_and_nothing_else() {
        let text = with(&with("# by hand\n", &line(1, "ci")).unwrap(), &line(2, "bo")).unwrap();
        let text = with(&text, &line(3, "ci")).unwrap();
        let left = without_binding(&text, &line(1, "ci").binding).unwrap();
        assert_eq!(left, with("# by hand\n", &line(2, "bo")).unwrap());
        assert_eq!(without_binding(&left, &line(1, "ci").binding), None);
    }

    #[test]
    fn what_cannot_be_read_back_is_not_written() {
        let spaced = Line {
            binding: Binding {
                native: "two words".parse().unwrap(),
                account: "ci".parse().unwrap(),
            },
            ..line(1, "ci")
        };
        assert!(line(1, "ci").can_stand() && !spaced.can_stand());
    }
}
