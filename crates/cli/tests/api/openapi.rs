//! The OpenAPI document: kept as a golden file, whole, and true of the routes.

use std::collections::BTreeSet;

use placet_server::{Needs, ROUTES};
use serde_json::Value;

use crate::routes::golden;
use crate::world::World;

#[tokio::test]
async fn every_route_is_documented_and_nothing_else_is() {
    let world = World::new().await;
    let document = world.get("", "/openapi.json").await.good().body;
    assert_eq!(document["openapi"], "3.1.0");
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.insert((method.to_uppercase(), path.clone()));
            check_operation(&format!("{method} {path}"), operation);
        }
    }
    let routes: BTreeSet<_> =
        ROUTES.iter().map(|one| (one.method.to_owned(), one.path.to_owned())).collect();
    assert_eq!(documented, routes);
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        let security = operation["security"].to_string();
        let token = security.contains("token");
        match route.needs {
            Needs::Nothing => assert_eq!(security, "[{}]", "{}", route.path),
            Needs::Session => assert!(security.contains("session") && !token, "{}", route.path),
            _ => assert!(security.contains("session") && token, "{}", route.path),
        }
    }
    let mut referred = BTreeSet::new();
    references(&document, &mut referred);
    for one in &referred {
        let pointer = one.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{one} refers to nothing");
    }
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let one = format!("#/components/{kind}/{name}");
            assert!(referred.contains(&one), "nothing refers to {one}");
        }
    }
    golden("openapi.golden.json", &(serde_json::to_string_pretty(&document).unwrap() + "\n"));
}

fn check_operation(what: &str, operation: &Value) {
    assert!(operation["summary"].as_str().is_some_and(|says| says.len() > 5), "{what}");
    let good = &operation["responses"]["200"];
    let made = &operation["responses"]["201"];
    assert!(good.is_object() != made.is_object(), "{what} answers one thing when it goes well");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let form = &parameter["schema"];
        let bounded =
            ["pattern", "maxLength", "maximum", "enum"].iter().any(|key| !form[*key].is_null());
        // A name in a path is at most as long as an address.
        let free = form["type"] == "boolean" || parameter["in"] == "path";
        assert!(bounded || free, "{what}: {parameter}");
    }
}

fn references(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(one) = map.get("$ref").and_then(Value::as_str) {
                out.insert(one.to_owned());
            }
            map.values().for_each(|one| references(one, out));
        }
        Value::Array(list) => list.iter().for_each(|one| references(one, out)),
        _ => {}
    }
}

/// What comes in is refused where it says more than is asked for, so the schemas say so too.
#[tokio::test]
async fn what_comes_in_has_no_unknown_keys() {
    let world = World::new().await;
    let document = world.get("", "/openapi.json").await.good().body;
    let mut bodies = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        references(&item["post"]["requestBody"], &mut bodies);
    }
    let mut waiting: Vec<String> = bodies.iter().cloned().collect();
    while let Some(one) = waiting.pop() {
        let schema = document.pointer(one.strip_prefix('#').unwrap()).unwrap();
        if schema["properties"].is_object() {
            assert_eq!(schema["additionalProperties"], false, "{one}");
        }
        let mut inside = BTreeSet::new();
        references(schema, &mut inside);
        waiting.extend(inside.difference(&bodies).cloned().collect::<Vec<_>>());
        bodies.extend(inside);
    }
    assert!(bodies.len() > 25, "{bodies:?}");
}

/// The page says everything that the document does, and a browser runs nothing of it.
#[tokio::test]
async fn the_reference_names_every_route_and_runs_nothing() {
    let world = World::new().await;
    let page = world.get("", "/reference").await.good().body;
    let page = page.as_str().unwrap();
    for route in ROUTES {
        let shown = format!("{} /api/v1{}</code>", route.method, route.path);
        assert!(page.contains(&shown), "{shown}");
    }
    for word in ["<script", "<style", " style=", " onclick=", "javascript:", "http://", "https://"]
    {
        assert!(!page.contains(word), "{word}");
    }
    // Everything that is linked to on the page is on it.
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}
