//! Texts that people write into a field: lengths, moments, names, ids, ending events.

use std::fmt::Display;
use std::str::FromStr;

use placet_domain::Timestamp;
use placet_domain::canonical::Digest;
use placet_domain::ending::EndingEvent;
use placet_domain::id::{GrantId, RequestId, Stream};
use placet_domain::length::Length;
use placet_domain::name::{AccountName, Handle, NativeId, TargetName};

/// What is taken is written in one way, and that is taken for the same.
fn same_again<T: FromStr + Display + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>().ok();
        assert_eq!(again.as_ref(), Some(&value), "`{text}` is written `{value}`");
    }
}

pub fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(length) = Length::parse(text) {
        assert!((Length::SHORTEST..=Length::LONGEST).contains(&length), "{length}");
        assert_eq!(Length::parse(&length.to_string()).ok(), Some(length), "`{text}`");
    }
    same_again::<Timestamp>(text);
    same_again::<Digest>(text);
    same_again::<GrantId>(text);
    same_again::<RequestId>(text);
    same_again::<Stream>(text);
    same_again::<Handle>(text);
    same_again::<TargetName>(text);
    same_again::<NativeId>(text);
    same_again::<AccountName>(text);
    same_again::<EndingEvent>(text);
}
