//! What is wrong with a bundle: every lint provoked, with its place and what was perhaps meant.

use super::*;

#[test]
fn the_shipped_bundle_is_sound() {
    assert_eq!(problems(&shipped()), Vec::<String>::new());
}

/// Exactly these problems (see [`expect_problems`]), all in the file that was edited.
fn check(file: &str, old: &str, new: &str, expect: &[(&str, &str, &str)]) {
    let bundle = edited(file, old, new);
    let found = Policies::load(&bundle).err().unwrap_or_default();
    let at: Vec<String> = expect.iter().map(|(at, _, _)| format!("{file}: {at}")).collect();
    let expect: Vec<_> = at
        .iter()
        .zip(expect)
        .map(|(at, (_, message, hint))| (at.as_str(), *message, *hint))
        .collect();
    expect_problems(&bundle, &found, &expect);
}

const OWNER_GATE: &str = "unless { context.approvals.owner >= 1 }";

#[test]
fn a_problem_reads_as_file_line_column_message_and_hint() {
    let slip = edited(GATES, "approvals.owner >= 1", "approvals.onwer >= 1");
    assert_eq!(
        problems(&slip),
        [
            "policies/gates.cedar:14:10: attribute `approvals.onwer` in context for Action::\"grant\" \
         not found (did you mean `owner`?)"
        ]
    );
}

#[test]
fn a_slip_gives_its_place_and_what_was_meant() {
    let gate = "forbid (principal, action == Action::\"grant\", resource)\nunless { context.approvals.owner";
    check(
        GATES,
        gate,
        &gate.replace("grant", "grnt"),
        &[("Action::\"grnt\"", "unrecognized action `Action::\"grnt\"`", "Action::\"grant\"")],
    );
    check(
        GATES,
        "Environment::\"prod\"",
        "Environment::\"prodd\"",
        &[(
            "Environment::\"prodd\"",
            "entity `Environment::\"prodd\"` is of an enumerated",
            "prod",
        )],
    );
    check(
        GATES,
        "@stage(\"security\")",
        "@stage(\"securty\")",
        &[("@stage(\"securty\")", "`securty` is not a stage", "security")],
    );
    check(
        APPROVE,
        "@id(\"approve.owner\")",
        "@id(\"approve.owner\")\n@ownr(\"mara\")",
        &[("@ownr", "nothing reads the annotation `@ownr`", "owner")],
    );
    check(
        SCHEMA,
        "active: Bool",
        "activ: Bool",
        &[("activ: Bool", "`Identity.activ` is not what Placet supplies", "active")],
    );
}

#[test]
fn policies_are_valid_strictly_and_to_the_level_of_the_slice() {
    check(
        GATES,
        OWNER_GATE,
        "unless { context.approvals.owner >= 1",
        &[(";", "unexpected token `;`", "")],
    );
    check(
        GATES,
        "resource.length > duration(\"30d\")",
        "resource.length > 30",
        &[("resource.length > 30", "unexpected type", "")],
    );
    check(
        GATES,
        "context has approvalAge && context",
        "context",
        &[(
            "context.approvalAge",
            "unable to guarantee safety of access to optional attribute",
            "",
        )],
    );
    check(
        GUARDRAILS,
        "unless { resource.receiver.risk < 70 }",
        "when { 1 == 2 }",
        &[("@id(\"guard.risk\")", "policy is impossible", "")],
    );
    let deep = "resource.receiver has manager && resource.receiver.manager.active";
    check(
        APPROVE,
        "principal in resource.entitlement.owners",
        deep,
        &[("resource.receiver.manager.active", "this policy requires level 3", "")],
    );
}

#[test]
fn policies_say_who_they_are_and_what_they_are_about() {
    let appended = |text: &str, at: &str, message: &str| {
        check(GUARDRAILS, "", text, &[(at, message, "")]);
    };
    let body = "forbid (principal, action in Action::\"fulfil\", resource) \
                when { resource.receiver.risk > 90 };";
    appended(&format!("@why(\"x\") {body}"), "@why(\"x\")", "this policy has no `@id");
    appended(&format!("@id(\"x\") {body}"), "@id(\"x\")", "`x` has no `@why");
    appended(&format!("@id(\"x\") @why(\" \") {body}"), "@id(\"x\")", "`x` has no `@why");
    appended(&format!("@id(\"X y\") @why(\"x\") {body}"), "@id(\"X y\")", "an id is made of");
    appended(
        &format!("@id(\"guard.risk\") @why(\"x\") {body}"),
        "@id(\"guard.risk\") @why(\"x\")",
        "the id `guard.risk` is taken: see policies/guardrails.cedar, line 8",
    );
    appended(
        "@id(\"x\") @why(\"x\") forbid (principal, action, resource is Request) \
         when { resource.length > duration(\"1d\") };",
        "action, resource is Request",
        "`x` names no action",
    );
    appended(
        "@id(\"x\") @why(\"x\") forbid (principal == ?principal, action == Action::\"grant\", \
         resource);",
        "@id(\"x\")",
        "templates are not read",
    );
}

#[test]
fn policies_do_not_calculate() {
    for (sum, operator) in [
        ("resource.receiver.risk + 1 > 90", "+"),
        ("resource.receiver.risk - 1 > 90", "-"),
        ("resource.receiver.risk * 2 > 90", "*"),
        ("-resource.receiver.risk > 90", "-"),
        ("datetime(\"2026-01-01\").offset(resource.length) > datetime(\"2027-01-01\")", "offset"),
        (
            "datetime(\"2026-01-01\").durationSince(datetime(\"2025-01-01\")) > resource.length",
            "durationSince",
        ),
    ] {
        let policy = format!(
            "@id(\"x\") @why(\"x\")\nforbid (principal, action in Action::\"fulfil\", resource)\n\
             when {{ if resource.receiver.active then false else [{{ \"a\": {sum} }}].contains({{ \
             \"a\": true }}) }};"
        );
        check(
            GUARDRAILS,
            "",
            &policy,
            &[(operator, &format!("`x` calculates with `{operator}`"), "")],
        );
    }
    // A field of a record is no operator, whatever it is called.
    let field = "@id(\"x\") @why(\"x\")\nforbid (principal, action in Action::\"fulfil\", resource)\n\
                 when { { \"+\": resource.receiver.active } == { \"+\": false } };";
    check(GUARDRAILS, "", field, &[]);
}

#[test]
fn only_two_files_permit_a_grant() {
    let by = |file: &str, actions: &str, expect: &[(&str, &str, &str)]| {
        let policy =
            format!("@id(\"x\") @why(\"x\") permit (principal, action {actions}, resource);");
        check(file, "", &policy, expect);
    };
    let grant = "`x` permits `grant`, which only policies/gates.cedar may do";
    by(GUARDRAILS, "== Action::\"grant\"", &[("@id(\"x\")", grant, "")]);
    by(GUARDRAILS, "in [Action::\"grant\"]", &[("@id(\"x\")", grant, "")]);
    by(
        GATES,
        "== Action::\"grant_preapproved\"",
        &[
            ("@id(\"x\")", "`x` permits `grant_preapproved`, which only", ""),
            ("@id(\"x\")", "`x` pre-approves, so it needs `@review_by", ""),
        ],
    );
    by(GATES, "in Action::\"fulfil\"", &[("action in", "`x` permits `grant` and more", "")]);
    by(GATES, "== Action::\"grant\"", &[]);
}

#[test]
fn gates_are_gates() {
    let shaped = |new: &str| {
        let form = "`gate.owner` has a `@stage`, so it must read";
        check(GATES, OWNER_GATE, new, &[("@id(\"gate.owner\")", form, "")]);
    };
    shaped("when { context.approvals.owner < 1 }");
    shaped("unless { context.approvals.owner >= 1 && true }");
    shaped("unless { context.approvals.owner >= 1 || resource.receiver.active }");
    shaped("unless { context.approvals.owner >= context.approvals.manager }");
    shaped("unless { context.approvals.owner > 0 }");
    shaped("when { context.approvals.manager < 3 } unless { context.approvals.owner >= 1 }");
    check(
        GATES,
        OWNER_GATE,
        "unless { context.approvals.manager >= 1 }",
        &[("@stage(\"owner\")", "`gate.owner` is of stage `owner` and counts `manager`", "")],
    );
    check(
        GATES,
        "@stage(\"owner\")\n",
        "",
        &[("approvals.owner", "`gate.owner` reads approvals, so it needs a `@stage`", "")],
    );
    let age = "context has approvalAge && context.approvalAge > duration(\"7d\")";
    check(
        GATES,
        age,
        "[context].contains(context)",
        &[("context]", "`gate.fresh` handles the context as a whole", "")],
    );
    check(
        APPROVE,
        "@id(\"approve.once\")",
        "@id(\"approve.once\") @stage(\"owner\")",
        &[("@id(\"approve.once\")", "`approve.once` has a `@stage`, so it must read", "")],
    );
}

#[test]
fn stages_their_order_and_their_people_agree() {
    let after = |first: &str, second: &str| {
        let stage = |name: &str, after: &str| format!("@stage(\"{name}\")\n@after(\"{after}\")");
        let mut bundle = edited(GATES, "@stage(\"owner\")", &stage("owner", first));
        let text = bundle.files.get_mut(GATES).unwrap();
        *text = text.replacen("@stage(\"manager\")", &stage("manager", second), 1);
        let found = Policies::load(&bundle).err().unwrap_or_default();
        placed(&bundle, &found)
    };
    assert_eq!(after("manager", "security"), Vec::<String>::new());
    assert_eq!(
        after("manager", "owner"),
        [
            "policies/gates.cedar: @after(\"manager\") | stage `owner` waits for `manager`, which waits \
         for `owner`",
            "policies/gates.cedar: @after(\"owner\") | stage `manager` waits for `owner`, which waits for \
         `manager`",
        ]
    );
    assert_eq!(after("owner", "security").len(), 1);
    assert_eq!(
        after("onwer", "owner"),
        [
            "policies/gates.cedar: @after(\"onwer\") | `onwer` is not a stage: `Approvals` has no such \
         field (owner?)",
        ]
    );
    check(
        GATES,
        "@why(\"Every",
        "@after(\"owner\")\n@why(\"Every",
        &[("@after(\"owner\")", "`grant.fulfil` has `@after` and no `@stage`", "")],
    );
    check(
        GATES,
        "@why(\"Every",
        "@step_up(\"passkey\")\n@why(\"Every",
        &[("@step_up(\"passkey\")", "`grant.fulfil` has `@step_up` and no `@stage`", "")],
    );
    check(
        GATES,
        "@id(\"gate.prod\")",
        "@id(\"gate.prod\")\n@step_up(\"paskey\")",
        &[("@step_up(\"paskey\")", "`paskey` is nothing to step up with", "passkey")],
    );
    check(
        SCHEMA,
        "  owner: Long,\n",
        "  owner: Long,\n  legal: Long,\n",
        &[("legal: Long", "stage `legal` has no action `approve_as_legal`", "")],
    );
    check(
        SCHEMA,
        "approve_as_owner, ",
        "approve_as_owner, approve_as_legal, ",
        &[("approve_as_legal", "`approve_as_legal` has no field `legal` in `Approvals`", "")],
    );
    let bundle = edited(APPROVE, "\"approve_as_owner\"", "\"approve_as_manager\"");
    let nobody = "waits for stage `owner`, and no policy permits `approve_as_owner`";
    expect_problems(
        &bundle,
        &Policies::load(&bundle).unwrap_err(),
        &[
            ("policies/gates.cedar: @stage(\"owner\")", &format!("`gate.owner` {nobody}"), ""),
            ("policies/gates.cedar: @stage(\"owner\")", &format!("`gate.long` {nobody}"), ""),
        ],
    );
}

#[test]
fn a_stage_of_ones_own_is_one_field_one_action_one_permit_one_gate() {
    let mut bundle = edited(SCHEMA, "  owner: Long,\n", "  owner: Long,\n  legal: Long,\n");
    let mut put = |file: &str, old: &str, new: &str| {
        let text = bundle.files.get_mut(file).unwrap();
        *text = if old.is_empty() { format!("{text}{new}") } else { text.replacen(old, new, 1) };
    };
    put(SCHEMA, "approve_as_owner, ", "approve_as_owner, approve_as_legal, ");
    put(
        APPROVE,
        "",
        "@id(\"approve.legal\") @why(\"You are counsel.\")\n\
         permit (principal in Team::\"counsel\", action == Action::\"approve_as_legal\", resource);",
    );
    put(
        GATES,
        "",
        "@id(\"gate.legal\") @stage(\"legal\") @after(\"owner\") @why(\"Counsel must agree.\")\n\
         forbid (principal, action == Action::\"grant\", resource)\n\
         when { resource.entitlement.sensitivity >= 3 }\n\
         unless { context.approvals.legal >= 1 };",
    );
    let policies = loaded(&bundle);
    let legal = "legal".parse().unwrap();
    assert_eq!(policies.candidate_teams(&legal), BTreeSet::from(["counsel".parse().unwrap()]));
    let town = Town::new();
    let ask = town.ask("ines", "ines", "prod-logs-read", "1h");
    let route = policies.asking(&town.world(), now()).solve(&ask).route.unwrap();
    let placet_domain::route::Route::People { stages } = route else { panic!("{route:?}") };
    assert_eq!(stages[0].name, legal);
    assert_eq!(stages[0].after, BTreeSet::from(["owner".parse().unwrap()]));
}

#[test]
fn pre_approvals_say_when_they_are_reviewed() {
    let review = "@review_by(\"2027-05-31\")\n";
    let id = "@id(\"preapproved.dev-read\")";
    check(PREAPPROVED, review, "", &[(id, "`preapproved.dev-read` pre-approves, so it needs", "")]);
    for day in ["soon", "2027-02-30", "2027-5-31", "2027-05-31T00:00:00Z", "0"] {
        let message = format!("`{day}` is not a day such as");
        check(
            PREAPPROVED,
            review,
            &format!("@review_by(\"{day}\")\n"),
            &[("@review_by", &message, "")],
        );
    }
    check(
        GATES,
        "@id(\"grant.fulfil\")",
        "@id(\"grant.fulfil\") @review_by(\"2027-05-31\")",
        &[("@review_by", "`grant.fulfil` pre-approves nothing, so it never lapses", "")],
    );
}

#[test]
fn the_schema_declares_what_placet_supplies() {
    let foreign = |old: &str, new: &str, at: &str, name: &str| {
        check(SCHEMA, old, new, &[(at, &format!("`{name}` is not what Placet supplies"), "")]);
    };
    foreign("risk: Long", "risk: String", "risk: String", "Identity.risk");
    foreign("manager?: Identity", "manager: Identity", "manager: Identity", "Identity.manager");
    foreign("\"revoke\",", "\"revoke\", \"reign\",", "reign", "Deed.reign");
    foreign("action grant in [fulfil] appliesTo", "action grant appliesTo", "grant", "grant");
    check(
        SCHEMA,
        "action read appliesTo { principal: Identity, resource: Scope };",
        "",
        &[("", "the action `read` is missing", "")],
    );
    check(SCHEMA, "entity Pack;", "entity Pack", &[("entity", "error parsing schema", "")]);
    let person = "action grant in [fulfil] appliesTo {\n  principal: Identity";
    let found = problems(&edited(SCHEMA, &person.replace("Identity", "Worker"), person));
    assert!(!found.is_empty(), "a person could carry out");
    let mut bundle = shipped();
    bundle.files.remove(SCHEMA);
    assert_eq!(problems(&bundle), ["schema.cedarschema:1:1: the schema is missing"]);
}

#[test]
fn an_older_bundle_may_know_less_than_placet_supplies() {
    let mut bundle = edited(SCHEMA, "  powerOverPlacet: Bool,", "");
    for file in [GATES, PREAPPROVED, "policies/break_glass.cedar"] {
        let text = bundle.files.get_mut(file).unwrap();
        *text = text.replace("resource.entitlement.powerOverPlacet", "resource.receiver.risk > 90");
    }
    bundle.files.entry(SCHEMA.to_owned()).and_modify(|text| {
        *text = text.replace(", \"certificate\"]", "]");
    });
    let (town, policies) = (Town::new(), loaded(&bundle));
    let solved =
        policies.asking(&town.world(), now()).solve(&town.ask("ines", "ines", "dev-db-read", "1h"));
    assert!(solved.ruling.permit, "{solved:?}");
}

#[test]
fn a_file_that_nothing_reads_is_a_problem() {
    check("READM.md", "", "x", &[("x", "nothing reads this file", "README.md")]);
}
