//! Names of roles: quoted for a statement whatever they contain, and spelled as accounts.

use placet_domain::name::AccountName;

/// The longest name that the server keeps whole, in bytes: it cuts longer ones, silently.
const LONGEST: usize = 63;

/// How an account is called whose role has a name that no account can have.
const BY_OID: &str = "~oid-";

/// An identifier, quoted.
pub(super) fn identifier(name: &str) -> Result<String, String> {
    if name.len() > LONGEST {
        return Err(format!("`{name}` is longer than the {LONGEST} bytes of a role's name"));
    }
    if name.is_empty() || name.contains('\0') {
        return Err(format!("`{}` cannot be a role's name", name.escape_debug()));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

/// A literal, quoted. Holds while `standard_conforming_strings` is on, which each connection sees to.
pub(super) fn literal(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("a text with a zero byte in it cannot be sent".to_owned());
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// A name as it is read in a scope: quoted only where it could be taken for something else.
pub(super) fn shown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("\"{}\"", name.escape_debug())
}

/// The account that a role is. A name with blanks in it, which no account can have, is told by the
/// role's id: it must neither be lost nor make a look incomplete.
pub(super) fn account_of(name: &str, oid: i64) -> Option<AccountName> {
    let spelled = name.parse().ok().filter(|_| !name.starts_with(BY_OID));
    spelled.or_else(|| format!("{BY_OID}{oid}").parse().ok())
}

/// What an account names on the server.
pub(super) enum Named<'a> {
    Name(&'a str),
    Oid(i64),
}

pub(super) fn named(account: &AccountName) -> Named<'_> {
    let text = account.as_str();
    let oid = text.strip_prefix(BY_OID).and_then(|rest| rest.parse().ok());
    oid.map_or(Named::Name(text), Named::Oid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_quoted_whatever_they_contain() {
        let check = |name: &str, expect: &str| assert_eq!(identifier(name).unwrap(), expect);
        check("app_read", "\"app_read\"");
        check("Robert\"; drop role x; --", "\"Robert\"\"; drop role x; --\"");
        check("100% röle", "\"100% röle\"");
        assert!(identifier(&"ö".repeat(31)).is_ok());
        assert!(identifier(&"ö".repeat(32)).unwrap_err().contains("63 bytes"));
        assert!(identifier("").is_err() && identifier("a\0b").is_err());
        assert_eq!(literal("o'hara \\").unwrap(), "'o''hara \\'");
    }

    #[test]
    fn an_account_has_one_spelling() {
        let spelled = |name: &str| account_of(name, 7).unwrap().to_string();
        assert_eq!(spelled("ines"), "ines");
        assert_eq!(spelled("two words"), "~oid-7");
        assert_eq!(spelled("~oid-8"), "~oid-7", "nobody can pass for another");
        assert!(matches!(named(&"~oid-7".parse().unwrap()), Named::Oid(7)));
        assert!(matches!(named(&"~oid-x".parse().unwrap()), Named::Name("~oid-x")));
    }

    proptest! {
        /// Read as the server reads it, a quoted name is the name again, and nothing follows it.
        #[test]
        fn quoting_is_undone_by_reading(name in "[^\0]{1,15}") {
            let quoted = identifier(&name).unwrap();
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            let mut read = String::new();
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                if c == '"' {
                    prop_assert_eq!(chars.next(), Some('"'), "the name ends early");
                }
                read.push(c);
            }
            prop_assert_eq!(read, name);
        }
    }
}
