//! Ending access: what a removal does in which order. First nobody gets in any more, then the
//! sessions end; what comes after the first of the two is told as doubt, never as nothing.

use placet_domain::action::Outcome;
use placet_domain::observation::Binding;
use placet_ledger::RemovalOrder;

use super::member::Taken;
use super::names::named;
use super::server::working;
use super::sessions::UpTo;
use super::{Postgres, credentials, failed, in_doubt, login, member, sessions};

impl Postgres {
    /// Takes an account out of a role, and ends what was opened while it was in.
    async fn taken_out(&self, order: &RemovalOrder, binding: &Binding) -> Result<Outcome, String> {
        let access = credentials::read(&self.credentials).await?;
        let mut server = self.change(&access).await?;
        let taken = working(async {
            self.hold(&mut server, binding, order.epoch).await?;
            let native = server.role(binding.native.as_str()).await?;
            let account = server.find(named(&binding.account)).await?;
            let Some(account) = account else { return Ok(None) };
            let taken = match native {
                Some(native) => member::revoke(&mut server, &native, &account).await?,
                None => Taken::Absent,
            };
            if !matches!(taken, Taken::Absent) {
                // Known before it is done: should nobody say whether it was, all that are open
                // when it is looked at again count.
                self.taken.note(binding, UpTo { account: account.oid, moment: i64::MAX });
            }
            Ok(Some((account, taken)))
        });
        // Whoever is not there has no access.
        let Some((account, taken)) = taken.await? else { return Ok(Outcome::Done) };
        // In one message: should this process stop, or lose the server, in between, the sessions
        // end all the same.
        let then = match taken {
            Taken::All => sessions::end_all(account.oid),
            Taken::Absent | Taken::Part(_) => String::new(),
        };
        let outcome = server.commit_then(&then).await;
        if let Outcome::Failed { .. } = outcome {
            self.taken.forget(binding);
        }
        if outcome != Outcome::Done {
            return Ok(outcome);
        }
        if let Taken::Part(why) = taken {
            return Ok(in_doubt(why));
        }
        // What was not there, and was not taken away here, has no sessions to end.
        let Some(known) = self.taken.of(binding) else { return Ok(Outcome::Done) };
        let ended = working(async {
            // Done again, it ends what was open the first time, and nobody who came in since.
            let again = matches!(taken, Taken::Absent) && known.moment != i64::MAX;
            let up_to = match again {
                true => known,
                false => UpTo { account: account.oid, moment: sessions::now(&mut server).await? },
            };
            self.taken.note(binding, up_to);
            sessions::end(&mut server, up_to).await
        });
        Ok(match ended.await {
            Ok(()) => Outcome::Done,
            Err(why) => in_doubt(format!("the access is gone, its sessions are not: {why}")),
        })
    }

    /// Ends a login that was issued: nobody gets in any more, then its sessions end, then it is
    /// dropped.
    async fn dropped(
        &self,
        order: &RemovalOrder,
        binding: &Binding,
        name: &str,
    ) -> Result<Outcome, String> {
        let access = credentials::read(&self.credentials).await?;
        let mut server = self.change(&access).await?;
        let role = working(async {
            self.hold(&mut server, binding, order.epoch).await?;
            let role = server.role(name).await?;
            if let Some(role) = &role {
                login::disable(&mut server, role).await?;
            }
            Ok(role)
        });
        let Some(role) = role.await? else { return Ok(Outcome::Done) };
        let outcome = server.commit().await;
        if outcome != Outcome::Done {
            return Ok(outcome);
        }
        let up_to = UpTo { account: role.oid, moment: i64::MAX };
        if let Err(why) = working(sessions::end(&mut server, up_to)).await {
            return Ok(in_doubt(format!("nobody gets in any more, and sessions go on: {why}")));
        }
        let stays = |why: String| {
            in_doubt(format!("nobody gets in any more, and role `{name}` stays: {why}"))
        };
        let dropped = working(async {
            server.begin().await?;
            let heir = server.role(binding.native.as_str()).await?;
            login::drop(&mut server, &role, heir.as_ref().map(|heir| heir.name.as_str())).await
        });
        Ok(match dropped.await {
            Ok(Ok(())) => match server.commit().await {
                Outcome::Failed { why } => stays(why),
                other => other,
            },
            Ok(Err(why)) | Err(why) => stays(why),
        })
    }

    pub(super) async fn removed(&self, order: &RemovalOrder) -> Result<Outcome, String> {
        let (native, account) = (order.native.clone(), order.account.clone());
        let binding = Binding { native, account };
        let grant = order.grant.filter(|_| self.issues_logins);
        if let Some(grant) = grant {
            return self.dropped(order, &binding, &grant.to_string()).await;
        }
        let issued = self.issued_for(&binding).await?;
        for name in &issued {
            let outcome = self.dropped(order, &binding, name).await;
            match outcome.unwrap_or_else(failed) {
                Outcome::Done => {}
                Outcome::Failed { why } | Outcome::InDoubt { why } => return Ok(in_doubt(why)),
                Outcome::Ordered { .. } => return Ok(in_doubt("it is not done yet".to_owned())),
            }
        }
        let outcome = self.taken_out(order, &binding).await.unwrap_or_else(failed);
        Ok(match outcome {
            Outcome::Failed { why } if !issued.is_empty() => in_doubt(why),
            other => other,
        })
    }

    /// What nobody approved ends with every login that stands for it.
    async fn issued_for(&self, binding: &Binding) -> Result<Vec<String>, String> {
        if !self.issues_logins {
            return Ok(Vec::new());
        }
        let access = credentials::read(&self.credentials).await?;
        let mut server = self.to_look(&access).await?;
        let standing = working(login::standing_for(&mut server, binding)).await?;
        Ok(standing.into_iter().map(|role| role.name).collect())
    }
}
