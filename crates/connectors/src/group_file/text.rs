//! The text of a group file. Every line that is not touched stays byte for byte as it is.

use std::collections::BTreeSet;

use placet_domain::observation::Binding;

/// The group and the members of a line, if it is one: `group: account account`.
fn group_line(line: &str) -> Option<(&str, impl Iterator<Item = &str>)> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    let (group, members) = line.split_once(':')?;
    Some((group.trim(), members.split_whitespace()))
}

/// Whether a group file can name this binding at all.
pub fn can_carry(binding: &Binding) -> bool {
    let native = binding.native.as_str();
    !native.contains(':') && !native.starts_with('#')
}

/// Every membership, and how many names could not be read.
pub fn bindings(text: &str) -> (BTreeSet<Binding>, u64) {
    let mut out = BTreeSet::new();
    let mut odd = 0;
    for (group, members) in text.lines().filter_map(group_line) {
        for member in members {
            match (group.parse(), member.parse()) {
                // What stands for bytes that are no text is nobody's name.
                _ if member.contains(char::REPLACEMENT_CHARACTER) => odd += 1,
                (Ok(native), Ok(account)) => {
                    out.insert(Binding { native, account });
                }
                _ => odd += 1,
            }
        }
    }
    (out, odd)
}

/// The text with the membership, or none if it has it already.
pub fn with(text: &str, binding: &Binding) -> Option<String> {
    if bindings(text).0.contains(binding) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut added = false;
    for line in text.split_inclusive('\n') {
        let is_group = group_line(line).is_some_and(|(group, _)| group == binding.native.as_str());
        if is_group && !added {
            let (content, end) = split_end(line);
            let gap = if content.ends_with([' ', '\t']) { "" } else { " " };
            out.push_str(content);
            out.push_str(gap);
            out.push_str(binding.account.as_str());
            out.push_str(end);
            added = true;
        } else {
            out.push_str(line);
        }
    }
    if !added {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{}: {}\n", binding.native, binding.account));
    }
    Some(out)
}

/// The text without the membership, or none if it has none.
pub fn without(text: &str, binding: &Binding) -> Option<String> {
    if !bindings(text).0.contains(binding) {
        return None;
    }
    let account = binding.account.as_str();
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let names_it = group_line(line).is_some_and(|(group, mut members)| {
            group == binding.native.as_str() && members.any(|member| member == account)
        });
        if !names_it {
            out.push_str(line);
            continue;
        }
        let (content, end) = split_end(line);
        let (head, members) = content.split_once(':').unwrap_or((content, ""));
        out.push_str(head);
        out.push(':');
        for member in members.split_whitespace().filter(|member| *member != account) {
            out.push(' ');
            out.push_str(member);
        }
        out.push_str(end);
    }
    Some(out)
}

fn split_end(line: &str) -> (&str, &str) {
    let content = line.trim_end_matches(['\n', '\r']);
    line.split_at(content.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(text: &str) -> Binding {
        let (native, account) = text.split_once('/').unwrap();
        Binding { native: native.parse().unwrap(), account: account.parse().unwrap() }
    }

    #[test]
    fn members_come_and_go_and_everything_else_stays() {
        let check = |before: &str, change: &str, expect: Option<&str>| {
            let got = match change.split_at(1) {
                ("+", what) => with(before, &binding(what)),
                (_, what) => without(before, &binding(what)),
            };
            assert_eq!(got.as_deref(), expect, "{before:?} {change}");
        };
        check("deploy: ines\n", "+deploy/tom", Some("deploy: ines tom\n"));
        check("deploy: ines\n", "+deploy/ines", None);
        check("deploy:\n", "+deploy/tom", Some("deploy: tom\n"));
        check("# deploy: tom\n", "+deploy/tom", Some("# deploy: tom\ndeploy: tom\n"));
        check("ops: a\r\n", "+ops/b", Some("ops: a b\r\n"));
        check("ops: a", "+deploy/b", Some("ops: a\ndeploy: b\n"));
        check("", "+deploy/b", Some("deploy: b\n"));
        check("deploy: ines tom\nodd line\n", "-deploy/ines", Some("deploy: tom\nodd line\n"));
        check("deploy: ines\ndeploy: tom ines\n", "-deploy/ines", Some("deploy:\ndeploy: tom\n"));
        check("deploy: ines-b\n", "-deploy/ines", None);
        check("deployer: ines\n", "-deploy/ines", None);
        check("#deploy: ines\n", "-deploy/ines", None);
    }

    #[test]
    fn what_is_added_is_removed_without_a_trace() {
        let text = "# who may deploy\n\ndeploy:  ines   tom\nodd\nops: eve\n";
        let added = with(text, &binding("deploy/mara")).unwrap();
        assert_eq!(bindings(&added).0.len(), 4);
        let back = without(&added, &binding("deploy/mara")).unwrap();
        assert_eq!(back, text.replace("  ines   tom", " ines tom"));
    }
}
