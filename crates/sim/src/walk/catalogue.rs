//! Changes of the catalogue in a walk: somebody becomes a risk or none, comes back, an entitlement
//! is granted for longer or changes its terms, a workload gets another owner.

use placet_engine::commands::catalogue::Files;
use placet_engine::commands::catalogue::change::{AdoptCatalogue, ProposeCatalogue};
use placet_engine::commands::found::Catalogue;

use super::{ASKERS, Acted, EXPENDABLE, Walk};
use crate::company;
use crate::world::Broken;

impl Walk {
    /// Adam proposes a change, and Anna adopts it if it takes two.
    pub(super) async fn change_catalogue(&mut self) -> Acted {
        let (words, catalogue) = self.change();
        let files = Files { catalogue, whole: false };
        let proposed = match self.world.by("adam", &ProposeCatalogue { files }).await {
            Ok(differs) => differs.proposal,
            Err(broken) => return (words, Err(broken)),
        };
        let Some(proposal) = proposed else { return (words, Ok(())) };
        let adopted: Result<(), Broken> = self.world.by("anna", &AdoptCatalogue { proposal }).await;
        (words, adopted)
    }

    fn change(&mut self) -> (String, Catalogue) {
        let mut all = company::catalogue(company::Extent::default());
        let mut one = Catalogue::default();
        let words = match self.dice.below(4) {
            0 | 1 => {
                let people = [&ASKERS[..], &EXPENDABLE].concat();
                let who = self.dice.pick(&people).copied().unwrap_or("ines");
                let risk = if self.dice.chance(50) { 80 } else { 0 };
                all.person.retain(|line| line.handle.as_str() == who);
                one.person = all.person;
                one.person.iter_mut().for_each(|line| line.risk = risk);
                format!("the line of {who} says risk {risk}")
            }
            2 => {
                let longest = self.dice.pick(&["1h", "8h", "40d"]).copied().unwrap_or("8h");
                let scope = self.dice.pick(&["less", "more"]).copied().unwrap_or("less");
                all.entitlement.retain(|line| line.name.as_str() == "dev-db-write");
                one.entitlement = all.entitlement;
                for line in &mut one.entitlement {
                    line.longest = longest.to_owned();
                    line.scope = format!("{scope} than before");
                }
                format!("dev-db-write allows {scope}, for {longest}")
            }
            _ => {
                let owner = self.dice.pick(&["ines", "olga", "tom"]).copied().unwrap_or("ines");
                one.workload = all.workload;
                for line in &mut one.workload {
                    if let Ok(owner) = owner.parse() {
                        line.owner = owner;
                    }
                }
                format!("the workloads belong to {owner}")
            }
        };
        (words, one)
    }
}
