//! What comes in through doors: the catalogue's files, and the bodies, paths and queries of the API.

use std::sync::OnceLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use placet_engine::commands::found::Catalogue;
use placet_sim::world::World;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const LARGEST: usize = 16 * 1024 * 1024;

/// A catalogue is read or not; nothing is read halfway.
pub fn catalogue(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = toml::from_str::<Catalogue>(text) {
        assert!(!error.to_string().is_empty());
    }
}

/// A company behind a door, and the session of somebody who may do much there.
struct Door {
    runtime: Runtime,
    router: Router,
    session: String,
    _world: World,
}

fn door() -> &'static Door {
    static DOOR: OnceLock<Door> = OnceLock::new();
    DOOR.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (world, session) = runtime.block_on(async {
            let mut world = World::new(1, 1_000).await;
            world.actor("adam").await.expect("an administrator logs in");
            let session = world.secrets().first().cloned().expect("a session");
            (world, session)
        });
        let router = placet_server::router(world.engine().clone());
        Door { runtime, router, session, _world: world }
    })
}

/// The first line is a method and a path, the rest is the body. Whatever comes, the answer is no fault
/// of ours, and what is refused says why and what to do next.
pub fn api(bytes: &[u8]) {
    let (line, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => bytes.split_at(at),
        None => (bytes, &b""[..]),
    };
    let Ok(line) = std::str::from_utf8(line) else { return };
    let (method, path) = line.split_once(' ').unwrap_or(("POST", line));
    let door = door();
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {}", door.session))
        .header("content-type", "application/json")
        .body(Body::from(body.get(1..).unwrap_or_default().to_vec()));
    // What no client could send.
    let Ok(request) = request else { return };
    door.runtime.block_on(async {
        let Ok(answer) = door.router.clone().oneshot(request).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), LARGEST).await.expect("a body");
        assert!(!status.is_server_error(), "{line}: {status} {}", String::from_utf8_lossy(&bytes));
        let bare = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
        if status.is_client_error() && !(bare && bytes.is_empty()) {
            let problem: serde_json::Value =
                serde_json::from_slice(&bytes).expect("a problem is JSON");
            let says = |what: &str| problem.get(what).and_then(|value| value.as_str());
            assert!(says("detail").is_some_and(|text| !text.is_empty()), "{line}: {problem}");
            assert!(says("next").is_some_and(|text| !text.is_empty()), "{line}: {problem}");
        }
    });
}
