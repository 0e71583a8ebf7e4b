//! What Cedar's validator cannot see: names, sentences, stages, and how a policy may be written so
//! that it cannot err and gates stay gates.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{ActionConstraint, Effect};
use placet_domain::name::StageName;
use placet_domain::route::StepUp;

use crate::bundle::{EMERGENCIES, GATES, PREAPPROVED};
use crate::placed::{Placed, covered};
use crate::policies::end_of_day;
use crate::problem::{Problem, nearest};
use crate::schema::Read;
use crate::syntax;
use crate::words::{APPROVE_AS, BREAK_GLASS, GRANT, GRANT_PREAPPROVED};

/// The annotations that mean something; a misspelt one would be a rule that nobody follows.
const ANNOTATIONS: [&str; 7] = ["id", "why", "stage", "after", "step_up", "review_by", "owner"];

/// Every lint, over all policies of a bundle. How a gate reads is only said of policies that are
/// otherwise sound, so that one slip is one problem.
pub(crate) fn all(
    placed: &[Placed<'_>],
    read: &Read,
    sound: impl Fn(&Placed<'_>) -> bool,
) -> Vec<Problem> {
    let mut problems = names(placed);
    for one in placed {
        annotations(one, &mut problems);
        action(one, &mut problems);
        no_arithmetic(one, &mut problems);
        grants(one, read, &mut problems);
        stages(one, read, &mut problems);
        step_up(one, &mut problems);
        if sound(one) && known(one, "stage", read) {
            gate(one, &mut problems);
        }
        review(one, read, &mut problems);
    }
    order(placed, &mut problems);
    nobody(placed, read, &mut problems);
    problems
}

fn names(placed: &[Placed<'_>]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut first: BTreeMap<&str, &Placed<'_>> = BTreeMap::new();
    for one in placed {
        if one.annotation("id").is_none() {
            problems.push(one.problem("this policy has no `@id(\"...\")`".to_owned()));
            continue;
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
        if !one.id().bytes().all(plain) {
            let message = "an id is made of lower-case letters, digits, `-`, `_` and `.`";
            problems.push(one.problem_at("@id", message.to_owned()));
        }
        if let Some(other) = first.insert(one.id(), one) {
            let place = other.problem(String::new());
            let message =
                format!("the id `{}` is taken: see {}, line {}", one.id(), place.file, place.line);
            problems.push(one.problem_at("@id", message));
        }
    }
    problems
}

fn annotations(one: &Placed<'_>, problems: &mut Vec<Problem>) {
    if one.annotation("why").is_none() {
        let message =
            format!("`{}` has no `@why(\"...\")`: people read it as the reason", one.id());
        problems.push(one.problem(message));
    }
    for (key, _) in one.policy.annotations().filter(|(key, _)| !ANNOTATIONS.contains(key)) {
        let message = format!("nothing reads the annotation `@{key}`");
        let problem = one.problem_at(&format!("@{key}"), message);
        problems.push(problem.with_hint(nearest(key, ANNOTATIONS)));
    }
}

/// A policy without an action would take part in every ruling.
fn action(one: &Placed<'_>, problems: &mut Vec<Problem>) {
    if one.policy.action_constraint() == ActionConstraint::Any {
        let message = format!("`{}` names no action: write `action == Action::\"...\"`", one.id());
        problems.push(one.problem_at("action", message));
    }
}

/// Arithmetic can overflow; a policy that overflows is skipped, and a skipped forbid forbids nothing.
fn no_arithmetic(one: &Placed<'_>, problems: &mut Vec<Problem>) {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for body in syntax::bodies(&one.json) {
        syntax::walk(body, &mut |operator, _| found.extend(syntax::arithmetic(operator)));
    }
    for operator in found {
        let message = format!(
            "`{}` calculates with `{operator}`: that can overflow, and a policy that errs is skipped; \
             compare with a fixed value",
            one.id()
        );
        problems.push(one.problem_at(operator, message));
    }
}

/// Who reviews a bundle must find every permit to grant in these three files.
fn grants(one: &Placed<'_>, read: &Read, problems: &mut Vec<Problem>) {
    if one.policy.effect() != Effect::Permit {
        return;
    }
    let covered = covered(&one.policy, read);
    for (action, file) in
        [(GRANT, GATES), (GRANT_PREAPPROVED, PREAPPROVED), (BREAK_GLASS, EMERGENCIES)]
    {
        if covered.contains(action) && covered.len() > 1 {
            let message = format!("`{}` permits `{action}` and more: permit one thing", one.id());
            problems.push(one.problem_at("action", message));
            break;
        }
        if covered.contains(action) && one.source.file != file {
            let message = format!("`{}` permits `{action}`, which only {file} may do", one.id());
            problems.push(one.problem(message));
        }
    }
}

/// Every stage that a policy names is one.
fn stages(one: &Placed<'_>, read: &Read, problems: &mut Vec<Problem>) {
    for key in ["stage", "after"] {
        let Some(stage) = one.annotation(key).filter(|_| !known(one, key, read)) else { continue };
        let message = format!("`{stage}` is not a stage: `Approvals` has no such field");
        let near = nearest(stage, read.stages.iter().map(StageName::as_str));
        problems.push(one.problem_at(&format!("@{key}"), message).with_hint(near));
    }
    if one.annotation("after").is_some() && one.annotation("stage").is_none() {
        let message = format!("`{}` has `@after` and no `@stage`", one.id());
        problems.push(one.problem_at("@after", message));
    }
}

/// Only whoever agrees in a stage can be asked for more than a session, and only for what there is.
fn step_up(one: &Placed<'_>, problems: &mut Vec<Problem>) {
    let Some(word) = one.annotation("step_up") else { return };
    if one.annotation("stage").is_none() {
        let message = format!("`{}` has `@step_up` and no `@stage`", one.id());
        problems.push(one.problem_at("@step_up", message));
    }
    if StepUp::parse(word).is_none() {
        let message = format!("`{word}` is nothing to step up with");
        let near = nearest(word, [StepUp::Passkey.as_str()]);
        problems.push(one.problem_at("@step_up", message).with_hint(near));
    }
}

/// True unless the policy names a stage under `key` that there is not.
fn known(one: &Placed<'_>, key: &str, read: &Read) -> bool {
    one.annotation(key).is_none_or(|stage| read.stages.iter().any(|known| known.as_str() == stage))
}

/// A gate is `forbid ... unless { context.approvals.<stage> >= n }`, and nothing else reads the
/// counters. So one more approval can open a gate and never close one, and the way that is solved
/// from the gates is the way that they let through.
fn gate(one: &Placed<'_>, problems: &mut Vec<Problem>) {
    let (mut reads, mut whole) = (0, false);
    for body in syntax::bodies(&one.json) {
        let (more, handled) = syntax::counter_reads(body);
        reads += more;
        whole |= handled;
    }
    if whole {
        let message =
            format!("`{}` handles the context as a whole: read its facts one by one", one.id());
        problems.push(one.problem_at("context", message));
    }
    let Some(stage) = one.annotation("stage") else {
        if reads > 0 {
            let message = format!("`{}` reads approvals, so it needs a `@stage`", one.id());
            problems.push(one.problem_at("approvals", message));
        }
        return;
    };
    let counters: Vec<&str> =
        syntax::conditions(&one.json, "unless").filter_map(syntax::threshold).collect();
    let on_grant = matches!(one.policy.action_constraint(),
        ActionConstraint::Eq(uid) if [GRANT, BREAK_GLASS].contains(&AsRef::<str>::as_ref(uid.id())));
    let is_gate = one.policy.effect() == Effect::Forbid && on_grant && reads == 1;
    match counters.as_slice() {
        [counter] if is_gate && *counter == stage => {}
        [counter] if is_gate => {
            let message = format!("`{}` is of stage `{stage}` and counts `{counter}`", one.id());
            problems.push(one.problem_at("@stage", message));
        }
        _ => {
            let message = format!(
                "`{}` has a `@stage`, so it must read `forbid (principal, action == \
                 Action::\"{GRANT}\", resource) when {{ ... }} unless {{ \
                 context.approvals.{stage} >= n }}`",
                one.id()
            );
            problems.push(one.problem(message));
        }
    }
}

/// A pre-approval is somebody's standing consent, and so it runs out.
fn review(one: &Placed<'_>, read: &Read, problems: &mut Vec<Problem>) {
    let pre_approves = one.policy.effect() == Effect::Permit
        && covered(&one.policy, read).iter().all(|action| action == GRANT_PREAPPROVED);
    match one.annotation("review_by") {
        None if pre_approves => {
            let message = format!(
                "`{}` pre-approves, so it needs `@review_by(\"2027-05-31\")`: the last day on which \
                 it rules",
                one.id()
            );
            problems.push(one.problem(message));
        }
        Some(_) if !pre_approves => {
            let message = format!("`{}` pre-approves nothing, so it never lapses", one.id());
            problems.push(one.problem_at("@review_by", message));
        }
        Some(day) if end_of_day(day).is_none() => {
            let message = format!("`{day}` is not a day such as `2027-05-31`");
            problems.push(one.problem_at("@review_by", message));
        }
        _ => {}
    }
}

/// No stage may wait, by whatever detour, for itself.
fn order(placed: &[Placed<'_>], problems: &mut Vec<Problem>) {
    let waits = |one: &Placed<'_>| {
        Some((one.annotation("stage")?.to_owned(), one.annotation("after")?.to_owned()))
    };
    let edges: BTreeSet<(String, String)> = placed.iter().filter_map(waits).collect();
    for one in placed {
        let Some((stage, after)) = waits(one) else { continue };
        let (mut reached, mut open) = (BTreeSet::new(), vec![&after]);
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(edges.iter().filter(|(from, _)| from == next).map(|(_, to)| to));
            }
        }
        if reached.contains(&stage) {
            let message = format!("stage `{stage}` waits for `{after}`, which waits for `{stage}`");
            problems.push(one.problem_at("@after", message));
        }
    }
}

/// A gate that waits for people of whom there are none can never be met.
fn nobody(placed: &[Placed<'_>], read: &Read, problems: &mut Vec<Problem>) {
    let permits = |action: &String| {
        placed.iter().any(|one| {
            one.policy.effect() == Effect::Permit && covered(&one.policy, read).contains(action)
        })
    };
    for one in placed.iter().filter(|one| known(one, "stage", read)) {
        let Some(stage) = one.annotation("stage") else { continue };
        let action = format!("{APPROVE_AS}{stage}");
        if !permits(&action) {
            let message = format!(
                "`{}` waits for stage `{stage}`, and no policy permits `{action}`",
                one.id()
            );
            problems.push(one.problem_at("@stage", message));
        }
    }
}
