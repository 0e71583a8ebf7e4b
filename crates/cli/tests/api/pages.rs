//! The pages without a browser: who gets in, what a form does, and what hostile input comes to.

use axum::http::{StatusCode, header};
use placet_server::{Needs, PAGES};
use serde_json::json;
use tower::ServiceExt as _;

use crate::world::World;

pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn to(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |one| one.to_str().unwrap())
    }
}

/// What a browser does: sends its cookie, and says where a form comes from.
pub async fn browse(world: &World, who: &str, path: &str, form: Option<&str>) -> Answer {
    browse_from(world, who, path, form, "same-origin").await
}

/// `who` is the secret of a session or token, or nobody.
async fn browse_from(
    world: &World,
    who: &str,
    path: &str,
    form: Option<&str>,
    site: &str,
) -> Answer {
    let mut request = axum::http::Request::builder().uri(path).header("sec-fetch-site", site);
    if !who.is_empty() {
        request = request.header(header::COOKIE, format!("other=1; placet_session={who}"));
    }
    let request = match form {
        None => request.body(axum::body::Body::empty()),
        Some(body) => request
            .method("POST")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(axum::body::Body::from(body.to_owned())),
    };
    let response = world.router.clone().oneshot(request.unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let told =
        parts.headers.get(header::CONTENT_TYPE).is_some_and(|one| one == "text/event-stream");
    // That goes on for as long as somebody listens.
    let body = if told { axum::body::Body::empty() } else { body };
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status: parts.status, headers: parts.headers, text }
}

/// What is between the first `before` and the next quote.
pub fn quoted<'a>(text: &'a str, before: &str) -> &'a str {
    text.split(before)
        .nth(1)
        .unwrap_or_else(|| panic!("no {before} in {text}"))
        .split('"')
        .next()
        .unwrap()
}

pub async fn code_for(world: &World, person: &str) -> String {
    world.post("ada", "/login-codes", json!({ "person": person })).await.good().text("/secret")
}

#[tokio::test]
async fn every_page_asks_who_looks() {
    let world = World::new().await;
    let (request, grant) = world.active("4h").await;
    let mut lines = Vec::new();
    for page in PAGES {
        let path = page
            .path
            .replace("{file}", "placet.css")
            .replace("{entitlement}", "booking-staging-deploy")
            .replace("/grants/{id}", &format!("/grants/{grant}"))
            .replace("/passkeys/{id}", &format!("/passkeys/pky_{}", "0".repeat(32)))
            .replace("/findings/{id}", &format!("/findings/fnd_{}", "0".repeat(32)))
            .replace("/proposals/{id}", &format!("/proposals/prp_{}", "0".repeat(32)))
            .replace("/handovers/{id}", &format!("/handovers/hnd_{}", "0".repeat(32)))
            .replace("/delegations/{id}", &format!("/delegations/dlg_{}", "0".repeat(32)))
            .replace("/sessions/{id}", &format!("/sessions/crd_{}", "0".repeat(32)))
            .replace("/tokens/{id}", &format!("/tokens/crd_{}", "0".repeat(32)))
            .replace("/work/{id}", &format!("/work/act_{}", "0".repeat(32)))
            .replace("{name}", "web-groups")
            .replace("{handle}", "ines")
            .replace("{id}", &request.text("/id"));
        let form = (page.method == "POST").then_some("");
        let mut cells = Vec::new();
        let callers = [
            ("nobody", String::new()),
            ("token", world.secret("ines-token")),
            ("person", world.secret("ines")),
            ("stranger", world.secret("yara")),
            ("administrator", world.secret("ada")),
        ];
        for (name, secret) in callers {
            // Logging out would end the session for the rest of the matrix.
            if page.path == "/logout" && name != "nobody" {
                continue;
            }
            let answer = browse(&world, &secret, &path, form).await;
            if page.needs == Needs::Session && matches!(name, "nobody" | "token") {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} lets {name} in", page.path);
            }
            let policy = answer.headers.get(header::CONTENT_SECURITY_POLICY).unwrap();
            let policy = policy.to_str().unwrap();
            assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"));
            assert!(answer.text.len() < 100_000, "{}", page.path);
            for hole in [" style=", "<style", " onclick", "hx-on", "javascript:"] {
                let asset = page.path.starts_with("/assets");
                assert!(asset || !answer.text.contains(hole), "{hole} in {}", page.path);
            }
            cells.push(format!("{name}={}", answer.status.as_u16()));
        }
        let (method, path, needs) = (page.method, page.path, page.needs);
        lines.push(format!("{method} {path} ({needs:?}): {}", cells.join(" ")));
    }
    crate::routes::golden("pages.golden", &(lines.join("\n") + "\n"));
}

#[tokio::test]
async fn a_request_goes_from_form_to_grant() {
    let world = World::new().await;
    let code = code_for(&world, "ines").await;
    let answer = browse(&world, "", "/login", Some(&format!("code={code}&to=%2Fask"))).await;
    assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, "/ask"));
    let cookie = answer.headers.get(header::SET_COOKIE).unwrap().to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Expires="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let ines = cookie.split(['=', ';']).nth(1).unwrap();
    // The code is spent, and says so where it was typed.
    let again = browse(&world, "", "/login", Some(&format!("code={code}"))).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.text.contains("was used") && again.text.contains("aria-invalid"));

    // Before it is sent, the form says what would come of it.
    let ask = "/ask/booking-staging-deploy";
    let form = browse(&world, ines, ask, None).await;
    for said in ["What would come of it", "manager", "Mara Holm", "at most 8 h"] {
        assert!(form.text.contains(said), "{said}: {}", form.text);
    }
    // What is wrong stands beside its field, and nothing typed is lost.
    let typed = "length=90d&justification=roll+out+%3Cscript%3Ealert(1)%3C%2Fscript%3E%07";
    let wrong = browse(&world, ines, ask, Some(typed)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("id=\"length-error\""), "{}", wrong.text);
    assert!(wrong.text.contains("roll out &#60;script&#62;") && !wrong.text.contains("<script>a"));
    let typed = typed.replace("90d", "4h").replace("%07", "");
    let sent = browse(&world, ines, ask, Some(&typed)).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let request = sent.to().to_owned();

    for who in ["mara", "kim"] {
        let session = world.secret(who);
        let inbox = browse(&world, &session, "/decide", None).await;
        assert!(inbox.text.contains(&request) && inbox.text.contains("class=\"count\">1"));
        let shown = browse(&world, &session, &request, None).await;
        assert!(shown.text.contains("Agree to exactly this") && !shown.text.contains("<script>a"));
        let digest = quoted(&shown.text, "name=\"digest\" value=\"");
        // Another digest than the one that was read is not agreed to.
        let approve = format!("{request}/approve");
        let other = format!("digest={}", "0".repeat(64));
        let other = browse(&world, &session, &approve, Some(&other)).await;
        assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);
        let agreed = browse(&world, &session, &approve, Some(&format!("digest={digest}"))).await;
        assert_eq!(agreed.status, StatusCode::SEE_OTHER, "{}", agreed.text);
    }
    world.engine.step().await;
    let mine = browse(&world, ines, "/", None).await;
    assert!(mine.text.contains("class=\"tag ok\">active"), "{}", mine.text);
    let grant = format!("/grants/{}", quoted(&mine.text, "href=\"/grants/"));
    let page = browse(&world, ines, &grant, None).await;
    for said in ["Its life", "grant.activated", "<svg class=\"plot lanes\"", "Kim Sand"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("<script>a"));
    // Whoever may not export evidence is told so; an auditor verifies it in place.
    let refused = browse(&world, ines, &format!("{grant}/verify"), Some("")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let nora = world.secret("nora");
    let verified = browse(&world, &nora, &format!("{grant}/verify"), Some("")).await;
    assert!(verified.text.contains("the evidence holds"), "{}", verified.text);
    let file = browse(&world, &nora, &format!("{grant}/evidence"), Some("")).await;
    let name = file.headers.get(header::CONTENT_DISPOSITION).unwrap().to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"evidence-req_"), "{name}");
    // Extended for the same reason in one click, and given back.
    let more = browse(&world, ines, &format!("{grant}/extend"), Some("")).await;
    assert_eq!(more.status, StatusCode::SEE_OTHER, "{}", more.text);
    let back = browse(&world, ines, &format!("{grant}/give-back"), Some("")).await;
    assert_eq!((back.status, back.to()), (StatusCode::SEE_OTHER, "/"));
    let out = browse(&world, ines, "/logout", Some("")).await;
    assert_eq!((out.status, out.to()), (StatusCode::SEE_OTHER, "/login"));
    assert_eq!(browse(&world, ines, "/", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_another_site_sends_does_nothing() {
    let world = World::new().await;
    let ines = world.secret("ines");
    let typed = "length=2h&justification=this+comes+from+elsewhere";
    for site in ["cross-site", "same-site", "none"] {
        let ask = "/ask/booking-staging-deploy";
        let answer = browse_from(&world, &ines, ask, Some(typed), site).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}");
    }
    assert!(browse(&world, &ines, "/", None).await.text.contains("Nothing yet"));
}

#[tokio::test]
async fn nothing_typed_is_lost_when_a_session_is_over() {
    let world = World::new().await;
    let typed = "length=2h&justification=it+%22is%22+%26+stays+as+it+was";
    let ask = "/ask/booking-staging-deploy";
    let answer = browse(&world, "", ask, Some(typed)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.text.contains("what you typed is kept"));
    let kept = quoted(&answer.text, "name=\"kept\" value=\"").replace("&#38;", "&");
    let code = code_for(&world, "ines").await;
    let kept: String = kept.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let login = format!("code={code}&to=%2Fask%2Fbooking-staging-deploy&kept={kept}");
    let again = browse(&world, "", "/login", Some(&login)).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    assert!(again.text.contains("action=\"/ask/booking-staging-deploy\""));
    assert!(again.text.contains("it &#34;is&#34; &#38; stays as it was"), "{}", again.text);

    // A button that says nothing but itself is not lost either, nor where somebody was going.
    let (_, grant) = world.active("4h").await;
    let give_back = format!("/grants/{grant}/give-back");
    let answer = browse(&world, "", &give_back, Some("")).await;
    assert_eq!(quoted(&answer.text, "name=\"to\" value=\""), give_back);
    assert_eq!(quoted(&answer.text, "name=\"kept\" value=\""), "");
    let code = code_for(&world, "ines").await;
    let login = format!("code={code}&to={}&kept=", give_back.replace('/', "%2F"));
    let again = browse(&world, "", "/login", Some(&login)).await;
    assert!(again.text.contains(&format!("action=\"{give_back}\"")), "{}", again.text);
    let answer = browse(&world, "", "/findings?all=true", None).await;
    assert!(answer.text.contains("value=\"/findings?all=true\""), "{}", answer.text);
    assert!(!answer.text.contains("name=\"kept\""), "{}", answer.text);
}

#[tokio::test]
async fn bad_forms_and_addresses_get_a_page_that_says_so() {
    let world = World::new().await;
    let ines = world.secret("ines");
    let large = format!("justification={}", "x".repeat(70_000));
    for (path, form, status, said) in [
        ("/requests/not-an-id", None, 404, "not-an-id"),
        ("/grants/%3Cb%3E", None, 404, "&lt;b&gt;"),
        ("/ask/preview-editr", None, 404, "no entitlement is called"),
        ("/findings/fnd_1", None, 404, "fnd_1"),
        ("/ask/booking-staging-deploy", Some(large.as_str()), 422, "longer than"),
        ("/ask/booking-staging-deploy", Some("length=1h&length=2h"), 422, "twice"),
        ("/requests/req_1/approve", Some("digest=zz"), 404, "req_1"),
        ("/ask/booking-staging-deploy", Some("length=1h&reciever=kim"), 422, "reciever"),
        ("/login", Some("code=1&remember=yes"), 422, "remember"),
        ("/identities/nobody", None, 404, "nobody"),
        ("/decide?from=x", None, 422, "from"),
        ("/grants/%FF", None, 422, "cannot be read"),
        ("/findings?all=perhaps", None, 422, "all"),
        ("/requests/req_1?questions=-1", None, 422, "questions"),
        ("/targets/nowhere", None, 404, "nowhere"),
        ("/entitlements/nothing", None, 404, "no entitlement is called"),
        ("/proposals", None, 403, "not permitted"),
        ("/sessions/1/end", Some(""), 404, "no open session"),
        ("/work/1/confirm", Some("evidence=zz"), 409, "no work order"),
    ] {
        let answer = browse(&world, &ines, path, form).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert!(answer.text.contains(said), "{path}: {}", answer.text);
        assert!(answer.text.contains("next:"), "{path}");
    }
    // Where to go after a login is a place of ours.
    let code = code_for(&world, "ines").await;
    let away = format!("code={code}&to=%2F%2Fevil.example");
    assert_eq!(browse(&world, "", "/login", Some(&away)).await.to(), "/");
}

/// What stands between two texts, each time.
fn all_between<'a>(text: &'a str, before: &'a str, after: &'a str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

/// An address without what it names: `/work/{{ one.id }}/return` and `/work/{id}/return` are one.
fn shape(path: &str) -> String {
    let path = path.replace("{{", "{").replace("}}", "}");
    path.split('?').next().unwrap().split('/').fold(String::new(), |out, part| {
        out + "/" + if part.starts_with('{') { "{}" } else { part }
    })
}

#[test]
fn what_the_forms_say_is_what_their_routes_take() {
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/templates");
    let mut seen = 0;
    for file in std::fs::read_dir(templates).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for form in all_between(&text, "method=\"post\" action=\"", "</form>") {
            let action = form.split('"').next().unwrap();
            // Where it goes, is said when it is shown.
            if action.starts_with("{{") {
                continue;
            }
            let is_it = |page: &&placet_server::WebRoute| {
                page.method == "POST" && shape(page.path) == shape(action)
            };
            let route = PAGES.iter().find(is_it).unwrap_or_else(|| panic!("nothing at {action}"));
            for name in all_between(form, " name=\"", "\"") {
                let known = route.fields.iter().any(|field| {
                    let field: &str = field;
                    field == name || name.starts_with("scope-{{") && field.starts_with("scope-")
                });
                assert!(known, "{action} does not take `{name}`");
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "{seen}");
}
