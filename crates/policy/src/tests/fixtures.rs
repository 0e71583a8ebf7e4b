//! Fixtures: what passes, what fails in which words, and slips in them.

use super::*;
use crate::run_fixtures;

#[test]
fn the_shipped_fixtures_pass_and_every_policy_decides_in_one() {
    let report = run_fixtures(&shipped()).unwrap();
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(report.never_decided, Vec::<String>::new());
    assert!(report.passed > 40, "{}", report.passed);
}

fn failures(file: &str, old: &str, new: &str) -> Vec<String> {
    let report = run_fixtures(&edited(file, old, new)).unwrap();
    report.failures.iter().map(ToString::to_string).collect()
}

#[test]
fn a_failure_says_what_was_expected_and_what_came() {
    let check = |file: &str, old: &str, new: &str, expect: &str| {
        let found = failures(file, old, new);
        assert!(found.len() == 1 && found[0].ends_with(expect), "{new}: {found:#?}");
    };
    check(
        ROUTES,
        "route = { manager = 1, owner = 1 }",
        "route = { owner = 2 }",
        ": more than reading is never pre-approved: expected owner 2, got manager 1, owner 1",
    );
    check(
        ROUTES,
        "refused_by = [\"ask.purpose\"]",
        "pre_approved = true",
        ": without saying what for: expected pre-approved, got refused by ask.purpose",
    );
    check(
        ROUTES,
        "mara = [\"manager\"], olga",
        "mara = [\"manager\", \"owner\"], olga",
        ": deploying to development: expected mara may approve as manager, owner, got mara may \
         approve as manager",
    );
    check(
        "tests/administration.toml",
        "who = \"ines\"\nmay = []",
        "who = \"ines\"\nmay = [\"revoke\"]",
        ": administering by ines: expected revoke, got nothing",
    );
    check(
        ROUTES,
        "route = { manager = 1, owner = 1 }",
        "route = { manager = 1, owner = 1 }\nsigned = [\"owner\"]",
        ": more than reading is never pre-approved: expected signed as owner, got signed as nothing",
    );
    let found = failures(ROUTES, "pre_approved = true", "route = { owner = 1 }");
    assert!(found[0].starts_with("tests/routes.toml:5: reading the development"), "{found:?}");
}

#[test]
fn fixtures_notice_a_policy_that_changed() {
    let check = |file: &str, old: &str, new: &str| {
        assert!(!failures(file, old, new).is_empty(), "nobody noticed {new}");
    };
    check(GATES, "approvals.security >= 2", "approvals.security >= 1");
    check(GATES, "duration(\"30d\")", "duration(\"60d\")");
    check(GUARDRAILS, "risk < 70", "risk < 90");
    check(PREAPPROVED, "duration(\"8h\")", "duration(\"9h\")");
    check(PREAPPROVED, "2027-05-31", "2027-06-01");
    check(APPROVE, "resource.requester == principal }", "resource.receiver == principal }");
}

#[test]
fn a_policy_that_no_fixture_makes_decide_is_named() {
    let policy = "@id(\"gate.never\") @stage(\"owner\") @why(\"x\")\n\
                  forbid (principal, action == Action::\"grant\", resource)\n\
                  when { resource.entitlement.sensitivity > 8 }\n\
                  unless { context.approvals.owner >= 1 };";
    let report = run_fixtures(&edited(GATES, "", policy)).unwrap();
    assert_eq!(report.never_decided, ["gate.never"]);
}

#[test]
fn a_slip_in_a_fixture_gives_its_place_and_what_was_meant() {
    let check = |file: &str, old: &str, new: &str, at: &str, message: &str, hint: &str| {
        let bundle = edited(file, old, new);
        let found = run_fixtures(&bundle).unwrap_err();
        expect_problems(&bundle, &found, &[(&format!("{file}: {at}"), message, hint)]);
    };
    let slip = |file: &str, old: &str, new: &str, at: &str, what: &str, hint: &str| {
        let given = at.trim_matches('"').split('"').next().unwrap_or_default();
        let given = given.split(' ').next().unwrap_or_default();
        check(file, old, new, at, &format!("`{given}` is not {what} that is defined"), hint);
    };
    check(ROUTES, "asks = \"ines\"", "ask = \"ines\"", "ask = ", "unknown key `ask`", "asks");
    check(COMPANY, "offered_to", "offerd_to", "offerd_to", "unknown key `offerd_to`", "offered_to");
    check(COMPANY, "\"dev\"", "\"def\"", "\"def\"", "unknown word `def`", "dev");
    check(
        COMPANY,
        "owners = \"platform\"",
        "",
        "[entitlements.dev-db-read]",
        "missing key `owners`",
        "",
    );
    let one_of = "a case expects exactly one of";
    check(ROUTES, "pre_approved = true", "granted = false", "\"ines\"", one_of, "");
    check(ROUTES, "\"4h\"", "\"ever\"", "\"ever\"", "`ever` is not a length", "");
    slip(ROUTES, "asks = \"ines\"", "asks = \"inez\"", "\"inez\"", "a person or workload", "ines");
    slip(
        ROUTES,
        "\"dev-db-read\"",
        "\"dev-db-raed\"",
        "\"dev-db-raed\"",
        "an entitlement",
        "dev-db-read",
    );
    slip(
        ROUTES,
        "[\"gate.owner\"]",
        "[\"gate.onwer\"]",
        "\"gate.onwer\"",
        "a policy",
        "gate.owner",
    );
    slip(ROUTES, "route = { owner", "route = { onwer", "onwer = 1", "a stage", "owner");
    slip(COMPANY, "\"gerda\"", "\"greda\"", "\"greda\"", "a person or workload", "gerda");
    slip(COMPANY, "\"platform\"", "\"platfrom\"", "\"platfrom\"", "a team", "platform");
    let again = "[workloads.ines]\nkind = \"service\"\nowner = \"mara\"\n";
    check(ROUTES, "", again, "ines]", "`ines` is defined twice", "");
}

#[test]
fn fixtures_say_when_they_happen() {
    let bundle = edited(COMPANY, "now = \"2026-11-22T09:00:00Z\"", "");
    let found = run_fixtures(&bundle).unwrap_err();
    assert!(found[0].message.starts_with("neither this file nor"), "{found:?}");
}
