//! The company that is measured: people who ask, owners who agree, targets, and what can be asked
//! for on them. One person agrees to each ask: all of it is reading, and in no pre-approved pack.

use std::fmt::Write as _;

/// Those who found it.
pub const ADMINISTRATOR: &str = "ada";
/// May export evidence.
pub const AUDITOR: &str = "nora";

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub struct Company {
    pub people: usize,
    pub owners: usize,
    pub targets: usize,
    pub entitlements: usize,
}

pub fn person(number: usize) -> String {
    format!("person-{number}")
}

pub fn owner(number: usize) -> String {
    format!("owner-{number}")
}

pub fn target(number: usize) -> String {
    format!("target-{number}")
}

pub fn entitlement(number: usize) -> String {
    format!("reading-{number}")
}

impl Company {
    /// The catalogue file, with targets of this kind.
    pub fn catalogue(&self, connector: &str) -> String {
        let mut out = format!("administrators = [\"{ADMINISTRATOR}\", \"bo\"]\n");
        for team in [
            "administrators",
            "auditors",
            "security-reviewers",
            "data-stewards",
            "platform",
            "engineering",
        ] {
            let _ = writeln!(out, "[[team]]\nname = \"{team}\"");
        }
        let mut person = |handle: &str, manager: Option<&str>, team: &str| {
            let _ = writeln!(out, "[[person]]\nhandle = \"{handle}\"\nname = \"{handle} of all\"");
            if let Some(manager) = manager {
                let _ = writeln!(out, "manager = \"{manager}\"");
            }
            let _ = writeln!(out, "teams = [\"{team}\"]");
        };
        person(ADMINISTRATOR, None, "administrators");
        person("bo", Some(ADMINISTRATOR), "administrators");
        person(AUDITOR, Some(ADMINISTRATOR), "auditors");
        person("mara", Some(ADMINISTRATOR), "engineering");
        (0..self.owners).for_each(|n| person(&owner(n), Some("mara"), "platform"));
        (0..self.people).for_each(|n| person(&self::person(n), Some("mara"), "engineering"));
        for n in 0..self.targets {
            let _ = writeln!(
                out,
                "[[target]]\nname = \"{}\"\nowner = \"mara\"\nconnector = \"{connector}\"",
                target(n)
            );
        }
        for n in 0..self.entitlements {
            let _ = writeln!(
                out,
                "[[entitlement]]\nname = \"{}\"\ntarget = \"{}\"\nnative = \"group-{n}\"\n\
                 kind = \"group\"\nowner = \"mara\"\nowners = \"platform\"\nsensitivity = 1\n\
                 environment = \"staging\"\nprivilege = \"read\"\noffered_to = [\"engineering\"]\n\
                 holders = [\"human\"]\nlongest = \"30d\"\nscope = \"what is measured\"",
                entitlement(n),
                target(n % self.targets.max(1))
            );
        }
        out
    }
}
