//! What is read, on pages and by programs: one identity, entitlement or target, history, policy, the
//! overview, sessions. Each is asked by those who may see it and by those who may not.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::pages::{Answer, browse, code_for, quoted};
use crate::world::World;

fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

async fn look(world: &World, who: &str, path: &str) -> Answer {
    browse(world, &world.secret(who), path, None).await
}

#[tokio::test]
async fn one_identity_is_seen_by_those_who_may_and_is_unknown_to_others() {
    let world = World::new().await;
    let (_, grant) = world.active("4h").await;
    // Herself, her manager, who owns what she holds, and who may read everything.
    for who in ["ines", "mara", "tom", "nora", "ada"] {
        let one = world.get(who, "/identities/ines").await.good();
        assert_eq!(one.body["answers"]["handle"], "mara", "{who}");
        assert!(one.body["registered_at"].is_string() && one.body["changed_at"].is_string());
        let page = look(&world, who, "/identities/ines").await;
        assert_eq!(page.status, StatusCode::OK, "{who}");
        assert!(page.text.contains("Ines Duarte"), "{who}");
        // What she holds is shown to those who may see it, and these are they.
        assert!(page.text.contains(&format!("/grants/{grant}")), "{who}: {}", page.text);
    }
    for who in ["yara", "kim", "booking-api"] {
        let hidden = world.get(who, "/identities/ines").await.refused_as("unknown_identity");
        let none = world.get(who, "/identities/nobody-at-all").await.refused_as("unknown_identity");
        assert_eq!(hidden.replace("ines", "X"), none.replace("nobody-at-all", "X"), "{who}");
    }
    assert_eq!(look(&world, "yara", "/identities/ines").await.status, StatusCode::NOT_FOUND);
    // A workload is its owner's, with its purpose.
    let ci = world.get("mara", "/identities/timetable-ci").await.good();
    assert_eq!(ci.text("/purpose"), "builds the timetable pages and reads the logs of the build");
    let mara = world.get("mara", "/identities/mara").await.good();
    assert_eq!(mara.body["workloads"][0]["handle"], "timetable-ci");
    world.get("ines", "/identities/timetable-ci").await.refused("unknown_identity");
}

#[tokio::test]
async fn changes_of_the_catalogue_are_read_by_auditors_and_decided_by_others() {
    let world = World::new().await;
    let team = json!({ "catalogue": { "team": [{ "name": "night-desk" }] } });
    let id = world.post("ada", "/catalogue/proposals", team).await.good().text("/proposal");
    let listed = world.get("nora", "/catalogue/proposals").await.good();
    assert_eq!(listed.text("/0/id"), id);
    world.get("nora", "/catalogue/upkeep").await.good();
    let page = look(&world, "nora", &format!("/proposals/{id}")).await;
    assert!(page.text.contains("night-desk") && !page.text.contains("/adopt"), "{}", page.text);
    let page = look(&world, "bo", &format!("/proposals/{id}")).await;
    assert!(page.text.contains("/adopt"), "{}", page.text);
    let adopt = format!("/catalogue/proposals/{id}/adopt");
    world.post("nora", &adopt, json!({})).await.refused("not_permitted");
    world.get("kim", "/catalogue/proposals").await.refused("not_permitted");
}

#[tokio::test]
async fn identities_are_listed_for_those_who_answer_for_them() {
    let world = World::new().await;
    let listed = async |who: &str| -> Vec<String> {
        let rows = world.get(who, "/identities?limit=200").await.good();
        let rows = rows.body.as_array().unwrap().iter();
        rows.map(|one| one["handle"].as_str().unwrap().to_owned()).collect()
    };
    let all = listed("ada").await;
    assert!(["ines", "kim", "booking-api"].iter().all(|one| all.contains(&(*one).to_owned())));
    let maras = listed("mara").await;
    assert!(maras.contains(&"ines".to_owned()) && maras.contains(&"timetable-ci".to_owned()));
    assert!(!maras.contains(&"booking-api".to_owned()) && !maras.contains(&"mara".to_owned()));
    assert!(listed("ines").await.is_empty());
    let page = look(&world, "ines", "/identities").await;
    assert!(page.text.contains("You answer for nobody"), "{}", page.text);
}

#[tokio::test]
async fn grants_are_found_by_receiver_entitlement_and_target_within_the_scopes() {
    let world = World::new().await;
    let (_, grant) = world.active("4h").await;
    for (query, found) in [
        ("receiver=ines", true),
        ("entitlement=booking-staging-deploy", true),
        ("target=web-groups", true),
        ("receiver=ines&entitlement=booking-staging-deploy&target=web-groups", true),
        ("receiver=tom", false),
        ("entitlement=build-logs", false),
        ("receiver=nobody-at-all", false),
        ("receiver=not%20a%20name", false),
        ("target=nowhere", false),
    ] {
        for (who, sees) in
            [("ada", true), ("ines", true), ("mara", true), ("tom", true), ("yara", false)]
        {
            let rows = world.get(who, &format!("/grants?{query}")).await.good();
            let expected: Vec<&str> = if found && sees { vec![&grant] } else { Vec::new() };
            assert_eq!(ids(&rows.body), expected, "{who}: {query}");
        }
    }
    // What is over is found when it is asked for.
    world.post("ines", &format!("/grants/{grant}/give-back"), json!({})).await.good();
    world.engine.step().await;
    assert_eq!(world.get("ada", "/grants?receiver=ines").await.good().body, json!([]));
    let all = world.get("ada", "/grants?receiver=ines&all=true").await.good();
    assert_eq!(ids(&all.body), [&grant]);
    for query in ["receiver=", "target=", "since=2026"] {
        world.get("ada", &format!("/grants?{query}")).await.refused("unreadable");
    }
}

#[tokio::test]
async fn entitlements_and_targets_are_open_and_what_is_held_on_them_is_not() {
    let world = World::new().await;
    let (_, grant) = world.active("4h").await;
    for (path, says) in [
        ("/entitlements/booking-staging-deploy", "deploy any build to the staging site"),
        ("/targets/web-groups", "Tom Aker answers for it"),
    ] {
        for (who, sees) in [("ines", true), ("tom", true), ("yara", false)] {
            let page = look(&world, who, path).await;
            assert!(page.text.contains(says), "{who}: {}", page.text);
            assert_eq!(page.text.contains(&grant), sees, "{who}: {path}");
        }
    }
    let one = world.get("yara", "/entitlements/booking-staging-deploy").await.good();
    assert_eq!(one.body["waited"]["of"], 1, "{}", one.body);
    let target = world.get("yara", "/targets/web-groups").await.good();
    assert!(target.body["entitlements"].as_array().unwrap().len() > 3, "{}", target.body);
    // A finding on it is for those who answer for it.
    std::fs::write(world.groups(), "booking-deployers: ines mallory\n").unwrap();
    world.look().await;
    let findings = async |who: &str| {
        let target = world.get(who, "/targets/web-groups").await.good();
        target.body["findings"].as_array().unwrap().len()
    };
    assert!(findings("tom").await > 0 && findings("yara").await == 0);
    // The search is the store's: words of the name, the target and what it allows.
    for (query, first) in [
        ("q=deploy+BOOKING+any", "audit-room"),
        ("q=booking-st", "booking-staging-deploy"),
        ("q=PRICES", "booking-prod-admin"),
        ("environment=dev&privilege=read", "build-logs"),
        ("q=100%25", ""),
        ("q=deploy_any", ""),
        ("q=web-groups", "build-logs"),
    ] {
        let rows = world.get("ines", &format!("/offers?{query}")).await.good();
        assert_eq!(rows.text("/0/name"), first, "{query}: {}", rows.body);
    }
    world.get("ines", "/offers?environment=moon").await.refused("unreadable");
}

#[tokio::test]
async fn history_is_searched_within_the_scopes_and_exported_as_a_harmless_table() {
    let world = World::new().await;
    let (request, _) = world.active("4h").await;
    let id = request.text("/id");
    let asked = world.ask("kim", "build-logs", "1h").await.good();
    let other = asked.text("/id");
    for (who, query, found) in [
        ("ada", "", vec![&other, &id]),
        ("ada", "person=ines", vec![&id]),
        // Who agreed is found, too.
        ("ada", "person=mara", vec![&id]),
        ("ada", "person=kim", vec![&other, &id]),
        ("ada", "person=yara", vec![]),
        ("ada", "entitlement=build-logs", vec![&other]),
        ("ada", "person=kim&entitlement=booking-staging-deploy", vec![&id]),
        ("ada", "since=2999-01-01T00:00:00Z", vec![]),
        ("ada", "until=2999-01-01T00:00:00Z", vec![&other, &id]),
        ("ada", "until=2001-01-01T00:00:00Z", vec![]),
        ("ines", "", vec![&id]),
        ("ines", "person=kim", vec![&id]),
        ("kim", "", vec![&other, &id]),
        ("tom", "entitlement=booking-staging-deploy", vec![&id]),
        ("yara", "", vec![]),
        ("yara", "person=ines", vec![]),
    ] {
        let rows = world.get(who, &format!("/requests?{query}")).await.good();
        assert_eq!(ids(&rows.body), found, "{who}: {query}");
        if !query.contains("T00") {
            let page = look(&world, who, &format!("/history?{query}")).await;
            assert_eq!(page.text.contains(&id), found.contains(&&id), "{who}: {query}");
        }
    }
    world.get("ada", "/requests?since=yesterday").await.refused("moment_unreadable");
    let wrong = look(&world, "ada", "/history?since=yesterday").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("id=\"day-error\""), "{}", wrong.text);
    // The proof is one click away, for those who may take it away.
    let page = look(&world, "nora", "/history?person=ines").await;
    assert!(page.text.contains(&format!("action=\"/requests/{id}/evidence\"")), "{}", page.text);
    assert!(!look(&world, "ines", "/history").await.text.contains("/evidence"));

    let body = json!({ "entitlement": "build-logs", "length": "2h",
        "justification": "=HYPERLINK(\"http://evil.example\"), \"quoted\"" });
    world.post("ines", "/requests", body).await.good();
    let file = look(&world, "ines", "/history/export?person=ines").await;
    assert_eq!(file.status, StatusCode::OK);
    let name = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(name, "attachment; filename=\"history.csv\"");
    let lines: Vec<&str> = file.text.split("\r\n").collect();
    assert!(lines[0].starts_with("\"request\",\"asked at\","), "{}", file.text);
    // A head, two rows, and the end of the last line.
    assert_eq!(lines.len(), 4, "{}", file.text);
    let made_harmless = "\"'=HYPERLINK(\"\"http://evil.example\"\"), \"\"quoted\"\"\"";
    assert!(lines[1].contains(made_harmless), "{}", lines[1]);
    assert!(lines[2].contains("Mara Holm as manager"), "{}", lines[2]);
    assert!(!file.text.contains(&other), "what somebody may not see is in no file");
}

#[tokio::test]
async fn policy_is_read_in_words_and_says_what_it_would_take() {
    let world = World::new().await;
    let (request, _) = world.active("4h").await;
    let rules = world.get("ines", "/policy/rules").await.good();
    let rule = |id: &str| {
        let mut all = rules.body.as_array().unwrap().iter();
        all.find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id}: {}", rules.body))
    };
    let owner = rule("gate.owner");
    assert_eq!(owner["why"], "An owner of the entitlement must agree.");
    assert_eq!((owner["stage"].as_str(), owner["permits"].as_bool()), (Some("owner"), Some(false)));
    assert!(owner["text"].as_str().unwrap().contains("context.approvals.owner >= 1"));
    assert_eq!(owner["decided"][0]["request"], request.text("/id"));
    // What a rule decided is told to those who may see the request.
    let hidden = world.get("yara", "/policy/rules").await.good().body.to_string();
    assert!(!hidden.contains(&request.text("/id")));
    let page = look(&world, "ines", "/policy").await;
    assert!(page.text.contains("An owner of the entitlement must agree."), "{}", page.text);

    let what_if = |who: Option<&str>, length: &str| json!({ "who": who, "entitlement": "booking-prod-admin", "length": length });
    for (reader, who, length, outcome) in [
        ("ines", None, "1h", "people"),
        ("ines", None, "2h", "over_limit"),
        // Her manager and an auditor may see her, and so what she would need.
        ("mara", Some("ines"), "1h", "people"),
        ("nora", Some("ines"), "1h", "people"),
        ("nora", Some("ines"), "90d", "over_limit"),
    ] {
        let answer = world.post(reader, "/policy/what-if", what_if(who, length)).await.good();
        let came = match answer.body["refused"]["code"].as_str() {
            Some(code) => code.to_owned(),
            None => answer.text("/route"),
        };
        assert_eq!(came, outcome, "{reader}: {}", answer.body);
    }
    let unknown = world.post("yara", "/policy/what-if", what_if(Some("ines"), "1h")).await;
    unknown.refused("unknown_identity");
    // Nothing came of it.
    assert_eq!(ids(&world.get("ada", "/requests").await.good().body).len(), 1);
    let asked = "/policy?who=ines&entitlement=booking-prod-admin&length=1h";
    let page = look(&world, "mara", asked).await;
    assert!(page.text.contains("What would come of it now"), "{}", page.text);
    assert!(page.text.contains("a security reviewer must agree"), "{}", page.text);
    let page = look(&world, "yara", asked).await;
    assert!(page.text.contains("id=\"who-error\""), "{}", page.text);
}

#[tokio::test]
async fn the_overview_is_of_everything_or_of_what_one_owns() {
    let world = World::new().await;
    world.active("4h").await;
    let check = async |who: &str, of: &str, live: u64| {
        let view = world.get(who, "/overview").await.good();
        assert_eq!(view.text("/of"), of, "{who}");
        assert_eq!(view.body["time_bound"]["live"], live, "{who}: {}", view.body);
        assert_eq!(view.body["time_bound"]["in_a_day"], live, "{who}: {}", view.body);
        assert_eq!(view.body["decide"]["of"].as_u64().unwrap_or(0), live, "{who}: {}", view.body);
        let page = look(&world, who, "/overview").await;
        assert_eq!(page.status, StatusCode::OK, "{who}: {}", page.text);
        page.text
    };
    let page = check("nora", "everything", 1).await;
    assert!(page.contains("live grants by their end: 1 end within a day"), "{page}");
    check("tom", "owned", 1).await;
    let page = check("yara", "owned", 0).await;
    assert!(page.contains("Nothing is held on what you own"), "{page}");
    world.get("booking-api", "/overview").await.refused("not_permitted");
    // What is seen without a grant counts as standing, for whoever answers for it.
    std::fs::write(world.groups(), "booking-deployers: ines mallory\n").unwrap();
    world.look().await;
    let standing =
        async |who: &str| world.get(who, "/overview").await.good().body["standing"].clone();
    assert!(standing("nora").await.as_u64().unwrap() > 0);
    assert_eq!(standing("tom").await, standing("nora").await);
    assert_eq!(standing("yara").await, 0);
}

#[tokio::test]
async fn a_session_that_was_left_open_is_ended_and_a_token_is_shown_once() {
    let world = World::new().await;
    let code = code_for(&world, "ines").await;
    let left = browse(&world, "", "/login", Some(&format!("code={code}"))).await;
    let cookie = left.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    let elsewhere = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let open = world.get("ines", "/sessions").await.good();
    let mine = open.body.as_array().unwrap();
    assert_eq!(mine.len(), 2, "{}", open.body);
    assert_eq!((mine[0]["this"].as_bool(), mine[1]["this"].as_bool()), (Some(false), Some(true)));
    assert!(mine[0]["since"].is_string() && mine[0]["by"] == "code");
    assert!(!open.body.to_string().contains(&elsewhere), "no secret is among it");
    let id = mine[0]["id"].as_str().unwrap().to_owned();
    // Nobody else's, and no token ends one.
    let end = format!("/sessions/{id}/end");
    world.post("mara", &end, json!({})).await.refused("unknown_session");
    world.post("ines-token", &end, json!({})).await.refused("needs_session");
    let page = look(&world, "ines", "/sessions").await;
    assert!(page.text.contains(&format!("action=\"{end}\"")), "{}", page.text);
    let ended = browse(&world, &world.secret("ines"), &end, Some("")).await;
    assert_eq!((ended.status, ended.to()), (StatusCode::SEE_OTHER, "/sessions"));
    assert_eq!(browse(&world, &elsewhere, "/", None).await.status, StatusCode::UNAUTHORIZED);
    world.post("ines", &end, json!({})).await.refused("unknown_session");
    assert_eq!(ids(&world.get("ines", "/sessions").await.good().body).len(), 1);

    let ines = world.secret("ines");
    let wrong = browse(&world, &ines, "/tokens", Some("length=500x&scope-read=yes")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("id=\"length-error\"") && wrong.text.contains("value=\"500x\""));
    let none = browse(&world, &ines, "/tokens", Some("length=1h")).await;
    assert!(none.text.contains("good for nothing"), "{}", none.text);
    let made = browse(&world, &ines, "/tokens", Some("length=1h&scope-read=yes")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let secret = made.text.split("<code class=\"code\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let again = look(&world, "ines", "/sessions").await;
    assert!(!again.text.contains(&secret));
    world.get(&secret, "/requests").await.good();
    world.post(&secret, "/requests", json!({})).await.refused("scope_missing");
    // The newest one can be revoked on the page.
    let revoke = format!("/tokens/{}", quoted(&again.text, "action=\"/tokens/"));
    assert!(revoke.ends_with("/revoke"), "{revoke}");
    let theirs = browse(&world, &world.secret("kim"), &revoke, Some("")).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    let done = browse(&world, &ines, &revoke, Some("")).await;
    assert_eq!((done.status, done.to()), (StatusCode::SEE_OTHER, "/sessions"));
}

#[tokio::test]
async fn an_approver_sees_what_came_before_and_delegates_on_a_page() {
    let world = World::new().await;
    world.active("4h").await;
    let asked = world.ask("ines", "build-logs", "1h").await.good();
    let body = json!({ "entitlement": "booking-prod-admin", "length": "30m",
        "justification": "mend the prices before noon" });
    let asked_more = world.post("ines", "/requests", body).await.good();
    let path = format!("/requests/{}", asked_more.text("/id"));
    let page = look(&world, "mara", &path).await;
    for said in ["asked for before", "booking-staging-deploy", "build-logs"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let before = world.get("mara", &format!("{path}/before")).await.good();
    assert_eq!(before.text("/earlier/0/entitlement"), "build-logs");
    assert_eq!(before.text("/earlier/1/grant"), "active");
    assert!(!before.body.to_string().contains(&asked.text("/id")), "no way to other requests");
    world.get("booking-api", &format!("{path}/before")).await.refused("unknown_request");

    // What nobody may hold beside it stands out, once the catalogue says so.
    let clear = world.get("mara", &path).await.good();
    assert_eq!(clear.body["conflicts"], json!([]));
    assert!(page.text.contains("with nothing that Ines Duarte holds"), "{}", page.text);
    let both = json!({ "conflicts": ["booking-staging-deploy"] });
    let both = crate::catalogue::one(&world, "entitlement", "booking-prod-admin", both);
    world.post("ada", "/catalogue/proposals", both).await.good();
    let clash = world.get("mara", &path).await.good();
    assert_eq!(clash.body["conflicts"], json!(["booking-staging-deploy"]));
    for page in [path.as_str(), "/decide"] {
        let page = look(&world, "mara", page).await;
        assert!(page.text.contains("duty conflict"), "{}", page.text);
    }

    let mara = world.secret("mara");
    let wrong =
        browse(&world, &mara, "/delegations", Some("to=nobody-at-all&until=2026-12-24")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("id=\"to-error\""), "{}", wrong.text);
    let wrong = browse(&world, &mara, "/delegations", Some("to=ada&until=soon")).await;
    assert!(wrong.text.contains("id=\"until-error\""), "{}", wrong.text);
    let last = world.now().plus_seconds(5 * 86_400).to_string();
    let form = format!("to=ada&from=&until={}", &last[..10]);
    let made = browse(&world, &mara, "/delegations", Some(&form)).await;
    assert_eq!((made.status, made.to()), (StatusCode::SEE_OTHER, "/delegations"), "{}", made.text);
    let page = look(&world, "mara", "/delegations").await;
    let end = format!("/delegations/{}", quoted(&page.text, "action=\"/delegations/"));
    assert!(look(&world, "ada", "/decide").await.text.contains(&path));
    let ended = browse(&world, &mara, &end, Some("")).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.text);
    assert!(!look(&world, "ada", "/decide").await.text.contains(&path));
}

#[tokio::test]
async fn an_emergency_is_reviewed_and_a_change_adopted_on_a_page() {
    let world = crate::lasting::company().await;
    let body = json!({ "entitlement": "booking-prod-admin", "length": "1h",
        "justification": "the prices of all crossings are zero", "incident": "INC-7" });
    let broken = world.post("olaf", "/requests", body).await.good();
    let path = format!("/requests/{}", broken.text("/id"));
    let inbox = look(&world, "sven", "/decide").await;
    assert!(inbox.text.contains("Emergencies that owe a review"), "{}", inbox.text);
    let page = look(&world, "sven", &path).await;
    assert!(page.text.contains("Give the review"), "{}", page.text);
    assert!(!look(&world, "olaf", &path).await.text.contains("Give the review"));
    let review = format!("{path}/review");
    let form = Some("verdict=justified&note=I+looked+at+the+log");
    let own = browse(&world, &world.secret("olaf"), &review, form).await;
    assert!(own.status.is_client_error(), "{}", own.text);
    let given = browse(&world, &world.secret("sven"), &review, form).await;
    assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.text);
    assert!(look(&world, "sven", &path).await.text.contains("reviewed by"));

    let wider = crate::catalogue::deploy(&world, json!({ "longest": "2d" }));
    let id = world.post("ada", "/catalogue/proposals", wider).await.good().text("/proposal");
    let path = format!("/proposals/{id}");
    assert!(look(&world, "bo", "/proposals").await.text.contains(&path));
    let page = look(&world, "bo", &path).await;
    assert!(page.text.contains("longest") && page.text.contains("Adopt exactly this"));
    assert!(look(&world, "ada", &path).await.text.contains("Withdraw it"));
    let adopted = browse(&world, &world.secret("bo"), &format!("{path}/adopt"), Some("")).await;
    assert_eq!((adopted.status, adopted.to()), (StatusCode::SEE_OTHER, path.as_str()));
    assert!(look(&world, "bo", &path).await.text.contains("adopted"));
}
