//! Manual targets: what no program reaches, such as a locked room or a bank's own pages. What was
//! decided becomes a work order for people, who say with evidence that it was done; a second person
//! confirms it. Nobody can look, so such access is never called active.
//!
//! Settings: `within`, the time that people have for it, such as `1d` (the default); `team`, whose
//! members may do it beside the owners of the target and of the entitlement.

use std::sync::Arc;

use async_trait::async_trait;
use placet_domain::action::{Outcome, Told};
use placet_domain::length::Length;
use placet_domain::name::TeamName;
use placet_domain::observation::Scope;
use placet_domain::time::Timestamp;
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::settings::{Known, Value};
use crate::{Abilities, Connector, Granted, Look, Sessions, Settings};

/// A target that people work on by hand.
#[derive(Clone, Debug)]
pub struct Manual {
    within: Length,
    team: Option<TeamName>,
}

pub(crate) const SETTINGS: Known = &[("team", Value::Text), ("within", Value::Text)];

pub(crate) fn build(settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    Ok(Arc::new(Manual::new(settings)?))
}

impl Manual {
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let within = settings.get("within").map_or("1d", String::as_str);
        let within = Length::parse(within)
            .map_err(|refusal| format!("setting `within`: {}", refusal.sentence()))?;
        let team = settings.get("team").map(|name| name.parse()).transpose();
        let team = team.map_err(|error| format!("setting `team`: {error}"))?;
        Ok(Self { within, team })
    }

    fn told(&self, at: Timestamp) -> Outcome {
        let told = Told { due_at: at + self.within, team: self.team.clone() };
        Outcome::Ordered { told }
    }
}

#[async_trait]
impl Connector for Manual {
    fn abilities(&self) -> Abilities {
        Abilities {
            native_expiry: false,
            sessions: Sessions::GoOn,
            tells_scopes: false,
            residual_seconds: self.within.as_seconds(),
            issues: None,
            by_hand: true,
        }
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        self.told(assent.intended_at()).into()
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        self.told(order.at)
    }

    async fn observe(&self, _scope: &Scope) -> Look {
        Look::unknown("nobody can look at it: what is there stands on the word of people")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;
    use placet_domain::observation::{Binding, Completeness};

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn settings_are_read_or_refused_in_words() {
        let check = |given: &[(&str, &str)], expect: Result<(u64, Option<&str>), &str>| {
            let made = Manual::new(&settings(given));
            let made = made
                .as_ref()
                .map(|one| (one.within.as_seconds(), one.team.as_ref().map(TeamName::as_str)));
            match (made, expect) {
                (Ok(made), Ok(expect)) => assert_eq!(made, expect),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (made, expect) => panic!("{made:?}, not {expect:?}"),
            }
        };
        check(&[], Ok((86_400, None)));
        check(&[("within", "4h"), ("team", "facilities")], Ok((14_400, Some("facilities"))));
        check(&[("within", "soon")], Err("setting `within`: `soon` is not a length"));
        check(&[("team", "Not a team")], Err("setting `team`"));
    }

    /// Contract 3, 5 and 10: never called done, never called seen.
    #[tokio::test]
    async fn people_are_told_and_nothing_is_claimed() {
        let manual = Manual::new(&settings(&[("within", "2h")])).unwrap();
        let binding =
            Binding { native: "server-room".parse().unwrap(), account: "ines".parse().unwrap() };
        let assent = conformance::assent(&binding, 1);
        let due_at = assent.intended_at().plus_seconds(7_200);
        let told = Outcome::Ordered { told: Told { due_at, team: None } };
        assert_eq!(manual.grant(assent).await.outcome, told);
        let look = manual.observe(&Scope::Binding(binding)).await;
        assert_eq!(look.completeness, Completeness::Unknown);
        assert!(look.present.is_empty());
        assert!(!manual.abilities().is_observable());
    }
}
