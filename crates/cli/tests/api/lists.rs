//! Pages of lists: each links to the next one while there is more, and none is lost or told twice.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::world::World;

/// The rows of a page, and the address of the next one.
async fn page(world: &World, who: &str, address: &str) -> (Vec<Value>, Option<String>) {
    let secret = format!("Bearer {}", world.secret(who));
    let request = Request::builder().uri(address).header("authorization", secret);
    let response =
        world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200, "{address}");
    let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 26).await.unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    let next = link.map(|link| {
        let (address, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
        assert_eq!(rest, "; rel=\"next\"");
        address.to_owned()
    });
    (rows, next)
}

#[tokio::test]
async fn pages_link_to_the_next_one_until_there_is_no_more() {
    let world = World::new().await;
    for length in ["1h", "2h", "3h"] {
        let asked = world.ask("ines", "booking-staging-deploy", length).await.good();
        let path = format!("/requests/{}/withdraw", asked.text("/id"));
        world.post("ines", &path, serde_json::json!({})).await.good();
    }
    for (who, list) in [
        ("ines", "/requests?"),
        ("ines", "/entitlements?"),
        ("ines", "/targets?"),
        ("ada", "/identities?"),
        ("ines", "/notices?"),
        ("ines", "/tokens?all=true&"),
    ] {
        let (whole, none) = page(&world, who, &format!("/api/v1{list}limit=200")).await;
        assert_eq!(none, None, "{list}");
        for limit in [1, 2, whole.len().max(1)] {
            let mut rows = Vec::new();
            let mut address = Some(format!("/api/v1{list}limit={limit}"));
            while let Some(at) = address {
                let (more, next) = page(&world, who, &at).await;
                assert!(!more.is_empty() || whole.is_empty(), "{at} is a page of nothing");
                rows.extend(more);
                address = next;
            }
            assert_eq!(rows, whole, "{list} by {limit}");
        }
    }
    for query in ["limit=0", "limit=201", "after=", "page=2"] {
        world.get("ines", &format!("/requests?{query}")).await.refused("unreadable");
    }
}
