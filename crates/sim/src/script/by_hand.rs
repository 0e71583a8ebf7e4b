//! Sentences about what people do by hand: `olaf carries out g1 with "a photo"`, `oda confirms g1
//! with "a photo"`, `oda returns g1 because "..."`, `show work of olaf`.

use placet_engine::queries::Page;

use super::{Done, Story, since};
use crate::by_hand;

impl Story {
    pub(super) async fn works_by_hand(&mut self, words: &[&str]) -> Result<Option<Done>, String> {
        let (who, id) = match words {
            ["the", "company", "works", "by", "hand"] => return Ok(Some(Ok(()))),
            [who, "carries", "out", id, "with", _]
            | [who, "confirms", id, "with", _]
            | [who, "returns", id, "because", _] => (*who, *id),
            _ => return Ok(None),
        };
        let grant = self.checkers.book.grant(self.grant(id)?).ok_or("no such grant")?;
        let action = grant.work.as_ref().ok_or("nobody was told to do anything for it")?.action;
        let said = words.last().copied().unwrap_or_default();
        let does = match words.get(1).copied() {
            Some("carries") => by_hand::carry_out(action, said),
            Some("confirms") => by_hand::confirm(action, said),
            _ => by_hand::send_back(action, said),
        };
        Ok(Some(self.world.by(who, &does).await.map(drop)))
    }

    pub(super) async fn work_of(&mut self, who: &str) -> Result<Vec<String>, String> {
        let actor = self.world.actor(who).await.map_err(|broken| broken.to_string())?;
        let open = self.world.engine().work(actor, &Page::default()).await;
        let line = |one: &placet_engine::queries::WorkView| {
            let said = match (&one.carried_out_by, &one.returned) {
                (Some(_), _) => "waits for a second person".to_owned(),
                (None, Some(why)) => format!("sent back: {why}"),
                (None, None) => "to be done".to_owned(),
            };
            let overdue = if one.overdue { ", overdue" } else { "" };
            let account = one.account.as_deref().unwrap_or("erased");
            let (what, due) = (one.effect, since(one.due_at));
            format!("{what} {} to {account} by {due}: {said}{overdue}", one.native)
        };
        Ok(open.map_err(|error| error.to_string())?.iter().map(line).collect())
    }
}
