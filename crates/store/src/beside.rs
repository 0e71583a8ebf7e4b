//! What is written beside the governed rows in the same transaction: disclosures, how people are
//! called, records, for whom requests wait, what workers go through, what was observed.

use placet_domain::id::{IdentityId, RequestId, Stream};
use placet_domain::observation::Completeness;

use crate::change::{CallKey, Commit, Observed, Upkeep};
use crate::error::Error;
use crate::query::calls::keyed_since;
use crate::row::signed;
use crate::script::{Script, Value};

pub(crate) fn write(script: &mut Script, commit: &Commit) -> Result<(), Error> {
    for one in &commit.disclosures {
        script.add(
            "insert into disclosure (commitment, about, body) values ($1, $2, $3)",
            [
                Value::text(one.disclosure.commitment()),
                Value::text(&one.about),
                Value::text(one.disclosure.as_text()),
            ],
        );
    }
    profiles(script, commit);
    for (digest, body) in &commit.records {
        script.add(
            "insert into record (digest, body) values ($1, $2) on conflict (digest) do nothing",
            [Value::text(digest), Value::text(body)],
        );
    }
    for (token, at) in &commit.used {
        script.add(
            "insert into token_use (token, used_at) values ($1, $2) \
             on conflict (token) do update set used_at = excluded.used_at",
            [Value::text(token), at.as_micros().into()],
        );
    }
    waiting(script, commit);
    for (request, why) in &commit.stalled {
        stalled(script, request, why.as_deref());
    }
    for one in &commit.upkeep {
        upkeep(script, one)?;
    }
    if let Some(found) = &commit.observed {
        observed(script, found);
    }
    calls(script, commit)
}

/// The most keys that are forgotten beside one that is new.
const FORGOTTEN: i64 = 100;

fn calls(script: &mut Script, commit: &Commit) -> Result<(), Error> {
    if let Some(CallKey { caller, key, digest }) = &commit.key {
        script.add(
            "delete from keyed_call where (caller, key) in (select caller, key from keyed_call \
             where done_at <= $1 order by done_at limit $2)",
            [keyed_since(commit.at).into(), FORGOTTEN.into()],
        );
        script.add(
            "delete from keyed_call where caller = $1 and key = $2 and done_at <= $3",
            [Value::text(caller), Value::text(key), keyed_since(commit.at).into()],
        );
        script.add(
            "insert into keyed_call (caller, key, digest, done_at) values ($1, $2, $3, $4)",
            [
                Value::text(caller),
                Value::text(key),
                Value::text(digest),
                commit.at.as_micros().into(),
            ],
        );
    }
    if let Some((CallKey { caller, key, digest }, answer)) = &commit.answered {
        script.add(
            "update keyed_call set status = $4, answer = $5 \
             where caller = $1 and key = $2 and digest = $3",
            [
                Value::text(caller),
                Value::text(key),
                Value::text(digest),
                i64::from(answer.status).into(),
                Value::text(&answer.body),
            ],
        );
    }
    Ok(())
}

/// How people are called now, in place of how they were called before. All that was is taken away
/// first: what one gives up another may take in the same commit.
fn profiles(script: &mut Script, commit: &Commit) {
    let one = |identity: &IdentityId| Value::text(Stream::Identity(*identity));
    for (identity, profile) in &commit.profiles {
        script.add(
            "insert into profile (identity, handle) values ($1, $2) \
             on conflict (identity) do update set handle = excluded.handle",
            [one(identity), Value::text(&profile.handle)],
        );
        script.add("delete from profile_account where identity = $1", [one(identity)]);
        script.add("delete from profile_login where identity = $1", [one(identity)]);
    }
    for (identity, profile) in &commit.profiles {
        for (target, account) in &profile.accounts {
            script.add(
                "insert into profile_account (target, account, identity) values ($1, $2, $3)",
                [Value::text(target), Value::text(account), one(identity)],
            );
        }
        for login in &profile.logins {
            script.add(
                "insert into profile_login (issuer, subject, identity) values ($1, $2, $3)",
                [Value::text(&login.issuer), Value::text(&login.subject), one(identity)],
            );
        }
    }
}

fn waiting(script: &mut Script, commit: &Commit) {
    for (request, candidates) in &commit.waiting {
        script.add("delete from waiting where request = $1", [Value::text(request)]);
        // Whoever knows for whom it waits also knows that it is not stalled, or says so.
        stalled(script, request, None);
        for (stage, people) in candidates {
            for person in people {
                script.add(
                    "insert into waiting (request, stage, identity) values ($1, $2, $3)",
                    [Value::text(request), Value::text(stage), Value::text(person)],
                );
            }
        }
    }
}

fn stalled(script: &mut Script, request: &RequestId, why: Option<&str>) {
    script.add("delete from stalled where request = $1", [Value::text(request)]);
    if let Some(why) = why {
        script.add(
            "insert into stalled (request, why) values ($1, $2)",
            [Value::text(request), Value::text(why)],
        );
    }
}

fn upkeep(script: &mut Script, one: &Upkeep) -> Result<(), Error> {
    match one {
        Upkeep::Begin { what, due_at } => script.add(
            "insert into upkeep (round, turn, progress, due_at) values ($1, 1, '', $2) \
             on conflict (round) do update set turn = upkeep.turn + 1, progress = '', \
             due_at = excluded.due_at",
            [Value::text(what), due_at.as_micros().into()],
        ),
        Upkeep::Move { what, turn, progress, due_at } => script.add(
            "update upkeep set progress = $3, due_at = $4 where round = $1 and turn = $2",
            [
                Value::text(what),
                signed(*turn)?.into(),
                Value::text(progress),
                due_at.as_micros().into(),
            ],
        ),
        Upkeep::Done { what, turn } => script.add(
            "delete from upkeep where round = $1 and turn = $2",
            [Value::text(what), signed(*turn)?.into()],
        ),
    }
    Ok(())
}

fn observed(script: &mut Script, found: &Observed) {
    let target = || Value::text(found.target);
    let complete = found.completeness == Completeness::Complete;
    let finished_at = found.finished_at.as_micros();
    script.add(
        "insert into observed_target (target, completeness, began_at, finished_at, complete_at, detail) \
         values ($1, $2, $3, $4, $5, $6) on conflict (target) do update set \
         completeness = excluded.completeness, began_at = excluded.began_at, \
         finished_at = excluded.finished_at, detail = excluded.detail, \
         complete_at = coalesce(excluded.complete_at, observed_target.complete_at)",
        [
            target(),
            Value::text(found.completeness.as_str()),
            found.began_at.as_micros().into(),
            finished_at.into(),
            complete.then_some(finished_at).into(),
            Value::optional(found.detail.as_ref()),
        ],
    );
    for binding in &found.seen {
        script.add(
            "insert into observed_binding (target, native, account, first_seen_at, last_seen_at) \
             values ($1, $2, $3, $4, $4) on conflict (target, native, account) \
             do update set last_seen_at = excluded.last_seen_at",
            [
                target(),
                Value::text(&binding.native),
                Value::text(&binding.account),
                finished_at.into(),
            ],
        );
    }
    for (native, scope) in &found.scopes {
        script.add(
            "insert into observed_scope (target, native, scope, seen_at) \
             values ($1, $2, $3, $4) on conflict (target, native) \
             do update set scope = excluded.scope, seen_at = excluded.seen_at",
            [target(), Value::text(native), Value::text(scope), finished_at.into()],
        );
    }
    for binding in &found.gone {
        script.add(
            "delete from observed_binding where target = $1 and native = $2 and account = $3",
            [target(), Value::text(&binding.native), Value::text(&binding.account)],
        );
    }
}
