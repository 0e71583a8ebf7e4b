//! The ground of nearly every ruling, in one question: the organisation, the teams, some people with
//! those above them, and what one of them holds.

use std::collections::BTreeSet;

use placet_domain::grant::Grant;
use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::Identity;
use placet_domain::organisation::Organisation;
use placet_domain::state;
use placet_domain::team::Team;
use sqlx::Row as _;

use super::tagged;
use crate::Store;
use crate::change::Facts;
use crate::error::{Error, damaged};
use crate::row::unsigned;
use crate::script::{Script, Value};

/// Everything noted in the facts.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    pub organisation: Option<Organisation>,
    /// All of them: few, and every ruling needs the ones above a member's.
    pub teams: Vec<Team>,
    pub identities: Vec<Identity>,
    /// The live grants of the holder, if one was named.
    pub held: Vec<Grant>,
}

impl Store {
    /// `people` with their managers and owners so many levels up, and what `holder` holds.
    pub async fn ground(
        &self,
        people: &BTreeSet<IdentityId>,
        levels: u32,
        holder: Option<IdentityId>,
        facts: &mut Facts,
    ) -> Result<Ground, Error> {
        let mut script = Script::default();
        script.add(
            "select 'organisation', id, version, state from organisation where id = $1",
            [Value::text(Stream::Organisation)],
        );
        script.add("select 'team', id, version, state from team", []);
        for person in people {
            script.add(
                "with recursive up (id, level) as (select $1, 1 union \
                   select above.id, up.level + 1 from up join identity i on i.id = up.id \
                   join identity above on above.id in (i.manager, i.owner) where up.level < $2) \
                 select 'identity', id, version, state from identity \
                 where id in (select id from up)",
                [Value::text(person), i64::from(levels).into()],
            );
        }
        if let Some(holder) = holder {
            // The set before its members: who joins in between is noticed at the commit.
            script.add(
                "select 'set', name, version, null from set_version where name = $1",
                [Value::Text(state::holdings(&holder))],
            );
            script.add(
                "select 'grant', id, version, state from access_grant \
                 where receiver = $1 and live = true",
                [Value::text(holder)],
            );
        }
        let mut ground = Ground::default();
        for row in script.rows(&mut *self.read.lend().await?).await? {
            match row.try_get::<&str, _>(0)? {
                "organisation" => ground.organisation = Some(tagged(&row, facts)?),
                "team" => ground.teams.push(tagged(&row, facts)?),
                "identity" => ground.identities.push(tagged(&row, facts)?),
                "set" => facts.set(row.try_get(1)?, unsigned(&row, 2)?),
                // Held still by their set.
                "grant" => ground.held.push(tagged(&row, &mut Facts::default())?),
                other => return Err(damaged(format!("nothing asked for `{other}`"))),
            }
        }
        // What was not among them was not there.
        facts.row(Stream::Organisation, 0);
        for person in people {
            facts.row((*person).into(), 0);
        }
        if let Some(holder) = holder {
            facts.set(state::holdings(&holder), 0);
        }
        Ok(ground)
    }
}
