//! Solved plans: what they ask for, and that the gates let through exactly what was solved.

use std::sync::LazyLock;

use placet_domain::identity::{Kind, Nature};
use placet_domain::name::StageName;
use placet_domain::route::{Route, Stage};
use proptest::prelude::*;

use super::*;
use crate::bundle::SCHEMA as SCHEMA_FILE;
use crate::placed::parse;
use crate::schema;

fn stages(town: &Town, policies: &Policies, ask: &Ask) -> Vec<Stage> {
    match policies.asking(&town.world(), now()).solve(ask).route {
        Some(Route::People { stages }) => stages,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plan_names_its_stages_in_order_each_with_its_gates() {
    let (town, policies) = (Town::new(), loaded(&shipped()));
    let plan = stages(&town, &policies, &town.ask("ines", "ci-deployer", "prod-deploy", "60d"));
    let told: Vec<String> = plan
        .iter()
        .map(|stage| {
            let gates: Vec<&str> = stage.because.iter().map(|one| one.policy.as_str()).collect();
            format!("{} {} because of {}", stage.name, stage.needed, gates.join(" "))
        })
        .collect();
    assert_eq!(
        told,
        ["owner 2 because of gate.long gate.owner", "security 1 because of gate.prod",]
    );
    assert_eq!(plan[0].because[0].why, "More than 30 days needs a second owner.");
}

#[test]
fn a_refusal_tells_the_guardrail_and_not_the_gates() {
    let (town, policies) = (Town::new(), loaded(&shipped()));
    let world = town.world();
    let mut asking = policies.asking(&world, now());
    let solved = asking.solve(&town.ask("ines", "ines", "prod-db-admin", "9h"));
    assert_eq!(solved.route, None);
    assert!(!solved.ruling.permit);
    assert_eq!(
        solved.ruling.sentence(),
        "Access ends: the length must be within the longest that this entitlement is granted for"
    );
}

#[test]
fn a_stage_waits_only_for_stages_of_the_same_plan() {
    let bundle = edited(GATES, "@id(\"gate.prod\")\n", "@id(\"gate.prod\")\n@after(\"manager\")\n");
    let (town, policies) = (Town::new(), loaded(&bundle));
    let after = |ask: &Ask| {
        let plan = stages(&town, &policies, ask);
        let security = plan.iter().find(|stage| stage.name.as_str() == "security").unwrap();
        security.after.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(after(&town.ask("ines", "ines", "prod-deploy", "1h")), ["manager"]);
    assert!(after(&town.ask("ines", "ci-deployer", "prod-deploy", "1h")).is_empty());
}

#[test]
fn a_stage_takes_a_passkey_where_one_of_its_gates_does() {
    let prod = "@id(\"gate.prod\")\n";
    let bundle = edited(GATES, prod, &format!("{prod}@step_up(\"passkey\")\n"));
    let (town, policies) = (Town::new(), loaded(&bundle));
    let takes = |what: &str| {
        let plan = stages(&town, &policies, &town.ask("ines", "ines", what, "1h"));
        let takes = plan.iter().filter(|stage| stage.step_up.is_some());
        takes.map(|stage| stage.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(takes("prod-deploy"), ["security"]);
    assert_eq!(takes("dev-deploy"), Vec::<String>::new());
    // Nothing that is shipped takes one: nobody has a passkey on the first day.
    let shipped = loaded(&shipped());
    let plan = stages(&town, &shipped, &town.ask("ines", "ines", "prod-deploy", "1h"));
    assert!(plan.iter().all(|stage| stage.step_up.is_none()));
}

#[test]
fn a_gate_that_nobody_can_meet_refuses_at_once() {
    let wall = edited(GATES, "approvals.owner >= 2", "approvals.owner >= 1000");
    let (town, policies) = (Town::new(), loaded(&wall));
    let solved =
        policies.asking(&town.world(), now()).solve(&town.ask("ines", "ines", "dev-deploy", "31d"));
    assert_eq!(solved.route, None);
    assert_eq!(solved.ruling.cite().policies, ["gate.long"]);
}

/// Policies of a bundle that no lint has looked at.
fn unlinted(bundle: &Bundle) -> Policies {
    let text = bundle.files.get(SCHEMA_FILE).unwrap();
    let read = schema::read(&Source { file: SCHEMA_FILE, text }).unwrap();
    let (placed, problems) = parse(bundle);
    assert!(problems.is_empty());
    Policies::new(bundle, &placed, &read).unwrap()
}

#[test]
fn a_policy_that_errs_never_lets_a_grant_through() {
    let (town, all) = (Town::new(), [("manager", 9), ("owner", 9), ("security", 9)]);
    let all: BTreeMap<StageName, u32> =
        all.into_iter().map(|(stage, count)| (stage.parse().unwrap(), count)).collect();
    let errs = "@id(\"guard.overflow\") @why(\"x\")\n\
                forbid (principal, action in Action::\"fulfil\", resource)\n\
                when { resource.entitlement.sensitivity + 9223372036854775807 > 0 };";
    let policies = unlinted(&edited(GUARDRAILS, "", errs));
    let world = town.world();
    let mut asking = policies.asking(&world, now());
    let deploy = town.ask("ines", "ines", "prod-deploy", "1h");
    let ruling = asking.may_grant(&deploy, &all, None);
    assert!(!ruling.permit);
    assert!(ruling.errors[0].contains("guard.overflow"), "{:?}", ruling.errors);
    let quick = asking.may_grant_preapproved(&town.ask("ines", "ines", "dev-db-read", "1h"));
    assert!(!quick.permit && quick.errors.len() == 1);
    let solved = asking.solve(&deploy);
    assert!(solved.route.is_none() && !solved.ruling.errors.is_empty());
    assert!(solved.ruling.sentence().starts_with("the policy could not be evaluated"));
    // The same without the policy that errs is granted: it was the error that refused.
    assert!(unlinted(&shipped()).asking(&world, now()).may_grant(&deploy, &all, None).permit);
}

static SHIPPED: LazyLock<Policies> = LazyLock::new(|| loaded(&shipped()));

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

prop_compose! {
    /// A company in which everything that gates and guardrails look at is drawn, and an ask in it.
    fn drawn()(
        name in prop::sample::select(vec![
            "dev-deploy", "prod-deploy", "prod-db-admin", "prod-logs-read", "placet-config",
        ]),
        sensitivity in 1u8..=4,
        power in any::<bool>(),
        kind in kinds(),
        has_manager in any::<bool>(),
        risk in prop_oneof![4 => 0u8..70, 1 => 70u8..=100],
        active in prop::bool::weighted(0.9),
        hours in 1u64..2000,
    ) -> (Town, Ask) {
        let mut town = Town::new();
        let receiver = if kind == Kind::Human { "ines" } else { "ci-deployer" };
        let (id, what) = (town.who(receiver), town.what(name));
        let identity = town.company.identities.get_mut(&id).unwrap();
        (identity.risk, identity.active) = (risk, active);
        match &mut identity.is {
            Nature::Human { manager, .. } if !has_manager => *manager = None,
            Nature::Human { .. } => {}
            Nature::Workload { kind: drawn, .. } => *drawn = kind,
        }
        let entitlement = town.company.entitlements.get_mut(&what).unwrap();
        entitlement.terms.sensitivity = sensitivity;
        entitlement.power_over_placet = power;
        entitlement.holders = Kind::ALL.into_iter().collect();
        entitlement.longest = Length::from_seconds(1500 * 3600).unwrap();
        let mut ask = town.ask("mara", receiver, name, "1h");
        ask.length = Length::from_seconds(hours * 3600).unwrap();
        (town, ask)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_solved_is_let_through_and_nothing_less(
        (town, ask) in drawn(),
        more in 0u32..3,
    ) {
        let policies = &*SHIPPED;
        let world = town.world();
        let mut asking = policies.asking(&world, now());
        let solved = asking.solve(&ask);
        let plan = match solved.route {
            Some(Route::People { stages }) => stages,
            Some(Route::BreakGlass { .. }) => {
                return Err(TestCaseError::fail("the ordinary way breaks no glass"));
            }
            Some(Route::PreApproved { .. }) => {
                prop_assert!(asking.may_grant_preapproved(&ask).permit);
                return Ok(());
            }
            None => {
                let all = policies.stages().map(|stage| (stage.clone(), 1000)).collect();
                prop_assert!(!asking.may_grant(&ask, &all, None).permit);
                prop_assert!(!solved.ruling.permit);
                return Ok(());
            }
        };
        prop_assert!(solved.ruling.permit);
        prop_assert!(!plan.is_empty(), "granted on nobody's word");
        let met: BTreeMap<StageName, u32> =
            plan.iter().map(|stage| (stage.name.clone(), stage.needed)).collect();
        prop_assert!(asking.may_grant(&ask, &met, Some(0)).permit);
        let fuller = policies.stages().map(|stage| {
            (stage.clone(), met.get(stage).copied().unwrap_or(0) + more)
        }).collect();
        prop_assert!(asking.may_grant(&ask, &fuller, Some(0)).permit, "one more closed a gate");
        for stage in &plan {
            let mut less = fuller.clone();
            less.insert(stage.name.clone(), stage.needed - 1);
            let ruling = asking.may_grant(&ask, &less, Some(0));
            prop_assert!(!ruling.permit, "{} is not needed", stage.name);
            let gates: Vec<&str> = stage.because.iter().map(|one| one.policy.as_str()).collect();
            let named = ruling.deciding.iter().all(|one| gates.contains(&one.policy.as_str()));
            prop_assert!(named, "{:?} refused, not {gates:?}", ruling.deciding);
        }
    }
}
