//! Governed rows against the ledger: whatever somebody with the file edits, `verify_state` names.

use placet_domain::id::Stream;
use placet_store::{Class, Difference, TABLES};

use crate::commits::{try_whole, whole};
use crate::company::{Company, change, empty, observed};
use crate::ground::Ground;

async fn busy_company(ground: &Ground) -> Company {
    let company = Company::found(ground.open().await).await;
    company.busy().await;
    assert_eq!(company.store.verify_state().await.unwrap().differences, []);
    company
}

/// Edits, looks what is named, and puts everything back as it was.
async fn check(company: &Company, ground: &Ground, edit: &str) -> Vec<Difference> {
    let before = ground.copy_live().await;
    ground.sql(edit).await.unwrap_or_else(|error| panic!("{edit}: {error}"));
    let report = company.store.verify_state().await;
    let report = report.unwrap_or_else(|error| panic!("{edit}: nothing is named, but: {error}"));
    ground.restore_live(&before).await;
    report.differences
}

fn named(differences: &[Difference], table: &str) -> bool {
    differences.iter().any(|one| one.table == table)
}

/// Tables that hold what the fold of events says, and where each row hangs together with it.
fn governed() -> impl Iterator<Item = &'static str> {
    TABLES.iter().filter(|(_, class)| *class == Class::Governed).map(|(name, _)| *name)
}

#[tokio::test]
async fn every_column_of_every_governed_table_that_was_edited_is_named() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    let mut edits = 0;
    for table in governed() {
        for column in ground.columns(table).await {
            // Rows of several kinds: with a value and without one.
            let rows = format!("select rowid || '' from {table}");
            let kinds = format!(
                "select min(rowid) || '' from {table} group by typeof({column}) order by 1"
            );
            assert!(!ground.ask(&rows).await.is_empty(), "there is no {table} to edit");
            for row in ground.ask(&kinds).await {
                let edit = format!(
                    "pragma ignore_check_constraints = on; update {table} set {column} = \
                     case typeof({column}) when 'integer' then case {column} when 0 then 1 \
                     when 1 then 0 else {column} + 1 end when 'null' then 'forged' \
                     else 'forged' end where rowid = {row}"
                );
                let named_here = check(&company, &ground, &edit).await;
                assert!(!named_here.is_empty(), "{table}.{column} of row {row} was edited unseen");
                edits += 1;
            }
        }
    }
    assert!(edits > 60, "{edits}");
}

#[tokio::test]
async fn every_derived_column_is_named_by_its_own_name() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    for table in governed() {
        let columns = ground.columns(table).await;
        // Members, sets and trails have no state of their own to derive from.
        if !columns.iter().any(|column| column == "state") {
            continue;
        }
        for column in columns {
            if ["id", "version", "state"].contains(&column.as_str()) {
                continue;
            }
            let edit = format!(
                "pragma ignore_check_constraints = on; update {table} set {column} = \
                 case typeof({column}) when 'integer' then 1 - {column} else 'forged' end \
                 where rowid = (select min(rowid) from {table})"
            );
            let named = check(&company, &ground, &edit).await;
            let words = format!("its column `{column}` is not derived from its state");
            assert!(named.iter().any(|one| one.what == words), "{table}.{column}: {named:?}");
        }
    }
}

#[tokio::test]
async fn a_row_that_was_deleted_is_named() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    for table in governed() {
        let count = ground.ask(&format!("select count(*) || '' from {table}")).await;
        let edit = format!("delete from {table} where rowid = (select max(rowid) from {table})");
        let found = check(&company, &ground, &edit).await;
        assert!(named(&found, table), "one of {count:?} rows of {table} is gone: {found:?}");
    }
}

#[tokio::test]
async fn a_row_that_was_added_is_named() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    for table in governed() {
        let columns = ground.columns(table).await;
        let (first, rest) = columns.split_first().unwrap();
        // A copy of a row under another key, its unique names changed.
        let unique = ["name", "native", "request", "fingerprint", "credential_id"];
        let values: Vec<String> = rest
            .iter()
            .map(|one| match unique.contains(&one.as_str()) && table != "set_version" {
                true => format!("{one} || 'x'"),
                false => one.clone(),
            })
            .collect();
        let key = match table {
            "organisation" => "'team_forged'".to_owned(),
            "set_version" => format!("'holdings/{}'", company.olga.id),
            _ => format!("substr({first}, 1, length({first}) - 4) || 'ffff'"),
        };
        let edit = format!(
            "insert into {table} ({}) select {} from {table} limit 1",
            columns.join(", "),
            [vec![key], values].concat().join(", ")
        );
        let found = check(&company, &ground, &edit).await;
        assert!(named(&found, table), "a row of {table} was added unseen: {found:?}");
    }
    // A true row in a table where it does not belong.
    let astray = "insert into team select id, version, state from request limit 1";
    assert!(named(&check(&company, &ground, astray).await, "team"));
}

#[tokio::test]
async fn an_entry_that_was_edited_is_named() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    let free = "drop trigger ledger_entry_kept; drop trigger ledger_entry_never_deleted; ";
    let check_entry = async |edit: &str, table: &str| {
        let found = check(&company, &ground, &format!("{free}{edit}")).await;
        assert!(named(&found, table), "{edit}: {found:?}");
    };
    for column in ["id", "stream", "version", "trail", "nth"] {
        let edit = format!(
            "update ledger_entry set {column} = case typeof({column}) \
             when 'integer' then {column} + 1000 else 'forged' end where idx = 3"
        );
        check_entry(&edit, "ledger_entry").await;
    }
    let team = Stream::Team("forged".parse().unwrap());
    check_entry(
        &format!("update ledger_entry set stream = '{team}' where idx = 3"),
        "ledger_entry",
    )
    .await;
    check_entry("update ledger_entry set idx = 100000 where idx = 3", "ledger_entry").await;
    check_entry("update ledger_entry set body = 'nothing' where idx = 3", "ledger_entry").await;
    check_entry("update ledger_entry set body = '{}' where idx = 3", "ledger_entry").await;
    // A body that reads well and says something else: the row is no longer its fold.
    let said = "update ledger_entry set body = replace(body, 'every table', 'one table') \
                where body like '%entitlement.registered%'";
    check_entry(said, "entitlement").await;
    // The last entry of a trail is held by the trail's head.
    let node = "update ledger_entry set body = replace(body, 'node-1', 'node-2') \
                where idx = (select max(idx) from ledger_entry)";
    check_entry(node, "trail").await;
    // An event that cannot follow.
    let odd = "update ledger_entry set body = replace(body, 'identity.registered', \
               'team.registered') where idx = 0";
    check_entry(odd, "ledger_entry").await;
    let deleted = "delete from ledger_entry where idx = (select max(idx) from ledger_entry)";
    check_entry(deleted, "trail").await;
    check_entry("delete from ledger_entry where idx = 3", "ledger_entry").await;
}

/// Rows of the ledger dropped, doubled, swapped, moved and put in between, numbered anew so that no
/// index is missing.
#[tokio::test]
async fn entries_that_were_numbered_anew_are_named() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    let size: i64 = ground.ask("select count(*) || '' from ledger_entry").await[0].parse().unwrap();
    let free = "drop trigger ledger_entry_kept; drop trigger ledger_entry_never_deleted; ";
    // Through negative numbers, since an index is there once.
    let shift = |from: i64, to: i64, by: i64| {
        format!(
            "update ledger_entry set idx = -1 - (idx + {by}) where idx between {from} and {to}; \
             update ledger_entry set idx = -1 - idx where idx < 0; "
        )
    };
    let put =
        |from: i64, to: i64| format!("update ledger_entry set idx = {to} where idx = {from}; ");
    let copy = |from: i64, to: i64| {
        format!(
            "insert into ledger_entry (idx, id, stream, version, trail, nth, body) \
             select {to}, id || '2', stream, version + 1000, trail, nth + 1000, body \
             from ledger_entry where idx = {from}; "
        )
    };
    let last = size - 1;
    for at in [0, 1, size / 2, last - 1] {
        let dropped = format!("delete from ledger_entry where idx = {at}; ");
        let swapped = put(at, 1_000_000) + &put(at + 1, at) + &put(1_000_000, at + 1);
        let moved = put(at, 1_000_000) + &shift(at + 1, last, -1) + &put(1_000_000, last);
        let edits = [
            ("dropped", dropped + &shift(at + 1, last, -1)),
            ("doubled", shift(at + 1, last, 1) + &copy(at, at + 1)),
            ("put in between", shift(at, last, 1) + &copy(size, at)),
            ("swapped", swapped),
            ("moved", moved),
        ];
        for (what, edit) in edits {
            let before = ground.copy_live().await;
            ground.sql(&format!("{free}{edit}")).await.unwrap_or_else(|e| panic!("{edit}: {e}"));
            let read = try_whole(&company.store).await;
            assert!(read.is_err(), "{what} at {at}: an auditor saw nothing");
            ground.restore_live(&before).await;
            whole(&company.store).await;
        }
    }
}

#[tokio::test]
async fn a_text_that_was_changed_is_named_and_one_that_was_erased_is_not() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    let first = "where commitment = (select min(commitment) from disclosure)";
    let body = format!("update disclosure set body = body || 'x' {first}");
    assert!(named(&check(&company, &ground, &body).await, "disclosure"));
    let key = format!("update disclosure set commitment = 'forged' {first}");
    assert!(named(&check(&company, &ground, &key).await, "disclosure"));
    for column in ["handle", "identity"] {
        let edit = format!(
            "update profile set {column} = 'forged' where identity = '{}'",
            company.ines.id
        );
        let found = check(&company, &ground, &edit).await;
        assert!(named(&found, "profile"), "{column}: {found:?}");
    }
    let erased = "delete from disclosure; delete from profile";
    assert_eq!(check(&company, &ground, erased).await, []);
}

#[tokio::test]
async fn the_ledger_is_append_only_through_sql() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    let before = ground.dump().await;
    for edit in [
        "update ledger_entry set body = '{}'",
        "update ledger_entry set idx = idx + 1 where idx = 0",
        "delete from ledger_entry",
        "delete from ledger_entry where idx = 0",
    ] {
        let refused = ground.sql(edit).await.unwrap_err();
        assert!(refused.to_string().contains("the ledger is append-only"), "{edit}: {refused}");
    }
    assert_eq!(ground.dump().await, before);
    company.another_event().await.unwrap();
    ground.sql("drop trigger ledger_entry_never_deleted").await.unwrap();
    ground.sql("delete from ledger_entry where idx = 0").await.unwrap();
}

#[tokio::test]
async fn the_report_stays_short_however_much_is_wrong() {
    let ground = Ground::sqlite();
    let company = busy_company(&ground).await;
    let mut commit = empty(0);
    let events = (1..300).map(observed).collect();
    commit.changes.push(change(company.target.id, 1, events));
    company.store.commit(commit).await.unwrap();
    let free = "drop trigger ledger_entry_kept";
    ground.sql(&format!("{free}; update ledger_entry set id = 'evt' || idx")).await.unwrap();
    let report = company.store.verify_state().await.unwrap();
    assert_eq!(report.differences.len(), 100);
    assert!(report.entries > 300);
}
