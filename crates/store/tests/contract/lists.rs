//! Lists: by scope in SQL, a page at a time without gap or repeat, and due work in its order.

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::access::Scope;
use placet_domain::action::Effect;
use placet_domain::credential::Kind;
use placet_domain::grant::Grant;
use placet_domain::id::{EntitlementId, GrantId, IdentityId, RequestId, Stream};
use placet_domain::route::Candidates;
use placet_store::{
    Duty, Facts, Held, LARGEST_PAGE, Page, Reader, SoughtGrants, SoughtRequests, Store,
};

use crate::company::{Company, a_credential, a_target, an_entitlement, at, empty, person};
use crate::ground::Ground;

on_every_store![
    every_list_has_pages_without_gap_or_repeat,
    nobody_sees_more_than_their_scopes,
    what_is_looked_for_is_found_within_the_scopes,
    open_sessions_are_those_that_are_good_for_something,
    what_waits_is_in_the_inbox_of_those_it_waits_for,
    due_work_comes_in_its_order_a_page_at_a_time,
    members_are_found_by_team,
    what_is_over_is_held_no_longer,
    live_grants_are_counted_by_when_they_end,
];

fn reader(who: IdentityId, scopes: &[Scope]) -> Reader {
    Reader { who, scopes: scopes.iter().copied().collect(), at: at(0) }
}

fn page(limit: u32, after: Option<String>) -> Page {
    Page { limit: Some(limit), after }
}

async fn every_list_has_pages_without_gap_or_repeat(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ines, olga, target, .. } = &company;
    for n in 0..17 {
        // Several at one moment: the order must not hang on time alone.
        company.clock.set(n / 4 * 10);
        let (commit, entitlement) =
            an_entitlement(&format!("thing-{n}"), &format!("native-{n}"), target, olga);
        store.commit(commit).await.unwrap();
        store.commit(a_target(&format!("host-{n}"), olga).0).await.unwrap();
        let request = company.ask(ines, &entitlement).await;
        if n % 2 == 0 {
            company.approve(request, ines).await;
        }
        store.commit(company.finding(None).0).await.unwrap();
    }
    let all = reader(olga.id, &[Scope::Everything]);
    let check = async |what: &str, count: usize, list: &dyn AsyncList| {
        let mut whole = None;
        for limit in [1, 2, 5, 200] {
            let ids = list.ids(store, &all, limit).await;
            let distinct: BTreeSet<&String> = ids.iter().collect();
            assert_eq!(distinct.len(), ids.len(), "{what}: something came twice");
            assert_eq!(ids.len(), count, "{what} by {limit}");
            assert_eq!(whole.get_or_insert_with(|| ids.clone()), &ids, "{what} by {limit}");
        }
    };
    check("requests", 17, &Requests).await;
    check("grants", 9, &Grants).await;
    check("findings", 17, &Findings).await;
    check("entitlements", 18, &Entitlements).await;
    check("targets", 18, &Targets).await;
    check("identities", 4, &Identities).await;
    check("the inbox", 8, &Inbox).await;

    // The newest first; the inbox the oldest first.
    let requests = store.requests(&all, &page(200, None)).await.unwrap();
    let times: Vec<_> = requests.iter().map(|one| one.submitted_at).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let inbox = store.inbox(olga.id, at(0), &page(200, None)).await.unwrap();
    assert!(inbox.iter().map(|one| one.submitted_at).is_sorted());
    // What somebody holds comes as it was approved.
    let held = store.holdings(ines.id, &mut Facts::default()).await.unwrap();
    assert_eq!(held.len(), 9);
    let order = |one: &Grant| (one.approved_at, one.id.to_string());
    assert!(held.is_sorted_by_key(order), "{:?}", held.iter().map(order).collect::<Vec<_>>());
    // A page is never empty by its own limit, never larger than the largest, and 50 if not said.
    assert_eq!(store.requests(&all, &page(0, None)).await.unwrap().len(), 1);
    assert_eq!(store.requests(&all, &page(u32::MAX, None)).await.unwrap().len(), 17);
    assert_eq!(LARGEST_PAGE, 200);
    for n in 0..60 {
        store.commit(person(&format!("p-{n}"), None, &[]).0).await.unwrap();
    }
    assert_eq!(store.identities(&Page::default()).await.unwrap().len(), 50);
}

/// A list as the loop above wants it.
#[async_trait::async_trait]
trait AsyncList: Sync {
    async fn page(&self, store: &Store, reader: &Reader, page: Page) -> Vec<String>;

    async fn ids(&self, store: &Store, reader: &Reader, limit: u32) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        loop {
            let some = self.page(store, reader, page(limit, out.last().cloned())).await;
            if some.is_empty() {
                return out;
            }
            out.extend(some);
            assert!(out.len() < 1_000, "the pages never end");
        }
    }
}

macro_rules! list {
    ($name:ident, |$store:ident, $reader:ident, $page:ident| $rows:expr, $id:expr) => {
        struct $name;

        #[async_trait::async_trait]
        impl AsyncList for $name {
            async fn page(&self, $store: &Store, $reader: &Reader, $page: Page) -> Vec<String> {
                $rows.await.unwrap().iter().map($id).collect()
            }
        }
    };
}

list!(Requests, |store, reader, page| store.requests(reader, &page), |one| one.id.to_string());
list!(Grants, |store, reader, page| store.grants(reader, false, &page), |one| one.id.to_string());
list!(Findings, |store, reader, page| store.findings(reader, true, &page), |one| one
    .id
    .to_string());
list!(Entitlements, |store, _reader, page| store.entitlements(&page), |one| one.name.to_string());
list!(Targets, |store, _reader, page| store.targets(&page), |one| one.name.to_string());
list!(Identities, |store, _reader, page| store.identities(&page), |one| one.id.to_string());
list!(Inbox, |store, reader, page| store.inbox(reader.who, reader.at, &page), |one| one
    .id
    .to_string());

async fn nobody_sees_more_than_their_scopes(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ana, olga, ines, ci, entitlement, .. } = &company;
    // Beside Olga's target there is one of Ana.
    let (commit, wiki) = a_target("wiki-1", ana);
    store.commit(commit).await.unwrap();
    let (commit, editors) = an_entitlement("wiki-admin", "editors", &wiki, ana);
    store.commit(commit).await.unwrap();
    let asks = [
        ("ines", ines, ines, entitlement),
        ("ci", ines, ci, entitlement),
        ("olga", olga, olga, &editors),
        ("ana", ana, ana, &editors),
    ];
    let mut names: Vec<(RequestId, &str)> = Vec::new();
    for (name, requester, receiver, entitlement) in asks {
        let (commit, id) = company.asking(requester, receiver, entitlement);
        store.commit(commit).await.unwrap();
        names.push((id, name));
        company.approve(id, receiver).await;
    }
    let name = |id: &RequestId| names.iter().find(|(one, _)| one == id).unwrap().1;
    let check = async |who: &placet_domain::identity::Identity,
                       scopes: &[Scope],
                       asked: &str,
                       held: &str| {
        let reader = reader(who.id, scopes);
        let all = page(200, None);
        let requests = store.requests(&reader, &all).await.unwrap();
        let mut seen: Vec<&str> = requests.iter().map(|one| name(&one.id)).collect();
        seen.sort_unstable();
        assert_eq!(seen.join(" "), asked, "requests by {scopes:?}");
        for (id, name) in &names {
            let one = store.request_for(&reader, *id).await.unwrap();
            assert_eq!(one.is_some(), seen.contains(name), "one of a list is as visible as alone");
        }
        let grants = store.grants(&reader, true, &all).await.unwrap();
        let mut seen: Vec<&str> = grants.iter().map(|one| name(&one.approved.request)).collect();
        seen.sort_unstable();
        assert_eq!(seen.join(" "), held, "grants by {scopes:?}");
    };
    use Scope::{Everything, Mine, Owned, Reports};
    check(ines, &[], "", "").await;
    check(ines, &[Mine], "ci ines", "ci ines").await;
    check(ana, &[Reports], "ines", "ines").await;
    check(olga, &[Owned], "ci ines", "ci ines").await;
    check(ci, &[Mine], "ci", "ci").await;
    // Whoever agreed to a request keeps sight of it.
    check(olga, &[Mine], "ana ci ines olga", "olga").await;
    check(olga, &[Reports], "", "").await;
    check(ana, &[Mine], "ana olga", "ana").await;
    check(ana, &[Mine, Reports], "ana ines olga", "ana ines").await;
    check(ines, &[Mine, Reports], "ci ines", "ci ines").await;
    check(ana, &[Mine, Owned], "ana olga", "ana olga").await;
    check(olga, &[Mine, Owned], "ana ci ines olga", "ci ines olga").await;
    check(ana, &[Owned], "ana olga", "ana olga").await;
    check(ci, &[Everything], "ana ci ines olga", "ana ci ines olga").await;
    let (stranger_in, stranger) = person("stranger", None, &["engineers"]);
    store.commit(stranger_in).await.unwrap();
    check(&stranger, &[Mine, Reports, Owned], "", "").await;

    // A finding is its owner's, and of the owner of its target.
    let (mut commit, finding) = company.finding(None);
    if let (_, placet_domain::event::Event::Finding(placet_domain::finding::Event::Opened(one))) =
        &mut commit.changes[0].events[0]
    {
        one.owner = ines.id;
    }
    store.commit(commit).await.unwrap();
    let sees = async |who: &placet_domain::identity::Identity, scopes: &[Scope]| {
        let found = store.findings(&reader(who.id, scopes), true, &page(9, None)).await.unwrap();
        found.iter().any(|one| one.id == finding)
    };
    assert!(sees(ines, &[Mine]).await && !sees(ines, &[]).await);
    assert!(!sees(olga, &[Mine]).await && sees(olga, &[Owned]).await);
    assert!(!sees(ana, &[Mine, Reports, Owned]).await && sees(ana, &[Everything]).await);
}

async fn what_is_looked_for_is_found_within_the_scopes(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ana, olga, ines, ci, target, entitlement, .. } = &company;
    let (commit, wiki) = a_target("wiki-1", ana);
    store.commit(commit).await.unwrap();
    let (commit, editors) = an_entitlement("wiki-admin", "editors", &wiki, ana);
    store.commit(commit).await.unwrap();
    // Olga agrees to all of it; the last one stays open.
    let asks = [
        ("first", 10, ines, entitlement),
        ("second", 20, ci, entitlement),
        ("third", 30, ines, &editors),
        ("open", 40, ana, &editors),
    ];
    let mut names: Vec<(RequestId, &str)> = Vec::new();
    for (name, seconds, receiver, entitlement) in asks {
        company.clock.set(seconds);
        let (commit, id) = company.asking(receiver, receiver, entitlement);
        store.commit(commit).await.unwrap();
        names.push((id, name));
        if name != "open" {
            company.approve(id, receiver).await;
        }
    }
    let name = |id: &RequestId| names.iter().find(|(one, _)| one == id).unwrap().1;
    use Scope::{Everything, Mine, Owned, Reports};
    let check = async |who: &placet_domain::identity::Identity,
                       scopes: &[Scope],
                       sought: SoughtRequests,
                       found: &str| {
        let reader = reader(who.id, scopes);
        for limit in [1, 2, 200] {
            let mut seen: Vec<&str> = Vec::new();
            let mut after = None;
            loop {
                let some =
                    store.sought_requests(&reader, &sought, &page(limit, after)).await.unwrap();
                let Some(last) = some.last() else { break };
                after = Some(last.id.to_string());
                seen.extend(some.iter().map(|one| name(&one.id)));
            }
            assert_eq!(seen.join(" "), found, "{sought:?} by {scopes:?}, {limit} at once");
        }
    };
    let none = SoughtRequests::default();
    let by = |one: &placet_domain::identity::Identity| SoughtRequests {
        person: Some(one.id),
        ..SoughtRequests::default()
    };
    let of = |id| SoughtRequests { entitlement: Some(id), ..SoughtRequests::default() };
    check(olga, &[Everything], none, "open third second first").await;
    check(olga, &[Everything], by(ines), "third first").await;
    check(olga, &[Everything], by(olga), "third second first").await;
    check(olga, &[Everything], of(entitlement.id), "second first").await;
    let both = SoughtRequests { entitlement: Some(editors.id), ..by(ines) };
    check(olga, &[Everything], both, "third").await;
    let while_open = SoughtRequests { since: Some(at(20)), until: Some(at(40)), ..none };
    check(olga, &[Everything], while_open, "third second").await;
    check(ines, &[Mine], none, "third second first").await;
    check(ines, &[Mine], by(ana), "").await;
    check(ines, &[Mine], of(editors.id), "third").await;
    check(ana, &[Reports], by(ines), "third first").await;
    check(ana, &[Owned], none, "open third").await;
    check(ana, &[Owned], of(entitlement.id), "").await;
    check(ana, &[Mine, Owned, Reports], while_open, "third").await;
    check(ci, &[], none, "").await;

    let grants =
        async |who: &placet_domain::identity::Identity, scopes: &[Scope], sought: SoughtGrants| {
            let (reader, page) = (reader(who.id, scopes), page(9, None));
            let found = store.sought_grants(&reader, &sought, false, &page).await.unwrap();
            found.iter().map(|one| name(&one.approved.request)).collect::<Vec<_>>().join(" ")
        };
    let none = SoughtGrants::default();
    assert_eq!(grants(olga, &[Everything], none).await, "third second first");
    let receiver = SoughtGrants { receiver: Some(ines.id), ..none };
    assert_eq!(grants(olga, &[Everything], receiver).await, "third first");
    assert_eq!(grants(olga, &[Owned], receiver).await, "first");
    let there = SoughtGrants { target: Some(target.id), ..none };
    assert_eq!(grants(olga, &[Everything], there).await, "second first");
    assert_eq!(grants(ana, &[Owned], there).await, "");
    let what = SoughtGrants { entitlement: Some(editors.id), ..receiver };
    assert_eq!(grants(ana, &[Owned], what).await, "third");
    assert_eq!(grants(ana, &[Mine], what).await, "");
}

async fn open_sessions_are_those_that_are_good_for_something(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ines, ana, .. } = &company;
    let mut sessions = Vec::new();
    for (seconds, kind) in [(0, Kind::Session), (7_200, Kind::Session), (7_200, Kind::Token)] {
        company.clock.set(seconds);
        let (commit, id) = a_credential(kind, ines, seconds);
        store.commit(commit).await.unwrap();
        sessions.push(id);
    }
    let open = async |who: IdentityId, seconds: i64| {
        let mut out = Vec::new();
        let mut after = None;
        loop {
            let some = store.open_sessions(who, at(seconds), &page(1, after)).await.unwrap();
            let Some(last) = some.last() else { return out };
            after = Some(last.issued.credential.to_string());
            out.extend(some.iter().map(|one| one.issued.credential));
        }
    };
    assert_eq!(open(ines.id, 7_300).await, [sessions[1], sessions[0]]);
    // Twelve hours after it was opened a session is over, though nobody ended it.
    assert_eq!(open(ines.id, 12 * 3_600 + 1).await, [sessions[1]]);
    assert!(open(ana.id, 7_300).await.is_empty());
    let streams = [Stream::Credential(sessions[0]), Stream::Identity(ines.id)];
    let times = store.begun_and_changed(&streams).await.unwrap();
    assert_eq!(times[&streams[0]], (at(0), at(0)));
}

async fn what_waits_is_in_the_inbox_of_those_it_waits_for(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ana, olga, ines, entitlement, .. } = &company;
    let request = company.ask(ines, entitlement).await;
    let inbox = async |who: IdentityId| {
        let found = store.inbox(who, at(0), &page(9, None)).await.unwrap();
        found.iter().any(|one| one.id == request)
    };
    assert!(inbox(olga.id).await && !inbox(ana.id).await && !inbox(ines.id).await);
    let seen = store.request_for(&reader(olga.id, &[Scope::Mine]), request).await.unwrap();
    assert!(seen.is_some(), "whoever is waited for sees what they are to decide");
    // Escalated: it waits for somebody else now, who replaces whom it waited for.
    let mut commit = empty(5);
    let waits = Candidates::from([("owner".parse().unwrap(), BTreeSet::from([ana.id]))]);
    commit.waiting.push((request, waits.clone()));
    store.commit(commit).await.unwrap();
    assert!(inbox(ana.id).await && !inbox(olga.id).await);
    assert_eq!(store.waiting_on(request).await.unwrap(), waits);
    // Decided: it waits for nobody.
    company.approve(request, ines).await;
    assert!(!inbox(ana.id).await);
    assert_eq!(store.waiting_on(request).await.unwrap(), Candidates::new());
    // The hint may be wrong; what is decided waits for nobody all the same.
    let mut commit = empty(9);
    commit.waiting.push((request, waits));
    store.commit(commit).await.unwrap();
    assert!(!inbox(ana.id).await);
}

async fn due_work_comes_in_its_order_a_page_at_a_time(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ines, olga, target, .. } = &company;
    let mut grants: Vec<GrantId> = Vec::new();
    let mut requests: Vec<RequestId> = Vec::new();
    for n in 0..7 {
        let (commit, entitlement) =
            an_entitlement(&format!("thing-{n}"), &format!("native-{n}"), target, olga);
        store.commit(commit).await.unwrap();
        company.clock.set(100 * (n / 2));
        let request = company.ask(ines, &entitlement).await;
        grants.push(company.approve(request, ines).await);
        company.clock.set(100 * (n / 2));
        requests.push(company.ask(ines, &entitlement).await);
    }
    let due = async |seconds: i64, limit: u32| {
        let mut out = Vec::new();
        let mut after = None;
        loop {
            let some =
                store.due_grants(target.id, Duty::Begin, at(seconds), after, limit).await.unwrap();
            assert!(some.len() <= limit as usize);
            let Some(last) = some.last() else { return out };
            after = Some(*last);
            out.extend(some.iter().map(|due| due.grant));
        }
    };
    for limit in [1, 2, 3, 100] {
        assert_eq!(due(10_000, limit).await, grants, "by {limit}");
    }
    assert_eq!(due(105, 100).await, grants[..4]);
    assert_eq!(due(1, 100).await, []);
    // What is under way is due when the call is over; what is over is never due.
    company.clock.set(500);
    company.intend(grants[0], Effect::Grant).await;
    assert_eq!(due(520, 100).await, grants[1..]);
    let mut last = grants[1..].to_vec();
    last.push(grants[0]);
    assert_eq!(due(531, 100).await, last);
    let reason = placet_domain::grant::Reason::ApprovalLapsed;
    company.tell(grants[1], placet_domain::grant::Command::Cancel { reason }).await;
    assert!(!due(10_000, 100).await.contains(&grants[1]));

    let week = 7 * 86_400;
    assert_eq!(store.lapsing_requests(at(week), 100).await.unwrap(), []);
    let lapsing = store.lapsing_requests(at(week + 105), 100).await.unwrap();
    assert_eq!(lapsing, requests[..4], "what is decided does not lapse, and the rest in order");
    assert_eq!(store.lapsing_requests(at(week + 105), 2).await.unwrap(), requests[..2]);
}

async fn what_is_over_is_held_no_longer(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, olga, ines, target, entitlement, .. } = &company;
    let request = company.ask(ines, entitlement).await;
    let facts = &mut placet_store::Facts::default();
    assert_eq!(store.open_ask(ines.id, entitlement.id, facts).await.unwrap(), Some(request));
    let grant = company.approve(request, ines).await;
    let (open, _) = company.finding(Some(grant));
    store.commit(open).await.unwrap();
    let all = reader(olga.id, &[Scope::Everything]);
    // In the list, held by the receiver, overlapping, and on the target.
    let counts = async || {
        let facts = &mut placet_store::Facts::default();
        [
            store.grants(&all, true, &page(9, None)).await.unwrap().len(),
            store.holdings(ines.id, facts).await.unwrap().len(),
            store.overlapping(ines.id, entitlement.id, facts).await.unwrap().0.len(),
            store.held_on(target.id).await.unwrap().len(),
        ]
    };
    assert_eq!(counts().await, [1; 4]);
    let reason = placet_domain::grant::Reason::ApprovalLapsed;
    company.tell(grant, placet_domain::grant::Command::Cancel { reason }).await;
    assert_eq!(counts().await, [0; 4]);
    assert_eq!(store.grants(&all, false, &page(9, None)).await.unwrap().len(), 1);
    let facts = &mut placet_store::Facts::default();
    assert_eq!(store.open_ask(ines.id, entitlement.id, facts).await.unwrap(), None);
    assert_eq!(store.grant_of(request, facts).await.unwrap().map(|one| one.id), Some(grant));
    assert_eq!(store.open_findings_of(&grant.into()).await.unwrap().len(), 1);
    assert_eq!(store.open_findings_on(target.id).await.unwrap().len(), 1);
}

async fn live_grants_are_counted_by_when_they_end(ground: &Ground) {
    const DAY: u64 = 86_400;
    let company = Company::found(ground.open().await).await;
    let Company { store, ana, olga, ines, target, entitlement, .. } = &company;
    let (commit, editors) = an_entitlement("wiki-admin", "editors", target, ana);
    store.commit(commit).await.unwrap();
    // In force for an hour each, beginning so many days apart that they fall into all the stretches.
    let mut ends = Vec::new();
    for (days, what) in
        [(0, entitlement), (0, &editors), (3, entitlement), (20, entitlement), (90, &editors)]
    {
        company.clock.set(days * 86_400);
        let grant = company.active(ines, what).await;
        let found: Grant = store.load(grant, &mut Facts::default()).await.unwrap().unwrap();
        ends.push((what.id, found.until.unwrap()));
    }
    // Live but not in force: agreed to and no more, being carried out, being ended. One is over.
    let agreed = async || company.approve(company.ask(ines, entitlement).await, ines).await;
    agreed().await;
    company.intend(agreed().await, Effect::Grant).await;
    let ending = company.active(ines, entitlement).await;
    let reason = placet_domain::grant::Reason::GivenBack { by: ines.id };
    company.tell(ending, placet_domain::grant::Command::End { reason }).await;
    let over = agreed().await;
    let reason = placet_domain::grant::Reason::ApprovalLapsed;
    company.tell(over, placet_domain::grant::Command::Cancel { reason }).await;

    let check = async |at: Timestamp| {
        for (who, scope) in [(olga, Scope::Everything), (olga, Scope::Owned), (ana, Scope::Owned)] {
            let own = |what: EntitlementId| {
                who.id == olga.id && what == entitlement.id
                    || who.id == ana.id && what == editors.id
            };
            let theirs = ends.iter().filter(|(what, _)| scope == Scope::Everything || own(*what));
            let theirs: Vec<Timestamp> = theirs.map(|(_, end)| *end).collect();
            let within = |seconds| {
                theirs.iter().filter(|end| **end <= at.plus_seconds(seconds)).count() as u64
            };
            let others = if who.id == olga.id { 3 } else { 0 };
            let expected = Held {
                live: theirs.len() as u64 + others,
                in_a_day: within(DAY),
                in_a_week: within(7 * DAY),
                in_a_month: within(30 * DAY),
                in_force: theirs.len() as u64,
            };
            let reader = Reader { at, ..reader(who.id, &[scope]) };
            assert_eq!(store.held(&reader).await.unwrap(), expected, "{scope:?} at {at}");
        }
    };
    // Each limit of each of them, a moment before it and a moment after.
    for (_, end) in &ends {
        for days in [1, 7, 30] {
            let limit = end.minus_seconds(days * DAY).as_micros();
            for moment in [limit - 1, limit, limit + 1] {
                check(Timestamp::from_micros(moment)).await;
            }
        }
    }
    check(at(0)).await;
}

async fn members_are_found_by_team(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let store = &company.store;
    let check = async |teams: &[&str], expect: &[&IdentityId]| {
        let teams: Vec<placet_domain::name::TeamName> =
            teams.iter().map(|one| one.parse().unwrap()).collect();
        let mut facts = placet_store::Facts::default();
        let found = store.members(&teams, &mut facts).await.unwrap();
        let ids: BTreeSet<IdentityId> = found.iter().map(|one| one.id).collect();
        assert_eq!(ids, expect.iter().map(|one| **one).collect(), "{teams:?}");
        // That nobody joins meanwhile is held still by the set of identities.
        let (newcomer, _) = person(&format!("n{}", ids.len() + 10 * teams.len()), None, &[]);
        store.commit(newcomer).await.unwrap();
        let mut commit = empty(0);
        commit.facts = facts;
        assert!(store.commit(commit).await.is_err());
    };
    let Company { ana, olga, ines, .. } = &company;
    check(&["engineers"], &[&ana.id, &ines.id]).await;
    check(&["stewards", "engineers"], &[&ana.id, &ines.id, &olga.id]).await;
    check(&["nobody-here"], &[]).await;
    check(&[], &[]).await;
}
