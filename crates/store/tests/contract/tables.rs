//! The schema: every table in one class, its text golden, brought up to date once, and every
//! question answered by an index.

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::access::Scope;
use placet_store::{Class, Error, Held, Mode, Reader, TABLES};
use sqlx::{AssertSqlSafe, Row as _};

use crate::company::{Company, fresh};
use crate::ground::{Ground, connect};

const SCHEMA: &str = include_str!("../schema.golden.sql");

#[tokio::test]
async fn every_table_stands_in_one_class() {
    let ground = Ground::sqlite();
    let _store = ground.open().await;
    let classes: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
    assert_eq!(ground.tables().await, classes, "the tables, sorted, and their classes");
    let governed: Vec<&str> = TABLES
        .iter()
        .filter(|(_, class)| *class == Class::Governed)
        .map(|(name, _)| *name)
        .collect();
    // Whatever has a `state` is governed: nothing else may hold the fold of events.
    for name in ground.tables().await {
        if ground.columns(&name).await.iter().any(|column| column == "state") {
            assert!(governed.contains(&name.as_str()), "{name}");
        }
    }
}

#[tokio::test]
async fn the_schema_is_golden() {
    let ground = Ground::sqlite();
    let _store = ground.open().await;
    let query = "select sql || ';' from sqlite_schema where sql is not null order by type, name";
    let schema = ground.ask(query).await.join("\n\n") + "\n";
    if schema != SCHEMA {
        let path = std::env::temp_dir().join("schema.golden.sql");
        std::fs::write(&path, &schema).unwrap();
        panic!("the schema changed; if that is meant, take it from {}", path.display());
    }
}

#[tokio::test]
async fn bringing_the_schema_up_to_date_twice_changes_nothing() {
    let ground = Ground::sqlite();
    let company = Company::found(ground.open().await).await;
    let before = ground.dump().await;
    drop(company);
    ground.settled().await;
    let store = ground.open().await;
    assert_eq!(ground.dump().await, before);
    assert_eq!(*store.mode(), Mode::Normal);
}

#[tokio::test]
async fn a_database_of_a_newer_placet_is_refused_and_left_alone() {
    let ground = Ground::sqlite();
    drop(Company::found(ground.open().await).await);
    ground.settled().await;
    ground.sql("insert into migration (name) values ('0099_moon')").await.unwrap();
    let before = ground.dump().await;
    let refused = ground.try_open().await.unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }));
    assert!(refused.to_string().contains("newer `placet` (migration `0099_moon`)"), "{refused}");
    assert_eq!(ground.dump().await, before);
}

/// The texts of the queries in a source file, a list of any length in them as one of one.
fn queries(source: &str) -> Vec<String> {
    let mut out = Vec::new();
    for begin in ["select ", "with recursive "] {
        for part in source.split(&format!("\"{begin}")).skip(1) {
            let text = part.split('"').next().unwrap().replace("\\\n", " ").replace("({})", "($9)");
            let words: Vec<&str> = text.split_whitespace().collect();
            out.push(format!("{begin}{}", words.join(" ")));
        }
    }
    out
}

/// The steps in which SQLite would answer a query.
async fn plan(ground: &Ground, query: &str) -> Vec<String> {
    let mut connection = connect(&ground.path("placet.db")).await;
    let explained = format!("explain query plan {query}");
    let rows = sqlx::query(AssertSqlSafe(explained)).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect()
}

#[tokio::test]
async fn every_question_is_answered_by_an_index() {
    let ground = Ground::sqlite();
    let _store = ground.open().await;
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let questions = std::fs::read_dir(src.join("query")).unwrap();
    // Those of lists are put together of parts, and come below.
    let questions = questions.map(|one| one.unwrap().path());
    let questions = questions.filter(|path| !path.ends_with("sought.rs"));
    let sources = questions.chain([src.join("sqlite.rs"), src.join("commit.rs")]);
    let sources = sources.map(|path| std::fs::read_to_string(path).unwrap());
    // Read whole on purpose: every ruling needs all teams, and they are few. A run of entries, and whoever
    // is above somebody, was found by an index before.
    let whole = BTreeSet::from(["SCAN team", "SCAN run", "SCAN up", "SCAN CONSTANT ROW"]);
    let mut asked = 0;
    let mut slow = Vec::new();
    let lists = placet_store::sought_texts();
    for query in sources.flat_map(|source| queries(&source)).chain(lists) {
        asked += 1;
        for step in plan(&ground, &query).await {
            let by_index = !step.starts_with("SCAN") || step.contains("USING");
            if !by_index && !whole.contains(step.as_str()) {
                slow.push(format!("{step}: {query}"));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
    assert!(asked > 40, "{asked}");
}

#[tokio::test]
async fn due_work_is_found_by_its_own_indexes() {
    let ground = Ground::sqlite();
    let _store = ground.open().await;
    let due = queries(include_str!("../../src/query/due.rs"));
    let check = async |query: &str, index: &str| {
        let steps = plan(&ground, query).await.join("; ");
        assert!(steps.contains(index) && steps.contains("SEARCH"), "{steps}");
    };
    for (part, index) in [
        ("g.due_at <= $1", "INDEX access_grant_due"),
        ("f.work_at <= $1", "INDEX finding_work"),
        ("from access_grant where target", "INDEX access_grant_due"),
        ("from finding where target", "INDEX finding_work"),
        ("stands = 'accepted'", "INDEX finding_borne"),
        ("from request where lapses_at", "INDEX request_lapsing"),
    ] {
        let of_these: Vec<&String> = due.iter().filter(|query| query.contains(part)).collect();
        assert!(!of_these.is_empty(), "{part}");
        for query in of_these {
            check(query, index).await;
        }
    }
    let upkeep = queries(include_str!("../../src/query/upkeep.rs"));
    let find = |part: &str| upkeep.iter().find(|query| query.contains(part)).unwrap();
    check(find("from upkeep where due_at"), "INDEX upkeep_due").await;
    check(find("contract_ends <= $1"), "INDEX identity_contract_ends").await;
    check(find("live and entitlement = $1"), "INDEX access_grant_by_entitlement").await;
    check(find("live and $1 is not null"), "access_grant_live").await;
    let governed = queries(include_str!("../../src/query/governed.rs"));
    let lapsing = governed.iter().find(|query| query.contains("lapses_at <= $1")).unwrap();
    check(lapsing, "INDEX proposal_lapsing").await;
}

#[tokio::test]
async fn grants_are_counted_without_reading_any() {
    let ground = Ground::sqlite();
    let _store = ground.open().await;
    let overview = queries(include_str!("../../src/query/overview.rs"));
    let counts: Vec<&String> =
        overview.iter().filter(|query| query.contains("from access_grant where live")).collect();
    assert_eq!(counts.len(), 2);
    for query in counts {
        let steps = plan(&ground, query).await.join("; ");
        assert!(
            steps.contains("SEARCH") && steps.contains("COVERING INDEX access_grant_standing"),
            "{query}: {steps}"
        );
    }
    // Of all that is live, the newest are found among what is live alone.
    let [_, live, _] = placet_store::sought_texts();
    let steps = plan(&ground, &live).await.join("; ");
    assert!(steps.contains("COVERING INDEX access_grant_held"), "{steps}");
}

#[tokio::test]
async fn of_more_grants_than_are_counted_those_that_last_longest_are_left_out() {
    let ground = Ground::sqlite();
    let store = ground.open().await;
    // Rows alone: 60,000 that end a second after the other, and one that is being ended.
    let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 60001) \
        insert into access_grant (id, version, state, stands, request, receiver, entitlement, target, \
          approved_at, live, due_at) \
        select 'g' || i, 1, '{}', case i when 60001 then 'ending' else 'active' end, 'r' || i, 'w', \
          'e', 't', -i, true, i * 1000000 from n";
    ground.sql(many).await.unwrap();
    let (who, at) = (fresh(), Timestamp::from_micros(0));
    let reader = Reader { who, scopes: BTreeSet::from([Scope::Everything]), at };
    let counted = Held {
        live: 50_000,
        in_a_day: 49_999,
        in_a_week: 49_999,
        in_a_month: 49_999,
        in_force: 49_999,
    };
    assert_eq!(store.held(&reader).await.unwrap(), counted);
    let at = Timestamp::from_micros(-86_400_000_000 + 10_000_000);
    let earlier = Held { in_a_day: 10, ..counted };
    assert_eq!(store.held(&Reader { at, ..reader }).await.unwrap(), earlier);
}
